//! Every format keeps what is not a changed label.

use std::fs;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, DictionaryArray, Float64Array, Int32Array, ListArray, RecordBatch,
    StringArray, StringViewArray,
};
use arrow::datatypes::{Int32Type, Int64Type};
use lane_review::{ApplyRequest, ReviewError, apply};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::properties::WriterProperties;

use crate::folder::{Folder, ROWS, Row};

/// Takes the suggestion of row 0 and corrects; returns the bytes of the corrected file.
fn corrected(folder: &Folder, name: &str) -> Result<Vec<u8>, ReviewError> {
    folder.serve("ann").decide(0, "suggestion").json();
    let request = ApplyRequest {
        folder: folder.audit(),
        data: None,
        min_agreement: 1.0,
        min_annotators: 1,
        accept_flagged: false,
        force: false,
        dry_run: false,
    };
    apply(&request)?;
    Ok(fs::read(folder.path(name)).unwrap())
}

#[test]
fn a_tsv_keeps_every_other_byte() {
    let row = |(row, it): (usize, &Row)| {
        format!("{row}.50\t{}\t\"{}\"\r\n\r\n", it.1, it.0.replace('"', "\"\""))
    };
    let rows: String = ROWS.iter().enumerate().map(row).collect();
    let text = format!("\u{feff}n\tlabel\ttext\r\n{rows}");
    let folder = Folder::with("data.tsv", text.as_bytes());
    let found = corrected(&folder, "data.corrected.tsv").unwrap();
    let expected = text.replace("0.50\tplace", "0.50\tperson");
    assert_eq!(String::from_utf8(found).unwrap(), expected);
}

#[test]
fn json_lines_keep_every_other_byte() {
    let row = |(row, (text, label, ..)): (usize, &Row)| {
        let text = serde_json::Value::from(*text);
        format!(
            "{{\"n\": {row}.50,\"label\" : \"{label}\", \"text\":{text}, \"more\":[\"\\u00e9\"]}}\n"
        )
    };
    let text: String = ROWS.iter().enumerate().map(row).collect();
    let folder = Folder::with("data.jsonl", text.as_bytes());
    let found = corrected(&folder, "data.corrected.jsonl").unwrap();
    let expected = text.replacen("\"place\"", "\"person\"", 1);
    assert_eq!(String::from_utf8(found).unwrap(), expected);
}

/// Texts, labels of this layout, and columns that nobody reads.
fn table(labels: ArrayRef) -> RecordBatch {
    let texts: Vec<&str> = ROWS.iter().map(|it| it.0).collect();
    let lists = (0..6).map(|row| (row != 2).then(|| vec![Some(row), None]));
    RecordBatch::try_from_iter_with_nullable([
        (
            "score",
            Arc::new(Float64Array::from(vec![Some(0.1), None, Some(0.3), None, None, Some(1e300)]))
                as ArrayRef,
            true,
        ),
        ("label", labels, false),
        ("list", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(lists)), true),
        ("text", Arc::new(StringArray::from(texts)), false),
    ])
    .unwrap()
}

fn written(batch: &RecordBatch, compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_max_row_group_row_count(Some(4))
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

#[track_caller]
fn check_parquet(before: &ArrayRef, after: ArrayRef, compression: Compression) {
    let folder = Folder::with("data.parquet", &written(&table(before.clone()), compression));
    corrected(&folder, "data.corrected.parquet").unwrap();
    let open =
        |path: &Path| ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let found = open(&folder.path("data.corrected.parquet"));
    let groups = found.metadata().row_groups();
    assert_eq!(groups.iter().map(RowGroupMetaData::num_rows).collect::<Vec<_>>(), [4, 2]);
    let source = open(&folder.path("data.parquet"));
    assert_eq!(
        groups[0].column(1).compression(),
        source.metadata().row_group(0).column(1).compression()
    );
    assert_eq!(found.schema(), source.schema());
    let batches: Vec<RecordBatch> = found.build().unwrap().map(Result::unwrap).collect();
    let found = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    let expected = table(after);
    for (found, expected) in found.columns().iter().zip(expected.columns()) {
        let as_strings = |it: &ArrayRef| match it.data_type() {
            arrow::datatypes::DataType::Dictionary(..) => {
                arrow::compute::cast(it, &arrow::datatypes::DataType::Utf8).unwrap()
            }
            _ => it.clone(),
        };
        assert_eq!(found.data_type(), expected.data_type());
        assert_eq!(&as_strings(found), &as_strings(expected));
    }
}

#[test]
fn parquet_keeps_types_other_columns_compression_and_row_groups() {
    let before: Vec<&str> = ROWS.iter().map(|it| it.1).collect();
    let mut after = before.clone();
    after[0] = "person";
    check_parquet(
        &(Arc::new(StringArray::from(before.clone())) as ArrayRef),
        Arc::new(StringArray::from(after.clone())),
        Compression::SNAPPY,
    );
    check_parquet(
        &(Arc::new(StringViewArray::from(before.clone())) as ArrayRef),
        Arc::new(StringViewArray::from(after.clone())),
        Compression::UNCOMPRESSED,
    );
    check_parquet(
        &(Arc::new(before.into_iter().collect::<DictionaryArray<Int32Type>>()) as ArrayRef),
        Arc::new(after.into_iter().collect::<DictionaryArray<Int32Type>>()),
        Compression::ZSTD(parquet::basic::ZstdLevel::default()),
    );
}

#[test]
fn a_label_that_the_column_cannot_hold_is_refused() {
    let labels: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 1, 3, 2, 3]));
    let folder = Folder::with("data.parquet", &written(&table(labels), Compression::SNAPPY));
    let error = corrected(&folder, "data.corrected.parquet").unwrap_err().to_string();
    assert!(error.ends_with("column `label`: label `person` does not fit into Int32"), "{error}");
    assert!(!folder.path("data.corrected.parquet").exists());
    assert!(!folder.path("data.changes.csv").exists());
}
