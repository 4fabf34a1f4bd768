//! Epochs beside cartography's own map of them, and what is refused.

use super::*;
use tempfile::TempDir;

/// Labels and logits of one epoch, in the order of the file.
pub(crate) fn epoch(folder: &Path, number: u32) -> Vec<(ClassId, Vec<f32>)> {
    let path = folder.join(format!("dynamics_epoch_{number}.jsonl"));
    line::all(&path, number).unwrap().into_iter().map(|line| (line.gold, line.logits)).collect()
}

fn peers(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/peers").join(name)
}

fn folder(epochs: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (number, text) in epochs.iter().enumerate() {
        let name = format!("dynamics_epoch_{number}.jsonl");
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// A line of epoch `epoch`, two classes.
fn row(id: &str, epoch: u32, logits: [f32; 2], gold: u16) -> String {
    epoch_text(epoch, std::iter::once((id, ClassId(gold), logits.as_slice())))
}

#[track_caller]
fn refused(epochs: &[&str], expected: &str) {
    let folder = folder(epochs);
    let error = read(folder.path(), MapConfig::default()).unwrap_err();
    assert!(error.is_usage());
    let place = folder.path().display().to_string();
    let shown = error.to_string().replace(&format!("{place}/"), "").replace(&place, "FOLDER");
    assert_eq!(shown, expected);
}

#[test]
fn a_map_from_files_agrees_with_cartography() {
    for (name, config) in [
        ("synthetic/map_ci0_burn100.csv", MapConfig::default()),
        ("synthetic/map_ci1_burn3.csv", MapConfig { include_ci: true, burn_out: Some(3) }),
        ("sample/map_ci1.csv", MapConfig { include_ci: true, burn_out: None }),
    ] {
        let training = read(peers(name).parent().unwrap(), config).unwrap();
        let mut table = csv::Reader::from_path(peers(name)).unwrap();
        let mut n_rows = 0;
        for record in table.records().map(Result::unwrap) {
            n_rows += 1;
            let row = training.ids.iter().position(|id| *id == record[0]).unwrap();
            let point = training.log.point(RowId(row as u32)).unwrap();
            let ours = [
                point.threshold_closeness,
                point.confidence,
                point.variability,
                point.correctness.into(),
                point.forgetfulness.into(),
            ];
            for (ours, theirs) in ours.iter().zip(record.iter().skip(2)) {
                // One epoch with the interval: their 0/0, an empty field, is our 0.
                let theirs: f64 = if theirs.is_empty() { 0.0 } else { theirs.parse().unwrap() };
                assert!((ours - theirs).abs() <= 1e-6, "{name}, {}: {ours} {theirs}", &record[0]);
            }
        }
        assert_eq!(n_rows, training.ids.len());
    }
}

#[test]
fn rows_may_stand_in_another_order_in_each_epoch() {
    let first = row("a", 0, [1.0, 0.0], 0) + &row("b", 0, [3.0, 0.0], 1);
    let second = "\n".to_owned() + &row("b", 1, [5.0, 0.0], 1) + "\n" + &row("a", 1, [1.0, 0.0], 0);
    let folder = folder(&[&first, &second]);
    let training = read(folder.path(), MapConfig::default()).unwrap();
    let aum = |row| training.log.of(RowId(row)).aum;
    assert_eq!((aum(0), aum(1)), (Some(1.0), Some(-4.0)));
    assert_eq!((training.n_epochs, training.n_classes), (2, 2));
}

#[test]
fn ids_that_change_every_epoch_are_refused_and_not_taken_for_other_rows() {
    refused(
        &[&row("a-0", 0, [1.0, 0.0], 0), &row("a-1", 1, [1.0, 0.0], 0)],
        "dynamics_epoch_1.jsonl, line 1: row `a-1` does not occur in dynamics_epoch_0.jsonl",
    );
}

#[test]
fn epochs_of_different_rows_are_refused() {
    let two = row("a", 0, [1.0, 0.0], 0) + &row("b", 0, [1.0, 0.0], 0);
    refused(
        &[&two, &row("b", 1, [1.0, 0.0], 0)],
        "dynamics_epoch_1.jsonl: 1 of the rows of dynamics_epoch_0.jsonl are missing, `a` the first of them",
    );
    let twice = row("b", 1, [1.0, 0.0], 0).repeat(2);
    refused(&[&two, &twice], "dynamics_epoch_1.jsonl, line 2: row `b` already stands on line 1");
    refused(
        &[&row("a", 0, [1.0, 0.0], 0).repeat(2)],
        "dynamics_epoch_0.jsonl, line 2: row `a` already stands on line 1",
    );
    refused(
        &[&row("a", 0, [1.0, 0.0], 0), &row("a", 1, [1.0, 0.0], 1)],
        "dynamics_epoch_1.jsonl, line 1: `gold` of row `a` is 1, but was 0 in dynamics_epoch_0.jsonl",
    );
}

#[test]
fn an_epoch_that_is_missing_between_others_is_named() {
    let folder = folder(&[&row("a", 0, [1.0, 0.0], 0)]);
    std::fs::write(folder.path().join("dynamics_epoch_3.jsonl"), row("a", 3, [1.0, 0.0], 0))
        .unwrap();
    std::fs::write(folder.path().join("dynamics_epoch_01.jsonl"), "not a name of the format")
        .unwrap();
    let error = read(folder.path(), MapConfig::default()).unwrap_err().to_string();
    assert!(
        error.ends_with("dynamics_epoch_1.jsonl is missing, but dynamics_epoch_3.jsonl is there")
    );
}

#[test]
fn a_line_that_cannot_be_meant_is_refused() {
    for (line, fault) in [
        ("{", "broken JSON at character 1: EOF while parsing an object"),
        ("[1]", "found a list, expected one JSON object"),
        (r#"{"guid": "a", "gold": 0}"#, "no field `logits_epoch_0`; the fields are `guid`, `gold`"),
        (
            r#"{"logits_epoch_0": [0, 1], "gold": 0}"#,
            "no field `guid`; the fields are `logits_epoch_0`, `gold`",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, 1]}"#,
            "no field `gold`; the fields are `guid`, `logits_epoch_0`",
        ),
        (r#"{"guid": " ", "logits_epoch_0": [0, 1], "gold": 0}"#, "field `guid` is empty"),
        (
            r#"{"guid": [], "logits_epoch_0": [0, 1], "gold": 0}"#,
            "field `guid`: found a list, expected a string or an integer",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": 1, "gold": 0}"#,
            "field `logits_epoch_0`: found a number, expected a list of numbers",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, "1"], "gold": 0}"#,
            "field `logits_epoch_0`: found a string, expected a list of numbers",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0], "gold": 0}"#,
            "field `logits_epoch_0`: 1 logits, expected at least 2 classes",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, NaN], "gold": 0}"#,
            "field `logits_epoch_0`: found NaN, expected finite numbers",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, -Infinity], "gold": 0}"#,
            "field `logits_epoch_0`: found Infinity, expected finite numbers",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, 1e60], "gold": 0}"#,
            "field `logits_epoch_0`: found 1e+60, expected finite numbers",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, 1], "gold": 2}"#,
            "`gold` is 2, expected a class under 2",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, 1], "gold": -1}"#,
            "`gold` is -1, expected a class under 2",
        ),
        (
            r#"{"guid": "a", "logits_epoch_0": [0, 1], "gold": 0.5}"#,
            "field `gold`: found a number, expected an integer",
        ),
    ] {
        refused(&[line], &format!("dynamics_epoch_0.jsonl, line 1: {fault}"));
    }
    let ragged =
        row("a", 0, [1.0, 0.0], 0) + r#"{"guid": "b", "logits_epoch_0": [0, 1, 2], "gold": 0}"#;
    let fault = "field `logits_epoch_0`: 3 logits, expected 2 as on the first line";
    refused(&[&ragged], &format!("dynamics_epoch_0.jsonl, line 2: {fault}"));
}

#[test]
fn a_file_without_rows_and_a_folder_without_files_are_refused() {
    refused(&["\n \n"], "dynamics_epoch_0.jsonl: the file has no rows");
    refused(
        &[],
        "FOLDER: found neither a folder of dynamics_epoch_N.jsonl nor a CSV with the columns `sample_id` and `aum`",
    );
}

#[test]
fn what_is_written_reads_back_whatever_the_id() {
    let id = "a \"quoted\", id\twith \\ and ü";
    let folder = folder(&[&row(id, 0, [0.1, -1e-30], 1)]);
    let training = read(folder.path(), MapConfig::default()).unwrap();
    assert_eq!((training.ids, training.golds), (vec![id.to_owned()], vec![ClassId(1)]));
    assert_eq!(epoch(folder.path(), 0)[0].1, [0.1, -1e-30]);
}
