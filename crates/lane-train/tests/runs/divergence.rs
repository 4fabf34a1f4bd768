//! A run that diverges stops, says where, and leaves no result.

use lane_train::{MethodName, TrainError};

use crate::support::Corpus;

#[track_caller]
fn stops(method: MethodName) {
    let corpus = Corpus::new();
    let config = corpus.config(method, &["training.lr=1e6", "training.epochs=20"]);
    let Err(error) = corpus.run("run", config) else { panic!("{method} went on") };
    assert!(!error.is_usage() && error.hint().is_some_and(|hint| hint.contains("--lr")));
    let message = error.to_string();
    let TrainError::NotFinite { epoch, step, rows, .. } = error else { panic!("{message}") };
    assert!((1..=20).contains(&epoch) && (1..=5).contains(&step), "{message}");
    assert!(rows.starts_with("train-"), "{message}");
    assert!(message.contains(&format!("epoch {epoch}, step {step}")), "{message}");
    assert!(!corpus.path("run").join("result.json").exists());
    assert!(!corpus.path("run").join("model").exists());
}

#[test]
fn a_rate_far_too_high_stops_plain_training_with_the_rows_named() {
    stops(MethodName::BASE);
}

#[test]
fn a_rate_far_too_high_stops_lane_with_the_rows_named() {
    stops(MethodName::LANE);
}

#[test]
fn weights_spoilt_by_the_very_last_step_leave_no_result() {
    let corpus = Corpus::new();
    let settings = ["training.lr=1e38", "training.epochs=1", "training.batch_size=40"];
    assert!(corpus.run("run", corpus.config(MethodName::BASE, &settings)).is_err());
    assert!(!corpus.path("run").join("result.json").exists());
}
