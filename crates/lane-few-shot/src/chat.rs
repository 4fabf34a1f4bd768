//! One question to a chat model, and one answer.

use std::fmt::Write;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// Something that answers chat requests: a server, a recording, a test.
///
/// One call is one attempt; trying again is [`retry`](crate::retry)'s business.
pub trait ChatModel: Sync {
    /// Answers a request.
    ///
    /// # Errors
    ///
    /// [`ChatError`], which says whether trying again may help.
    fn reply(&self, request: &ChatRequest) -> Result<Reply, ChatError>;
}

/// How the field that limits the reply is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitField {
    /// As every compatible server takes it.
    #[default]
    MaxTokens,
    /// As newer models of OpenAI want it.
    MaxCompletionTokens,
}

/// What is sent: the body of a call to `/chat/completions`.
#[derive(Clone, Debug, PartialEq)]
pub struct ChatRequest {
    /// Name of the model.
    pub model: String,
    /// The instruction.
    pub system: String,
    /// Examples and question.
    pub user: String,
    /// Sampling temperature; left out where the server takes none.
    pub temperature: Option<f64>,
    /// The most tokens of the reply.
    pub max_tokens: u32,
    /// The name of that limit.
    pub limit_field: LimitField,
    /// Seed of the server's sampling; left out where the server takes none.
    pub seed: Option<u64>,
}

impl ChatRequest {
    /// The JSON that goes over the wire, fields in fixed order.
    pub fn body(&self) -> String {
        let mut body = Map::new();
        body.insert("model".into(), json!(self.model));
        let messages = json!([
            {"role": "system", "content": self.system},
            {"role": "user", "content": self.user},
        ]);
        body.insert("messages".into(), messages);
        if let Some(temperature) = self.temperature {
            body.insert("temperature".into(), json!(temperature));
        }
        let limit = match self.limit_field {
            LimitField::MaxTokens => "max_tokens",
            LimitField::MaxCompletionTokens => "max_completion_tokens",
        };
        body.insert(limit.into(), json!(self.max_tokens));
        if let Some(seed) = self.seed {
            body.insert("seed".into(), json!(seed));
        }
        Value::Object(body).to_string()
    }

    /// SHA-256 of [`body`](Self::body), lower-case hexadecimal: the name under which a reply is kept.
    pub fn key(&self) -> String {
        let digest = Sha256::digest(self.body().as_bytes());
        digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The text; empty where the server gave none.
    pub content: String,
    /// Why the model stopped: `stop`, `length`, `content_filter`, …
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub finish_reason: Option<String>,
    /// Tokens of the question, as the server counts them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prompt_tokens: Option<u64>,
    /// Tokens of the answer, as the server counts them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub completion_tokens: Option<u64>,
    /// The model that answered, as the server names it: often a dated snapshot.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub model: Option<String>,
    /// The server's name for its own state.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub system_fingerprint: Option<String>,
    /// Attempts that failed before this one.
    #[serde(default)]
    pub retries: u32,
}

impl Reply {
    /// Whether the server withheld the answer.
    pub fn is_filtered(&self) -> bool {
        self.finish_reason.as_deref() == Some("content_filter")
    }
}

/// Why a request was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum ChatError {
    /// The key is missing or wrong.
    #[error(
        "{url} asks for a key (401): {message}; the key is read from the environment variable `{variable}`, which is {state}"
    )]
    Unauthorized { url: String, message: String, variable: String, state: &'static str },
    /// No such path, or no such model.
    #[error("{url} was not found (404), or has no model `{model}`: {message}")]
    NotFound { url: String, model: String, message: String },
    /// Refused for good: asking again would be refused again.
    #[error("{url} refuses the request ({status}): {message}")]
    Refused { url: String, status: u16, message: String },
    /// Too many requests, or a fault of the server.
    #[error("{url} is not ready ({status}): {message}")]
    NotReady { url: String, status: u16, message: String, after: Option<Duration> },
    /// No connection, a connection cut, or no answer in time.
    #[error("{url} cannot be reached: {message}")]
    Unreachable { url: String, message: String },
    /// An answer that is none.
    #[error("{url} answers with {found}, expected a chat completion")]
    Malformed { url: String, found: String },
    /// The server wants a longer pause than one waits for.
    #[error("{url} asks to wait {seconds} s, longer than the {longest} s that are waited for")]
    TooLongAWait { url: String, seconds: u64, longest: u64 },
    /// A recording without this request.
    #[error("no recorded reply to request {key}")]
    NotRecorded { key: String },
    /// A reply that came and could not be recorded.
    #[error("failed to record a reply: {message}")]
    Record { message: String },
}

impl ChatError {
    /// Whether another attempt may be answered.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NotReady { .. } | Self::Unreachable { .. } | Self::Malformed { .. })
    }

    /// Whether the same request may be answered some other time.
    pub(crate) fn may_pass(&self) -> bool {
        self.is_transient() || matches!(self, Self::TooLongAWait { .. } | Self::Record { .. })
    }

    /// The pause the server asked for.
    pub fn asked_pause(&self) -> Option<Duration> {
        match self {
            Self::NotReady { after, .. } => *after,
            _ => None,
        }
    }

    /// Where the request went.
    pub(crate) fn url(&self) -> &str {
        match self {
            Self::Unauthorized { url, .. }
            | Self::NotFound { url, .. }
            | Self::Refused { url, .. }
            | Self::NotReady { url, .. }
            | Self::Unreachable { url, .. }
            | Self::Malformed { url, .. }
            | Self::TooLongAWait { url, .. } => url,
            Self::NotRecorded { .. } | Self::Record { .. } => "the recording",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> ChatRequest {
        ChatRequest {
            model: "m".into(),
            system: "s".into(),
            user: "u \"quoted\"".into(),
            temperature: Some(0.0),
            max_tokens: 8,
            limit_field: LimitField::MaxTokens,
            seed: Some(7),
        }
    }

    #[test]
    fn the_body_has_the_fields_of_the_protocol_in_fixed_order() {
        assert_eq!(
            request().body(),
            r#"{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u \"quoted\""}],"temperature":0.0,"max_tokens":8,"seed":7}"#
        );
    }

    #[test]
    fn fields_that_a_server_does_not_take_are_left_out() {
        let limit_field = LimitField::MaxCompletionTokens;
        let body = ChatRequest { temperature: None, seed: None, limit_field, ..request() }.body();
        assert!(body.ends_with(r#"}],"max_completion_tokens":8}"#), "{body}");
    }

    #[test]
    fn the_key_is_the_hash_of_the_body() {
        // Computed with sha256sum over the body above.
        let expected = "8c2761b68f01deb953af0213ad1ba7005ce5d847ed821583e5c3c5ed34969915";
        assert_eq!(request().key(), expected);
        assert_ne!(ChatRequest { seed: Some(8), ..request() }.key(), expected);
    }
}
