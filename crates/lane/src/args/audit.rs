//! `lane audit`, declared.

use std::path::PathBuf;

use clap::{ArgGroup, Args as ClapArgs};
use lane_train::RankBy;

use super::{ColumnArgs, HowArgs};

/// `lane audit`.
#[derive(Debug, ClapArgs)]
#[command(group = ArgGroup::new("logged").args(["from_probs", "from_logits", "from_dynamics"]), after_help = "Examples:
  lane audit --data mine.csv --out audit
  lane audit --data mine.csv --encoder ./minilm --freeze-encoder --out audit
  lane audit --data mine.csv --encoder hub:sentence-transformers/all-MiniLM-L6-v2 --no-training --out audit
  lane audit --data mine.csv --from-probs probabilities.npy --out audit
  lane audit --data mine.csv --from-dynamics run --rank-by aum --out audit

Open audit/report.html. audit/labels.csv is the ranking, most suspicious first; `lane review audit` goes
through it row by row, `lane apply audit` writes the corrected file.

With a pretrained encoder every label is judged by softmax regression on the frozen encoder's hidden states,
out of fold, which needs no training; the method is trained once, in audit/run, for its margins and curves,
and --no-training leaves that out. With `tiny`, and with --folds K, the method itself judges, trained once
more for each fold. An audit that was stopped goes on when the same command is given again.")]
pub(crate) struct AuditArgs {
    /// The labelled file: CSV, TSV, JSONL or Parquet with columns `text` and `label`.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// The folder to write.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Rank by this score: suspicion, self-confidence, normalized-margin, confidence-weighted-entropy, alm,
    /// aum, weight, loss, confidence, variability, correctness, forgetting [default: suspicion; without
    /// out-of-fold probabilities alm, else aum].
    #[arg(long, value_name = "SCORE")]
    pub(crate) rank_by: Option<RankBy>,
    /// Do not train the method: no margins, no curves, and done in the time it takes to embed.
    #[arg(long, conflicts_with = "logged")]
    pub(crate) no_training: bool,
    /// Probabilities that models which did not see the row gave each class, a row a text: .npy, Parquet or
    /// CSV; columns named by the classes, else in their sorted order.
    #[arg(long, value_name = "FILE", help_heading = "From elsewhere")]
    pub(crate) from_probs: Option<PathBuf>,
    /// Logits of every epoch of a training: .npy of epochs × rows × classes, or Parquet or CSV with columns
    /// `epoch`, `row` or `id`, and the logits.
    #[arg(long, value_name = "FILE", help_heading = "From elsewhere")]
    pub(crate) from_logits: Option<PathBuf>,
    /// A folder of dataset cartography, a table of aum, or a run of `lane train`.
    #[arg(long, value_name = "PATH", help_heading = "From elsewhere")]
    pub(crate) from_dynamics: Option<PathBuf>,
    /// Look for texts that are exactly the same only, not for nearly the same ones.
    #[arg(long)]
    pub(crate) exact_duplicates: bool,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    /// Replace a finished audit. Decisions of a review are kept.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}
