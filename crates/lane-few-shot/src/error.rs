//! What can go wrong, and whether anything had been sent by then.

use std::path::PathBuf;

use lane_data::DataError;
use lane_data::open::is_wrong_place;
use lane_metrics::MetricsError;

use crate::chat::ChatError;

/// Why a few-shot run did not come to a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum FewShotError {
    /// A setting has a value that cannot be meant.
    #[error("`{key}` is {found}, expected {expected}")]
    Setting { key: &'static str, found: String, expected: String },
    /// A data file cannot be used, or a result not be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Scores that cannot be computed.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// A label that no reply can name.
    #[error("label `{label}` has no letter or digit, so no reply could name it")]
    WordlessLabel { label: String },
    /// Two labels that every reply names together.
    #[error(
        "labels `{first}` and `{second}` cannot be told apart in a reply, which is read without case and punctuation"
    )]
    AmbiguousLabels { first: String, second: String },
    /// A text that does not fit into the window by itself.
    #[error(
        "row `{id}` of the test file takes about {n_tokens} tokens without any example, more than the {window} of `--context-tokens`"
    )]
    TooLong { id: String, n_tokens: usize, window: usize },
    /// A finished run stands where this one would be written.
    #[error("`{}` already holds a finished run", .path.display())]
    OutputExists { path: PathBuf },
    /// Replies of one server must not pass for another's.
    #[error("`{}` holds {found}, expected {expected}", .path.display())]
    OtherRun { path: PathBuf, found: String, expected: String },
    /// Another process writes there.
    #[error("`{}` is in use by another process", .path.display())]
    InUse { path: PathBuf },
    /// A line of recorded replies that cannot be read.
    #[error("{}, line {line}: not a recorded reply: {reason}", .path.display())]
    BrokenRecording { path: PathBuf, line: usize, reason: String },
    /// A recording made with other settings, or cut short.
    #[error("{}: {n_missing} of {n_requests} requests have no recorded reply", .path.display())]
    NotRecorded { path: PathBuf, n_missing: usize, n_requests: usize },
    /// A request was not answered; what had come before is kept.
    #[error("stopped after {n_answered} of {n_requests} replies")]
    Stopped { n_answered: usize, n_requests: usize, source: ChatError },
    /// A file could not be read or written.
    #[error("failed to {action} `{}`", .path.display())]
    Io { action: &'static str, path: PathBuf, source: std::io::Error },
}

impl FewShotError {
    /// Whether the fault lies in what the user gave, found before anything was sent (exit code 2).
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Data(error) => error.is_usage(),
            Self::Io { action: "create", source, .. } => is_wrong_place(source),
            Self::Io { action: "write", .. } | Self::Stopped { .. } | Self::Metrics(_) => false,
            _ => true,
        }
    }

    /// One remedy, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::OutputExists { .. } => Some(
                "choose another --out, or give --force, which asks only what replies.jsonl does not answer".into(),
            ),
            Self::OtherRun { .. } => Some("choose another --out".into()),
            Self::TooLong { .. } => Some("cut the text, or leave the row out".into()),
            Self::NotRecorded { .. } => Some(
                "a reply belongs to one request: data, seed, model, shots and every other setting of the request must be those of the recording".into(),
            ),
            Self::Stopped { source: ChatError::Refused { status: 400, .. }, .. } => Some(
                "if the prompt is too long, --context-tokens N drops examples until it fits".into(),
            ),
            Self::Stopped { source, .. } if source.may_pass() => {
                Some("replies so far are kept; the same command goes on from there".into())
            }
            _ => None,
        }
    }

    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn setting(
        key: &'static str,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Setting { key, found: found.to_string(), expected: expected.into() }
    }
}
