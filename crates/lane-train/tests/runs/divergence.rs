//! A run that diverges stops, says where, keeps its last good checkpoint, and leaves no result.

use std::path::Path;

use lane_train::record::Program;
use lane_train::run::{Invocation, RunOptions, resume, train_with};
use lane_train::{Config, Every, MethodName, Silent, TrainError, WayBack};

use crate::support::{Corpus, names};

fn invocation() -> Invocation {
    let program = Program { version: "test".into(), ..Program::default() };
    Invocation { program, command: Vec::new() }
}

#[track_caller]
fn stops(method: MethodName) {
    let corpus = Corpus::new();
    let config = corpus.config(method, &["training.lr=1e6", "training.epochs=20"]);
    let Err(error) = corpus.run("run", config) else { panic!("{method} went on") };
    assert!(!error.is_usage() && error.hint().is_some_and(|hint| hint.contains("--lr 1.0e5")));
    let message = error.to_string();
    let TrainError::NotFinite { epoch, step, what, rows, .. } = error else { panic!("{message}") };
    assert!((1..=20).contains(&epoch) && (1..=5).contains(&step), "{message}");
    assert!(rows.starts_with("train-"), "{message}");
    assert!(message.contains(&format!("epoch {epoch}, step {step}: {what} became")), "{message}");
    assert!(message.ends_with("no checkpoint had been written"), "{message}");
    assert_eq!(names(&corpus.path("run")), ["checkpoint", "config.toml", "metrics.jsonl"]);
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
    let error = corpus.run("run", corpus.config(MethodName::BASE, &settings)).err().unwrap();
    assert!(!error.is_usage());
    let TrainError::NotFinite { epoch: 1, step: 1, rows, .. } = &error else { panic!("{error}") };
    assert!(rows.starts_with("train-") && rows.ends_with(" and 32 more"), "{error}");
    assert!(!corpus.path("run").join("result.json").exists());
}

/// The bytes of every file under a folder, by path.
fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            let below = tree(&path).into_iter();
            all.extend(below.map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            all.push((name, std::fs::read(path).unwrap()));
        }
    }
    all
}

/// All values of a file of tensors.
fn numbers(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap();
    let (length, rest) = bytes.split_first_chunk::<8>().unwrap();
    let (header, values) = rest.split_at(usize::try_from(u64::from_le_bytes(*length)).unwrap());
    let header: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(header).unwrap();
    let mut tensors = header.iter().filter(|(name, _)| *name != "__metadata__");
    assert!(tensors.all(|(_, tensor)| tensor["dtype"] == "F32"));
    values.as_chunks().0.iter().map(|it| f32::from_le_bytes(*it)).collect()
}

/// A run that keeps every step.
fn kept(config: Config, path: &Path) -> TrainError {
    let options = RunOptions { force: false, every: Some(Every::Steps(1)) };
    train_with(config, path, options, &invocation(), &mut Silent).unwrap_err()
}

#[test]
fn the_last_good_checkpoint_is_named_intact_and_leads_to_the_same_end() {
    let corpus = Corpus::new();
    // Slow at first, so that some steps are good; then far beyond what numbers hold.
    let settings = ["training.lr=1e38", "training.warmup=0.9", "training.epochs=2"];
    let path = corpus.path("run");
    let error = kept(corpus.config(MethodName::LANE, &settings), &path);
    let message = error.to_string();
    let TrainError::NotFinite { way_back: Some(way_back), step, epoch, .. } = error else {
        panic!("{message}")
    };
    let WayBack { run, checkpoint: Some((last, n_steps)), lr } = *way_back else {
        panic!("{message}")
    };
    assert_eq!((run.as_path(), lr), (path.as_path(), 1e38));
    assert!(message.contains(&format!("`{}`, after {n_steps} steps", last.display())), "{message}");
    // The step that spoilt the networks is not kept, the one before is.
    let n_taken = u64::from(epoch - 1) * 5 + step as u64;
    assert!(n_steps < n_taken && n_taken <= n_steps + 2, "{message}");
    for name in ["networks.safetensors", "moments.safetensors"] {
        let values = numbers(&last.join(name));
        assert!(!values.is_empty() && values.iter().all(|it| it.is_finite()), "{name}");
    }
    let before = tree(&path);
    assert!(before.iter().all(|(name, _)| !name.contains(".lane-")), "half-written");

    // Gone on with, the checkpoint is whole, holds numbers, and comes to the very same step.
    let again = resume(&path, None, &invocation(), &mut Silent).unwrap_err();
    assert_eq!(again.to_string(), message);
    assert!(tree(&path) == before, "a second end must change nothing");
}
