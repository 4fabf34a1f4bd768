//! Parquet.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int8Array, Int32Array, LargeStringArray, RecordBatch,
    StringArray, StringViewArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use lane_data::read::{self, LabelPolicy};
use lane_data::{Columns, DataError, Dataset, LabelSet};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::{WriterProperties, WriterVersion};

use super::{dataset, refused, shown, texts, with_file};

pub(crate) fn table(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    written(columns, WriterProperties::default())
}

fn written(columns: Vec<(&str, ArrayRef)>, properties: WriterProperties) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

pub(crate) fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn read_columns(columns: Vec<(&str, ArrayRef)>) -> Result<Dataset, DataError> {
    dataset("a.parquet", table(columns))
}

#[test]
fn every_string_layout_is_read_alike() {
    let values = vec!["x", "y", "x"];
    let layouts: [ArrayRef; 4] = [
        Arc::new(StringArray::from(values.clone())),
        Arc::new(LargeStringArray::from(values.clone())),
        Arc::new(StringViewArray::from(values.clone())),
        Arc::new(values.into_iter().collect::<DictionaryArray<Int32Type>>()),
    ];
    for column in layouts {
        let read = read_columns(vec![("text", column.clone()), ("label", column)]).unwrap();
        assert_eq!(shown(&read), ["0|x|x|-", "1|y|y|-", "2|x|x|-"]);
    }
}

#[test]
fn every_way_to_pack_pages_is_read_alike() {
    let packings = [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::GZIP(GzipLevel::default()),
        Compression::LZ4_RAW,
    ];
    for packing in packings {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            let properties = WriterProperties::builder()
                .set_compression(packing)
                .set_writer_version(version)
                .build();
            let columns = vec![("text", strings(&["x", "y"])), ("label", strings(&["a", "b"]))];
            let read = dataset("a.parquet", written(columns, properties)).unwrap();
            assert_eq!(shown(&read), ["0|x|a|-", "1|y|b|-"], "{packing} {version:?}");
        }
    }
}

#[test]
fn integers_of_any_width_are_labels_and_ids() {
    let read = read_columns(vec![
        ("id", Arc::new(UInt64Array::from(vec![u64::MAX, 3]))),
        ("unused", Arc::new(Float64Array::from(vec![0.5, 0.5]))),
        ("text", strings(&["x", "y"])),
        ("label", Arc::new(Int8Array::from(vec![10, 9]))),
        ("gold", Arc::new(Int32Array::from(vec![9, 9]))),
    ])
    .unwrap();
    assert_eq!(shown(&read), ["18446744073709551615|x|10|9", "3|y|9|9"]);
    assert_eq!(read.labels.names(), ["9", "10"]);
}

#[test]
fn null_is_refused_by_row_and_column() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    let bytes = table(vec![("text", texts), ("label", strings(&["a", "b"]))]);
    refused(
        "a.parquet",
        bytes,
        "a.parquet, row 1 (the first is 0), column `text`: found null, expected a value",
        None,
    );
    let labels: ArrayRef =
        Arc::new([Some("a"), Some("b"), None].into_iter().collect::<DictionaryArray<Int32Type>>());
    let bytes = table(vec![("text", strings(&["x", "y", "z"])), ("label", labels)]);
    refused(
        "a.parquet",
        bytes,
        "a.parquet, row 2 (the first is 0), column `label`: found null, expected a value",
        None,
    );
}

#[test]
fn empty_values_and_repeated_ids_are_refused_by_row() {
    let with = |ids: &[&str], texts: &[&str], labels: &[&str]| {
        table(vec![("id", strings(ids)), ("text", strings(texts)), ("label", strings(labels))])
    };
    for (bytes, message) in [
        (with(&["1", "2"], &["x", " "], &["a", "b"]), "column `text`: the text is empty"),
        (with(&["1", "2"], &["x", "y"], &["a", ""]), "column `label`: the label is empty"),
        (
            with(&["1", "1"], &["x", "y"], &["a", "b"]),
            "column `id`: id `1` already stands on row 0 (the first is 0)",
        ),
    ] {
        refused("a.parquet", bytes, &format!("a.parquet, row 1 (the first is 0), {message}"), None);
    }
}

#[test]
fn columns_of_other_types_are_refused_by_the_schema() {
    let labels: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0]));
    refused(
        "a.parquet",
        table(vec![("text", strings(&["x", "y"])), ("label", labels)]),
        "a.parquet, schema, column `label`: found Float64, expected a string or an integer",
        None,
    );
    let texts: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
    refused(
        "a.parquet",
        table(vec![("text", texts), ("label", strings(&["a", "b"]))]),
        "a.parquet, schema, column `text`: found Int32, expected a string",
        None,
    );
}

#[test]
fn missing_column_is_answered_with_those_found() {
    refused(
        "a.parquet",
        table(vec![("txt", strings(&["x"])), ("label", strings(&["a"]))]),
        "a.parquet, schema: no column `text`; the columns are `txt`, `label`",
        Some("did you mean column `txt`?"),
    );
}

#[test]
fn table_without_rows_is_refused() {
    let bytes = table(vec![("text", strings(&[])), ("label", strings(&[]))]);
    refused("a.parquet", bytes, "a.parquet: the file has no rows", None);
}

#[test]
fn file_that_is_no_parquet_is_refused() {
    let err = dataset("a.parquet", "text,label\nx,a\n").unwrap_err();
    assert!(err.to_string().contains("cannot decode the Parquet file"), "{err}");
    assert!(dataset("a.parquet", "").unwrap_err().to_string().contains("cannot decode"));
}

#[test]
fn rows_are_numbered_through_batches() {
    let n_rows = 20_000;
    let rows: Vec<String> = (0..n_rows).map(|row| format!("text {row}")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let mut labels = vec!["a"; n_rows];
    labels[n_rows - 1] = "b";
    let bytes = table(vec![("text", strings(&rows)), ("label", strings(&labels))]);
    let read = dataset("a.parquet", &bytes).unwrap();
    assert_eq!(read.examples[n_rows - 1].text, "text 19999");
    assert_eq!(read.examples[n_rows - 1].id, "19999");
    let known = LabelSet::from_names(["a"]).unwrap();
    let err = with_file("a.parquet", &bytes, |path| {
        read::dataset(path, &Columns::default(), LabelPolicy::Known(&known)).unwrap_err()
    });
    assert!(err.to_string().contains(", row 19999 (the first is 0), column `label`"), "{err}");
}

#[test]
fn texts_are_read_without_a_label_column() {
    let read = texts("a.parquet", table(vec![("text", strings(&["x", "y"]))])).unwrap();
    assert_eq!((read.texts.len(), read.ids[1].as_str()), (2, "1"));
}

#[test]
fn any_damaged_byte_is_answered() {
    let bytes = table(vec![("text", strings(&["x", "y"])), ("label", strings(&["a", "b"]))]);
    for at in 0..bytes.len() {
        for value in [0x00, 0x01, 0x7f, 0x81, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = value;
            let _ = dataset("a.parquet", &damaged).map(|it| it.n_rows());
        }
    }
}
