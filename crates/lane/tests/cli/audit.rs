//! `lane audit`.

use serde_json::Value;

use crate::support::{Place, Said};

/// A short training of `tiny`; words judge.
const AUDIT: &str = "audit --data noisy.csv --method base --epochs 4 --max-length 32 --quiet";

/// The lines of a table, each a map from column to field.
fn table(place: &Place, name: &str) -> Vec<Value> {
    let mut reader = csv::Reader::from_path(place.path(name)).unwrap();
    let header = reader.headers().unwrap().clone();
    let line = |record: csv::StringRecord| {
        header
            .iter()
            .zip(&record)
            .map(|(column, field)| (column.to_owned(), Value::from(field)))
            .collect()
    };
    reader.records().map(|record| line(record.unwrap())).collect()
}

#[track_caller]
fn refused(said: &Said, answers: &[&str]) {
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{}", said.stderr);
    for answer in answers {
        assert!(said.stderr.contains(answer), "no {answer:?} in {}", said.stderr);
    }
}

#[test]
fn one_command_ranks_the_labels_explains_them_and_writes_a_page() {
    let place = Place::new().with_noise();
    let before = place.bytes("noisy.csv");
    let said = place.lane(&format!("{AUDIT} --out audit")).succeeded();
    for part in
        ["rows               80, 10 classes", "ranked by          suspicion", "lane review audit"]
    {
        assert!(said.stdout.contains(part), "{}", said.stdout);
    }
    assert_eq!(place.bytes("noisy.csv"), before);

    let rows = table(&place, "audit/labels.csv");
    assert_eq!(rows.len(), 80);
    assert!(rows.iter().zip(1..).all(|(row, rank)| row["rank"] == *rank.to_string()));
    for row in &rows {
        let reason = row["reason"].as_str().unwrap();
        assert!(reason.ends_with('.'), "{reason}");
        for score in ["score", "p_label", "p_suggested", "aum", "loss", "confidence", "forgetting"]
        {
            let value: f64 = row[score].as_str().unwrap().parse().unwrap();
            assert!(value.is_finite(), "{score} of {row}");
        }
    }
    let page = place.read("audit/report.html");
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(["src=\"http", "href=\"http", "url(http"].iter().all(|it| !page.contains(it)));
    assert_eq!(table(&place, "audit/out_of_fold.csv").len(), 80);
    assert!(place.path("audit/run/model").is_dir());
}

#[test]
fn the_summary_says_how_well_known_wrong_labels_are_found() {
    let place = Place::new().with_noise();
    let summary = place.lane(&format!("{AUDIT} --out audit --json")).succeeded().json();
    assert_eq!(summary, serde_json::from_str::<Value>(&place.read("audit/audit.json")).unwrap());
    let judge = summary["provenance"]["judge"].as_str().unwrap();
    assert!(judge.starts_with("softmax regression on "), "{judge}");
    assert_eq!(summary["known"]["n_wrong"], 16);
    let precision = summary["known"]["average_precision"].as_f64().unwrap();
    assert!(0.3 < precision, "by chance 0.2, found {precision}");
    assert_eq!(summary["data"]["n_rows"], 80);
    assert_eq!(summary["curves"].as_array().unwrap().len(), 4);
}

#[test]
fn a_finished_audit_is_kept_and_the_same_seed_gives_the_same_ranking() {
    let place = Place::new().with_noise();
    place.lane(&format!("{AUDIT} --out audit")).succeeded();
    let ranking = place.bytes("audit/labels.csv");
    let again = place.lane(&format!("{AUDIT} --out audit"));
    refused(&again, &["already holds a finished audit", "--force"]);
    place.lane(&format!("{AUDIT} --out audit --force")).succeeded();
    assert_eq!(place.bytes("audit/labels.csv"), ranking);
}

#[test]
fn an_audit_that_was_cut_short_keeps_its_training_and_refuses_one_of_other_settings() {
    let place = Place::new().with_noise();
    place.lane(&format!("{AUDIT} --out audit")).succeeded();
    let ranking = place.bytes("audit/labels.csv");
    let trained =
        || std::fs::metadata(place.path("audit/run/result.json")).unwrap().modified().unwrap();
    let when = trained();
    for name in ["audit.json", "labels.csv", "report.html"] {
        std::fs::remove_file(place.path("audit").join(name)).unwrap();
    }
    refused(&place.lane(&format!("{AUDIT} --lr 0.001 --out audit")), &["audit/run", "--force"]);
    place.lane(&format!("{AUDIT} --out audit")).succeeded();
    assert_eq!((place.bytes("audit/labels.csv"), trained()), (ranking, when));
}

