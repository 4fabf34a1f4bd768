//! `lane review` and `lane apply`, declared.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use lane_review::RowKind;

/// `lane review`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane review audit
  lane review audit --estimate
  lane review audit --annotator ann --kinds wrong --port 8123

Open the address that is printed. Keys: k keeps the label, s or Enter takes the suggestion, o or a digit
chooses another, space skips, u undoes, the arrows go back and forward. Each decision is in
DIR/decisions.sqlite before the next row is shown; Ctrl-C ends the server. Several people may review one
audit at a time, each by a `lane review` of their own. The page answers to this machine only; from another
one, forward the port: ssh -L 8123:127.0.0.1:8123 HOST.")]
pub(crate) struct ReviewArgs {
    /// The folder of an audit.
    #[arg(value_name = "DIR")]
    pub(crate) audit: PathBuf,
    /// The port on 127.0.0.1 [default: any free one].
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Whose decisions these are [default: the user's name].
    #[arg(long, value_name = "NAME")]
    pub(crate) annotator: Option<String>,
    /// Kinds of rows to show, most suspicious first.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["wrong", "hard", "conflict"])]
    pub(crate) kinds: Vec<KindArg>,
    /// Begin with 30 flagged and 30 other rows drawn at random, and say by them how right the flags are.
    #[arg(long)]
    pub(crate) estimate: bool,
}

/// Kinds of rows by the name the command line uses.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum KindArg {
    /// The label is likely wrong.
    Wrong,
    /// Hard for the model, but nothing says that the label is wrong.
    Hard,
    /// The same text, or nearly, stands under another label too.
    Conflict,
    /// Nothing speaks against the label.
    Fine,
}

impl From<KindArg> for RowKind {
    fn from(name: KindArg) -> Self {
        match name {
            KindArg::Wrong => Self::Wrong,
            KindArg::Hard => Self::Hard,
            KindArg::Conflict => Self::Conflict,
            KindArg::Fine => Self::Fine,
        }
    }
}

/// `lane apply`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane apply audit --dry-run
  lane apply audit
  lane apply audit --min-annotators 2 --min-agreement 0.66

Writes NAME.corrected.EXT and NAME.changes.csv beside the audited file, which is never changed.
Rows on which annotators disagree keep their label and are listed.")]
pub(crate) struct ApplyArgs {
    /// The folder of an audit that was reviewed.
    #[arg(value_name = "DIR")]
    pub(crate) audit: PathBuf,
    /// The audited file [default: where it was at the time of the audit].
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Share of those who decided that must want the same label, above 0.5.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, allow_negative_numbers = true)]
    pub(crate) min_agreement: f64,
    /// Annotators that must have decided.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) min_annotators: usize,
    /// Also take the suggestion for flagged rows that nobody looked at.
    #[arg(long)]
    pub(crate) accept_flagged: bool,
    /// Say what would be done, write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Replace existing files.
    #[arg(long)]
    pub(crate) force: bool,
}
