//! What each method leaves behind.

use std::collections::BTreeSet;

use arrow::array::{Array, Float32Array, RecordBatch, UInt32Array};
use lane_train::apply::evaluate_file;
use lane_train::device::DeviceName;
use lane_train::record::RunResult;
use lane_train::saved::Classifier;
use lane_train::scores::SplitScores;
use lane_train::views::ViewConfig;
use lane_train::{Columns, Config, MethodName, Silent};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::{Corpus, N_TRAIN, Run, names};

const FILES: [&str; 9] = [
    "config.toml",
    "data_map.csv",
    "dynamics.parquet",
    "labels.csv",
    "metrics.jsonl",
    "model",
    "record.json",
    "result.json",
    "test_predictions.csv",
];

/// Whether the method trains an auxiliary network by default.
fn has_auxiliary(method: MethodName) -> bool {
    method.as_str().starts_with("lane")
}

/// Whether the last phase leaves rows out.
fn trains_on_a_part(method: MethodName) -> bool {
    method.as_str().starts_with("cartography") || method.as_str() == "aum"
}

#[test]
fn every_method_leaves_a_complete_run_folder() {
    let corpus = Corpus::new();
    for method in MethodName::all() {
        let config = corpus.config(method, &["seed=3"]);
        let run = corpus.run(method.as_str(), config.clone()).unwrap();
        assert_eq!(names(&run.path), FILES, "{method}");
        let read = Config::resolve(Some(&run.path.join("config.toml")), &[]).unwrap();
        // The run writes down which thesaurus it found.
        let views = ViewConfig { thesaurus: read.views.thesaurus.clone(), ..config.views };
        assert_eq!(read, Config { views, ..config });
        result_reads_back(&run, method);
        labels_are_ranked(&run);
        dynamics_are_complete(&run, method);
        every_row_is_on_the_map(&run);
        scores_come_from_the_saved_model(&corpus, &run);
        test_predictions_give_the_test_scores(&run);
    }
}

