//! `lane import` and `lane export`.

use std::collections::BTreeMap;

use crate::support::{Place, fixtures};

/// The records of a CSV by the field in column `key`.
fn table(text: &str, key: usize) -> BTreeMap<String, Vec<String>> {
    let record = |line: &str| {
        let fields: Vec<String> = line.split(',').map(Into::into).collect();
        (fields[key].clone(), fields)
    };
    text.lines().skip(1).map(record).collect()
}

fn peer(name: &str) -> String {
    std::fs::read_to_string(format!("{}/{name}", fixtures("peers"))).unwrap()
}

#[track_caller]
fn close(ours: &str, theirs: &str, tolerance: f64) {
    let difference = ours.parse::<f64>().unwrap() - theirs.parse::<f64>().unwrap();
    assert!(difference.abs() <= tolerance, "ours {ours}, theirs {theirs}");
}

#[track_caller]
fn refused(place: &Place, line: &str, answers: &[&str]) {
    let before = place.names();
    let said = place.lane(line);
    assert_eq!(said.code, 2, "{line}: {}", said.stderr);
    assert!(said.stdout.is_empty(), "{line}: {}", said.stdout);
    for answer in answers {
        assert!(said.stderr.contains(answer), "{line}: no {answer:?} in {}", said.stderr);
    }
    assert_eq!(place.names(), before, "{line}");
}

const TRAIN: &str = "train --train noisy.csv --method base --epochs 3 --max-length 32 --quiet";

