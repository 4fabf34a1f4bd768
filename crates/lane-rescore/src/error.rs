//! What can go wrong when rows are scored anew.

use std::io;
use std::path::PathBuf;

use crate::byte_size::ByteSize;
use crate::epochs::Epochs;

/// Why rows cannot be scored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum RescoreError {
    /// Another build can.
    #[error("this build of lane has no DataFusion")]
    NotBuilt,
    /// A setting without meaning.
    #[error("{setting} is {found}, expected {expected}")]
    Setting { setting: &'static str, found: String, expected: &'static str },
    /// A file or folder that cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The file to write is there.
    #[error("{} exists", path.display())]
    Exists { path: PathBuf },
    /// A folder without Parquet.
    #[error("{} holds no dynamics.parquet and no other .parquet file", path.display())]
    NoFiles { path: PathBuf },
    /// A file that is no log of a training.
    #[error("{}: found {found}, expected {expected}", path.display())]
    NotDynamics { path: PathBuf, found: String, expected: String },
    /// Files that name different epochs.
    #[error(
        "{} names epochs {} for its data map, {} names {}",
        path.display(), shown(*epochs), other.display(), shown(*others)
    )]
    OtherEpochs { path: PathBuf, epochs: Option<Epochs>, other: PathBuf, others: Option<Epochs> },
    /// Nothing to score.
    #[error("the files hold nothing of epochs {epochs}")]
    NothingSeen { epochs: Epochs },
    /// A value that no training logs.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The limit is too low for so many rows.
    #[error("{limit} of memory do not suffice: {message}")]
    Memory { limit: ByteSize, message: String },
    /// The engine gave up.
    #[error("DataFusion failed: {message}")]
    Engine { message: String },
}

fn shown(epochs: Option<Epochs>) -> String {
    epochs.map_or_else(|| "none".into(), |epochs| epochs.to_string())
}

/// What is wrong with one look at one row.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum Fault {
    /// A line of nothing.
    #[error("a line has no row or no epoch")]
    NoKey,
    /// Two trainings, or one file twice.
    #[error("row {row} is in epoch {epoch} twice, expected once")]
    Twice { row: u32, epoch: u32 },
    /// An empty field.
    #[error("row {row}, epoch {epoch}: `{column}` is empty")]
    Empty { row: u32, epoch: u32, column: &'static str },
    /// A number that cannot be.
    #[error("row {row}, epoch {epoch}: `{column}` is {found}, expected {expected}")]
    Value { row: u32, epoch: u32, column: &'static str, found: f32, expected: &'static str },
    /// What lane-metrics refuses.
    #[error("row {row}, epoch {epoch}: {message}")]
    Refused { row: u32, epoch: u32, message: String },
}

impl RescoreError {
    #[cfg(feature = "datafusion")]
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.into(), source }
    }

    /// What would most likely mend it, where that can be told.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotBuilt => Some("cargo build --release -p lane --features datafusion".into()),
            Self::Exists { .. } => Some("`--force` replaces it".into()),
            Self::OtherEpochs { .. } => {
                Some("`--epochs ..` counts every epoch of every file".into())
            }
            Self::Fault(Fault::Twice { .. }) => {
                Some("give the files of one training; a second one scores the same rows".into())
            }
            Self::Memory { .. } => Some("give more with --memory, or use fewer --threads".into()),
            _ => None,
        }
    }

    /// Whether it lies in what was given.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::Memory { .. } | Self::Engine { .. }) && !self.is_io_of_writing()
    }

    fn is_io_of_writing(&self) -> bool {
        matches!(self, Self::Io { action, .. } if *action != "read")
    }
}
