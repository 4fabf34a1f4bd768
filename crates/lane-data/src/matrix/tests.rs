//! Files of every format give the same numbers, and damaged ones a message that names the place.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::array::{FixedSizeListBuilder, Float32Builder, ListBuilder};
use lane_metrics::confident_learning::{self, Filter, LabeledRows, scores};
use lane_metrics::{ClassId, RowId};

use super::*;

/// A folder that goes away, and files in it.
struct Files(tempfile::TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    fn parquet(&self, name: &str, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
        let path = self.0.path().join(name);
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer =
            ::parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        path
    }
}

/// An array as `NumPy` saves it.
fn npy(kind: &str, order: &str, shape: &str, numbers: &[u8]) -> Vec<u8> {
    let dictionary = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': {shape}, }}");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dictionary.len() as u16).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.extend(numbers);
    bytes
}

fn all(matrix: &Matrix) -> Result<Vec<f64>, DataError> {
    let (mut blocks, mut values) = (matrix.blocks()?, Vec::new());
    while let Some(block) = blocks.next_block()? {
        assert_eq!(values.len(), block.first_row() as usize * matrix.n_columns());
        values.extend_from_slice(block.values());
    }
    Ok(values)
}

const VALUES: [f64; 6] = [0.25, 0.75, 0.5, 0.5, 1.0, 0.0];

fn little(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|it| (*it as f32).to_le_bytes()).collect()
}

#[test]
fn every_kind_of_array_gives_the_same_numbers() {
    let files = Files::new();
    let bytes = |value: fn(f64) -> Vec<u8>| VALUES.iter().flat_map(|it| value(*it)).collect();
    let kinds: [(&str, Vec<u8>); 6] = [
        ("<f8", bytes(|it| it.to_le_bytes().to_vec())),
        (">f8", bytes(|it| it.to_be_bytes().to_vec())),
        ("<f4", bytes(|it| (it as f32).to_le_bytes().to_vec())),
        (">f4", bytes(|it| (it as f32).to_be_bytes().to_vec())),
        ("<f2", bytes(|it| half::f16::from_f64(it).to_le_bytes().to_vec())),
        (">f2", bytes(|it| half::f16::from_f64(it).to_be_bytes().to_vec())),
    ];
    for (kind, numbers) in kinds {
        let path = files.write("a.npy", npy(kind, "False", "(3, 2)", &numbers));
        let matrix = open(&path).unwrap();
        assert_eq!((matrix.n_rows(), matrix.n_columns()), (Some(3), 2));
        assert_eq!(all(&matrix).unwrap(), VALUES, "{kind}");
    }
    let columns = little(&[0.25, 0.5, 1.0, 0.75, 0.5, 0.0]);
    let path = files.write("a.npy", npy("<f4", "True", "(3, 2)", &columns));
    assert_eq!(all(&open(&path).unwrap()).unwrap(), VALUES);
}

#[test]
fn tables_give_the_same_numbers_by_name_and_by_place() {
    let files = Files::new();
    for text in [
        "joy,anger\n0.25,0.75\n0.5,0.5\n1,0\n",
        "\u{feff}id\tjoy\tanger\r\n\"a, b\"\t.25\t 7.5e-1 \r\n\r\nb\t0.5\t0.5\r\nc\t1\t0",
        ",0,1\n0,0.25,0.75\n1,0.5,0.5\n2,1,0\n",
        "0.25,0.75\n0.5,0.5\n1,0\n",
    ] {
        let name = if text.contains('\t') { "a.tsv" } else { "a.csv" };
        let matrix = open(&files.write(name, text)).unwrap();
        assert_eq!(all(&matrix).unwrap(), VALUES, "{text}");
        let named = matrix.names().is_some();
        let names = ["anger", "joy"].map(String::from);
        let turned = all(&matrix.with_columns(&names).unwrap()).unwrap();
        let expected = if named { [0.75, 0.25, 0.5, 0.5, 0.0, 1.0] } else { VALUES };
        assert_eq!(turned, expected, "{text}");
    }
    let floats = |values: [f64; 3]| Arc::new(Float64Array::from(values.to_vec())) as ArrayRef;
    let texts = Arc::new(StringArray::from(vec!["x", "y", "z"])) as ArrayRef;
    let path = files.parquet(
        "a.parquet",
        vec![
            ("text", texts.clone()),
            ("joy", floats([0.25, 0.5, 1.0])),
            ("anger", Arc::new(Float32Array::from(vec![0.75, 0.5, 0.0]))),
            ("id", texts),
        ],
    );
    let matrix = open(&path).unwrap();
    assert_eq!((matrix.n_rows(), matrix.key()), (Some(3), Some(Key::Id)));
    assert_eq!(all(&matrix).unwrap(), VALUES);
    let only = matrix.with_columns(&["anger".into()]).unwrap();
    assert_eq!(all(&only).unwrap(), [0.75, 0.5, 0.0]);
}