#[test]
fn dynamics_of_cartography_become_its_own_map() {
    let place = Place::new();
    let said =
        place.lane("import {peers}/synthetic --include-ci --burn-out 3 --out map").succeeded();
    insta::assert_snapshot!(said.stdout, @r"
    60 rows over 5 epochs (cartography), 59 with a negative averaged margin
    map/data_map.csv
    ");
    let (ours, theirs) = (place.read("map/data_map.csv"), peer("synthetic/map_ci1_burn3.csv"));
    let (ours, theirs) = (table(&ours, 1), table(&theirs, 0));
    let aums = table(&peer("synthetic/aum_values.csv"), 0);
    assert_eq!(ours.len(), 60);
    for (id, ours) in &ours {
        let theirs = &theirs[id];
        // Theirs: guid,index,threshold_closeness,confidence,variability,correctness,forgetfulness.
        for (our_column, their_column) in [(2, 3), (3, 4), (4, 5), (5, 6), (6, 2)] {
            close(&ours[our_column], &theirs[their_column], 1e-6);
        }
        close(&ours[7], &aums[id][1], 1e-5);
    }
}

#[test]
fn one_epoch_with_the_interval_has_variability_zero_and_not_nan() {
    let place = Place::new();
    place.lane("import {peers}/sample --include-ci --out map").succeeded();
    let map = place.read("map/data_map.csv");
    let rows = table(&map, 1);
    assert!(rows.len() == 50 && rows.values().all(|row| row[3] == "0"), "{map}");
}

#[test]
fn averaged_margins_of_aum_rank_the_rows_of_a_file() {
    let place = Place::new();
    place.write("aum_values.csv", "sample_id,aum\nb,1.5\nc,0\na,-2.25\n");
    place.write("rows.csv", "id,text,label\na,one,x\nb,\"two, too\",y\nc,three,x\n");
    let said = place.lane("import aum_values.csv --data rows.csv --out scores").succeeded();
    insta::assert_snapshot!(said.stdout, @r"
    3 rows (aum), 1 with a negative averaged margin
    scores/data_map.csv
    scores/labels.csv
    ");
    insta::assert_snapshot!(place.read("scores/labels.csv"), @r#"
    row,id,text,label,suggested,score,weight,flagged,reason
    0,a,one,x,,2.25,1,1,
    2,c,three,x,,0,1,0,
    1,b,"two, too",y,,-1.5,1,0,
    "#);
    insta::assert_snapshot!(place.read("scores/data_map.csv"), @r"
    row,id,confidence,variability,correctness,forgetfulness,threshold_closeness,aum
    0,a,,,,,,-2.25
    1,b,,,,,,1.5
    2,c,,,,,,0
    ");
}

#[test]
fn dynamics_with_data_suggest_labels_by_the_names_of_the_data() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("model/training_dynamics")).unwrap();
    // Class 0 is `yes` here, though `no` comes first in the alphabet.
    place.write(
        "model/training_dynamics/dynamics_epoch_0.jsonl",
        "{\"guid\": 7, \"logits_epoch_0\": [-1.0, 2.0, 0.0], \"gold\": 0}\n\
         {\"guid\": 9, \"logits_epoch_0\": [-1.0, 2.0, 0.0], \"gold\": 1}\n",
    );
    place.write("rows.csv", "id,text,label\n9,two,no\n7,one,yes\n");
    place.lane("import model --data rows.csv --out scores").succeeded();
    insta::assert_snapshot!(place.read("scores/labels.csv"), @r"
    row,id,text,label,suggested,score,weight,flagged,reason
    1,7,one,yes,no,3,1,1,
    0,9,two,no,no,-2,1,0,
    ");
    place.write("rows.csv", "id,text,label\n9,two,yes\n7,one,yes\n8,three,no\n");
    refused(
        &place,
        "import model --data rows.csv --out other",
        &[
            "dynamics_epoch_0.jsonl: 1 of the rows of rows.csv are missing, `8` the first of them",
            "hint: rows are matched by id",
        ],
    );
    place.write("rows.csv", "id,text,label\n9,two,yes\n6,one,no\n");
    refused(
        &place,
        "import model --data rows.csv --out other",
        &["dynamics_epoch_0.jsonl, line 1: row `7` does not occur in rows.csv"],
    );
    place.write("rows.csv", "id,text,label,gold\n9,two,yes,no\n7,one,yes,no\n");
    refused(&place, "import model --data rows.csv --out other", &["every row has the label"]);
}

#[test]
fn labels_other_than_those_of_the_dynamics_are_refused() {
    let place = Place::new();
    std::fs::create_dir(place.path("dynamics")).unwrap();
    let line = |id: &str, gold: u8| {
        format!("{{\"guid\": \"{id}\", \"logits_epoch_0\": [0.0, 1.0], \"gold\": {gold}}}\n")
    };
    let epoch = line("a", 0) + &line("b", 0) + &line("c", 1);
    place.write("dynamics/dynamics_epoch_0.jsonl", &epoch);
    place.write("rows.csv", "id,text,label\na,one,x\nb,two,y\nc,three,y\n");
    refused(
        &place,
        "import dynamics --data rows.csv --out scores",
        &["class 0 of row `b` is label `y` in the data, but `x` for row `a`"],
    );
    place.write("rows.csv", "id,text,label\na,one,x\nb,two,x\nc,three,x\nd,four,y\n");
    refused(&place, "import dynamics --data rows.csv --out scores", &["`d` the first of them"]);
}

#[test]
fn a_run_exported_and_imported_again_has_the_same_map() {
    let place = Place::new().with_noise();
    place.lane(&format!("{TRAIN} --set save_logits=true --out run")).succeeded();
    let said = place.lane("export run --format cartography --out files").succeeded();
    insta::assert_snapshot!(said.stdout, @r"
    80 rows over 3 epochs
    files/training_dynamics/dynamics_epoch_0.jsonl
    files/training_dynamics/dynamics_epoch_1.jsonl
    files/training_dynamics/dynamics_epoch_2.jsonl
    ");
    place.lane("import files --data noisy.csv --out scores").succeeded();
    let (ours, again) = (place.read("run/data_map.csv"), place.read("scores/data_map.csv"));
    assert_eq!((ours.lines().count(), ours.lines().next()), (81, again.lines().next()));
    for (ours, again) in ours.lines().zip(again.lines()).skip(1) {
        let (ours, again): (Vec<&str>, Vec<&str>) =
            (ours.split(',').collect(), again.split(',').collect());
        assert_eq!((&ours[..2], &ours[4..6]), (&again[..2], &again[4..6]));
        for column in [2, 3, 6, 7] {
            close(again[column], ours[column], 1e-6); // their softmax is f64, that of a run f32
        }
    }
    let order = |name: &str| {
        let text = place.read(name);
        text.lines().map(|line| line.split(',').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order("run/labels.csv"), order("scores/labels.csv"));

    place.lane("export run --format aum --out aum").succeeded();
    let records = place.read("aum/full_aum_records.csv");
    assert_eq!(records.lines().count(), 1 + 80 * 3);
    for file in ["aum_values.csv", "full_aum_records.csv"] {
        place.lane(&format!("import aum/{file} --data noisy.csv --out again --force")).succeeded();
        let (ours, again) = (table(&ours, 1), table(&place.read("again/data_map.csv"), 1));
        for (id, ours) in ours {
            close(&again[&id][7], &ours[7], 1e-6);
        }
    }
}

#[test]
fn the_dynamics_of_a_run_are_to_be_had_as_one_table() {
    let place = Place::new().with_noise();
    place.lane(&format!("{TRAIN} --out run")).succeeded();
    let said = place.lane("export run --format csv --out tables").succeeded();
    insta::assert_snapshot!(said.stdout, @r"
    80 rows over 3 epochs
    tables/dynamics.csv
    ");
    let text = place.read("tables/dynamics.csv");
    let header = "row,id,epoch,label,margin,label_aware_margin,p_label,predicted,weight";
    assert_eq!((text.lines().next(), text.lines().count()), (Some(header), 1 + 80 * 3));
    let listed = place.read("run/labels.csv");
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let of_row =
            listed.lines().find(|it| it.starts_with(&format!("{},{},", fields[0], fields[1])));
        assert!(of_row.unwrap().contains(&format!(",{},", fields[3])), "the label by name: {line}");
        let is_right = fields[4].parse::<f64>().unwrap() >= 0.0;
        assert_eq!(is_right, fields[3] == fields[7], "a margin below 0 has another class on top");
    }
    refused(&place, "export run --format csv --out tables", &["dynamics.csv", "exists already"]);
}

#[test]
fn without_logits_an_export_says_how_to_get_them() {
    let place = Place::new().with_noise();
    place.lane(&format!("{TRAIN} --out run")).succeeded();
    refused(
        &place,
        "export run --format cartography --out files",
        &["run/dynamics.parquet: the run kept no logits", "--set save_logits=true"],
    );
    let said = place.lane("export run --format aum --out aum").succeeded();
    assert_eq!(said.stdout, "80 rows over 3 epochs\naum/aum_values.csv\n");
    assert!(said.stderr.contains("note: full_aum_records.csv needs logits"), "{}", said.stderr);
    let values = place.read("aum/aum_values.csv");
    let aums: Vec<f64> = values
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(1).unwrap().parse().unwrap())
        .collect();
    assert!(aums.len() == 80 && aums.is_sorted_by(|left, right| left >= right), "{values}");
}

#[test]
fn what_is_there_is_kept_unless_forced() {
    let place = Place::new().with_noise();
    place.lane(&format!("{TRAIN} --set save_logits=true --out run")).succeeded();
    for (line, file) in [
        ("import {peers}/synthetic/aum_values.csv --out scores", "scores/data_map.csv"),
        ("export run --format aum --out aum", "aum/aum_values.csv"),
        ("export run --format cartography --out c", "c/training_dynamics/dynamics_epoch_0.jsonl"),
    ] {
        place.lane(line).succeeded();
        let before = place.bytes(file);
        refused(&place, line, &[&format!("{file} exists already"), "--force"]);
        std::fs::write(place.path(file), "another").unwrap();
        place.lane(&format!("{line} --force")).succeeded();
        assert!(place.bytes(file) == before, "{file}");
    }
    // An epoch of a longer run must not stay beside ours.
    place.write("c/training_dynamics/dynamics_epoch_3.jsonl", "of another run");
    refused(&place, "export run --format cartography --out c", &["exists already"]);
    place.lane("export run --format cartography --out c --force").succeeded();
    assert!(!place.path("c/training_dynamics/dynamics_epoch_3.jsonl").exists());
}

#[test]
fn rubbish_is_refused_with_file_and_line() {
    let place = Place::new().with_noise();
    std::fs::create_dir(place.path("empty")).unwrap();
    std::fs::create_dir(place.path("nan")).unwrap();
    let nan = "{\"guid\": \"a\", \"logits_epoch_0\": [NaN, 1.0], \"gold\": 0}\n";
    place.write("nan/dynamics_epoch_0.jsonl", nan);
    place.write("values.csv", "sample_id,aum\na,1\na,2\n");
    for (from, answer) in [
        ("nowhere", "cannot read nowhere"),
        ("empty", "empty: found neither a folder of dynamics_epoch_N.jsonl nor"),
        ("noisy.csv", "noisy.csv: found neither"),
        ("nan", "nan/dynamics_epoch_0.jsonl, line 1: field `logits_epoch_0`: found NaN"),
        ("values.csv", "values.csv, line 3: row `a` already stands on line 2"),
    ] {
        refused(&place, &format!("import {from} --out scores"), &[answer]);
    }
    for (rest, answer) in [
        ("nowhere --format aum --out a", "nowhere: not a finished run, it has no result.json"),
        ("noisy.csv --format aum --out a", "not a finished run"),
        ("run --format cleanlab --out a", "cartography"),
        ("run --format aum", "--out <DIR>"),
    ] {
        refused(&place, &format!("export {rest}"), &[answer]);
    }
    refused(&place, "import values.csv --burn-out 0 --out scores", &["--burn-out"]);
}

#[test]
fn help_shows_how_both_are_used() {
    let place = Place::new();
    for (command, example) in [
        ("import", "lane import aum_values.csv --data train.csv --out scores"),
        ("export", "lane export run --format cartography --out cartography"),
    ] {
        let said = place.lane(&format!("{command} --help")).succeeded();
        assert!(said.stdout.contains("Examples:") && said.stdout.contains(example), "{command}");
    }
}
