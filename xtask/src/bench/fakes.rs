//! The whole of `bench` against stand-ins for `lane` and for Python: shell scripts that note each
//! call and answer at once.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;
use tempfile::TempDir;

use super::Options;

/// Committed and linked to, not written by each test: a file just written cannot always be started
/// while other threads start programs too (ETXTBSY).
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/bench");

/// A folder with both scripts, an encoder and both data sets.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["lane", "python"] {
            symlink(format!("{SCRIPTS}/fake_{name}.sh"), folder.path().join(name)).unwrap();
        }
        fs::create_dir(folder.path().join("encoder")).unwrap();
        for set in ["ag_news", "trec6"] {
            let set = folder.path().join("data").join(set);
            fs::create_dir_all(&set).unwrap();
            for split in ["train", "validation", "test"] {
                fs::write(set.join(split).with_extension("csv"), "text,label\n").unwrap();
            }
        }
        Self { folder }
    }

    fn run(&self, arguments: &[&str]) -> ExitCode {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let (lane, python, out) = (at("lane"), at("python"), at("out"));
        let (encoder, data) = (at("encoder"), at("data"));
        let own = ["--lane", &lane, "--python", &python, "--out", &out, "--threads", "1"];
        let files = ["--encoder", &encoder, "--data", &data];
        let options = Options::parsed(&[&own[..], &files, arguments].concat()).unwrap();
        super::run(Path::new(env!("CARGO_MANIFEST_DIR")), &options).unwrap()
    }

    /// First words of the calls that were timed, in their order.
    fn calls(&self) -> Vec<String> {
        let calls = fs::read_to_string(self.folder.path().join("calls")).unwrap();
        let timed = calls.lines().filter(|it| !it.contains("--version") && !it.contains(" -c "));
        timed.map(str::to_owned).collect()
    }

    fn table(&self) -> String {
        fs::read_to_string(self.folder.path().join("out/bench.md")).unwrap()
    }

    fn cases(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.folder.path().join("out/bench.json")).unwrap();
        serde_json::from_str::<Value>(&text).unwrap()["cases"].as_array().unwrap().clone()
    }
}

#[test]
fn the_sides_take_turns_on_the_same_number_of_threads() {
    let scene = Scene::new();
    scene.run(&["--against", "pytorch", "--only", "embed", "--rounds", "2"]);
    let calls = scene.calls();
    let order: Vec<_> = calls.iter().filter_map(|call| call.split_whitespace().next()).collect();
    assert_eq!(order, ["lane", "python", "lane", "python"]);
    assert!(calls.iter().all(|call| call.ends_with("threads=1")), "{calls:?}");
}

#[test]
fn a_quick_run_is_one_round_of_the_first_case() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["--against", "pytorch", "--quick"]), ExitCode::SUCCESS);
    let calls = scene.calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[0].contains("--shape minilm --batch-size 32 --width 64"), "{calls:?}");
    assert!(calls[0].contains("--steps 2") && calls[1].contains("--steps 2"), "{calls:?}");
}

#[test]
fn every_case_is_measured_and_judged_by_its_bar() {
    let scene = Scene::new();
    scene.run(&["--against", "pytorch", "--rounds", "1"]);
    let cases = scene.cases();
    assert_eq!(cases.len(), 8);
    let of = |key: &str| cases.iter().map(|case| case[key].clone()).collect::<Vec<_>>();
    assert_eq!(of("ratio")[..6], [0.7, 0.7, 0.7, 0.7, 0.7, 0.5].map(Value::from));
    assert_eq!(of("met")[..6], [true; 6].map(Value::from));
    assert_eq!(of("memory_ratio")[6], 1.5);
    assert_eq!(of("memory_met")[6], false);
    assert_eq!(of("memory_met")[7], Value::Null);
    let table = scene.table();
    assert!(table.contains("| step minilm b32 w64 : PyTorch"), "{table}");
    assert!(table.contains("| 0.70 (0.70–0.70) | ≤ 0.8 | yes |"), "{table}");
}

#[test]
fn a_missed_bar_fails_the_command_only_where_it_was_asked_to() {
    let scene = Scene::new();
    let arguments = ["--against", "pytorch", "--only", "train", "--rounds", "1"];
    assert_eq!(scene.run(&arguments), ExitCode::SUCCESS);
    let strict = [&arguments[..], &["--strict"]].concat();
    assert_eq!(scene.run(&strict), ExitCode::FAILURE);
}

#[test]
fn batches_of_real_texts_are_ours_on_both_sides() {
    let scene = Scene::new();
    scene.run(&["--against", "pytorch", "--only", "step", "--rounds", "1"]);
    let calls = scene.calls();
    let with_rows: Vec<_> = calls.iter().filter(|call| call.contains("--rows ")).collect();
    assert_eq!(with_rows.len(), 2, "{calls:?}");
    assert!(with_rows.iter().all(|call| call.starts_with("python")), "{calls:?}");
}

#[test]
fn without_a_rival_only_our_side_runs_and_nothing_is_judged() {
    let scene = Scene::new();
    assert_eq!(scene.run(&["--only", "step,memory", "--strict"]), ExitCode::SUCCESS);
    assert!(scene.calls().iter().all(|call| call.starts_with("lane")));
    assert!(scene.cases().iter().all(|case| case["met"].is_null()));
}