#[test]
fn a_run_and_what_it_exports_give_the_scores_of_its_training() {
    let place = Place::new().with_noise();
    place
        .lane("train --train noisy.csv --method base --epochs 3 --set save_logits=true --max-length 32 --quiet --out run")
        .succeeded();
    place.lane("export run --format cartography --out cartography --quiet").succeeded();
    let of = |from: &str, out: &str| {
        place
            .lane(&format!("audit --data noisy.csv --from-dynamics {from} --out {out} --quiet"))
            .succeeded();
        table(&place, &format!("{out}/labels.csv"))
    };
    let (ours, theirs) = (of("run", "a"), of("cartography", "b"));
    let map = table(&place, "run/data_map.csv");
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let row: usize = ours["row"].as_str().unwrap().parse().unwrap();
        for column in ["id", "flagged", "correctness", "forgetting", "suggested"] {
            assert_eq!(ours[column], theirs[column], "{column}: {ours} {theirs}");
        }
        for (column, in_map) in
            [("aum", "aum"), ("confidence", "confidence"), ("variability", "variability")]
        {
            let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
            let values = [&ours[column], &theirs[column], &map[row][in_map]].map(number);
            assert!(values.iter().all(|it| (it - values[0]).abs() < 1e-5), "{column}: {values:?}");
        }
        assert_eq!((&ours["p_label"], &ours["p_wrong"]), (&"".into(), &"".into()));
    }
}

