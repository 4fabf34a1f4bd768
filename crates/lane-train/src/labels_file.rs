//! `labels.csv`: rows, most suspicious first.

use std::path::Path;

use crate::error::TrainError;
use crate::run_folder::write_atomically;

/// The columns of the file.
pub const COLUMNS: [&str; 9] =
    ["row", "id", "text", "label", "suggested", "score", "weight", "flagged", "reason"];

/// One line of the file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LabelLine<'a> {
    /// Row of the data, from 0.
    pub row: u32,
    /// Its id.
    pub id: &'a str,
    /// Its text.
    pub text: &'a str,
    /// The given label.
    pub label: &'a str,
    /// The label it may rather have; empty where that is not known.
    pub suggested: &'a str,
    /// How likely the given label is wrong: higher is worse, comparable within one file.
    pub score: f64,
    /// The weight of its cross-entropy in the end.
    pub weight: f64,
    /// Whether the method itself would call the label wrong.
    pub flagged: bool,
    /// Why it was left out of the last training; empty where it was not.
    pub reason: &'a str,
}

/// Writes `lines` in the order they come.
///
/// # Errors
///
/// [`TrainError::Io`].
pub fn write<'a>(
    path: &Path,
    lines: impl Iterator<Item = LabelLine<'a>>,
) -> Result<(), TrainError> {
    let failed = |error: csv::Error| TrainError::io("write", path)(error.into());
    let mut table = csv::Writer::from_writer(Vec::new());
    table.write_record(COLUMNS).map_err(failed)?;
    for line in lines {
        table
            .write_record([
                line.row.to_string().as_str(),
                line.id,
                line.text,
                line.label,
                line.suggested,
                &line.score.to_string(),
                &line.weight.to_string(),
                if line.flagged { "1" } else { "0" },
                line.reason,
            ])
            .map_err(failed)?;
    }
    let bytes =
        table.into_inner().map_err(|error| TrainError::io("write", path)(error.into_error()))?;
    write_atomically(path, &bytes)
}
