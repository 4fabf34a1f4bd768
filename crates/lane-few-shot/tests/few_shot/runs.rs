//! Whole runs, against a server on this machine and against recordings.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lane_data::Columns;
use lane_few_shot::chat::{ChatError, ChatModel, ChatRequest, LimitField, Reply};
use lane_few_shot::config::{Config, DataConfig, Method, Price, RequestConfig, ServerConfig};
use lane_few_shot::examples::{ExampleConfig, Sampling};
use lane_few_shot::http::{ApiKey, HttpModel};
use lane_few_shot::record::{Invocation, Program};
use lane_few_shot::recorded::{self, Recording, Replayed, ReplyLog};
use lane_few_shot::scores::FewShotResult;
use lane_few_shot::{Experiment, FewShotError, Progress, Silent, Target, run};
use tempfile::TempDir;

use crate::server::{Received, Server, completion};

const LABELS: [&str; 3] = ["anger", "fear", "joy"];

/// 60 training rows and 12 test rows, two of them with one text.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rows = |name: &str, n_rows: usize| {
            let mut csv = "text,label\n".to_owned();
            for row in 0..n_rows {
                let label = LABELS[row % 3];
                writeln!(csv, "{name} {row} is {label},{label}").unwrap();
            }
            csv
        };
        std::fs::write(folder.path().join("train.csv"), rows("example", 60)).unwrap();
        let test = rows("question", 11) + "question 3 is anger,anger\n";
        std::fs::write(folder.path().join("test.csv"), test).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn config(&self) -> Config {
        Config {
            method: Method::LlmFewShot,
            model: "test-model".into(),
            seed: 1,
            runs: 3,
            data: DataConfig {
                train: self.path("train.csv"),
                test: self.path("test.csv"),
                max_test: None,
                columns: Columns::default(),
            },
            examples: ExampleConfig {
                shots: 10,
                sampling: Sampling::Uniform,
                wrong_share: Some(0.2),
            },
            request: RequestConfig {
                temperature: Some(0.0),
                max_tokens: 8,
                limit_field: LimitField::MaxTokens,
                send_seed: true,
                context_tokens: None,
            },
            server: Some(ServerConfig {
                endpoint: "http://localhost:1/v1".into(),
                api_key_env: "TEST_KEY".into(),
                retries: 0,
                timeout_seconds: 20,
                concurrency: 4,
            }),
            price: Some(Price { prompt: 1.0, completion: 10.0 }),
        }
    }

    fn run(
        &self,
        config: Config,
        out: &str,
        model: &dyn ChatModel,
    ) -> Result<FewShotResult, FewShotError> {
        self.run_with(config, (out, false), model, &Silent)
    }

    fn run_with(
        &self,
        config: Config,
        (out, force): (&str, bool),
        model: &dyn ChatModel,
        progress: &dyn Progress,
    ) -> Result<FewShotResult, FewShotError> {
        let program = Program { version: "test".into(), ..Program::default() };
        let invocation = Invocation { program, command: vec!["test".into()] };
        let target = Target { out: &self.path(out), force, invocation: &invocation };
        run(&Experiment::prepare(config, progress)?, model, &target, progress)
    }
}

/// Reads the label off the question, except that it calls all of `joy` something odd.
fn opinion(question: &str) -> &'static str {
    let label = LABELS.iter().find(|label| question.ends_with(**label)).unwrap();
    if *label == "joy" { "no idea" } else { label }
}

/// Answers without any server, and fails after so many replies.
struct Local {
    asked: AtomicUsize,
    fails_after: usize,
}

impl Local {
    fn new(fails_after: usize) -> Self {
        Self { asked: AtomicUsize::new(0), fails_after }
    }

    fn n_asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl ChatModel for Local {
    fn reply(&self, request: &ChatRequest) -> Result<Reply, ChatError> {
        if self.asked.fetch_add(1, Ordering::SeqCst) >= self.fails_after {
            let url = "http://localhost:1/v1".into();
            return Err(ChatError::Unreachable { url, message: "gone".into() });
        }
        let question = request.user.strip_suffix("\nLabel:").unwrap();
        Ok(Reply {
            content: opinion(question).into(),
            finish_reason: Some("stop".into()),
            prompt_tokens: Some(100),
            completion_tokens: Some(1),
            ..Reply::default()
        })
    }
}

/// Keeps the notes.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Progress for Notes {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
}

fn answer(request: &Received, _: usize) -> crate::server::Answer {
    completion(opinion(request.question()))
}

