//! `lane data`, declared.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand};

/// `lane data`.
#[derive(Debug, ClapArgs)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    pub(crate) command: Option<DataCommand>,
}

/// What to do with the paper's data sets; without a word, list them.
#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List the data sets of the paper: classes, rows, score, terms, how to get each.
    List,
    /// Show all that is known of a set, with its citation.
    Show(ShowArgs),
    /// Download sets and write them as train, validation and test.
    Fetch(FetchArgs),
}

/// `lane data show`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane data show goemotions
  lane data show isear --toml > my_isear.toml")]
pub(crate) struct ShowArgs {
    /// A set that `lane data` lists, or a manifest file.
    #[arg(value_name = "NAME|FILE.toml")]
    pub(crate) name: String,
    /// Print the manifest itself, to be changed and given to `lane data fetch`.
    #[arg(long, conflicts_with = "json")]
    pub(crate) toml: bool,
}

/// `lane data fetch`.
#[derive(Debug, ClapArgs)]
#[command(
    after_help = "Each set becomes a folder with train.csv, validation.csv, test.csv (columns text,label) and
source.json, which says where it came from. A finished folder is kept. Every set is tried; the exit
code is 1 if one could not be had.

HF_HOME or HF_HUB_CACHE names the cache, HF_ENDPOINT a mirror, HF_TOKEN an access token;
HF_HUB_OFFLINE=1 takes files from the cache alone.

Examples:
  lane data fetch sst5 goemotions
  lane data fetch ag_news --out ~/corpora --force
  HF_ENDPOINT=https://mirror.example lane data fetch yelp_review
  lane data fetch my_isear.toml"
)]
pub(crate) struct FetchArgs {
    /// Sets that `lane data` lists, or manifest files of the same form.
    #[arg(value_name = "NAME|FILE.toml", required = true)]
    pub(crate) names: Vec<String>,
    /// Where the folders go.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub(crate) out: PathBuf,
    /// Replace sets that were fetched before.
    #[arg(long)]
    pub(crate) force: bool,
}
