//! The command line, declared.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod cells;
pub(crate) mod data;
pub(crate) mod exchange;
pub(crate) mod few_shot;
pub(crate) mod rescore;
pub(crate) mod review;
pub(crate) mod translate;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand};
use lane_train::Every;

use self::audit::AuditArgs;
use self::bench::BenchCommand;
use self::cells::{CellsArgs, RunCellArgs};
use self::data::DataArgs;
use self::exchange::{ExportArgs, ImportArgs};
use self::few_shot::FewShotArgs;
use self::rescore::RescoreArgs;
use self::review::{ApplyArgs, ReviewArgs};
use self::translate::TranslateArgs;

/// Trains text classifiers that stand noisy labels, and finds the labels that are wrong.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Exit codes: 0 done, 1 failed while running, 2 wrong usage, configuration or input (nothing ran), \
                  3 ran but numbers outside the expected band, 129, 130 or 143 stopped by SIGHUP, SIGINT or SIGTERM \
                  after saving (`lane train --resume` goes on)."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Print results as JSON.
    #[arg(long, global = true, display_order = 100)]
    pub(crate) json: bool,
    /// No progress, only warnings and errors.
    #[arg(long, global = true, display_order = 100)]
    pub(crate) quiet: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train a classifier and rank the training labels by suspicion.
    Train(Box<TrainArgs>),
    /// Score a trained classifier on a labelled file.
    Evaluate(EvaluateArgs),
    /// Predict the labels of a file of texts.
    Predict(PredictArgs),
    /// Find the wrong labels of a file, say why and how sure, and write a report.
    Audit(Box<AuditArgs>),
    /// Make a noisy copy of a labelled file.
    Noise(NoiseArgs),
    /// Look through an audit on a page of this machine, row by row.
    Review(ReviewArgs),
    /// Write the corrected file, by what a review decided.
    Apply(ApplyArgs),
    /// Translate texts there and back, for --back-translation.
    Translate(TranslateArgs),
    /// Have a language model classify, with noisy examples in its prompt.
    FewShot(Box<FewShotArgs>),
    /// Read the scores of dataset cartography or of aum, as a run would leave them.
    Import(ImportArgs),
    /// Write a run as files of dataset cartography or of aum.
    Export(ExportArgs),
    /// Rank rows by what trainings logged of them, without training again.
    Rescore(RescoreArgs),
    /// List the runs of a grid, each with everything it is made of.
    Cells(CellsArgs),
    /// Run one cell of such a list, or keep what is finished.
    RunCell(RunCellArgs),
    /// Time this build on this machine.
    #[command(subcommand)]
    Bench(BenchCommand),
    /// List, show and fetch the data sets of the paper.
    Data(DataArgs),
    /// List the methods.
    Methods,
    /// List the devices of this build and this machine.
    Devices,
}

/// Columns of the data files.
#[derive(Debug, ClapArgs)]
#[expect(clippy::struct_field_names, reason = "the flags are named so")]
pub(crate) struct ColumnArgs {
    /// Column of the text [default: text].
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    pub(crate) text_column: Option<String>,
    /// Column of the given label [default: label].
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    pub(crate) label_column: Option<String>,
    /// Column of the true label, where known [default: gold, if the file has it].
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    pub(crate) gold_column: Option<String>,
    /// Column of the row's id [default: id, if the file has it; else the row number].
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    pub(crate) id_column: Option<String>,
}

/// How to train: what `lane train` and `lane audit` take alike.
#[derive(Debug, ClapArgs)]
pub(crate) struct HowArgs {
    /// A folder with config.json, model.safetensors and tokenizer.json or vocab.txt; hub:ORG/NAME; or
    /// tiny (built in, from scratch) [default: tiny].
    #[arg(long)]
    pub(crate) encoder: Option<String>,
    /// How to train; `lane methods` lists them [default: lane].
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// How often to write a checkpoint: a time (90s, 10m, 2h), a number of steps (500), or never, which
    /// leaves the one that SIGINT and SIGTERM write [default: 10m]. The last two are kept; the results
    /// do not depend on it.
    #[arg(long, value_name = "TIME|STEPS")]
    pub(crate) checkpoint_every: Option<Every>,
    /// A configuration, such as the config.toml of another run.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Any field of the configuration, as in `--set training.patience=3`; may be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) settings: Vec<String>,
    /// One seed for order, initialisation, dropout and views [default: 1].
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: Option<u64>,
    /// Where to compute; `lane devices` lists what there is [default: the one it recommends].
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// Passes over the rows [default: 5; 40 with a frozen encoder; 15 with tiny].
    #[arg(long)]
    pub(crate) epochs: Option<u32>,
    /// Rows of one step [default: 32].
    #[arg(long)]
    pub(crate) batch_size: Option<u32>,
    /// Texts, each view counted, that a network is run on at a time; fewer take less memory and a
    /// third more time, and train the same but for rounding [default: all of a step's].
    #[arg(long, value_name = "TEXTS", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) micro_batch: Option<u32>,
    /// Peak learning rate [default: 2e-5; 1e-3 with a frozen encoder, 2e-3 with tiny].
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) lr: Option<f64>,
    /// Word pieces kept of a text [default: 128].
    #[arg(long)]
    pub(crate) max_length: Option<u32>,
    /// How token vectors become one: cls or mean [default: cls; mean with a frozen encoder].
    #[arg(long)]
    pub(crate) pooling: Option<String>,
    /// Embed once, train only a two-layer head: seconds instead of hours.
    #[arg(long)]
    pub(crate) freeze_encoder: bool,
    /// Versions of each text shown to the networks: 1, the text alone; 2, also with synonyms; 8, every
    /// subset of synonyms, SwitchOut and back-translation [default: 1].
    #[arg(long, value_name = "N")]
    pub(crate) views: Option<u64>,
    /// The training texts translated there and back, a line `id<TAB>text` each, for --views 8; `lane
    /// translate` makes one.
    #[arg(long, value_name = "FILE")]
    pub(crate) back_translation: Option<PathBuf>,
    /// Where synonyms come from: a folder with WordNet's files, or built-in [default: WordNet where it is
    /// installed, else built-in].
    #[arg(long, value_name = "DIR")]
    pub(crate) wordnet: Option<String>,
    /// Train this many times more, each time without one fold of the rows, and write what the
    /// networks make of rows they never saw to `out_of_fold.csv` [default: 0, not at all].
    #[arg(long, value_name = "K")]
    pub(crate) folds: Option<u32>,
}

