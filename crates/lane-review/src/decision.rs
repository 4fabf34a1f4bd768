//! What a person decides about a row.

use serde::{Deserialize, Serialize};

/// What a person decides about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// The label is right.
    Keep,
    /// The suggested label is right.
    Suggestion,
    /// Another label is right.
    Other,
    /// No opinion; takes an earlier one back.
    Skip,
}

impl Decision {
    const ALL: [Self; 4] = [Self::Keep, Self::Suggestion, Self::Other, Self::Skip];

    /// Its name in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Suggestion => "suggestion",
            Self::Other => "other",
            Self::Skip => "skip",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == name)
    }
}

/// A decision to be kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) row: u32,
    /// The label the row has.
    pub(crate) label: &'a str,
    pub(crate) decision: Decision,
    /// The label it should have; none where that was skipped.
    pub(crate) new_label: Option<&'a str>,
    pub(crate) annotator: &'a str,
}

/// The newest decision of one annotator on one row that was not undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its place among all entries, from 1.
    pub number: i64,
    /// The row, by its place in the audited file.
    pub row: u32,
    /// What was decided.
    pub decision: Decision,
    /// The label the row should have; none where it was skipped.
    pub new_label: Option<String>,
    /// Who decided.
    pub annotator: String,
    /// When, in UTC, such as `2026-11-22T05:41:22Z`.
    pub decided_at: String,
}
