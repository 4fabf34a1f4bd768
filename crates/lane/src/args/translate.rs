//! `lane translate`, declared.

use std::path::PathBuf;

use clap::Args as ClapArgs;

use super::ColumnArgs;

/// `lane translate`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane translate --data train.csv --forward ./opus-mt-en-de --back ./opus-mt-de-en --out back.tsv
  lane translate --data train.csv --forward hub:Helsinki-NLP/opus-mt-en-de --back hub:Helsinki-NLP/opus-mt-de-en --out back.tsv
  lane train --train train.csv --back-translation back.tsv --views 8 --out run

Only a build with feature `translate` has the models: cargo build --release -p lane --features translate
A text that comes back empty or unchanged is written as it was, and counted. Translations are kept
on disk (LANE_CACHE), so a run that was stopped goes on where it stood.")]
pub(crate) struct TranslateArgs {
    /// A file of texts; labels are not needed.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// The Marian model that goes there: a folder as OPUS-MT ships it, or hub:ORG/NAME.
    #[arg(long, value_name = "MODEL")]
    pub(crate) forward: String,
    /// The Marian model that comes back.
    #[arg(long, value_name = "MODEL")]
    pub(crate) back: String,
    /// The file to write: a line `id<TAB>text` for each row.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Translations searched in parallel, 1 for the likeliest token at each step [default: what each
    /// model's settings say].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) beams: Option<u32>,
    /// Most tokens of a translation.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_tokens: u32,
    /// Texts of one batch.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_size: u32,
    /// Replace an existing file.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}
