//! Labelled files in: CSV, TSV, JSONL and Parquet, checked row by row.
//!
//! The format is told by the extension, upper or lower case: `.csv`, `.tsv`, `.jsonl` or
//! `.ndjson`, `.parquet`. Labels, ids and column names are trimmed; a text is kept as it is.
//! Labels may be text or integers, and become text (`3` and `"3"` are one class).
//!
//! | found | what happens |
//! |---|---|
//! | no such column, ragged row, broken quotes or JSON, a key twice in an object | refused |
//! | bytes that are not UTF-8, UTF-16, a NUL character, anything but an ordinary file | refused |
//! | Parquet that grows beyond all measure when it is unpacked | refused |
//! | empty text, label or id; a null; an id twice; no rows; 2³² rows and more | refused |
//! | one class only, more than 2¹⁶ classes ([`LabelPolicy::Discover`]) | refused |
//! | a label, given or gold, that training did not see ([`LabelPolicy::Known`]) | refused |
//! | a class with one row, or in the gold column only ([`LabelPolicy::Discover`]) | warned |
//! | UTF-8 byte-order mark, blank lines, Windows line ends | accepted |
//!
//! Refusals are [`DataError`]s with file, line (Parquet: row) and column.

mod collect;
pub(crate) mod delimited;
pub(crate) mod hash;
mod json_lines;
mod lines;
pub(crate) mod parquet;
pub(crate) mod quotes;
mod table;
pub(crate) mod text;

use std::path::Path;

use self::collect::{LabelledRows, Limits, RowSink, TextRows};
use crate::columns::{Columns, Want};
use crate::dataset::{Dataset, Unlabelled};
use crate::error::DataError;
use crate::label_set::LabelSet;

pub(crate) use self::hash::of_bytes as hash_of_bytes;
pub use self::hash::of_file as hash_of_file;
pub(crate) use self::json_lines::kind as kind_of_json;
pub use self::parquet::parquet_batch_rows;
pub use self::table::Table;

/// Where class numbers come from.
#[derive(Clone, Copy, Debug)]
pub enum LabelPolicy<'a> {
    /// From the labels of this very file, given and gold together: a training split.
    Discover,
    /// From the training split; any other label is refused: validation and test splits.
    Known(&'a LabelSet),
}

/// Read a labelled file.
///
/// # Errors
///
/// Whatever the table of the module refuses, and [`DataError::Read`] if the file cannot be read.
pub fn dataset(
    path: &Path,
    columns: &Columns,
    labels: LabelPolicy<'_>,
) -> Result<Dataset, DataError> {
    let mut rows = LabelledRows::new(path, labels, Limits::default());
    let sha256 = read_into(path, columns, Want::Labelled, &mut rows)?;
    rows.finish(sha256)
}

/// Read texts for prediction: a label column is not needed, and not read.
///
/// # Errors
///
/// As [`dataset`], less what concerns labels.
pub fn texts(path: &Path, columns: &Columns) -> Result<Unlabelled, DataError> {
    let mut rows = TextRows::new(path, Limits::default());
    let sha256 = read_into(path, columns, Want::TextOnly, &mut rows)?;
    rows.finish(sha256)
}

/// Drive the reader of the file's format; returns the hash of the file.
fn read_into(
    path: &Path,
    columns: &Columns,
    want: Want,
    sink: &mut dyn RowSink,
) -> Result<String, DataError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let source = Source { path, columns, want };
    match extension.as_str() {
        "csv" => {
            let file = text::read(path)?;
            delimited::rows(source, &file.bytes, b',', sink)?;
            Ok(file.sha256)
        }
        "tsv" => {
            let file = text::read(path)?;
            delimited::rows(source, &file.bytes, b'\t', sink)?;
            Ok(file.sha256)
        }
        "jsonl" | "ndjson" => {
            let file = text::read(path)?;
            json_lines::rows(source, &file.bytes, sink)?;
            Ok(file.sha256)
        }
        "parquet" => {
            parquet::rows(source, sink)?;
            hash::of_file(path)
        }
        _ => Err(DataError::UnknownFormat { path: path.into(), extension }),
    }
}

/// A file and what is wanted of it.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
    columns: &'a Columns,
    want: Want,
}
