//! Runs that are stopped and go on: the same bytes as if they never had been, or a refusal that says why.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use lane_train::cell::{self, Outcome, Request};
use lane_train::grid::{Grid, write_cells};
use lane_train::record::Program;
use lane_train::run::{Invocation, Resumed, RunOptions, resume, train_with};
use lane_train::{Config, Every, MethodName, Observer, TrainError};

use crate::support::{Corpus, names};

const FILES: [&str; 7] = [
    "config.toml",
    "data_map.csv",
    "result.json",
    "labels.csv",
    "metrics.jsonl",
    "model/model.safetensors",
    "dynamics.parquet",
];

/// Stops a run after so many steps, and keeps what it says.
struct StopAfter {
    steps: Cell<u32>,
    notes: Vec<String>,
}

impl StopAfter {
    fn steps(steps: u32) -> Self {
        Self { steps: Cell::new(steps), notes: Vec::new() }
    }

    fn never() -> Self {
        Self::steps(u32::MAX)
    }

    #[track_caller]
    fn said(&self, text: &str) {
        assert!(
            self.notes.iter().any(|note| note.contains(text)),
            "no {text:?} in {:?}",
            self.notes
        );
    }
}

impl Observer for StopAfter {
    fn is_to_stop(&self) -> bool {
        self.steps.set(self.steps.get() - 1);
        self.steps.get() == 0
    }

    fn note(&mut self, text: &str) {
        self.notes.push(text.into());
    }
}

fn invocation() -> Invocation {
    let program = Program { version: "test".into(), ..Program::default() };
    Invocation { program, command: Vec::new() }
}

/// A run into the folder `name` of the corpus, stopped after `steps` steps.
#[track_caller]
fn stopped(corpus: &Corpus, name: &str, config: Config, steps: u32) -> PathBuf {
    let path = corpus.path(name);
    let options = RunOptions { force: false, every: Some(Every::Steps(2)) };
    let run = train_with(config, &path, options, &invocation(), &mut StopAfter::steps(steps));
    assert!(matches!(run, Err(TrainError::Stopped { .. })), "{run:?}");
    path
}

fn go_on(run: &Path, observer: &mut StopAfter) -> Result<Resumed, TrainError> {
    resume(run, None, &invocation(), observer)
}

fn differing(left: &Path, right: &Path) -> Vec<&'static str> {
    let bytes = |run: &Path, name: &str| fs::read(run.join(name)).unwrap();
    FILES.into_iter().filter(|name| bytes(left, name) != bytes(right, name)).collect()
}

/// Stops a run every `steps` steps until it is finished, and compares it with one in one go.
fn compare(corpus: &Corpus, name: &str, config: &Config, steps: u32) -> Vec<&'static str> {
    let whole = corpus.run(&format!("{name}-whole"), config.clone()).unwrap();
    let run = stopped(corpus, &format!("{name}-parts"), config.clone(), steps);
    let mut n_parts = 1;
    while let Err(error) = go_on(&run, &mut StopAfter::steps(steps)) {
        assert!(matches!(error, TrainError::Stopped { .. }), "{name}: {error}");
        n_parts += 1;
    }
    assert!(n_parts >= 3, "{name}");
    assert_eq!(names(&run), names(&whole.path), "{name}");
    differing(&whole.path, &run)
}

