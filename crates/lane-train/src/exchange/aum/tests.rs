//! Our tables beside those of the package, and what is refused.

use std::path::PathBuf;

use super::*;
use crate::exchange::cartography;
use lane_metrics::cartography::MapConfig;

fn peers(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/peers/synthetic").join(name)
}

/// Records of a table: the id, then numbers.
fn records(bytes: &[u8]) -> (csv::StringRecord, Vec<(String, Vec<f64>)>) {
    let mut table = csv::Reader::from_reader(bytes);
    let header = table.headers().unwrap().clone();
    let record = |record: csv::StringRecord| {
        let numbers = record.iter().skip(1).map(|field| field.parse().unwrap()).collect();
        (record[0].to_owned(), numbers)
    };
    (header, table.records().map(|it| record(it.unwrap())).collect())
}

#[track_caller]
fn same_table(ours: &[u8], theirs: &str) {
    let (ours, theirs) = (records(ours), records(&std::fs::read(peers(theirs)).unwrap()));
    assert_eq!((&ours.0, ours.1.len()), (&theirs.0, theirs.1.len()));
    for ((our_id, ours), (their_id, theirs)) in ours.1.iter().zip(&theirs.1) {
        assert_eq!(our_id, their_id);
        for (ours, theirs) in ours.iter().zip(theirs) {
            assert!((ours - theirs).abs() <= 1e-5, "{our_id}: ours {ours}, theirs {theirs}");
        }
    }
}

#[test]
fn both_tables_are_the_packages_own_line_by_line() {
    let training = cartography::read(&peers(""), MapConfig::default()).unwrap();
    let mut measurements: Vec<Measurement> = Vec::new();
    for epoch in 0..5 {
        for (row, (label, logits)) in (0..).zip(cartography::tests::epoch(&peers(""), epoch)) {
            let before = (epoch as usize).checked_sub(1).map(|before| before * 60 + row as usize);
            let before = before.map(|place| &measurements[place]);
            measurements.push(Measurement::new(row, label, &logits, before).unwrap());
        }
    }
    let aums = measurements[4 * 60..].iter().map(|it| it.aum);
    let values: Vec<(&str, f64)> = training.ids.iter().map(String::as_str).zip(aums).collect();
    same_table(&values_text(&values).unwrap(), "aum_values.csv");
    same_table(&records_text(&training.ids, &mut measurements).unwrap(), "full_aum_records.csv");
}

#[test]
fn values_records_and_logits_give_the_same_averages() {
    let training = cartography::read(&peers(""), MapConfig::default()).unwrap();
    let values = read(&peers("aum_values.csv")).unwrap();
    let records = read(&peers("full_aum_records.csv")).unwrap();
    assert_eq!((values.ids.len(), records.ids.len()), (60, 60));
    for (id, aum) in values.ids.iter().zip(values.aums) {
        let row = training.ids.iter().position(|it| it == id).unwrap();
        let ours = training.log.of(lane_data::RowId(row as u32)).aum.unwrap();
        let again = records.aums[records.ids.iter().position(|it| it == id).unwrap()];
        assert!((ours - aum).abs() <= 1e-5 && (again - aum).abs() <= 1e-5, "{id}: {ours} {aum}");
    }
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("aum_values.csv");
    std::fs::write(&path, text).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert_eq!(error.split_once("aum_values.csv").unwrap().1, expected);
}

#[test]
fn what_cannot_be_meant_is_refused_with_its_line() {
    refused("sample_id,aum\n", ": the file has no rows");
    let formats = ": found neither a folder of dynamics_epoch_N.jsonl nor a CSV with the columns `sample_id` and `aum`";
    refused("", formats);
    refused("id,aum\na,1\n", formats);
    refused("sample_id,aum\na,1\na,2\n", ", line 3: row `a` already stands on line 2");
    refused("sample_id,aum\na,1\n,2\n", ", line 3: field `sample_id` is empty");
    refused("sample_id,aum\na,nan\n", ", line 2: field `aum`: found nan, expected finite numbers");
    refused("sample_id,aum\na,1\nb,x\n", ", line 3: field `aum`: found `x`, expected a number");
    refused(
        "sample_id,aum\na,1\nb,2,3\n",
        ", line 3: the number of fields is 3, expected 2 as in the header",
    );
}

#[test]
fn measurements_that_do_not_count_up_are_refused() {
    let header = "sample_id,num_measurements,margin,aum\n";
    let expected = ", line 3: measurement 3 of row `a`, expected 2";
    refused(&format!("{header}a,1,0.5,0.5\na,3,0.5,0.5\n"), expected);
    let expected = ", line 2: measurement 2 of row `a`, expected 1";
    refused(&format!("{header}a,2,0.5,0.5\n"), expected);
    let expected = ", line 2: field `num_measurements`: found `one`, expected a count";
    refused(&format!("{header}a,one,0.5,0.5\n"), expected);
}