#[test]
fn averaged_margins_of_aum_rank_and_flag_the_negative_ones() {
    let place = Place::new().with_noise();
    place
        .lane("train --train noisy.csv --method base --epochs 3 --max-length 32 --quiet --out run")
        .succeeded();
    place.lane("export run --format aum --out aum --quiet").succeeded();
    place
        .lane("audit --data noisy.csv --from-dynamics aum/aum_values.csv --out audit --quiet")
        .succeeded();
    let rows = table(&place, "audit/labels.csv");
    let aum = |row: &Value| row["aum"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(rows.windows(2).all(|two| aum(&two[0]) <= aum(&two[1])));
    assert!(rows.iter().all(|row| (row["flagged"] == "1") == (aum(row) < 0.0)));
}

#[test]
fn what_cannot_be_audited_is_refused_before_anything_is_written() {
    let place = Place::new().with_noise();
    place.write("few.csv", "text,label\na b,x\nc d,y\ne f,x\ng h,y\n");
    place.write("one.csv", &format!("text,label\n{}", "a word,x\n".repeat(30)));
    let before = place.names();
    for (line, answers) in [
        ("--data few.csv", &["expected at least 21 rows, got 4"][..]),
        ("--data one.csv", &["one.csv"]),
        ("--data none.csv", &["none.csv"]),
        (
            "--data noisy.csv --no-training --folds 2",
            &["cross_validation.folds", "nothing is trained"],
        ),
        ("--data noisy.csv --rank-by best", &["unknown score `best`", "suspicion"]),
        ("--data noisy.csv --encoder nowhere --no-training", &["nowhere"]),
        (
            "--data noisy.csv --encoder nowhere --no-training --rank-by aum",
            &["--rank-by", "nothing is trained"],
        ),
        ("--data noisy.csv --from-dynamics nowhere", &["nowhere"]),
        ("--data noisy.csv --from-dynamics nowhere --no-training", &["cannot be used with"]),
        ("--data noisy.csv --set data.test=noisy.csv", &["data.test", "one file"]),
    ] {
        refused(&place.lane(&format!("audit {line} --out audit")), answers);
        assert_eq!(place.names(), before, "{line}");
    }
}

#[test]
fn the_method_judges_by_its_own_folds_when_asked_to() {
    let place = Place::new().with_noise();
    let summary = place.lane(&format!("{AUDIT} --folds 2 --out audit --json")).succeeded().json();
    assert_eq!(summary["provenance"]["judge"], "base, 2 folds");
    let probabilities = |folder: &str| {
        let rows = table(&place, &format!("{folder}/out_of_fold.csv"));
        rows.iter().map(|row| row["self_confidence"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(probabilities("audit"), probabilities("audit/run"));
    // Two short trainings on forty rows learn nothing, and that is said.
    assert_eq!((summary["n_flagged"].as_u64(), &summary["cut_off"]), (Some(0), &Value::Null));
    assert!(summary["notes"][0].as_str().unwrap().contains("nothing is flagged"), "{summary}");
}

#[test]
fn an_encoder_judges_without_any_training() {
    let Ok(encoder) = std::env::var("LANE_ENCODER") else {
        println!("skipped: LANE_ENCODER names no encoder");
        return;
    };
    let place = Place::new().with_noise();
    let line = format!("audit --data noisy.csv --encoder {encoder} --no-training --json --quiet");
    let summary = place.lane(&format!("{line} --out audit")).succeeded().json();
    assert!(0.6 < summary["known"]["average_precision"].as_f64().unwrap(), "{summary}");
    assert!(!place.path("audit/run").exists());
    let kept = std::fs::read_dir(place.path("cache")).unwrap().count();
    assert_eq!(kept, 3, "three hidden states");
    let rows = table(&place, "audit/labels.csv");
    assert!(rows.iter().all(|row| row["aum"] == ""));
    // The last state is what a frozen encoder's training is fed.
    place
        .lane(&format!(
            "{} --freeze-encoder --epochs 2 --out trained",
            line.replace(" --no-training", "")
        ))
        .succeeded();
    assert_eq!(std::fs::read_dir(place.path("cache")).unwrap().count(), 3);
    let trained = table(&place, "trained/labels.csv");
    assert!(trained.iter().all(|row| row["aum"] != ""));
    let scores = |rows: &[Value]| rows.iter().map(|row| row["score"].clone()).collect::<Vec<_>>();
    assert_eq!(scores(&trained), scores(&rows), "training changes nothing in the ranking");
}

#[test]
fn probabilities_of_others_give_the_ranking_that_our_own_gave() {
    let place = Place::new().with_noise();
    place.lane("audit --data noisy.csv --no-training --out ours --quiet").succeeded();
    let rows = table(&place, "ours/out_of_fold.csv");
    let classes: Vec<String> = serde_json::from_str::<Value>(&place.read("ours/audit.json"))
        .unwrap()["labels"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap().to_owned())
        .collect();
    // Columns are found by their names, whatever their order.
    let line = |row: &Value| {
        let values = classes.iter().rev().map(|it| row[format!("p_{it}")].as_str().unwrap());
        format!("{},{}", row["id"].as_str().unwrap(), values.collect::<Vec<_>>().join(","))
    };
    let mut lines =
        vec![format!("id,{}", classes.iter().rev().cloned().collect::<Vec<_>>().join(","))];
    lines.extend(rows.iter().map(line));
    place.write("probabilities.csv", &lines.join("\n"));
    place
        .lane("audit --data noisy.csv --from-probs probabilities.csv --out theirs --quiet")
        .succeeded();
    assert_eq!(place.bytes("ours/labels.csv"), place.bytes("theirs/labels.csv"));
    assert_eq!(place.bytes("ours/out_of_fold.csv"), place.bytes("theirs/out_of_fold.csv"));
}

#[test]
fn logits_of_every_epoch_give_the_scores_of_the_training_they_are_of() {
    let place = Place::new().with_noise();
    place
        .lane("train --train noisy.csv --method base --epochs 3 --set save_logits=true --max-length 32 --quiet --out run")
        .succeeded();
    place.lane("export run --format cartography --out cartography --quiet").succeeded();
    let mut lines = Vec::new();
    for epoch in 0..3 {
        for line in place
            .read(&format!("cartography/training_dynamics/dynamics_epoch_{epoch}.jsonl"))
            .lines()
        {
            let line: Value = serde_json::from_str(line).unwrap();
            let logits = line[format!("logits_epoch_{epoch}")].as_array().unwrap();
            if lines.is_empty() {
                let names: Vec<String> = (0..logits.len()).map(|it| it.to_string()).collect();
                lines.push(format!("id,epoch,{}", names.join(",")));
            }
            let logits: Vec<String> = logits.iter().map(ToString::to_string).collect();
            lines.push(format!("{},{epoch},{}", line["guid"].as_str().unwrap(), logits.join(",")));
        }
    }
    place.write("logits.csv", &lines.join("\n"));
    for (from, out) in [("--from-logits logits.csv", "a"), ("--from-dynamics run", "b")] {
        place.lane(&format!("audit --data noisy.csv {from} --out {out} --quiet")).succeeded();
    }
    let (ours, theirs) = (table(&place, "a/labels.csv"), table(&place, "b/labels.csv"));
    for (ours, theirs) in ours.iter().zip(&theirs) {
        for column in ["id", "flagged", "correctness", "forgetting", "suggested", "aum"] {
            assert_eq!(ours[column], theirs[column], "{column}: {ours} {theirs}");
        }
    }
}