#[test]
fn every_method_stopped_every_three_steps_leaves_the_bytes_of_one_that_never_was() {
    let corpus = Corpus::new();
    let mut wrong = Vec::new();
    for method in MethodName::all() {
        let own: &[&str] = match method.as_str() {
            "peer-loss" => &["peer_loss.expected=true"],
            "noise-layer" => &["noise_layer.model=complex"],
            "hmw" => &["hmw.plain_epochs=0"],
            _ => &[],
        };
        let config = corpus.config(method, &[&["training.epochs=3"], own].concat());
        let differing = compare(&corpus, method.as_str(), &config, 3);
        if !differing.is_empty() {
            wrong.push((method.as_str(), differing));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn views_patience_micro_batches_and_saved_logits_go_on_too() {
    let corpus = Corpus::new();
    let views = "views.kinds=[\"original\", \"deletion\", \"repeat\"]";
    let sets: [&[&str]; 4] = [
        &[views, "training.micro_batch=5", "lane.margin_views=independent", "training.epochs=3"],
        &["training.patience=1", "training.epochs=9", "training.lr=0.02", "save_logits=true"],
        &["weights.statistics=epoch-frozen", "lane.margin_mode=eval", "lane.alm_skip_epochs=1"],
        &["weights.statistics=visits-welford", "weights.time=global-step", "training.warmup=0.3"],
    ];
    for (number, settings) in sets.iter().enumerate() {
        let config = corpus.config(MethodName::LANE, settings);
        let name = format!("lane-{number}");
        assert_eq!(compare(&corpus, &name, &config, 2), [""; 0], "{settings:?}");
    }
}

#[test]
fn the_last_two_checkpoints_are_kept_and_the_damaged_newest_gives_way_to_the_other() {
    let corpus = Corpus::new();
    let config = corpus.config(MethodName::LANE, &[]);
    let whole = corpus.run("whole", config.clone()).unwrap();
    let run = stopped(&corpus, "run", config, 7);
    let checkpoints = run.join("checkpoint");
    assert_eq!(names(&checkpoints), ["000000000006", "000000000007", "dynamics", "lock"]);
    flip(&checkpoints.join("000000000007/networks.safetensors"));
    let mut observer = StopAfter::never();
    assert!(matches!(go_on(&run, &mut observer).unwrap(), Resumed::Ran(_)));
    observer.said("000000000007`: `networks.safetensors` is damaged");
    assert_eq!(differing(&whole.path, &run), [""; 0]);
    assert!(!checkpoints.exists());
}

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[track_caller]
fn refuses(run: &Path, answers: &[&str]) -> TrainError {
    let error = go_on(run, &mut StopAfter::never()).unwrap_err();
    let said = super::support::chain(&error);
    for answer in answers {
        assert!(said.contains(answer), "no {answer:?} in {said}");
    }
    error
}

#[test]
fn without_a_whole_checkpoint_it_is_refused_and_nothing_is_lost() {
    let corpus = Corpus::new();
    let run = stopped(&corpus, "run", corpus.config(MethodName::BASE, &[]), 7);
    let before = names(&run);
    flip(&run.join("checkpoint/000000000006/state.cbor"));
    fs::remove_file(run.join("checkpoint/000000000007/moments.safetensors")).unwrap();
    let error = refuses(&run, &["000000000006", "`state.cbor` is damaged", "cannot be used"]);
    assert!(!error.is_usage() && error.hint().unwrap().contains("begin the run anew"));
    assert_eq!(names(&run), before);
    flip(&run.join("checkpoint/000000000006/state.cbor"));
    assert!(matches!(go_on(&run, &mut StopAfter::never()).unwrap(), Resumed::Ran(_)));
}

#[test]
fn an_epoch_of_the_dynamics_that_is_gone_is_named() {
    let corpus = Corpus::new();
    let run = stopped(&corpus, "run", corpus.config(MethodName::BASE, &[]), 7);
    let part = run.join("checkpoint/dynamics/epoch-00001.parquet");
    let bytes = fs::read(&part).unwrap();
    flip(&part);
    let refused = refuses(&run, &["failed to read back", "epoch-00001.parquet", "changed"]);
    assert!(!refused.is_usage() && refused.hint().is_some_and(|it| it.contains("put it back")));
    fs::write(&part, bytes).unwrap();
    assert!(matches!(go_on(&run, &mut StopAfter::never()).unwrap(), Resumed::Ran(_)));
}

#[test]
fn a_run_whose_data_or_settings_changed_is_refused_with_what_did() {
    let corpus = Corpus::new();
    let run = stopped(&corpus, "run", corpus.config(MethodName::BASE, &["training.epochs=4"]), 7);
    let rows = fs::read_to_string(corpus.path("train.csv")).unwrap();
    corpus.write("train.csv", &rows.replacen("copper", "nickel", 1));
    assert!(refuses(&run, &["train has hash", "changed since the run was begun"]).is_usage());
    corpus.write("train.csv", &rows);
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    fs::write(run.join("config.toml"), config.replace("epochs = 4", "epochs = 5")).unwrap();
    assert!(refuses(&run, &["`training.epochs` is 5, was 4"]).is_usage());
    fs::write(run.join("config.toml"), config).unwrap();
    assert!(matches!(go_on(&run, &mut StopAfter::never()).unwrap(), Resumed::Ran(_)));
}

#[test]
fn files_that_moved_are_still_the_same_files() {
    let corpus = Corpus::new();
    let run = stopped(&corpus, "run", corpus.config(MethodName::BASE, &[]), 4);
    fs::rename(corpus.path("train.csv"), corpus.path("moved.csv")).unwrap();
    assert!(refuses(&run, &["train.csv"]).is_usage());
    let config = fs::read_to_string(run.join("config.toml")).unwrap();
    fs::write(run.join("config.toml"), config.replace("train.csv", "moved.csv")).unwrap();
    assert!(matches!(go_on(&run, &mut StopAfter::never()).unwrap(), Resumed::Ran(_)));
}

#[test]
fn a_finished_run_is_left_alone_and_one_without_a_checkpoint_begins_anew() {
    let corpus = Corpus::new();
    let config = corpus.config(MethodName::BASE, &[]);
    let whole = corpus.run("whole", config).unwrap();
    let written = fs::metadata(whole.path.join("result.json")).unwrap().modified().unwrap();
    assert_eq!(go_on(&whole.path, &mut StopAfter::never()).unwrap(), Resumed::Finished);
    let result = whole.path.join("result.json");
    assert_eq!(fs::metadata(&result).unwrap().modified().unwrap(), written);
    let before = fs::read(&result).unwrap();
    fs::remove_file(&result).unwrap();
    let mut observer = StopAfter::never();
    assert!(matches!(go_on(&whole.path, &mut observer).unwrap(), Resumed::Ran(_)));
    observer.said("no checkpoint yet: the run begins anew");
    assert_eq!(fs::read(&result).unwrap(), before);
    let empty = corpus.path("empty");
    fs::create_dir(&empty).unwrap();
    assert!(refuses(&empty, &["holds no run", "config.toml"]).is_usage());
}

#[test]
fn what_a_finished_run_was_killed_over_before_it_was_removed_goes_when_it_is_asked_for_again() {
    let corpus = Corpus::new();
    let config = corpus.config(MethodName::BASE, &[]);
    let whole = corpus.run("whole", config.clone()).unwrap();
    let stopped = stopped(&corpus, "stopped", config, 7).join("checkpoint");
    let left = whole.path.join("checkpoint");
    let half_removed = || {
        fs::create_dir_all(left.join("000000000007")).unwrap();
        fs::copy(stopped.join("lock"), left.join("lock")).unwrap();
        fs::write(left.join("000000000007/state.cbor"), "half of it").unwrap();
    };
    let finished =
        || assert_eq!(go_on(&whole.path, &mut StopAfter::never()).unwrap(), Resumed::Finished);
    half_removed();
    finished();
    assert!(!left.exists());
    fs::create_dir(&left).unwrap();
    finished();
    assert!(!left.exists(), "an empty folder");

    half_removed();
    let held = fs::File::open(left.join("lock")).unwrap();
    held.lock().unwrap();
    finished();
    assert!(left.join("000000000007/state.cbor").exists(), "another process is at it");
}

#[test]
fn a_stopped_run_is_not_written_over_without_being_asked() {
    let corpus = Corpus::new();
    let config = corpus.config(MethodName::BASE, &[]);
    let whole = corpus.run("whole", config.clone()).unwrap();
    let run = stopped(&corpus, "run", config.clone(), 7);
    let error = corpus.run("run", config.clone()).err().unwrap();
    assert!(error.is_usage() && error.to_string().contains("was stopped and can go on"), "{error}");
    assert!(error.hint().unwrap().contains("--resume"));
    let options = RunOptions { force: true, every: None };
    train_with(config, &run, options, &invocation(), &mut StopAfter::never()).unwrap();
    assert_eq!(differing(&whole.path, &run), [""; 0]);
}

/// A name, what is done to the run folder, and what the error has to say.
type Way<'a> = (&'a str, &'a dyn Fn(&Path), &'a [&'a str]);

/// Does something to the run when its second epoch ends.
struct Meddler<F: FnMut()> {
    epochs: u32,
    meddle: F,
}

impl<F: FnMut()> Observer for Meddler<F> {
    fn epoch(&mut self, _report: &lane_train::progress::EpochReport) {
        self.epochs += 1;
        if self.epochs == 2 {
            (self.meddle)();
        }
    }
}

#[test]
fn a_file_removed_or_cut_under_the_run_ends_it_and_the_checkpoint_brings_it_back() {
    let corpus = Corpus::new();
    let config = corpus.config(MethodName::BASE, &["training.epochs=4"]);
    let whole = corpus.run("whole", config.clone()).unwrap();
    let metrics = |run: &Path| run.join("metrics.jsonl");
    let cut = |run: &Path| fs::write(metrics(run), "{").unwrap();
    let remove = |run: &Path| fs::remove_file(metrics(run)).unwrap();
    let part =
        |run: &Path| fs::write(run.join("checkpoint/dynamics/epoch-00002.parquet"), "").unwrap();
    let ways: [Way<'_>; 3] = [
        ("cut", &cut, &["failed to write", "metrics.jsonl", "changed it under the run"]),
        ("removed", &remove, &["failed to write", "metrics.jsonl"]),
        ("part", &part, &["failed to read back", "epoch-00002.parquet"]),
    ];
    for (name, way, answers) in ways {
        let run = corpus.path(name);
        let mut observer = Meddler { epochs: 0, meddle: || way(&run) };
        let options = RunOptions { force: false, every: Some(Every::Steps(6)) };
        let error = train_with(config.clone(), &run, options, &invocation(), &mut observer);
        let error = error.err().unwrap();
        let said = super::support::chain(&error);
        assert!(!error.is_usage() && answers.iter().all(|it| said.contains(it)), "{name}: {said}");
        if name != "part" {
            go_on(&run, &mut StopAfter::never()).unwrap();
            assert_eq!(differing(&whole.path, &run), [""; 0], "{name}");
        }
    }
}

#[test]
fn two_processes_do_not_write_to_one_run() {
    let corpus = Corpus::new();
    let config = corpus.config(MethodName::BASE, &[]);
    let run = corpus.path("run");
    let mut said = None;
    let meddle = || said = Some(go_on(&run, &mut StopAfter::never()).unwrap_err());
    let mut observer = Meddler { epochs: 1, meddle };
    let options = RunOptions { force: false, every: Some(Every::Steps(1)) };
    train_with(config, &run, options, &invocation(), &mut observer).unwrap();
    let error = said.unwrap();
    assert!(
        error.is_usage() && error.to_string().contains("another process is writing"),
        "{error}"
    );
}

#[test]
fn what_a_killed_process_left_half_written_goes() {
    let corpus = Corpus::new();
    let run = stopped(&corpus, "run", corpus.config(MethodName::BASE, &[]), 4);
    fs::write(run.join(".lane-abc"), "half").unwrap();
    fs::create_dir(run.join("checkpoint/.lane-def")).unwrap();
    fs::create_dir(run.join(".lane-ghi")).unwrap();
    go_on(&run, &mut StopAfter::never()).unwrap();
    assert!(!names(&run).iter().any(|name| name.starts_with(".lane-") || name == "checkpoint"));
}

#[test]
fn a_cell_that_was_stopped_goes_on_when_it_is_run_again() {
    let corpus = Corpus::new();
    let grid: Grid = serde_json::from_value(serde_json::json!({
        "data": [{"name": "three", "noise": 0.2, "seed": 1, "train": "train.csv"}],
        "variants": [{"method": "lane"}],
        "settings": {"training.epochs": 2, "training.batch_size": 8, "device": "flex"},
    }))
    .unwrap();
    let run = |list: &str, observer: &mut StopAfter| {
        let list = corpus.path(list);
        let (every, invocation) = (Some(Every::Steps(2)), &invocation());
        cell::run(&Request { list: &list, index: 0, force: false, every, invocation }, observer)
    };
    let mut cells = grid.cells(&corpus.path("")).unwrap();
    let out = corpus.path("").join(&cells[0].out);
    write_cells(&corpus.path("cells.jsonl"), &cells).unwrap();
    cells[0].out = "whole".into();
    write_cells(&corpus.path("whole.jsonl"), &cells).unwrap();

    run("whole.jsonl", &mut StopAfter::never()).unwrap();
    let stopped = run("cells.jsonl", &mut StopAfter::steps(5)).unwrap_err();
    assert!(matches!(stopped, TrainError::Stopped { n_steps: 5, .. }), "{stopped}");
    assert!(!out.join("failed.json").exists(), "it did not fail");
    // Ten steps from the start would be stopped; the five that are left are not.
    assert!(matches!(run("cells.jsonl", &mut StopAfter::steps(8)).unwrap(), Outcome::Ran(_)));
    let differing = |name: &&str| {
        fs::read(out.join(name)).unwrap() != fs::read(corpus.path("whole").join(name)).unwrap()
    };
    assert_eq!(FILES[1..].iter().find(|name| differing(name)), None);
}
