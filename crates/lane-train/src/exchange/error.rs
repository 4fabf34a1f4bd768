//! What can be wrong with the files of another program: which file, which line, what was found.

use std::path::PathBuf;

use lane_data::shown::shown;
use lane_data::{DataError, MAX_CLASSES};

/// Why a file was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum ExchangeError {
    /// The system would not let us read.
    #[error("cannot read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// A table that cannot be read as one.
    #[error(transparent)]
    Table(#[from] DataError),
    /// One line is at fault.
    #[error("{}, line {line}: {fault}", .path.display())]
    Line { path: PathBuf, line: u64, fault: Fault },
    /// Scores of no rows are no scores.
    #[error("{}: the file has no rows", .path.display())]
    NoRows { path: PathBuf },
    /// Neither of the formats.
    #[error("{}: found neither a folder of dynamics_epoch_N.jsonl nor a CSV with the columns `sample_id` and `aum`", .path.display())]
    UnknownFormat { path: PathBuf },
    /// Forgetting is a change from one epoch to the next, so none may be left out.
    #[error("{}: dynamics_epoch_{missing}.jsonl is missing, but dynamics_epoch_{last}.jsonl is there", .path.display())]
    EpochMissing { path: PathBuf, missing: u32, last: u32 },
    /// Rows that come and go have no comparable averages.
    #[error("{}: {n_missing} of the rows of {} are missing, `{}` the first of them", .path.display(), .known.display(), shown(.id))]
    RowsMissing { path: PathBuf, known: PathBuf, n_missing: usize, id: String },
    /// The scores were made with other labels than the data have.
    #[error("{}: class {gold} of row `{}` is label `{}` in the data, but {other}", .path.display(), shown(.id), shown(.label))]
    LabelsDiffer { path: PathBuf, gold: u16, id: String, label: String, other: String },
    /// An export needs a run that came to its end.
    #[error("{}: not a finished run, it has no {missing}", .path.display())]
    NotARun { path: PathBuf, missing: &'static str },
    /// Logits are kept only where they were asked for.
    #[error("{}: the run kept no logits", .path.display())]
    NoLogits { path: PathBuf },
    /// No epoch shows every row, which the format cannot say.
    #[error("{}: no epoch shows all {n_rows} rows", .path.display())]
    NoWholeEpoch { path: PathBuf, n_rows: usize },
}

/// What is wrong with one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum Fault {
    /// Not JSON at all.
    #[error("broken JSON at character {at}: {reason}")]
    BrokenJson { at: usize, reason: String },
    /// Each line holds one row by field name.
    #[error("found {found}, expected one JSON object")]
    NotAnObject { found: &'static str },
    /// A field or column that must be there is not.
    #[error("no field `{field}`; the fields are {found}")]
    MissingField { field: String, found: String },
    /// A value of another type.
    #[error("field `{field}`: found {}, expected {expected}", shown(.found))]
    WrongType { field: String, found: String, expected: &'static str },
    /// Averaging a NaN would hide that training diverged.
    #[error("field `{field}`: found {}, expected finite numbers", shown(.found))]
    NotFinite { field: String, found: String },
    /// Rows must agree on the number of classes.
    #[error("field `{field}`: {n_found} logits, expected {n_expected} as on the first line")]
    RaggedLogits { field: String, n_found: usize, n_expected: usize },
    /// With one class no label can be wrong.
    #[error("field `{field}`: {n_found} logits, expected at least 2 classes")]
    TooFewClasses { field: String, n_found: usize },
    /// Class ids are 16-bit numbers.
    #[error("field `{field}`: {n_found} logits, expected at most {MAX_CLASSES} classes")]
    TooManyClasses { field: String, n_found: usize },
    /// A label that names no column.
    #[error("`gold` is {gold}, expected a class under {n_classes}")]
    GoldOutOfRange { gold: String, n_classes: usize },
    /// A map of one label cannot be made from epochs with two.
    #[error("`gold` of row `{}` is {gold}, but was {before} in {}", shown(.id), .known.display())]
    GoldChanged { id: String, gold: u16, before: u16, known: PathBuf },
    /// A row without a name cannot be joined with anything.
    #[error("field `{field}` is empty")]
    EmptyId { field: String },
    /// Two rows of one name cannot be told apart.
    #[error("row `{}` already stands on line {first}", shown(.id))]
    DuplicateId { id: String, first: u64 },
    /// A row that the other file does not have.
    #[error("row `{}` does not occur in {}", shown(.id), .known.display())]
    UnknownId { id: String, known: PathBuf },
    /// The first epoch of a row is its measurement 1, the next 2, and so on.
    #[error("measurement {found} of row `{}`, expected {expected}", shown(.id))]
    Measurement { id: String, found: u64, expected: u64 },
    /// Bytes that are no text.
    #[error("not valid UTF-8")]
    NotUtf8,
    /// Which of the two is meant cannot be told.
    #[error("column `{column}` stands there more than once")]
    RepeatedColumn { column: &'static str },
    /// The mean of values that a computer can hold may be beyond.
    #[error("the averaged margin of row `{}` is beyond what can be computed", shown(.id))]
    Overflow { id: String },
}

impl ExchangeError {
    /// One remedy, where there is one.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Table(error) => error.hint(),
            Self::NoLogits { .. } => Some(
                "train again with `--set save_logits=true`: `lane train --config RUN/config.toml --set save_logits=true --out AGAIN`"
                    .into(),
            ),
            Self::Line { fault: Fault::UnknownId { .. }, .. } | Self::RowsMissing { .. } => {
                Some("rows are matched by id; the ids must be the same everywhere".into())
            }
            _ => None,
        }
    }

    pub(super) fn line(path: &std::path::Path, line: u64, fault: Fault) -> Self {
        Self::Line { path: path.into(), line, fault }
    }
}
