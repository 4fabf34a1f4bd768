//! Why a data set is not there.

use std::path::PathBuf;

use super::Checked;
use crate::error::DataError;
use crate::hub::HubError;
use crate::manifest::RequestSource;

/// An error of fetching a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// The set is with its owners.
    #[error("cannot be downloaded: it is with {}; {}", .0.owner, .0.how)]
    MustBeAsked(Box<RequestSource>),
    /// The hub could not be opened at all.
    #[error("{0}")]
    NoHub(String),
    /// A file of the hub could not be had.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// A file is not as the manifest describes it, or cannot be written.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file is not the one that was expected.
    #[error(
        "`{file}` of `{repository}` has changed: SHA-256 {found}, expected {expected} {}",
        origin(*.checked_against)
    )]
    Changed {
        /// Its path.
        file: String,
        /// Its repository.
        repository: String,
        /// Of the file that came.
        found: String,
        /// What was expected.
        expected: String,
        /// Who expected it.
        checked_against: Checked,
    },
    /// A finished set by another manifest is never replaced unasked.
    #[error("`{}` was prepared by another manifest", .folder.display())]
    OtherManifest {
        /// The folder.
        folder: PathBuf,
    },
    /// Files that are not ours are never replaced.
    #[error("`{}` holds files that are no prepared set (no readable source.json)", .folder.display())]
    Occupied {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder could not be made or moved into place.
    #[error("failed to {action} `{}`", .path.display())]
    Folder {
        /// `create`, `write`, `replace`.
        action: &'static str,
        /// The folder or file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

fn origin(checked: Checked) -> &'static str {
    match checked {
        Checked::Manifest => "by the manifest",
        Checked::EarlierFetch => "from the first fetch",
        Checked::Nothing => "",
    }
}

impl FetchError {
    /// One remedy, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MustBeAsked(source) => Some(format!(
                "see {}; then write train.csv, validation.csv and test.csv with columns `text,label` yourself",
                source.url
            )),
            Self::Hub(error) => error.hint().map(Into::into),
            Self::Data(DataError::MissingColumn { .. } | DataError::UnlistedLabel { .. }) => Some(
                "`lane data show NAME --toml` prints the manifest; a corrected copy can be fetched by its path".into(),
            ),
            Self::Data(error) => error.hint(),
            Self::Changed { checked_against: Checked::EarlierFetch, .. } => {
                Some("if the change is meant, remove the folder and fetch again".into())
            }
            Self::Changed { .. } => Some(
                "if the change is meant, fetch a copy of the manifest (`lane data show NAME --toml`) with the new hash".into(),
            ),
            Self::OtherManifest { .. } => Some("give --force to replace it, or another --out".into()),
            Self::Occupied { .. } => Some("move it away, or give another --out".into()),
            Self::NoHub(_) => Some("set HF_HOME to a folder".into()),
            Self::Folder { .. } => None,
        }
    }
}