#[test]
fn lists_of_either_kind_are_rows() {
    let files = Files::new();
    let mut lists = ListBuilder::new(Float32Builder::new());
    let mut fixed = FixedSizeListBuilder::new(Float32Builder::new(), 2);
    for row in VALUES.chunks(2) {
        for value in row {
            lists.values().append_value(*value as f32);
            fixed.values().append_value(*value as f32);
        }
        lists.append(true);
        fixed.append(true);
    }
    let embedding = fixed.finish_cloned();
    let columns: Vec<(&str, ArrayRef)> = vec![("embedding", Arc::new(embedding))];
    let path = files.parquet("fixed.parquet", columns.clone());
    assert_eq!(all(&open(&path).unwrap()).unwrap(), VALUES);
    let lists: ArrayRef = Arc::new(lists.finish());
    let both = [columns.clone(), vec![("probs", lists.clone())]].concat();
    let matrix = open(&files.parquet("both.parquet", both)).unwrap();
    assert_eq!((matrix.n_columns(), all(&matrix).unwrap()), (2, VALUES.to_vec()));
    let unclear = [columns, vec![("other", lists)]].concat();
    let path = files.parquet("unclear.parquet", unclear);
    let message = open(&path).unwrap_err().to_string();
    let expected = "unclear.parquet, schema: found lists of floats in `embedding`, `other`, expected \
                    one such column, or one called `probabilities` or `logits`";
    assert!(message.ends_with(expected), "{message}");
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let files = Files::new();
    let message = |name: &str, bytes: &[u8]| {
        let path = files.write(name, bytes);
        let error = open(&path).and_then(|matrix| all(&matrix)).unwrap_err().to_string();
        let folder = format!("{}/", files.0.path().display());
        error.strip_prefix(&folder).unwrap_or(&error).to_owned()
    };
    let nan = little(&[0.5, 0.5, 0.5, f64::NAN]);
    for (bytes, expected) in [
        (
            npy("<f4", "False", "(2, 2)", &nan),
            "row 1 (the first is 0), column `1`: found NaN, expected a finite number",
        ),
        (
            npy("<f4", "False", "(3, 2)", &nan),
            ": found 85 bytes with an array of shape [3, 2], expected as many bytes as the shape says",
        ),
        (
            npy("<f4", "False", "(4,)", &nan),
            ": found an array of shape [4], expected two dimensions, rows and classes",
        ),
        (
            npy("<f4", "False", "(1, 2, 2)", &nan),
            ": found an array of shape [1, 2, 2], expected two dimensions, rows and classes",
        ),
        (npy("<f4", "False", "(0, 2)", &[]), ": the file has no rows"),
        (
            npy("<f4", "False", "(9223372036854775807, 9223372036854775807)", &nan),
            "expected as many bytes as the shape says",
        ),
    ] {
        let found = message("a.npy", &bytes);
        assert!(found.starts_with("a.npy") && found.ends_with(expected), "{found}");
    }
    for (text, expected) in [
        ("", "a.csv: the file has no rows"),
        ("a,b\n", "a.csv: the file has no rows"),
        ("a,b\n1,2\n\n1,x\n", "a.csv, line 4, column `b`: found `x`, expected a finite number"),
        ("1,2\n1,\n", "a.csv, line 2, column `1`: found nothing, expected a finite number"),
        ("1,2\n1,inf\n", "a.csv, line 2, column `1`: found inf, expected a finite number"),
        ("1,2\n1,2,3\n", "a.csv, line 2: found 3 values, expected 2 as in the first row"),
        ("a,a\n1,2\n", "a.csv, line 1: column `a` stands there more than once"),
        ("a,b\n1,\"2\n", "a.csv, line 2, column 2: a quote is opened and never closed"),
        ("id\nx\n", "a.csv, line 1: found no column of numbers, expected one a class"),
        (
            "row,epoch,a,b\n0,0,1,2\n",
            "a.csv, line 1: found a column `epoch`, expected one row a text",
        ),
    ] {
        assert_eq!(message("a.csv", text.as_bytes()), expected);
    }
    assert_eq!(
        message("a.txt", b""),
        "a.txt: unknown extension `txt`, expected .npy, .parquet, .csv or .tsv"
    );
}

