//! `lane rescore`, declared.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use lane_rescore::{ByteSize, Epochs, Score};

/// `lane rescore`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane rescore --dynamics run --score aum --out ranking.csv
  lane rescore --dynamics run --score loss --epochs 2..5 --out ranking.parquet
  lane rescore --dynamics parts/ --score forgetting --memory 512MiB --spill /scratch --out ranking.parquet

Only a build with feature `datafusion` has the engine: cargo build --release -p lane --features datafusion
The ranking has every score of each row, most suspicious first; label is the class's number in the
alphabetical order of the labels. Its bytes do not depend on memory or threads.")]
pub(crate) struct RescoreArgs {
    /// What was logged: a run folder, a Parquet file with the columns of dynamics.parquet, or a folder of
    /// such files; may be repeated.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    pub(crate) dynamics: Vec<PathBuf>,
    /// What to rank by.
    #[arg(long, value_parser = scores())]
    pub(crate) score: Score,
    /// The ranking to write, .csv or .parquet.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// How much to hold before spilling to disk, at least 64MiB; the process takes some more.
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub(crate) memory: ByteSize,
    /// Epochs that count, both ends included: 2..5, 2.., ..5; `..` is all [default: those of the run's
    /// `data_map.csv`, all where the files do not say].
    #[arg(long, value_name = "FROM..TO")]
    pub(crate) epochs: Option<Epochs>,
    /// Widen the variability by its own uncertainty.
    #[arg(long)]
    pub(crate) include_ci: bool,
    /// Threads [default: one a processor, and for each 64 MiB of memory].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// A folder to spill into [default: that of the ranking].
    #[arg(long, value_name = "DIR")]
    pub(crate) spill: Option<PathBuf>,
    /// Replace an existing file.
    #[arg(long)]
    pub(crate) force: bool,
}

fn scores() -> impl TypedValueParser<Value = Score> {
    PossibleValuesParser::new(Score::ALL.map(Score::as_str)).try_map(|name| name.parse::<Score>())
}
