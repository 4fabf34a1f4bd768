//! Everything that distinguishes one few-shot run from another; written as `config.toml`.

use std::path::PathBuf;

use lane_data::Columns;
use serde::{Deserialize, Serialize};

use crate::chat::LimitField;
use crate::error::FewShotError;
use crate::examples::ExampleConfig;

/// The method's name in configurations, records and tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// A chat model with examples in its prompt.
    #[default]
    #[serde(rename = "llm-few-shot")]
    LlmFewShot,
}

/// One call of `lane few-shot`: several runs with different examples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Always `llm-few-shot`.
    pub method: Method,
    /// The model, as the server calls it.
    pub model: String,
    /// One seed for examples, wrong labels, order and test rows; sent to the server too.
    pub seed: u64,
    /// Runs, each with examples of its own.
    pub runs: u32,
    /// The files and their columns.
    pub data: DataConfig,
    /// Examples of a run.
    pub examples: ExampleConfig,
    /// What is asked of the model.
    pub request: RequestConfig,
    /// Where the model is; absent where replies come from a recording.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server: Option<ServerConfig>,
    /// What tokens cost, where that is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<Price>,
}

/// Files and columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Rows the examples are drawn from.
    pub train: PathBuf,
    /// Rows the model is asked about.
    pub test: PathBuf,
    /// Ask about a random part of them, at most this many; the same in every run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max_test: Option<usize>,
    /// Columns of both files.
    pub columns: Columns,
}

/// Decoding, and what fits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestConfig {
    /// Sampling temperature; absent: not sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub temperature: Option<f64>,
    /// The most tokens of a reply.
    pub max_tokens: u32,
    /// How the server calls that limit.
    pub limit_field: LimitField,
    /// Whether the seed is sent.
    pub send_seed: bool,
    /// Tokens of prompt and reply together; examples are dropped until they fit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub context_tokens: Option<usize>,
}

/// Where the model is, and how it is asked; no setting here changes a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// The address before `/chat/completions`.
    pub endpoint: String,
    /// The environment variable that holds the key; the key itself is written nowhere.
    pub api_key_env: String,
    /// How often to ask again.
    pub retries: u32,
    /// Seconds until a request counts as lost.
    pub timeout_seconds: u64,
    /// Requests at a time.
    pub concurrency: usize,
}

/// Prices of a million tokens each, in any currency.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Of the prompt.
    pub prompt: f64,
    /// Of the reply.
    pub completion: f64,
}

impl Price {
    /// What so many tokens cost.
    pub fn of(&self, prompt_tokens: u64, completion_tokens: u64) -> f64 {
        (prompt_tokens as f64 * self.prompt + completion_tokens as f64 * self.completion) / 1e6
    }
}

impl Config {
    /// Refuses settings without meaning.
    ///
    /// # Errors
    ///
    /// [`FewShotError::Setting`] on the first.
    pub fn check(&self) -> Result<(), FewShotError> {
        let positive = |key, found: u64| match found {
            0 => Err(FewShotError::setting(key, found, "at least 1")),
            _ => Ok(()),
        };
        if self.model.trim().is_empty() {
            return Err(FewShotError::setting("--model", "empty", "the name of a model"));
        }
        // TOML and the wire know signed numbers only.
        if i64::try_from(self.seed).is_err() {
            return Err(FewShotError::setting("--seed", self.seed, "at most 2^63 - 1"));
        }
        positive("--runs", u64::from(self.runs))?;
        positive("--max-tokens", u64::from(self.request.max_tokens))?;
        if let Some(max_test) = self.data.max_test {
            positive("--max-test", max_test as u64)?;
        }
        if let Some(temperature) = self.request.temperature {
            non_negative("--temperature", temperature)?;
        }
        if let Some(price) = self.price {
            non_negative("--price-in", price.prompt)?;
            non_negative("--price-out", price.completion)?;
        }
        let Some(server) = &self.server else { return Ok(()) };
        positive("--timeout", server.timeout_seconds)?;
        positive("--concurrency", server.concurrency as u64)
    }
}

fn non_negative(key: &'static str, found: f64) -> Result<(), FewShotError> {
    if found.is_finite() && 0.0 <= found {
        return Ok(());
    }
    Err(FewShotError::setting(key, found, "a number from 0 up"))
}
