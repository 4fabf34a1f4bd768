//! What can go wrong with an audit.

use std::path::{Path, PathBuf};

use lane_metrics::MetricsError;

use crate::ranking_error::RankingError;

/// What can go wrong with an audit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A file cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `write` or `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder that `lane audit` did not write, or not to its end.
    #[error("{} is not the folder of a finished audit: {found}", path.display())]
    NotAnAudit {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        found: String,
    },
    /// A row that cannot be counted among its classes: labels or probabilities were mixed up.
    #[error("row {row} has {found}")]
    Classes {
        /// The row, from 0.
        row: usize,
        /// What it has and what was expected.
        found: String,
    },
    /// Names that are not those of the classes counted.
    #[error("{found} names of classes, expected {expected}")]
    ClassNames {
        /// Names given.
        found: usize,
        /// Classes.
        expected: usize,
    },
    /// Probabilities or labels that no ranking can be made of.
    #[error(transparent)]
    Ranking(#[from] RankingError),
    /// Nothing to rank by, or not what was asked for.
    #[error("to rank by {score} takes {needs}")]
    NoScore {
        /// The score.
        score: String,
        /// What is missing.
        needs: &'static str,
    },
    /// A plot cannot be drawn.
    #[error("cannot draw the {plot}: {found}")]
    Plot {
        /// Which one.
        plot: &'static str,
        /// Why.
        found: String,
    },
}

impl From<MetricsError> for AuditError {
    fn from(error: MetricsError) -> Self {
        Self::Ranking(error.into())
    }
}

impl AuditError {
    pub(crate) fn io(
        action: &'static str,
        path: &Path,
    ) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn not_an_audit(path: &Path, found: impl ToString) -> Self {
        Self::NotAnAudit { path: path.to_owned(), found: found.to_string() }
    }
}