/// `lane train`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane train --train reviews.csv --encoder hub:google-bert/bert-base-uncased --out run
  lane train --train train.csv --validation dev.csv --test test.csv --encoder ./minilm --freeze-encoder --out run
  lane train --config run/config.toml --set training.epochs=10 --out again
  lane train --resume run

A run that is killed, at any moment, goes on from its last checkpoint with --resume and comes to the
same files, byte for byte, as if it had never been stopped. SIGINT and SIGTERM write a checkpoint and
leave with exit code 130 or 143; a second one leaves at once.")]
pub(crate) struct TrainArgs {
    /// Rows to learn from: CSV, TSV, JSONL or Parquet with columns `text` and `label`.
    #[arg(long, value_name = "FILE", required_unless_present_any = ["config", "resume"])]
    pub(crate) train: Option<PathBuf>,
    /// Rows that choose the best epoch [default: the last epoch is taken].
    #[arg(long, value_name = "FILE")]
    pub(crate) validation: Option<PathBuf>,
    /// Rows that are only scored.
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,
    /// The run folder to write.
    #[arg(long, value_name = "DIR", required_unless_present = "resume")]
    pub(crate) out: Option<PathBuf>,
    /// Go on with the run in this folder, as its config.toml says; no other option is needed, and one
    /// that says otherwise is refused.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["out", "config"])]
    pub(crate) resume: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    /// Replace a finished run, and begin a stopped one anew.
    #[arg(long, conflicts_with = "resume")]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

/// `lane evaluate`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  lane evaluate --model run --data test.csv --json")]
pub(crate) struct EvaluateArgs {
    /// A run folder, or its model folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// A labelled file.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Where to compute [default: the device that `lane devices` recommends].
    #[arg(long)]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

/// `lane predict`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:\n  lane predict --model run --data new.csv --out predicted.csv")]
pub(crate) struct PredictArgs {
    /// A run folder, or its model folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: PathBuf,
    /// A file of texts; labels are not needed.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// The CSV to write: id,text,predicted,probability.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Also write `logit_<class>` for each class.
    #[arg(long)]
    pub(crate) logits: bool,
    /// Rows of one batch.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch_size: u32,
    /// Where to compute [default: the device that `lane devices` recommends].
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// Replace an existing file.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

/// `lane noise`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane noise --data clean.csv --kind uniform --rate 0.2 --seed 1 --out noisy.csv
  lane noise --data clean.csv --kind class-conditional --similarity classes.csv --rate 0.3 --out noisy.csv
  lane noise --data clean.csv --kind instance --encoder ./minilm --rate 0.4 --out noisy.csv")]
pub(crate) struct NoiseArgs {
    /// A labelled file.
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// The rule by which labels change.
    ///
    /// uniform: exactly that share of rows, each to another class; uniform-bernoulli: each row with that
    /// chance; uniform-inclusive: to any class, its own too, so that fewer change; shuffle: labels of that
    /// share trade places, so that fewer change; pairwise: each class to the next; class-conditional: by
    /// --similarity; instance: by the text's embedding, needs --encoder.
    #[arg(long, default_value = "uniform")]
    pub(crate) kind: String,
    /// Share of rows to change, 0 to 1.
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) rate: f64,
    /// Seed of the noise.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The CSV to write (id,text,label,gold,flipped); its record goes beside it.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Keep a random part of the rows, at most this many.
    #[arg(long)]
    pub(crate) max_rows: Option<usize>,
    /// For class-conditional: a CSV of similarities, class names in the header, one row a class.
    #[arg(long, value_name = "FILE")]
    pub(crate) similarity: Option<PathBuf>,
    /// For instance: the encoder whose embeddings decide.
    #[arg(long)]
    pub(crate) encoder: Option<String>,
    /// Where to compute embeddings [default: the device that `lane devices` recommends].
    #[arg(long)]
    pub(crate) device: Option<String>,
    /// Replace an existing file.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}
