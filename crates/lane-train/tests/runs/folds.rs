//! Runs that also predict every training row by networks that never saw it.

use lane_train::progress::{Activity, EpochReport};
use lane_train::record::{Program, RunResult};
use lane_train::run::Invocation;
use lane_train::{Config, MethodName, Observer, train};
use serde_json::Value;

use crate::support::{Corpus, N_TRAIN, Run, names};

const THREE: &str = "cross_validation.folds=3";

/// One network, two networks, two stages, a method that sorts the rows, a robust loss.
const METHODS: [&str; 6] = ["base", "lane", "aum", "dividemix", "blurry", "cartography-ambiguous"];

struct Line {
    id: String,
    label: String,
    predicted: String,
    self_confidence: f64,
    normalized_margin: f64,
    flagged: bool,
    probabilities: Vec<f64>,
}

fn out_of_fold(run: &Run) -> Vec<Line> {
    let mut table = csv::Reader::from_path(run.path.join("out_of_fold.csv")).unwrap();
    let header: Vec<_> = table.headers().unwrap().iter().map(str::to_owned).collect();
    let fixed = ["row", "id", "label", "predicted", "self_confidence", "normalized_margin"];
    assert_eq!(header[..6], fixed);
    assert_eq!(header[6..8], ["confidence_weighted_entropy", "flagged"]);
    assert_eq!(header[12..], ["p_bird", "p_metal", "p_weather"]);
    let lines: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let rows: Vec<usize> = lines.iter().map(|line| line[0].parse().unwrap()).collect();
    assert!(rows.into_iter().eq(0..lines.len()));
    let number = |text: &str| text.parse::<f64>().unwrap();
    let line = |line: csv::StringRecord| Line {
        id: line[1].into(),
        label: line[2].into(),
        predicted: line[3].into(),
        self_confidence: number(&line[4]),
        normalized_margin: number(&line[5]),
        flagged: &line[7] == "1",
        probabilities: line.iter().skip(12).map(number).collect(),
    };
    lines.into_iter().map(line).collect()
}

