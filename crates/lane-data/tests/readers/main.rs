//! The readers as a caller sees them: what is read, and what is refused in which words.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

mod delimited;
mod json_lines;
mod labels;
mod never_panics;
mod parquet;

use std::path::Path;

use lane_data::read::{self, LabelPolicy};
use lane_data::{Columns, DataError, Dataset, Unlabelled};

/// A file of this name in a folder of its own, shown to `look`.
fn with_file<T>(name: &str, bytes: &[u8], look: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    look(&path)
}

fn dataset(name: &str, bytes: impl AsRef<[u8]>) -> Result<Dataset, DataError> {
    with_file(name, bytes.as_ref(), |path| {
        read::dataset(path, &Columns::default(), LabelPolicy::Discover)
    })
}

fn texts(name: &str, bytes: impl AsRef<[u8]>) -> Result<Unlabelled, DataError> {
    with_file(name, bytes.as_ref(), |path| read::texts(path, &Columns::default()))
}

/// The message without the folder, which differs from run to run, and the hint.
fn refusal<T: std::fmt::Debug>(read: Result<T, DataError>) -> (String, Option<String>) {
    let err = read.unwrap_err();
    let message = err.to_string();
    let end = message.find([',', ':']).unwrap_or(message.len());
    let start = message[..end].rfind('/').map_or(0, |slash| slash + 1);
    (message[start..].to_owned(), err.hint())
}

#[track_caller]
fn refused(name: &str, bytes: impl AsRef<[u8]>, message: &str, hint: Option<&str>) {
    let (found, found_hint) = refusal(dataset(name, bytes));
    assert_eq!(found, message);
    assert_eq!(found_hint.as_deref(), hint);
}

/// Every row as `id|text|label|gold`.
fn shown(dataset: &Dataset) -> Vec<String> {
    let name = |class| dataset.labels.name(class);
    dataset
        .examples
        .iter()
        .map(|it| {
            let gold = it.gold.map_or("-", name);
            format!("{}|{}|{}|{gold}", it.id, it.text, name(it.label))
        })
        .collect()
}

#[test]
fn unknown_extension_is_refused_with_those_that_are_known() {
    refused(
        "data.xlsx",
        "",
        "data.xlsx: unknown extension `xlsx`, expected .csv, .tsv, .jsonl, .ndjson or .parquet",
        None,
    );
}

#[test]
fn file_that_is_not_there_is_refused_by_name() {
    let missing = Path::new("/nowhere/data.csv");
    let err = read::dataset(missing, &Columns::default(), LabelPolicy::Discover).unwrap_err();
    assert_eq!(err.to_string(), "cannot read /nowhere/data.csv");
    assert!(std::error::Error::source(&err).is_some());
}

#[test]
fn empty_files_have_no_rows() {
    for name in ["a.csv", "a.tsv", "a.jsonl", "a.ndjson"] {
        refused(name, "", &format!("{name}: the file has no rows"), None);
        refused(name, "\n\r\n", &format!("{name}: the file has no rows"), None);
        refused(name, "\u{feff}", &format!("{name}: the file has no rows"), None);
    }
}

#[test]
fn extension_may_be_in_upper_case() {
    assert_eq!(dataset("A.CSV", "text,label\nx,a\ny,b\n").unwrap().n_rows(), 2);
}