fn assert_same(place: &Place, left: &str, right: &str) {
    for name in ["result.json", "predictions.csv", "examples.csv"] {
        let [left, right] = [left, right].map(|folder| place.read(&format!("{folder}/{name}")));
        assert_eq!(left, right, "{name}");
    }
}

#[test]
fn a_run_over_http_leaves_scores_counts_and_costs() {
    let place = Place::new();
    let server = Server::start(answer);
    let key = ApiKey::new("TEST_KEY", Some("sk-test-secret")).unwrap();
    let model = HttpModel::new(&server.endpoint(), key, Duration::from_secs(20)).unwrap();
    let result = place.run(place.config(), "run", &model).unwrap();
    // 12 rows, 4 + 1 anger, 4 fear, 3 joy; joy is never parsed. 11 distinct questions a run.
    assert_eq!((server.received().len(), result.n_unparsed), (33, 9));
    assert_eq!(result.usage.n_requests, 33);
    assert_eq!((result.usage.prompt_tokens, result.usage.completion_tokens), (330, 33));
    assert!((result.usage.cost.unwrap() - (330.0 + 330.0) / 1e6).abs() < 1e-12);
    let accuracy = result.summary.accuracy.unwrap();
    assert_eq!((accuracy.n, accuracy.mean, accuracy.std), (3, 0.75, Some(0.0)));
    for run in &result.runs {
        assert_eq!((run.n_wrong_examples, run.n_examples, run.n_unparsed), (2, (10, 10), 3));
        assert!((run.scores.macro_f1 - 2.0 / 3.0).abs() < 1e-12);
    }
    let names: BTreeSet<String> = std::fs::read_dir(place.path("run"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = [
        "config.toml",
        "examples.csv",
        "predictions.csv",
        "record.json",
        "replies.jsonl",
        "result.json",
    ];
    assert_eq!(names, expected.map(String::from).into());
    for name in names {
        assert!(!place.read(&format!("run/{name}")).contains("sk-test-secret"), "{name}");
    }
    assert!(place.read("run/record.json").contains("test-model-0613"));
    assert!(place.read("run/predictions.csv").contains("1,2,2,joy,,0,10,no idea\n"));
    assert_eq!(place.read("run/examples.csv").lines().filter(|it| it.ends_with(",1")).count(), 6);
}

#[test]
fn a_replay_of_a_recording_is_the_recorded_run() {
    let place = Place::new();
    let (log, _) = ReplyLog::open(&place.path("recording.jsonl")).unwrap();
    place.run(place.config(), "recorded", &Recording::new(Local::new(99), log)).unwrap();
    let replies = recorded::read(&place.path("recording.jsonl")).unwrap();
    let config = Config { server: None, ..place.config() };
    place.run(config.clone(), "replayed", &Replayed(replies)).unwrap();
    assert_same(&place, "recorded", "replayed");
    // The run folder's own replies are a recording too.
    let replies = recorded::read(&place.path("recorded/replies.jsonl")).unwrap();
    place.run(config, "again", &Replayed(replies)).unwrap();
    assert_same(&place, "recorded", "again");
}

#[test]
fn a_recording_that_lacks_replies_is_refused() {
    let place = Place::new();
    place.run(place.config(), "run", &Local::new(99)).unwrap();
    let path = place.path("run/replies.jsonl");
    let replies = recorded::read(&path).unwrap();
    let more = Experiment::prepare(Config { runs: 4, ..place.config() }, &Silent).unwrap();
    let error = more.check_recorded(&replies, &path).unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().ends_with("11 of 44 requests have no recorded reply"), "{error}");
    let other = Experiment::prepare(Config { seed: 2, ..place.config() }, &Silent).unwrap();
    let error = other.check_recorded(&replies, &path).unwrap_err();
    assert!(error.to_string().ends_with("33 of 33 requests have no recorded reply"), "{error}");
}

#[test]
fn a_stopped_run_goes_on_and_pays_for_nothing_twice() {
    let place = Place::new();
    place.run(place.config(), "straight", &Local::new(99)).unwrap();
    let first = Local::new(14);
    let error = place.run(place.config(), "run", &first).unwrap_err();
    assert!(!error.is_usage());
    assert_eq!(error.to_string(), "stopped after 14 of 33 replies");
    assert!(!place.path("run/result.json").exists());
    // A kill in the middle of a line.
    let mut replies = place.read("run/replies.jsonl");
    assert_eq!(replies.lines().count(), 14);
    replies.truncate(replies.len() - 20);
    std::fs::write(place.path("run/replies.jsonl"), replies).unwrap();
    let second = Local::new(99);
    place.run(place.config(), "run", &second).unwrap();
    assert_eq!(second.n_asked(), 33 - 13);
    assert_same(&place, "straight", "run");
}

#[test]
fn a_finished_run_is_kept_and_more_runs_ask_only_for_themselves() {
    let place = Place::new();
    place.run(place.config(), "run", &Local::new(99)).unwrap();
    let unasked = Local::new(0);
    let error = place.run(place.config(), "run", &unasked).unwrap_err();
    assert!(error.is_usage() && error.to_string().ends_with("already holds a finished run"));
    let model = Local::new(99);
    let more = Config { runs: 5, ..place.config() };
    place.run_with(more.clone(), ("run", true), &model, &Silent).unwrap();
    assert_eq!((unasked.n_asked(), model.n_asked()), (0, 22));
    place.run(more, "straight", &Local::new(99)).unwrap();
    assert_same(&place, "straight", "run");
}

#[test]
fn replies_of_another_server_are_not_taken_over() {
    let place = Place::new();
    place.run(place.config(), "run", &Local::new(5)).unwrap_err();
    let mut config = place.config();
    config.server.as_mut().unwrap().endpoint = "http://elsewhere/v1".into();
    let model = Local::new(99);
    let error = place.run(config, "run", &model).unwrap_err();
    assert!(error.is_usage() && model.n_asked() == 0);
    let expected =
        "holds replies of http://localhost:1/v1, expected replies of http://elsewhere/v1";
    assert!(error.to_string().ends_with(expected), "{error}");
}

#[test]
fn a_small_window_drops_examples_and_says_how_many_are_left() {
    let place = Place::new();
    let notes = Notes::default();
    let mut config = place.config();
    config.request.context_tokens = Some(130);
    let result = place.run_with(config.clone(), ("run", false), &Local::new(99), &notes).unwrap();
    let (least, most) = result.runs[0].n_examples;
    assert!(0 < least && least <= most && most < 10, "{least} {most}");
    let expected = format!("run 1: {least} to {most} of 10 examples fit into the window");
    assert!(notes.0.into_inner().unwrap().contains(&expected));
    config.request.context_tokens = Some(20);
    let error = Experiment::prepare(config, &Silent).unwrap_err();
    assert!(error.is_usage() && error.to_string().starts_with("row `0` of the test file takes"));
}

#[test]
fn a_part_of_the_test_rows_is_the_same_in_every_run() {
    let place = Place::new();
    let mut config = place.config();
    config.data.max_test = Some(5);
    let result = place.run(config, "run", &Local::new(99)).unwrap();
    assert_eq!(result.n_test, 5);
    let csv = place.read("run/predictions.csv");
    let rows_of = |run: &str| -> Vec<String> {
        let lines = csv.lines().filter_map(|line| line.strip_prefix(run));
        lines.map(|line| line.split(',').next().unwrap().to_owned()).collect()
    };
    assert_eq!(rows_of("1,").len(), 5);
    assert_eq!(rows_of("1,"), rows_of("3,"));
}

#[track_caller]
fn refused(config: Config, expected: &str) {
    let error = Experiment::prepare(config, &Silent).unwrap_err();
    assert!(error.is_usage());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn settings_without_meaning_are_refused_before_anything_is_read() {
    let place = Place::new();
    let config = || place.config();
    refused(Config { runs: 0, ..config() }, "`--runs` is 0, expected at least 1");
    refused(
        Config { model: " ".into(), ..config() },
        "`--model` is empty, expected the name of a model",
    );
    let price = Some(Price { prompt: -1.0, completion: 0.0 });
    refused(Config { price, ..config() }, "`--price-in` is -1, expected a number from 0 up");
    let mut shares = config();
    shares.examples.wrong_share = Some(20.0);
    refused(shares, "noise rate is 20, expected a fraction in 0.0..=1.0");
}

#[test]
fn the_estimate_counts_distinct_requests_and_shows_the_first() {
    let place = Place::new();
    let experiment = Experiment::prepare(place.config(), &Silent).unwrap();
    let estimate = experiment.estimate().unwrap();
    assert_eq!((estimate.n_requests, estimate.completion_tokens), (33, 264));
    assert!(estimate.user.ends_with("Text: question 0 is anger\nLabel:"));
    assert!(estimate.prompt_tokens > 33 * 50 && estimate.cost.is_some());
    assert!(!Path::new(&place.path("run")).exists());
}