#[test]
fn methods_of_every_kind_predict_each_row_out_of_fold() {
    let corpus = Corpus::new();
    for method in METHODS {
        let settings = [THREE, "views.kinds=[\"original\", \"deletion\"]"];
        let run = corpus.run(method, corpus.config(method.parse().unwrap(), &settings)).unwrap();
        let lines = out_of_fold(&run);
        assert_eq!(lines.len(), N_TRAIN, "{method}");
        for (row, line) in lines.iter().enumerate() {
            assert_eq!(line.id, format!("train-{row}"));
            assert!((line.probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{method}");
            let classes = ["bird", "metal", "weather"];
            let of =
                |name: &str| line.probabilities[classes.iter().position(|it| *it == name).unwrap()];
            assert!((of(&line.label) - line.self_confidence).abs() < 1e-15);
            assert!(line.probabilities.iter().all(|p| *p <= of(&line.predicted)));
            assert!((0.0..=1.0).contains(&line.normalized_margin));
            assert!(!line.flagged || line.predicted != line.label);
        }
        let found = run.result.detection.unwrap().confident_learning.unwrap();
        assert_eq!(found.both.n_flagged, lines.iter().filter(|it| it.flagged).count());
        assert!(found.both.n_flagged <= found.prune_by_class.n_flagged);
        assert!(found.average_precision.is_some() && found.auroc.is_some(), "{method}");
    }
}

#[test]
fn folds_change_nothing_that_the_main_training_leaves_behind() {
    let corpus = Corpus::new();
    for method in ["lane", "aum"] {
        let run = |name: &str, settings: &[&str]| {
            let config = corpus.config(method.parse().unwrap(), settings);
            corpus.run(&format!("{method}-{name}"), config).unwrap()
        };
        let (plain, folded, again) =
            (run("plain", &[]), run("folded", &[THREE]), run("again", &[THREE]));
        let same = [
            "data_map.csv",
            "labels.csv",
            "metrics.jsonl",
            "dynamics.parquet",
            "model/model.safetensors",
        ];
        for name in same {
            assert!(plain.bytes(name) == folded.bytes(name), "{method}: {name}");
        }
        for name in ["result.json", "out_of_fold.csv", "config.toml"] {
            assert!(folded.bytes(name) == again.bytes(name), "{method}: {name}");
        }
        let (mut theirs, mut ours): (Value, Value) = (json(&plain), json(&folded));
        assert!(theirs["detection"].get("confident_learning").is_none());
        let detection = ours["detection"].as_object_mut().unwrap();
        detection.shift_remove("confident_learning").unwrap();
        assert_eq!(ours, theirs, "{method}");
        assert!(theirs["detection"]["balanced_accuracy"].take().is_number());
        let mut expected = names(&plain.path);
        expected.push("out_of_fold.csv".into());
        expected.sort();
        assert_eq!(names(&folded.path), expected);
    }
}

fn json(run: &Run) -> Value {
    serde_json::from_slice(&run.bytes("result.json")).unwrap()
}

#[test]
fn without_gold_labels_rows_are_flagged_and_nothing_is_scored() {
    let corpus = Corpus::new();
    let with_gold = std::fs::read_to_string(corpus.path("train.csv")).unwrap();
    let without: Vec<_> = with_gold.lines().map(|it| it.rsplit_once(',').unwrap().0).collect();
    corpus.write("train.csv", &without.join("\n"));
    let run = corpus.run("run", corpus.config(MethodName::BASE, &[THREE])).unwrap();
    assert!(run.result.detection.is_none());
    assert_eq!(out_of_fold(&run).len(), N_TRAIN);
}

#[test]
fn a_class_of_one_row_is_still_a_class_of_the_fold_that_lacks_it() {
    let corpus = Corpus::new();
    let mut rows = std::fs::read_to_string(corpus.path("two.csv")).unwrap();
    rows.push_str("\ntwo-99,I saw the frost again,weather,weather\n");
    corpus.write("train.csv", &rows);
    for method in METHODS {
        let run = corpus.run(method, corpus.config(method.parse().unwrap(), &[THREE])).unwrap();
        let last = out_of_fold(&run).pop().unwrap();
        assert_eq!((last.label.as_str(), last.probabilities.len()), ("weather", 3));
    }
}

#[test]
fn as_many_folds_as_rows_are_the_most() {
    let corpus = Corpus::new();
    let fewest = ["text,label", "I saw the wren,bird", "copper again,metal", "old frost,weather"];
    corpus.write("train.csv", &fewest.join("\n"));
    let config = |n: u32| {
        let folds = format!("cross_validation.folds={n}");
        corpus.config(MethodName::BASE, &[&folds, "training.epochs=1"])
    };
    assert_eq!(out_of_fold(&corpus.run("three", config(3)).unwrap()).len(), 3);
    let error = corpus.run("four", config(4)).err().unwrap();
    assert!(error.is_usage());
    assert_eq!(
        error.to_string(),
        "`cross_validation.folds` is 4, expected at most the 3 training rows"
    );
    assert!(!corpus.path("four").exists());
}

#[test]
fn one_fold_is_refused_with_what_can_be_said() {
    let settings = ["data.train=rows.csv", "cross_validation.folds=1"];
    let settings = settings.map(|text| text.parse().unwrap());
    let error = Config::resolve(None, &settings).unwrap_err().to_string();
    assert_eq!(error, "`cross_validation.folds` is 1, expected 0 (none) or at least 2");
}

#[test]
fn wrong_labels_learnt_by_heart_are_still_found_out_of_fold() {
    let corpus = Corpus::new();
    let settings = [THREE, "training.epochs=30", "training.lr=3e-3"];
    let mut config = corpus.config(MethodName::BASE, &settings);
    config.data.validation = None;
    let run = corpus.run("run", config).unwrap();
    // Networks that had seen these rows would predict their labels; most of the wrong ones they
    // have not, and each fold leaves two thirds of the words of every class to learn from.
    let found = run.result.detection.unwrap().confident_learning.unwrap().both;
    assert!(found.recall > 0.6 && found.balanced_accuracy > 0.6, "{found:?}");
}

/// Keeps the order of what it hears.
#[derive(Default)]
struct Order {
    heard: Vec<String>,
}

impl Observer for Order {
    fn begin(&mut self, activity: &Activity, n_rows: u64) {
        if let Activity::Scoring { split: "fold" } = activity {
            self.heard.push(format!("{n_rows} rows"));
        }
    }

    fn fold(&mut self, fold: u32, folds: u32) {
        self.heard.push(format!("fold {fold} of {folds}"));
    }

    fn epoch(&mut self, report: &EpochReport) {
        self.heard.push(format!("epoch {}", report.epoch));
    }
}

#[test]
fn folds_are_announced_and_their_epochs_are_not_those_of_the_run() {
    let corpus = Corpus::new();
    let mut order = Order::default();
    let program = Program { version: "test".into(), ..Program::default() };
    let invocation = Invocation { program, command: Vec::new() };
    let config = corpus.config(MethodName::BASE, &[THREE]);
    let out = corpus.path("run");
    let _: RunResult = train(config, &out, false, &invocation, &mut order).unwrap();
    let expected = [
        "epoch 1",
        "epoch 2",
        "fold 1 of 3",
        "14 rows",
        "fold 2 of 3",
        "13 rows",
        "fold 3 of 3",
        "13 rows",
    ];
    assert_eq!(order.heard, expected);
}
