//! What can go wrong in a review.

use std::io;
use std::path::PathBuf;

use lane_audit::AuditError;
use lane_data::DataError;

/// Why a review cannot be held or applied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum ReviewError {
    /// The folder is not an audit.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The audited file cannot be read, or a file not written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// `SQLite` refuses.
    #[error("cannot {action} {}", path.display())]
    Store {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: rusqlite::Error,
    },
    /// Row numbers mean other rows there.
    #[error("{}: found {found}, expected {expected}", path.display())]
    ForeignDecisions { path: PathBuf, found: String, expected: String },
    /// Nothing was reviewed yet.
    #[error("{} does not exist: nobody has decided anything yet", path.display())]
    NoDecisions { path: PathBuf },
    /// A filter that leaves nothing to look at.
    #[error("the audit has no rows of the kinds asked for ({kinds})")]
    NothingToShow { kinds: String },
    /// A setting without meaning.
    #[error("{setting} is {found}, expected {expected}")]
    Setting { setting: &'static str, found: String, expected: &'static str },
    /// The port is taken, or may not be used.
    #[error("cannot listen on 127.0.0.1:{port}")]
    Listen {
        port: u16,
        #[source]
        source: io::Error,
    },
    /// The server gave up.
    #[error("the server stopped")]
    Serve(#[source] io::Error),
    /// Without randomness there is no secret.
    #[error("the system gives no random bytes for the token: {0}")]
    NoRandomness(getrandom::Error),
    /// Decisions are about the bytes that were audited.
    #[error("{} has changed since the audit: its SHA-256 is {found}, expected {expected}", path.display())]
    SourceChanged { path: PathBuf, found: String, expected: String },
    /// The column of labels has a type that cannot hold the new label.
    #[error("{}, column `{column}`: label `{label}` does not fit into {kind}", path.display())]
    DoesNotFit { path: PathBuf, column: String, label: String, kind: String },
    /// The corrected file was read back and is not what it should be; it was not put in place.
    #[error("the corrected copy of {} reads differently at row {row}; nothing was written", path.display())]
    NotAsMeant { path: PathBuf, row: usize },
    /// A Parquet file that cannot be copied.
    #[error("{}: cannot copy the Parquet file: {reason}", path.display())]
    Parquet { path: PathBuf, reason: String },
}

impl ReviewError {
    /// What would most likely mend it, where that can be told.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Data(error) => error.hint(),
            Self::NoDecisions { .. } => Some("`lane review DIR` asks a person".into()),
            Self::NothingToShow { .. } => {
                Some("`--kinds wrong,hard,conflict,fine` shows every row".into())
            }
            Self::SourceChanged { .. } => {
                Some("`--data FILE` names another copy; a changed file needs a new audit".into())
            }
            Self::ForeignDecisions { .. } => {
                Some("move that file away, or review the audit that it belongs to".into())
            }
            Self::Listen { .. } => Some("`--port 0` takes any free port".into()),
            _ => None,
        }
    }

    /// Whether the fault lies in what was given.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Audit(error) => matches!(error, AuditError::NotAnAudit { .. }),
            Self::Data(error) => error.is_usage(),
            Self::Store { .. }
            | Self::Serve(_)
            | Self::NoRandomness(_)
            | Self::NotAsMeant { .. }
            | Self::Parquet { .. } => false,
            _ => true,
        }
    }
}