fn test_predictions_give_the_test_scores(run: &Run) {
    let mut table = csv::Reader::from_path(run.path.join("test_predictions.csv")).unwrap();
    let rows: Vec<_> = table.records().map(Result::unwrap).collect();
    let gives = |column: usize, test: Option<SplitScores>| {
        let n_right = rows.iter().filter(|row| row[2] == row[column]).count();
        (n_right as f64 / rows.len() as f64 - test.unwrap().accuracy).abs() < 1e-12
    };
    assert!(gives(3, run.result.best.test) && gives(4, run.result.r#final.test));
}

fn result_reads_back(run: &Run, method: MethodName) {
    let text = String::from_utf8(run.bytes("result.json")).unwrap();
    assert_eq!(text, serde_json::to_string_pretty(&run.result).unwrap() + "\n");
    let read: RunResult = serde_json::from_str(&text).unwrap();
    assert_eq!((read.method, read.epochs.len()), (method, 2));
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["method"], method.as_str());
    assert_eq!((&json["seed"], &json["n_train"]), (&3.into(), &N_TRAIN.into()));
    for key in ["accuracy", "micro_f1", "macro_f1", "weighted_f1", "balanced_accuracy"] {
        assert!((0.0..=1.0).contains(&json[key].as_f64().unwrap()), "{method}: {key}");
        assert_eq!(json[key], json["best"]["test"][key]);
    }
    assert_eq!(json["final"], json["epochs"][1]);
    let detection = &json["detection"];
    assert_eq!(detection["n_wrong"], 8, "{method}");
    for key in ["average_precision", "auroc", "precision", "recall", "f1", "balanced_accuracy"] {
        assert!((0.0..=1.0).contains(&detection[key].as_f64().unwrap()), "{method}: {key}");
    }
    let by = &detection["by"];
    assert_eq!(by["alm"].is_null(), !has_auxiliary(method), "{method}");
    assert_eq!(by["aum"]["auroc"].is_null(), trains_on_a_part(method), "{method}");
}

fn labels_are_ranked(run: &Run) {
    let mut table = csv::Reader::from_path(run.path.join("labels.csv")).unwrap();
    let header: Vec<_> = table.headers().unwrap().iter().map(str::to_owned).collect();
    let columns =
        ["row", "id", "text", "label", "suggested", "score", "weight", "flagged", "reason"];
    assert_eq!(header, columns);
    let lines: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    let scores: Vec<f64> = lines.iter().map(|line| line[5].parse().unwrap()).collect();
    assert!(scores.is_sorted_by(|left, right| left >= right), "{scores:?}");
    let rows: BTreeSet<usize> = lines.iter().map(|line| line[0].parse().unwrap()).collect();
    assert!(lines.len() == N_TRAIN && rows == (0..N_TRAIN).collect());
    for line in &lines {
        assert_eq!(line[1], format!("train-{}", &line[0]));
        assert!((0.0..=1.0).contains(&line[6].parse::<f64>().unwrap()), "{line:?}");
        assert!(matches!(&line[7], "0" | "1") && ["bird", "metal", "weather"].contains(&&line[4]));
        assert!(line[8].is_empty() || line[6].parse::<f64>().unwrap() <= 0.5, "{line:?}");
    }
}

fn every_row_is_on_the_map(run: &Run) {
    let mut table = csv::Reader::from_path(run.path.join("data_map.csv")).unwrap();
    let header: Vec<_> = table.headers().unwrap().iter().map(str::to_owned).collect();
    let quantities =
        ["confidence", "variability", "correctness", "forgetfulness", "threshold_closeness", "aum"];
    assert_eq!(header, [["row", "id"].as_slice(), &quantities].concat());
    let lines: Vec<csv::StringRecord> = table.records().map(Result::unwrap).collect();
    assert_eq!(lines.len(), N_TRAIN);
    for (row, line) in lines.iter().enumerate() {
        assert_eq!((&line[0], &line[1]), (&*row.to_string(), &*format!("train-{row}")));
        let number = |column: usize| line[column].parse::<f64>().unwrap();
        assert!((0.0..=1.0).contains(&number(2)) && (0.0..=0.5).contains(&number(3)), "{line:?}");
        // A phase that carries networks on adds its epochs to the two of the last.
        assert!((0.0..=9.0).contains(&number(4)) && number(7).is_finite(), "{line:?}");
        assert_eq!(number(4) < 0.5, line[5] == *"1000", "{line:?}");
    }
}

fn dynamics(run: &Run) -> Vec<RecordBatch> {
    let file = std::fs::File::open(run.path.join("dynamics.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    reader.map(Result::unwrap).collect()
}

fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> &'a T {
    batch.column_by_name(name).unwrap().as_any().downcast_ref().unwrap()
}

fn dynamics_are_complete(run: &Run, method: MethodName) {
    let mut seen = Vec::new();
    for batch in dynamics(run) {
        let (rows, epochs) =
            (column::<UInt32Array>(&batch, "row"), column::<UInt32Array>(&batch, "epoch"));
        seen.extend(epochs.values().iter().copied().zip(rows.values().iter().copied()));
        let label_aware = column::<Float32Array>(&batch, "label_aware_margin");
        let n_null = if has_auxiliary(method) { 0 } else { batch.num_rows() };
        assert_eq!(label_aware.null_count(), n_null, "{method}");
        let share = |name: &str| {
            column::<Float32Array>(&batch, name).values().iter().all(|it| (0.0..=1.0).contains(it))
        };
        assert!(share("p_label") && share("weight"), "{method}");
    }
    // Later phases may show a part of the rows.
    let first_phase: Vec<_> =
        (1..=2).flat_map(|epoch| (0..N_TRAIN as u32).map(move |row| (epoch, row))).collect();
    assert_eq!(seen[..first_phase.len()], first_phase, "{method}");
    assert!(seen.is_sorted_by(|left, right| left < right), "{method}: a row twice in an epoch");
}

fn scores_come_from_the_saved_model(corpus: &Corpus, run: &Run) {
    let classifier = Classifier::open(&run.path, DeviceName::Flex).unwrap();
    assert_eq!(classifier.labels(), ["bird", "metal", "weather"]);
    let test = corpus.path("test.csv");
    let scored =
        evaluate_file(&run.path, &test, &Columns::default(), DeviceName::Flex, &mut Silent)
            .unwrap();
    assert_eq!((scored.n_rows, Some(scored.scores)), (12, run.result.test));
}

#[test]
fn plain_training_learns_sixteen_right_labels_by_heart() {
    let corpus = Corpus::new();
    let settings = ["training.epochs=30", "training.lr=3e-3", "model.dropout=0.0"];
    let mut config = corpus.config(MethodName::BASE, &settings);
    config.data.train = corpus.path("clean.csv");
    config.data.test = Some(corpus.path("clean.csv"));
    config.data.validation = None;
    let run = corpus.run("run", config).unwrap();
    assert!((run.result.test.unwrap().accuracy - 1.0).abs() < 1e-12, "{:?}", run.result.epochs);
    let losses: Vec<f64> =
        run.metrics("train").iter().map(|it| it["loss"].as_f64().unwrap()).collect();
    assert!(losses[29] < losses[0] / 4.0, "{losses:?}");
    assert_eq!(run.result.detection.unwrap().n_wrong, 0);
}

#[test]
fn epochs_left_out_of_the_averages_have_weights_of_one_and_are_still_seen() {
    let corpus = Corpus::new();
    let settings = ["lane.alm_skip_epochs=1", "training.lr=3e-3", "training.epochs=3"];
    let run = corpus.run("run", corpus.config(MethodName::LANE, &settings)).unwrap();
    let lines = run.metrics("train");
    assert_eq!(
        (&lines[0]["n_negative"], &lines[0]["negative_mean"]),
        (&0.into(), &serde_json::Value::Null)
    );
    assert!(lines[0]["detection"]["by"].is_null() && lines[0]["detection"]["alm"].is_null());
    assert!(lines[1]["n_negative"].as_u64().unwrap() > 0, "{}", lines[1]);
    assert!(lines[1]["detection"]["alm"]["auroc"].is_number());
    let below_one = |epoch: u32| -> usize {
        let of_batch = |batch: &RecordBatch| {
            assert_eq!(column::<Float32Array>(batch, "label_aware_margin").null_count(), 0);
            let epochs = column::<UInt32Array>(batch, "epoch").values().iter();
            let weights = column::<Float32Array>(batch, "weight").values().iter();
            epochs.zip(weights).filter(|(at, weight)| **at == epoch && **weight < 1.0).count()
        };
        dynamics(&run).iter().map(of_batch).sum()
    };
    assert_eq!(below_one(1), 0);
    assert!(below_one(2) + below_one(3) > 0);
}
