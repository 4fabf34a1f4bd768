//! `lane bench`, declared.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use lane_train::bench::Kernels;

/// What to time.
#[derive(Debug, Subcommand)]
pub(crate) enum BenchCommand {
    /// Time training steps: forward, backward, clipping, AdamW.
    Step(Box<StepArgs>),
    /// Time the embedding of a file's texts, tokenizing included.
    Embed(EmbedArgs),
}

/// `lane bench step`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane bench step --shape minilm --batch-size 32 --width 64
  lane bench step --encoder ./minilm --data train.csv --steps 20
  RAYON_NUM_THREADS=2 lane bench step --shape bert-base --batch-size 8 --dropout 0 --json")]
pub(crate) struct StepArgs {
    /// Random weights of a known shape: minilm or bert-base.
    #[arg(
        long,
        value_name = "SHAPE",
        conflicts_with = "encoder",
        required_unless_present = "encoder"
    )]
    pub(crate) shape: Option<String>,
    /// A pretrained folder, hub:ORG/NAME, or tiny.
    #[arg(long)]
    pub(crate) encoder: Option<String>,
    /// Real texts with labels, in batches as a training epoch draws them [default: random ids].
    #[arg(long, value_name = "FILE")]
    pub(crate) data: Option<PathBuf>,
    /// Column of the text.
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub(crate) text_column: String,
    /// Column of the label.
    #[arg(long, value_name = "NAME", default_value = "label")]
    pub(crate) label_column: String,
    /// Let rows of any length meet in a batch.
    #[arg(long, requires = "data")]
    pub(crate) no_bucketing: bool,
    /// Rows of a step.
    #[arg(long, default_value_t = 32)]
    pub(crate) batch_size: u32,
    /// Tokens of a row; with --data the most of a row [default: 64; 128 with --data].
    #[arg(long)]
    pub(crate) width: Option<u32>,
    /// Dropout, 0 to switch it off [default: the encoder's own; 0.1 for a shape].
    #[arg(long, allow_negative_numbers = true)]
    pub(crate) dropout: Option<f64>,
    /// Steps before the clock starts.
    #[arg(long, default_value_t = 3)]
    pub(crate) warmup: u32,
    /// Steps timed.
    #[arg(long, default_value_t = 10)]
    pub(crate) steps: u32,
    /// Where to compute.
    #[arg(long, default_value = "flex")]
    pub(crate) device: String,
    /// What computes the encoder on device flex.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) kernels: KernelsArg,
    /// Seed of weights, batches and dropout.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

/// `lane bench embed`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane bench embed --encoder ./minilm --data train.csv
  lane bench embed --encoder ./minilm --data train.csv --data test.csv --max-rows 2000 --json")]
pub(crate) struct EmbedArgs {
    /// A pretrained folder or hub:ORG/NAME.
    #[arg(long)]
    pub(crate) encoder: String,
    /// A file of texts; may be repeated.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) data: Vec<PathBuf>,
    /// Column of the text.
    #[arg(long, value_name = "NAME", default_value = "text")]
    pub(crate) text_column: String,
    /// The most texts.
    #[arg(long, default_value_t = 10_000)]
    pub(crate) max_rows: u32,
    /// Word pieces kept of a text.
    #[arg(long, default_value_t = 128)]
    pub(crate) max_length: u32,
    /// How token vectors become one: cls or mean.
    #[arg(long, default_value = "mean")]
    pub(crate) pooling: String,
    /// Rows of one batch.
    #[arg(long, default_value_t = 64)]
    pub(crate) batch_size: u32,
    /// Where to compute.
    #[arg(long, default_value = "flex")]
    pub(crate) device: String,
    /// What computes the encoder on device flex.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) kernels: KernelsArg,
}

/// Kernels by the name the command line uses.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum KernelsArg {
    /// Fused: a layer at a time, without padding.
    #[default]
    Fused,
    /// burn's own, operation by operation.
    Plain,
}

impl From<KernelsArg> for Kernels {
    fn from(name: KernelsArg) -> Self {
        match name {
            KernelsArg::Fused => Self::Fused,
            KernelsArg::Plain => Self::Plain,
        }
    }
}