#[test]
fn what_is_wrong_with_parquet_is_named_with_its_place() {
    let files = Files::new();
    let error = open(&files.write("a.parquet", b"PAR1 no")).unwrap_err().to_string();
    assert!(error.contains("cannot decode the Parquet file"), "{error}");
    let nothing: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), None]));
    let path = files.parquet("null.parquet", vec![("a", nothing.clone()), ("b", nothing)]);
    let error = all(&open(&path).unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("row 1 (the first is 0), column `a`: found null, expected a value"));
    let mut lists = ListBuilder::new(Float32Builder::new());
    for n in [2, 3] {
        lists.values().append_slice(&[0.5; 3][..n]);
        lists.append(true);
    }
    let path = files.parquet("lists.parquet", vec![("probs", Arc::new(lists.finish()))]);
    let error = all(&open(&path).unwrap()).unwrap_err().to_string();
    assert!(
        error.ends_with("row 1 (the first is 0): found 3 values, expected 2 as in the first row")
    );
}

/// Probabilities of some rows, and labels, a fifth of them others than the most probable class.
fn problem(n_rows: usize, n_classes: usize) -> (Vec<f32>, Vec<ClassId>) {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for row in 0..n_rows {
        let weight = |class: usize| 1 + (row * 7919 + class * class * 104_729) % 1009;
        let sum: usize = (0..n_classes).map(weight).sum();
        values.extend((0..n_classes).map(|class| weight(class) as f32 / sum as f32));
        let best = (0..n_classes).max_by_key(|class| weight(*class)).unwrap_or(0);
        labels.push(ClassId(((best + usize::from(row % 5 == 0)) % n_classes) as u16));
    }
    (values, labels)
}

#[test]
fn blocks_of_a_file_are_audited_to_the_bit_as_rows_in_memory() {
    let files = Files::new();
    // Two and a half blocks.
    let (n_rows, n_classes) = (5 * BLOCK / 14, 7);
    let (values, labels) = problem(n_rows, n_classes);
    let numbers: Vec<u8> = values.iter().flat_map(|it| it.to_le_bytes()).collect();
    let path = files.write("p.npy", npy("<f4", "False", &format!("({n_rows}, 7)"), &numbers));
    let wide: Vec<f64> = values.iter().map(|it| f64::from(*it)).collect();
    let whole = LabeledRows::new(&wide, &labels, n_classes).unwrap();
    let matrix = open(&path).unwrap();
    let mut rows = LabeledMatrix::new(&matrix, &labels, n_classes).unwrap();

    let joint = confident_learning::estimate(&mut rows).unwrap();
    assert_eq!(joint, confident_learning::estimate(whole).unwrap());
    for filter in Filter::ALL {
        let expected = confident_learning::flags(whole, &joint, filter).unwrap();
        assert_eq!(confident_learning::flags(&mut rows, &joint, filter).unwrap(), expected);
        assert!(expected.contains(&true));
    }
    for score in
        [scores::self_confidence, scores::normalized_margin, scores::confidence_weighted_entropy]
    {
        assert_eq!(scores::over(&mut rows, score).unwrap(), score(whole));
    }
}

#[test]
fn rows_that_do_not_pair_up_with_the_data_are_refused() {
    let files = Files::new();
    let labels = [0, 1, 0].map(ClassId);
    let estimate = |text: &str, ids: Option<[&'static str; 3]>| {
        let matrix = open(&files.write("p.csv", text)).unwrap();
        let rows = LabeledMatrix::new(&matrix, &labels, 2)?;
        let rows = match ids {
            Some(ids) => rows.with_ids(ids),
            None => rows,
        };
        confident_learning::estimate(rows).map(|joint| joint.n_rows())
    };
    let refused = |text: &str, ids| {
        let message = estimate(text, ids).unwrap_err().to_string();
        message.rsplit("p.csv").next().unwrap_or_default().to_owned()
    };
    let ids = Some(["x", "y", "z"]);
    assert_eq!(estimate("id,a,b\nx,1,0\ny,0,1\nz,1,0\n", ids).unwrap(), 3);
    assert_eq!(estimate("row,a,b\n0,1,0\n1,0,1\n2,1,0\n", ids).unwrap(), 3);
    assert_eq!(estimate("id,a,b\n0,1,0\n1,0,1\n2,1,0\n", None).unwrap(), 3);
    let expected = ", line 3, column `id`: found `z`, expected `y` as in the data";
    assert_eq!(refused("id,a,b\nx,1,0\nz,0,1\ny,1,0\n", ids), expected);
    assert_eq!(refused("1,0\n0,1\n", None), ": 2 rows, expected 3 as in the data");
    assert_eq!(refused("1,0\n0,1\n1,0\n1,0\n", None), ": 4 rows, expected 3 as in the data");
    assert_eq!(refused("1,0,0\n", None), ": 3 columns of numbers, expected 2, one a class");
    let expected = ", line 2, column `1`: found 1.5, expected a probability, 0 to 1";
    assert_eq!(refused("1,0\n0.5,1.5\n1,0\n", None), expected);
    let expected = ", line 2: the probabilities sum to 0.75, expected 1 to within 0.01";
    assert_eq!(refused("1,0\n0.5,0.25\n1,0\n", None), expected);
}

