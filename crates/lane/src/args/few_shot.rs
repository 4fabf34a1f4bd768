//! `lane few-shot`, declared.

use std::path::PathBuf;

use clap::{Args as ClapArgs, ValueEnum};
use lane_few_shot::chat::LimitField;
use lane_few_shot::examples::Sampling;

use super::ColumnArgs;

/// `lane few-shot`.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  lane few-shot --train train.csv --test test.csv --endpoint http://localhost:8000/v1 \\
      --model llama-2-13b-chat --runs 20 --context-tokens 4096 --out run
  lane few-shot --train train.csv --test test.csv --endpoint https://api.openai.com/v1 \\
      --model NAME --max-test 500 --price-in 0.5 --price-out 1.5 --dry-run
  lane few-shot --train train.csv --test test.csv --replay run/replies.jsonl \\
      --model llama-2-13b-chat --runs 20 --context-tokens 4096 --out again

Nothing is sent without --endpoint. A run that was stopped goes on when the same
command is given again, and asks only what has no reply yet.
The key is read from the environment and written nowhere.")]
pub(crate) struct FewShotArgs {
    /// Rows the examples are drawn from: CSV, TSV, JSONL or Parquet with columns `text` and `label`.
    #[arg(long, value_name = "FILE")]
    pub(crate) train: PathBuf,
    /// Rows the model is asked about, scored by their gold labels where they have some.
    #[arg(long, value_name = "FILE")]
    pub(crate) test: PathBuf,
    /// The model, as the server calls it.
    #[arg(long, value_name = "NAME")]
    pub(crate) model: String,
    /// The run folder to write.
    #[arg(long, value_name = "DIR", required_unless_present = "dry_run")]
    pub(crate) out: Option<PathBuf>,
    /// Examples in a prompt; the paper has 100, and 10 for SciHTC.
    #[arg(long, default_value_t = 100)]
    pub(crate) shots: usize,
    /// Share of the examples to show with a wrong label, drawn evenly from the others.
    #[arg(long, default_value_t = 0.2, allow_negative_numbers = true)]
    pub(crate) wrong_share: f64,
    /// Show the labels of the training file as they are, right or wrong.
    #[arg(long, conflicts_with = "wrong_share")]
    pub(crate) given_labels: bool,
    /// Runs, each with other examples; the paper has 10 of ChatGPT and 20 of Llama 2.
    #[arg(long, default_value_t = 10)]
    pub(crate) runs: u32,
    /// Seed of examples, wrong labels, order and test rows; sent along too.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(crate) seed: u64,
    /// How examples are drawn.
    #[arg(long, value_enum, default_value_t)]
    pub(crate) sampling: SamplingArg,
    /// Ask about a random part of the test rows, at most this many [default: all].
    #[arg(long, value_name = "N")]
    pub(crate) max_test: Option<usize>,
    /// Price of a million tokens of prompt, in any currency.
    #[arg(long, value_name = "PRICE", requires = "price_out", allow_negative_numbers = true)]
    pub(crate) price_in: Option<f64>,
    /// Price of a million tokens of reply.
    #[arg(long, value_name = "PRICE", requires = "price_in", allow_negative_numbers = true)]
    pub(crate) price_out: Option<f64>,
    /// Say how many requests there would be, how long and how dear, show the first, and send nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Make a finished run again, from the replies it has; to ask anew, choose another folder.
    #[arg(long)]
    pub(crate) force: bool,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) request: RequestArgs,
    #[command(flatten)]
    pub(crate) columns: ColumnArgs,
}

/// Where replies come from.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// The address before `/chat/completions`, such as `https://api.openai.com/v1`.
    #[arg(long, value_name = "URL", required_unless_present_any = ["replay", "dry_run"])]
    pub(crate) endpoint: Option<String>,
    /// Name of the environment variable with the key; one named here has to be set
    /// [default: `OPENAI_API_KEY`, no key if it is not set].
    #[arg(long, value_name = "VARIABLE")]
    pub(crate) api_key_env: Option<String>,
    /// How often to ask again after a lost connection, 429 or 5xx, after growing pauses.
    #[arg(long, default_value_t = 5)]
    pub(crate) retries: u32,
    /// Seconds until a request counts as lost.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub(crate) timeout: u64,
    /// Requests at a time.
    #[arg(long, default_value_t = 4)]
    pub(crate) concurrency: usize,
    /// Also add every reply to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) record: Option<PathBuf>,
    /// Take the replies from this file, a recording or a run's replies.jsonl, and use no network.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["endpoint", "record"])]
    pub(crate) replay: Option<PathBuf>,
}

/// What is asked of the model.
#[derive(Debug, ClapArgs)]
#[command(next_help_heading = "Request")]
pub(crate) struct RequestArgs {
    /// Sampling temperature.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    pub(crate) temperature: f64,
    /// The most tokens of a reply.
    #[arg(long, default_value_t = 8)]
    pub(crate) max_tokens: u32,
    /// Call that limit `max_completion_tokens`, as newer models of OpenAI want it.
    #[arg(long)]
    pub(crate) max_completion_tokens: bool,
    /// Fields not to send, for servers that take none; may be repeated.
    #[arg(long, value_enum, value_name = "FIELD")]
    pub(crate) omit: Vec<OptionalField>,
    /// Tokens of prompt and reply together, by estimate; examples are dropped until they fit
    /// [default: no limit].
    #[arg(long, value_name = "N")]
    pub(crate) context_tokens: Option<usize>,
}

impl RequestArgs {
    pub(crate) fn limit_field(&self) -> LimitField {
        if self.max_completion_tokens {
            LimitField::MaxCompletionTokens
        } else {
            LimitField::MaxTokens
        }
    }
}

/// Fields that a request can do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OptionalField {
    /// The temperature.
    Temperature,
    /// The seed.
    Seed,
}

/// Ways to draw examples by the name the command line uses.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum SamplingArg {
    /// Every training row alike.
    #[default]
    Uniform,
    /// As many of each class as can be.
    Stratified,
}

impl From<SamplingArg> for Sampling {
    fn from(name: SamplingArg) -> Self {
        match name {
            SamplingArg::Uniform => Self::Uniform,
            SamplingArg::Stratified => Self::Stratified,
        }
    }
}
