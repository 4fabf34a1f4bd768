//! `lane import` and `lane export`, declared.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use lane_train::exchange::Format;

use super::ColumnArgs;

/// `lane import`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane import training_dynamics --data train.csv --out scores
  lane import aum_values.csv --data train.csv --out scores
  lane import model/training_dynamics --include-ci --burn-out 3 --out map

The ids (guid, sample_id) must be those of the column `id` of --data, or row numbers from 0.
labels.csv is sorted by minus the averaged margin; rows with a negative one are flagged.")]
pub(crate) struct ImportArgs {
    /// A folder of `dynamics_epoch_N.jsonl` (dataset cartography), or `aum_values.csv` or
    /// `full_aum_records.csv` (aum).
    pub(crate) from: PathBuf,
    /// The folder to write: `data_map.csv` and, with --data, labels.csv.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The labelled rows the scores are of.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Widen the variability by its own uncertainty.
    #[arg(long)]
    pub(crate) include_ci: bool,
    /// Make the map from the first so many epochs only [default: all].
    #[arg(long, value_name = "EPOCHS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) burn_out: Option<u32>,
    /// Replace existing files.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

/// `lane export`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane export run --format aum --out aum
  lane train --train train.csv --method base --set save_logits=true --out run
  lane export run --format cartography --out cartography
  lane export run --format csv --out tables

For aum and cartography the epochs are those of run/data_map.csv: the last training that showed every row.
A class is its number in the alphabetical order of the labels, as in the run's dynamics.parquet;
dynamics.csv has its name, and every epoch.")]
pub(crate) struct ExportArgs {
    /// The folder of a finished run.
    pub(crate) run: PathBuf,
    /// Whose files to write.
    #[arg(long, value_enum)]
    pub(crate) format: FormatArg,
    /// The folder to write to.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Replace existing files.
    #[arg(long)]
    pub(crate) force: bool,
}

/// Formats by the name the command line uses.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FormatArg {
    /// `aum_values.csv` and, if logits were saved, `full_aum_records.csv`.
    Aum,
    /// `training_dynamics/dynamics_epoch_N.jsonl`; needs saved logits.
    Cartography,
    /// `dynamics.csv`: margin, prediction and weight of every row in every epoch
    Csv,
}

impl From<FormatArg> for Format {
    fn from(name: FormatArg) -> Self {
        match name {
            FormatArg::Aum => Self::Aum,
            FormatArg::Cartography => Self::Cartography,
            FormatArg::Csv => Self::Csv,
        }
    }
}
