//! The columns of a source file, row by row, in one pass that holds no more than a batch.
//!
//! Unlike [`read`](crate::read), which takes prepared files and refuses what it does not
//! expect, this takes files as others made them: several text columns, lists of labels, empty
//! values, no header. What is empty is told by the rule, not here.

mod delimited;
mod json_lines;
mod parquet;

use std::path::Path;

use super::ColumnMap;
use crate::error::DataError;
use crate::place::Place;

/// The columns of a row that the manifest names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawRow {
    /// Text columns, in the manifest's order.
    pub texts: Vec<String>,
    /// The label, or the labels of a list; a null is none.
    pub labels: Vec<String>,
    /// The key, where there is such a column.
    pub key: Option<String>,
}

/// Takes one row after the other.
pub type Take<'a> = &'a mut dyn FnMut(Place, RawRow) -> Result<(), DataError>;

/// Hands the rows of the file at `path` to `take`; `name`, whose extension tells the format, is
/// the file's name at its source.
///
/// # Errors
///
/// [`DataError::Read`], [`DataError::UnknownFormat`], [`DataError::MissingColumn`],
/// [`DataError::WrongType`] and what else the format can have wrong; the first error of `take`.
pub fn rows(path: &Path, name: &str, columns: &ColumnMap, take: Take<'_>) -> Result<(), DataError> {
    let extension =
        Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match extension.as_str() {
        "csv" => delimited::rows(path, b',', columns, take),
        "tsv" => delimited::rows(path, b'\t', columns, take),
        "jsonl" | "ndjson" => json_lines::rows(path, columns, take),
        "parquet" => parquet::rows(path, columns, take),
        _ => Err(DataError::UnknownFormat { path: name.into(), extension }),
    }
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> DataError {
    move |source| DataError::Read { path: path.into(), source }
}

fn missing(path: &Path, place: Place, column: &str, found: &[String]) -> DataError {
    DataError::MissingColumn {
        path: path.into(),
        place,
        column: column.into(),
        found: found.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use ::parquet::arrow::ArrowWriter;
    use arrow::array::{ArrayRef, Int64Array, ListArray, RecordBatch, StringArray};
    use arrow::datatypes::Int64Type;

    use super::*;

    fn columns(text: &[&str], label: &str) -> ColumnMap {
        let text = text.iter().map(|&it| it.to_owned()).collect();
        ColumnMap { text, label: label.into(), key: None, order: None }
    }

    fn read(name: &str, bytes: &[u8], columns: &ColumnMap) -> Result<Vec<RawRow>, DataError> {
        let folder = tempfile::tempdir().unwrap();
        // As in the cache of the hub, the file itself has no extension.
        let path = folder.path().join("blob");
        std::fs::write(&path, bytes).unwrap();
        let mut found = Vec::new();
        rows(&path, name, columns, &mut |_, row| {
            found.push(row);
            Ok(())
        })?;
        Ok(found)
    }

    fn row(texts: &[&str], labels: &[&str]) -> RawRow {
        let owned = |values: &[&str]| values.iter().map(|&it| it.to_owned()).collect();
        RawRow { texts: owned(texts), labels: owned(labels), key: None }
    }

    #[track_caller]
    fn refused(name: &str, bytes: &[u8], columns: &ColumnMap) -> String {
        let error = read(name, bytes, columns).unwrap_err().to_string();
        error.rsplit_once("blob").map_or(error.clone(), |(_, rest)| rest.to_owned())
    }

    #[test]
    fn csv_columns_are_found_by_name_and_marks_and_line_ends_do_not_matter() {
        let bytes =
            "\u{feff}label,title,text\r\n3,\"a, b\",\"line\nend\"\r\n\r\n4,,x\r\n".as_bytes();
        let rows = read("a.csv", bytes, &columns(&["title", "text"], "label")).unwrap();
        assert_eq!(rows, [row(&["a, b", "line\nend"], &["3"]), row(&["", "x"], &["4"])]);
    }

    #[test]
    fn a_file_without_header_has_its_columns_by_position() {
        let order = Some(vec!["label".into(), "text".into()]);
        let map = ColumnMap { order, ..columns(&["text"], "label") };
        let expected = [row(&["x"], &["5"]), row(&["y"], &["1"])];
        assert_eq!(read("a.csv", b"5,x\n1,y\n", &map).unwrap(), expected);
        assert_eq!(read("a.csv", b"label,text\n5,x\n1,y\n", &map).unwrap(), expected);
    }

    #[test]
    fn broken_delimited_files_are_refused_with_line_and_column() {
        let map = columns(&["text"], "label");
        assert_eq!(
            refused("a.tsv", b"text\tlabel\nx\ty\tz\n", &map),
            ", line 2: the number of fields is 3, expected 2 as in the header"
        );
        assert_eq!(
            refused("a.csv", b"Text,label\n", &map),
            ", line 1: no column `text`; the columns are `Text`, `label`"
        );
        assert_eq!(
            refused("a.csv", b"text,label\na\xff,b\n", &map),
            ", line 2, column `text`: byte 0xff is not valid UTF-8"
        );
        assert_eq!(refused("a.csv", b"", &map), ": the file has no rows");
    }

    #[test]
    fn json_lines_hold_strings_numbers_and_lists() {
        let map = ColumnMap { key: Some("id".into()), ..columns(&["text"], "label") };
        let bytes = b"{\"text\":\"x\",\"label\":3,\"id\":7}\n\n{\"id\":\"b\",\"text\":null,\"label\":[1,\"2\"]}\n";
        let rows = read("a.jsonl", bytes, &map).unwrap();
        let with_key = |row: RawRow, key: &str| RawRow { key: Some(key.into()), ..row };
        assert_eq!(rows[0], with_key(row(&["x"], &["3"]), "7"));
        assert_eq!(rows[1], with_key(row(&[""], &["1", "2"]), "b"));
    }

    #[test]
    fn broken_json_lines_are_refused_with_the_line() {
        let map = columns(&["text"], "label");
        let missing = refused("a.jsonl", b"{\"text\":\"x\"}\n", &map);
        assert_eq!(missing, ", line 1: no column `label`; the columns are `text`");
        assert!(
            refused("a.jsonl", b"{\"text\":\n", &map).contains("line 1, character 8: broken JSON")
        );
        assert!(refused("a.jsonl", b"[1]\n", &map).contains("found an array"));
        assert!(
            refused("a.jsonl", b"{\"text\":{},\"label\":1}\n", &map).contains("found an object")
        );
        assert!(
            refused("a.jsonl", b"{\"text\":\"\",\"label\":1.5}\n", &map).contains("found a number")
        );
    }

    fn table(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn parquet_labels_may_be_numbers_text_or_lists_and_nulls_are_empty() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, Some("z")]));
        let lists = [Some(vec![Some(3)]), None, Some(vec![Some(1), Some(2)])];
        let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists));
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![Some(0), Some(-1), None]));
        let map = columns(&["text"], "label");
        let bytes = table(vec![("text", text.clone()), ("label", lists)]);
        let expected = [row(&["x"], &["3"]), row(&[""], &[]), row(&["z"], &["1", "2"])];
        assert_eq!(read("a.parquet", &bytes, &map).unwrap(), expected);
        let bytes = table(vec![("label", numbers), ("text", text)]);
        let expected = [row(&["x"], &["0"]), row(&[""], &["-1"]), row(&["z"], &[])];
        assert_eq!(read("a.parquet", &bytes, &map).unwrap(), expected);
    }

    #[test]
    fn parquet_of_other_types_or_cut_short_is_refused() {
        let map = columns(&["text"], "label");
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x"]));
        let number: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let bytes = table(vec![("text", number.clone()), ("label", text.clone())]);
        let wrong = refused("a.parquet", &bytes, &map);
        assert_eq!(wrong, ", schema, column `text`: found Int64, expected a string");
        let bytes = table(vec![("text", text), ("label", number)]);
        assert!(refused("a.parquet", &bytes[..bytes.len() / 2], &map).contains("Parquet"));
        let other = columns(&["body"], "label");
        assert!(refused("a.parquet", &bytes, &other).contains("no column `body`"));
    }

    #[test]
    fn a_file_of_another_format_is_named() {
        let error = rows(Path::new("blob"), "data/a.zip", &columns(&[], ""), &mut |_, _| Ok(()));
        assert!(error.unwrap_err().to_string().starts_with("data/a.zip: unknown extension `zip`"));
    }
}