/// Epoch, rows and logits of a block.
type EpochRows = (u32, Vec<u32>, Vec<f32>);

fn epochs_of(path: &std::path::Path, n_rows: usize) -> Result<Vec<EpochRows>, DataError> {
    let ids: Vec<String> = (0..n_rows).map(|it| format!("r{it}")).collect();
    let data = epochs::DataRows::of_ids(ids.iter().map(String::as_str));
    let logits = epochs::open(path)?;
    let (mut blocks, mut found, mut rows) = (logits.blocks()?, Vec::new(), Vec::new());
    while let Some(block) = blocks.next_block()? {
        block.rows_in(&data, &mut rows)?;
        assert_eq!(block.logits().len(), rows.len() * block.n_classes());
        let rows = rows.iter().map(|RowId(row)| *row).collect();
        found.push((block.epoch(), rows, block.logits().to_vec()));
    }
    Ok(found)
}

#[test]
fn logits_of_every_epoch_come_with_their_rows() {
    let files = Files::new();
    let values: Vec<f64> = (0..12).map(f64::from).collect();
    let half = |at: usize| (at..at + 6).map(|it| it as f32).collect::<Vec<_>>();
    let expected = vec![(0, vec![0, 1, 2], half(0)), (1, vec![0, 1, 2], half(6))];
    let path = files.write("l.npy", npy("<f4", "False", "(2, 3, 2)", &little(&values)));
    assert_eq!(epochs_of(&path, 3).unwrap(), expected);
    let logits = epochs::open(&path).unwrap();
    assert_eq!((logits.n_epochs(), logits.n_rows(), logits.n_classes()), (Some(2), Some(3), 2));
    let message = epochs_of(&path, 4).unwrap_err().to_string();
    assert!(message.ends_with("3 rows, expected 4 as in the data"), "{message}");

    let column = |first: f64| -> ArrayRef {
        Arc::new(Float64Array::from(
            (0..6).map(|it| first + 2.0 * f64::from(it)).collect::<Vec<_>>(),
        ))
    };
    let epoch: ArrayRef = Arc::new(Int64Array::from(vec![0, 0, 0, 1, 1, 1]));
    let row: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, 2, 0, 1, 2]));
    let id: ArrayRef = Arc::new(StringArray::from(vec!["r0", "r1", "r2", "r0", "r1", "r2"]));
    for key in [("row", row), ("id", id)] {
        let columns =
            vec![key.clone(), ("epoch", epoch.clone()), ("a", column(0.0)), ("b", column(1.0))];
        let path = files.parquet("l.parquet", columns);
        assert_eq!(epochs_of(&path, 3).unwrap(), expected);
        let message = epochs_of(&path, 2).unwrap_err().to_string();
        assert!(
            message.contains("row 2 (the first is 0)") && message.ends_with("a row of the data")
        );
    }
    let path = files.write("l.csv", "row,a,b\n0,1,2\n");
    let message = epochs::open(&path).unwrap_err().to_string();
    assert!(message.ends_with("l.csv, line 1: found none, expected a column `epoch`"), "{message}");
}

#[test]
fn epochs_longer_than_a_block_are_cut_where_they_end() {
    let files = Files::new();
    let n_rows = BLOCK / 3;
    let path = files.0.path().join("l.npy");
    let mut file = std::fs::File::create(&path).unwrap();
    file.write_all(&npy("<f4", "False", &format!("(3, {n_rows}, 2)"), &[])).unwrap();
    let values: Vec<f64> = (0..6 * n_rows).map(|it| it as f64).collect();
    file.write_all(&little(&values)).unwrap();
    let blocks = epochs_of(&path, n_rows).unwrap();
    let mut n_seen = 0;
    for (epoch, rows, logits) in blocks {
        for (row, logits) in rows.iter().zip(logits.chunks(2)) {
            assert_eq!((epoch as usize, *row as usize), (n_seen / n_rows, n_seen % n_rows));
            assert_eq!(logits, [2.0 * n_seen as f32, 2.0 * n_seen as f32 + 1.0]);
            n_seen += 1;
        }
    }
    assert_eq!(n_seen, 3 * n_rows);
}
