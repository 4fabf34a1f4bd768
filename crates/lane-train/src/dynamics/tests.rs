//! What is written comes back; the data map is that of the last whole training.

use std::error::Error as _;

use super::*;
use arrow::array::Array;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const LOGITS: DynamicsConfig =
    DynamicsConfig { map: MapConfig { include_ci: false, burn_out: None }, save_logits: true };

fn seen(margin: f32, p_label: f32) -> Observation {
    Observation {
        label: ClassId(1),
        margin,
        label_aware_margin: None,
        p_label,
        predicted: ClassId(u16::from(margin > 0.0)),
        weight: 1.0,
    }
}

/// Runs `fill` on dynamics of three rows, then hands back the summary and a reader of the file.
fn written(
    config: DynamicsConfig,
    fill: impl FnOnce(&mut Dynamics),
) -> (Summary, DynamicsReader, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dynamics.parquet");
    let mut dynamics = Dynamics::create(&path, 3, 2, config).unwrap();
    fill(&mut dynamics);
    let summary = dynamics.finish().unwrap();
    (summary, DynamicsReader::open(&path).unwrap(), folder)
}

#[test]
fn rows_come_back_in_order_with_nulls_where_there_is_no_auxiliary() {
    let (summary, mut reader, folder) = written(DynamicsConfig::default(), |dynamics| {
        dynamics.observe(RowId(2), seen(-2.0, 0.1), &[2.0, 0.0]);
        dynamics.observe(RowId(0), seen(1.0, 0.7), &[0.0, 1.0]);
        dynamics.end_epoch(1).unwrap();
    });
    let suggested = |row| summary.means.suggestion(RowId(row));
    assert_eq!((suggested(2), suggested(0)), (ClassId(0), ClassId(1)));
    let epoch = reader.next_epoch().unwrap().unwrap();
    let expected = SeenEpoch {
        epoch: 1,
        rows: vec![0, 2],
        labels: vec![1, 1],
        margins: vec![1.0, -2.0],
        label_aware_margins: vec![None, None],
        p_labels: vec![0.7, 0.1],
        predicted: vec![1, 0],
        weights: vec![1.0, 1.0],
        logits: Vec::new(),
    };
    assert_eq!((epoch, reader.next_epoch().unwrap()), (expected, None));
    let file = std::fs::File::open(folder.path().join("dynamics.parquet")).unwrap();
    let batch = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap().next();
    let batch = batch.unwrap().unwrap();
    assert_eq!((batch.num_columns(), batch.column(4).null_count()), (8, 2));
}

#[test]
fn logits_come_back_where_they_were_kept() {
    let (_, mut reader, _folder) = written(LOGITS, |dynamics| {
        for epoch in 1..=2 {
            for row in 0..3 {
                let logits = [row as f32, epoch as f32, -1.0];
                dynamics.observe(RowId(row), seen(0.5, 0.5), &logits);
            }
            dynamics.end_epoch(epoch).unwrap();
        }
    });
    assert!(reader.has_logits());
    for epoch in 1..=2 {
        let seen = reader.next_epoch().unwrap().unwrap();
        assert_eq!(seen.epoch, epoch);
        assert_eq!(seen.logits[1], [1.0, epoch as f32, -1.0]);
    }
    assert_eq!(reader.next_epoch().unwrap(), None);
}

#[test]
fn the_map_is_that_of_the_last_training_that_showed_every_row() {
    let show = |dynamics: &mut Dynamics, epoch: u32, rows: &[u32]| {
        for row in rows {
            dynamics.observe(RowId(*row), seen(epoch as f32, 0.25), &[0.0, 1.0]);
        }
        dynamics.end_epoch(epoch).unwrap();
    };
    let (summary, reader, _folder) = written(DynamicsConfig::default(), |dynamics| {
        show(dynamics, 1, &[0, 1, 2]);
        dynamics.reset_map();
        show(dynamics, 2, &[0, 1, 2]);
        show(dynamics, 3, &[0, 1]);
        dynamics.reset_map();
        show(dynamics, 4, &[1]);
    });
    let whole = &summary.last_whole;
    assert_eq!((whole.epochs, reader.map_epochs()), (Some((2, 3)), Some((2, 3))));
    let aum = |row| whole.margins.aum(RowId(row));
    assert_eq!((aum(0), aum(2)), (Some(2.5), Some(2.0)));
    let point = whole.map.point(RowId(2)).unwrap();
    assert_eq!((point.n_epochs, point.correctness), (1, 1));
}

#[test]
fn what_is_no_dynamics_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dynamics.parquet");
    assert!(DynamicsReader::open(&path).is_err());
    std::fs::write(&path, "row,epoch\n").unwrap();
    let Err(error) = DynamicsReader::open(&path) else { panic!("opened a text file") };
    assert!(error.is_usage() && error.to_string().contains("dynamics.parquet"), "{error}");
}

/// What is said of the file of one epoch whose `column` holds `value`.
fn refusal(column: &str, value: Option<f32>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dynamics.parquet");
    let names = ["margin", "label_aware_margin", "p_label", "weight"];
    let floats = names.map(|name| {
        let value = if name == column { value } else { Some(0.5) };
        (name, Arc::new(Float32Array::from(vec![value])) as ArrayRef, true)
    });
    let number = |name| (name, Arc::new(UInt32Array::from(vec![7])) as ArrayRef, false);
    let class = |name| (name, Arc::new(UInt16Array::from(vec![1])) as ArrayRef, false);
    let columns = [number("row"), number("epoch"), class("label"), class("predicted")];
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().chain(floats)).unwrap();
    let mut file = writer(std::fs::File::create(&path).unwrap(), &batch.schema(), &path).unwrap();
    file.write(&batch).unwrap();
    file.close().unwrap();
    match DynamicsReader::open(&path).unwrap().next_epoch() {
        Ok(epoch) => format!("{} rows", epoch.unwrap().rows.len()),
        Err(error) => error.source().unwrap().to_string(),
    }
}

#[test]
fn values_that_are_no_numbers_are_refused_by_row_and_epoch() {
    assert_eq!(refusal("margin", Some(1.5)), "1 rows");
    assert_eq!(refusal("label_aware_margin", None), "1 rows");
    assert_eq!(refusal("margin", Some(f32::NAN)), "row 7 of epoch 7: found NaN");
    assert_eq!(refusal("p_label", Some(f32::INFINITY)), "row 7 of epoch 7: found inf");
    let gap = "not the columns of training dynamics";
    assert_eq!(refusal("weight", None), gap);
}
