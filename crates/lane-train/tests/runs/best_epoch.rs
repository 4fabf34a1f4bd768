//! Which epoch is the best: the first of the highest by validation, never by test.

use lane_train::MethodName;
use lane_train::history::EpochScores;

use crate::support::{Corpus, Run};

/// A rate at which nothing is learnt, so that every epoch scores the same.
const STANDSTILL: &str = "training.lr=1e-12";

fn validation(epoch: &EpochScores) -> f64 {
    epoch.validation.unwrap().accuracy
}

fn run(corpus: &Corpus, name: &str, settings: &[&str]) -> Run {
    corpus.run(name, corpus.config(MethodName::BASE, settings)).unwrap()
}

#[test]
fn the_best_epoch_has_the_highest_validation_score_and_lends_its_test_scores() {
    let corpus = Corpus::new();
    let result = run(&corpus, "run", &["training.epochs=20", "training.lr=3e-3"]).result;
    let scores: Vec<f64> = result.epochs.iter().map(validation).collect();
    let highest = scores.iter().copied().fold(f64::MIN, f64::max);
    assert!(scores[0] < highest, "the corpus is too easy for this test: {scores:?}");
    let first = scores.iter().position(|&score| score >= highest).unwrap();
    assert_eq!(result.best, result.epochs[first]);
    assert_eq!(result.test, result.epochs[first].test);
    assert_eq!(result.r#final, result.epochs[19]);
}

#[test]
fn of_equal_epochs_the_first_is_the_best() {
    let corpus = Corpus::new();
    let result = run(&corpus, "run", &["training.epochs=4", STANDSTILL]).result;
    assert!(result.epochs.iter().all(|it| it.validation == result.epochs[0].validation));
    assert_eq!((result.best.epoch, result.r#final.epoch), (1, 4));
}

#[test]
fn without_validation_the_last_epoch_is_the_best() {
    let corpus = Corpus::new();
    let mut config = corpus.config(MethodName::BASE, &["training.epochs=3", STANDSTILL]);
    config.data.validation = None;
    let run = corpus.run("run", config).unwrap();
    assert_eq!((run.result.best.epoch, run.result.epochs.len()), (3, 3));
    assert!(run.metrics("validation").is_empty());
}

#[test]
fn the_test_split_chooses_nothing() {
    let corpus = Corpus::new();
    let scored = |test: &str| {
        let mut config =
            corpus.config(MethodName::BASE, &["training.epochs=20", "training.lr=3e-3"]);
        config.data.test = Some(corpus.path(test));
        corpus.run(&format!("run-{test}"), config).unwrap()
    };
    let (right, scrambled) = (scored("test.csv"), scored("scrambled.csv"));
    let strip = |epoch: &EpochScores| EpochScores { test: None, ..epoch.clone() };
    let chosen = |run: &Run| run.result.epochs.iter().map(strip).collect::<Vec<_>>();
    assert_eq!(chosen(&right), chosen(&scrambled));
    assert_eq!(strip(&right.result.best), strip(&scrambled.result.best));
    for name in ["labels.csv", "model/model.safetensors", "dynamics.parquet"] {
        assert!(right.bytes(name) == scrambled.bytes(name), "{name}");
    }
    let accuracy = |epoch: &EpochScores| epoch.test.unwrap().accuracy;
    let better =
        scrambled.result.epochs.iter().any(|it| accuracy(it) > accuracy(&scrambled.result.best));
    assert!(better, "the wrong test labels would have chosen the same epoch");
}

#[test]
fn patience_ends_a_run_that_no_longer_gets_better() {
    let corpus = Corpus::new();
    let settings = ["training.epochs=9", "training.patience=2", STANDSTILL];
    let run = run(&corpus, "run", &settings);
    assert_eq!((run.result.best.epoch, run.result.r#final.epoch), (1, 3));
    assert_eq!(run.result.epochs.len(), 3);
    assert_eq!(run.metrics("train").len(), 3);
}
