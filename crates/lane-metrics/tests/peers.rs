//! Values that the Python packages `aum` and cartography computed, from `fixtures/peers`; and
//! faults of theirs that are not copied.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lane_metrics::averages::{MarginAverages, Visit};
use lane_metrics::cartography::{DataMap, Look, MapConfig, MapPoint};
use lane_metrics::{ClassId, Logits, RowId, margin};
use serde_json::Value;

fn peers(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/peers").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(peers(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// One epoch: ids, labels and logits, row by row.
struct Epoch {
    ids: Vec<String>,
    labels: Vec<ClassId>,
    logits: Vec<Vec<f32>>,
}

fn epoch(folder: &str, number: u32) -> Epoch {
    let text = text(&format!("{folder}/dynamics_epoch_{number}.jsonl"));
    let lines: Vec<Value> = text.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let logits = |line: &Value| -> Vec<f32> {
        let list = line[format!("logits_epoch_{number}")].as_array().unwrap().iter();
        list.map(|it| it.as_f64().unwrap() as f32).collect()
    };
    Epoch {
        ids: lines.iter().map(|it| it["guid"].as_str().unwrap().into()).collect(),
        labels: lines.iter().map(|it| ClassId(it["gold"].as_u64().unwrap() as u16)).collect(),
        logits: lines.iter().map(logits).collect(),
    }
}

/// The records of a CSV by its first column, the others as numbers; an empty field is NaN.
fn table(name: &str) -> HashMap<String, Vec<f64>> {
    let number = |field: &str| if field.is_empty() { f64::NAN } else { field.parse().unwrap() };
    let record = |line: &str| {
        let (id, rest) = line.split_once(',').unwrap();
        (id.to_owned(), rest.split(',').map(number).collect())
    };
    text(name).lines().skip(1).map(record).collect()
}

fn map(folder: &str, n_epochs: u32, config: MapConfig) -> Vec<(String, MapPoint)> {
    let ids = epoch(folder, 0).ids;
    let mut map = DataMap::new(ids.len(), config).unwrap();
    for number in 0..n_epochs {
        let Epoch { labels, logits, .. } = epoch(folder, number);
        for (row, (logits, label)) in (0..).zip(logits.iter().zip(labels)) {
            map.record(RowId(row), number, Look::of_logits(logits, label).unwrap()).unwrap();
        }
    }
    ids.into_iter().zip(map.points().unwrap()).collect()
}

#[track_caller]
fn close(what: &str, ours: f64, theirs: f64, tolerance: f64) {
    assert!((ours - theirs).abs() <= tolerance, "{what}: ours {ours}, theirs {theirs}");
}

#[track_caller]
fn same_map(ours: &[(String, MapPoint)], theirs: &str) {
    let theirs = table(theirs);
    assert_eq!(ours.len(), theirs.len());
    for (id, point) in ours {
        let [_, closeness, confidence, variability, correctness, forgetfulness] = theirs[id][..]
        else {
            panic!("{id}: {:?}", theirs[id]);
        };
        close(id, point.threshold_closeness, closeness, 1e-6);
        close(id, point.confidence, confidence, 1e-6);
        // Their deviation of one epoch with the interval is 0/0.
        let variability = if variability.is_nan() { 0.0 } else { variability };
        close(id, point.variability, variability, 1e-6);
        close(id, point.correctness.into(), correctness, 0.0);
        close(id, point.forgetfulness.into(), forgetfulness, 0.0);
    }
}

#[test]
fn data_maps_of_synthetic_logits_agree_with_cartography() {
    for (include_ci, ci) in [(false, 0), (true, 1)] {
        for (burn_out, name) in [(None, 100), (Some(100), 100), (Some(3), 3)] {
            let ours = map("synthetic", 5, MapConfig { include_ci, burn_out });
            same_map(&ours, &format!("synthetic/map_ci{ci}_burn{name}.csv"));
        }
    }
}

#[test]
fn the_map_of_the_published_sample_agrees_and_one_epoch_is_no_nan() {
    for (include_ci, name) in [(false, "map_ci0.csv"), (true, "map_ci1.csv")] {
        let ours = map("sample", 1, MapConfig { include_ci, burn_out: None });
        assert_eq!(ours.len(), 50);
        same_map(&ours, &format!("sample/{name}"));
        assert!(ours.iter().all(|(_, point)| point.variability.to_bits() == 0));
    }
}

/// AUMs after each of the five epochs, fed in batches of `batch` rows.
fn aums(batch: usize) -> Vec<Vec<f64>> {
    let n_rows = epoch("synthetic", 0).ids.len();
    let mut averages = MarginAverages::new(n_rows).unwrap();
    let mut all = Vec::new();
    for number in 0..5 {
        let Epoch { labels, logits, .. } = epoch("synthetic", number);
        let rows: Vec<RowId> = (0..n_rows as u32).map(RowId).collect();
        for rows in rows.chunks(batch) {
            let of = |row: &RowId| logits[row.index()].clone();
            let values: Vec<f32> = rows.iter().flat_map(of).collect();
            let labels: Vec<ClassId> = rows.iter().map(|row| labels[row.index()]).collect();
            let margins = margin::of_batch(Logits::new(&values, 7).unwrap(), &labels).unwrap();
            for (row, margin) in rows.iter().zip(margins) {
                let visit = Visit { row: *row, margin: margin.value, ..Visit::default() };
                averages.record(&visit).unwrap();
            }
        }
        all.push(rows.iter().map(|row| averages.aum(*row).unwrap()).collect());
    }
    all
}

#[test]
fn averaged_margins_agree_with_aum_after_every_epoch() {
    let (ids, ours) = (epoch("synthetic", 0).ids, aums(60));
    let values = table("synthetic/aum_values.csv");
    let position: HashMap<&str, usize> = ids.iter().map(String::as_str).zip(0..).collect();
    for (id, aum) in ids.iter().zip(&ours[4]) {
        close(id, *aum, values[id][0], 1e-5);
    }
    let records = text("synthetic/full_aum_records.csv");
    assert_eq!(records.lines().count(), 1 + 60 * 5);
    for line in records.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let after: usize = fields[1].parse().unwrap();
        close(line, ours[after - 1][position[fields[0]]], fields[7].parse().unwrap(), 1e-5);
    }
}

#[test]
fn a_batch_of_one_row_is_a_batch() {
    let whole = aums(60);
    for batch in [1, 7, 59] {
        assert_eq!(aums(batch), whole, "{batch}"); // 59 leaves a last batch of one
    }
}
