//! The whole of `reproduce` against a stand-in for `lane`: a shell script that answers at once.
//!
//! It notes each call, flips every second row, weighs flipped rows 0.2, and fails for the method
//! `broken`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tempfile::TempDir;

use super::Options;
use super::training_data::read_table;
use crate::csv::Table;

/// Committed and linked to, not written by each test: a file just written cannot always be started
/// while other threads start programs too (ETXTBSY).
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/reproduce/fake_lane.sh");

/// The root of the repository, where the profiles are.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A folder with the script, a data set and a place for results.
struct Scene {
    folder: TempDir,
    data_set: &'static str,
}

impl Scene {
    fn new(train: &str) -> Self {
        Self::named("tiny", train)
    }

    fn named(data_set: &'static str, train: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        symlink(SCRIPT, folder.path().join("lane")).unwrap();
        let data = folder.path().join("data").join(data_set);
        fs::create_dir_all(&data).unwrap();
        fs::write(data.join("train.csv"), train).unwrap();
        fs::write(data.join("validation.csv"), "text,label\nx,a\n").unwrap();
        fs::write(data.join("test.csv"), "text,label\nx,a\n").unwrap();
        Self { folder, data_set }
    }

    fn run(&self, arguments: &[&str]) -> ExitCode {
        let at = |name: &str| self.folder.path().join(name).display().to_string();
        let (lane, data, out) = (at("lane"), at("data"), at("out"));
        let own = ["--lane", &lane, "--data-dir", &data, "--dataset", self.data_set, "--out", &out];
        let options = Options::parsed(&[&own[..], arguments].concat()).unwrap();
        super::run(Path::new(ROOT), &options).unwrap()
    }

    /// A command on the results that are there.
    fn again(&self, action: &str, arguments: &[&str]) -> ExitCode {
        let out = self.folder.path().join("out").display().to_string();
        let options = Options::parsed(&[&[action, &out], arguments].concat()).unwrap();
        super::run(Path::new(ROOT), &options).unwrap()
    }

    /// The calls of the script since the last time, sorted: jobs end in any order.
    fn calls(&self) -> Vec<String> {
        let path = self.folder.path().join("calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(path);
        let mut calls: Vec<String> = calls.lines().map(str::to_owned).collect();
        calls.sort();
        calls
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    fn report(&self) -> String {
        fs::read_to_string(self.out("report.md")).unwrap()
    }

    fn table(&self, name: &str) -> Table {
        read_table(&self.out(name)).unwrap()
    }
}

#[test]
fn a_language_model_is_asked_once_and_each_of_its_runs_counts() {
    let scene = Scene::new(CLEAN);
    let model = ["--methods", "base", "--seeds", "1", "--few-shot", "chatgpt=--model m"];
    scene.run(&model);
    assert!(scene.calls().contains(&"few-shot".to_owned()));
    let accuracies = |scene: &Scene| -> Vec<String> {
        let cells = scene.table("cells.csv");
        let at = |name| cells.required(name).unwrap();
        let of_model = cells.rows.iter().filter(|row| row[at("method")] == "chatgpt");
        of_model.map(|row| row[at("accuracy")].clone()).collect()
    };
    assert_eq!(accuracies(&scene), ["0.25", "0.75"]);
    scene.run(&model);
    scene.again("collect", &[]);
    assert!(scene.calls().is_empty());
    assert_eq!(accuracies(&scene).len(), 2);
}

#[test]
fn the_first_table_shows_rows_with_the_probability_of_the_rival() {
    let scene = Scene::new(CLEAN);
    scene.run(&["table1", "--seeds", "1"]);
    let table = scene.table("table-1.csv");
    assert_eq!(table.rows, [["tiny", "y", "b", "b", "a", "-1.00", "0.250", "-4.00"]]);
}

const CLEAN: &str = "text,label\nx,a\ny,b\nz,a\nv,b\n";
const TWO_SEEDS: [&str; 6] = ["--methods", "base,lane", "--seeds", "2", "--jobs", "2"];

#[test]
fn every_method_learns_from_the_same_noisy_file_of_its_seed() {
    let scene = Scene::new(CLEAN);
    assert_eq!(scene.run(&TWO_SEEDS), ExitCode::SUCCESS);
    let calls = scene.calls();
    let starts = |start: &str| calls.iter().filter(|call| call.starts_with(start)).count();
    assert_eq!((starts("noise"), starts("train")), (2, 4), "{calls:?}");
    assert!(calls.iter().any(|call| call.starts_with("train lane 2")), "{calls:?}");
    assert_eq!(scene.table("data/tiny-noise-0.2-seed-1.csv").columns[4], "flipped");
}

#[test]
fn tables_hold_mean_and_spread_over_seeds() {
    let scene = Scene::new(CLEAN);
    scene.run(&TWO_SEEDS);
    assert!(scene.report().contains("| lane   | 0.150 ± 0.071  | –"), "{}", scene.report());
    let cells = scene.table("cells.csv");
    assert_eq!(cells.rows.len(), 4);
    assert_eq!(cells.rows[3][..5], ["tiny", "0.2", "lane", "2", "0.2"]);
    let summary = scene.table("summary.csv");
    assert_eq!(summary.rows[1][..5], ["tiny", "0.2", "base", "average_precision", "0.5"]);
}

#[test]
fn figure_one_is_drawn_with_its_numbers_beside_it() {
    let scene = Scene::new(CLEAN);
    scene.run(&TWO_SEEDS);
    assert!(scene.report().contains("](figure-1.svg)"));
    assert!(fs::read_to_string(scene.out("figure-1.svg")).unwrap().contains("mean weight 0.20"));
    assert_eq!(scene.table("figure-1.csv").rows.len(), 21);
}

#[test]
fn a_finished_cell_is_not_run_again_until_it_is_asked_for_otherwise() {
    let scene = Scene::new(CLEAN);
    scene.run(&TWO_SEEDS);
    scene.calls();
    scene.run(&TWO_SEEDS);
    assert_eq!(scene.calls(), Vec::<String>::new());
    scene.run(&[&TWO_SEEDS[..], &["--epochs", "3"]].concat());
    assert_eq!(scene.calls().len(), 4);
    scene.run(&[&TWO_SEEDS[..], &["--epochs", "3", "--force"]].concat());
    assert_eq!(scene.calls().len(), 6);
}

#[test]
fn changed_data_runs_its_cells_again() {
    let scene = Scene::new(CLEAN);
    scene.run(&TWO_SEEDS);
    scene.calls();
    fs::write(scene.folder.path().join("data/tiny/train.csv"), CLEAN.replace('x', "w")).unwrap();
    scene.run(&TWO_SEEDS);
    assert_eq!(scene.calls().len(), 6);
}

#[test]
fn results_of_other_settings_are_kept_aside_and_found_again() {
    let scene = Scene::new(CLEAN);
    scene.run(&TWO_SEEDS);
    scene.run(&[&TWO_SEEDS[..], &["--epochs", "3"]].concat());
    scene.calls();
    scene.run(&TWO_SEEDS);
    assert_eq!(scene.calls(), Vec::<String>::new());
}

#[test]
fn results_that_are_there_are_looked_at_gone_on_with_and_collected() {
    let scene = Scene::new(CLEAN);
    scene.run(&TWO_SEEDS);
    let cell = scene.out("runs/tiny/noise-0.2/lane/seed-2");
    fs::remove_file(cell.join("result.json")).unwrap();
    scene.calls();
    assert_eq!(scene.again("collect", &[]), ExitCode::FAILURE);
    assert!(scene.report().contains("begun and not finished"), "{}", scene.report());
    assert_eq!(scene.again("status", &[]), ExitCode::SUCCESS);
    let lane = scene.folder.path().join("lane").display().to_string();
    assert_eq!(scene.again("resume", &["--lane", &lane]), ExitCode::SUCCESS);
    assert_eq!(scene.calls().len(), 1);
    assert_eq!(scene.again("collect", &[]), ExitCode::SUCCESS);
    assert_eq!(scene.table("cells.csv").rows.len(), 4);
}

#[test]
fn a_failed_cell_is_missing_and_said_to_be_and_the_rest_is_there() {
    let scene = Scene::new(CLEAN);
    let code = scene.run(&["--methods", "base,broken", "--seeds", "1"]);
    assert_eq!(code, ExitCode::FAILURE);
    let report = scene.report();
    assert!(report.contains("| broken (missing) | –"), "{report}");
    assert!(report.contains("## Missing: 1 of 2 runs"), "{report}");
    assert!(report.contains("run-cell --cells"), "{report}");
    assert!(report.contains("error: no method broken"), "{report}");
    assert_eq!(scene.table("cells.csv").rows.len(), 1);
}

#[test]
fn a_failed_cell_is_tried_again() {
    let scene = Scene::new(CLEAN);
    scene.run(&["--methods", "base,broken", "--seeds", "1"]);
    scene.calls();
    scene.run(&["--methods", "base,broken", "--seeds", "1", "--jobs", "1"]);
    let calls = scene.calls();
    assert!(matches!(&calls[..], [call] if call.starts_with("train broken 1 ")), "{calls:?}");
}

#[test]
fn real_noise_is_used_as_it_is() {
    let scene = Scene::new("text,label,gold\nx,a,a\ny,b,a\nz,b,b\nv,b,b\n");
    scene.run(&["--methods", "base", "--seeds", "1", "--noise", "0"]);
    let calls = scene.calls();
    assert!(calls.iter().all(|call| call.starts_with("train")), "{calls:?}");
}

#[test]
fn real_noise_cut_to_fewer_rows_keeps_its_gold_labels() {
    let scene = Scene::new("text,label,gold\nx,a,a\ny,b,a\nz,b,b\nv,b,b\n");
    scene.run(&["--methods", "base", "--seeds", "2", "--noise", "0", "--max-train", "3"]);
    assert_eq!(scene.calls().len(), 2);
    let cut = scene.table("data/tiny-noise-0-seed-1.csv");
    assert_eq!((cut.columns.len(), cut.rows.len()), (3, 3));
}

#[test]
fn the_page_says_what_the_markdown_says_and_holds_the_drawings() {
    let scene = Scene::new(CLEAN);
    scene.run(&TWO_SEEDS);
    let page = fs::read_to_string(scene.out("report.html")).unwrap();
    assert!(
        page.contains("4 of 4 runs finished") && scene.report().contains("4 of 4 runs finished")
    );
    assert!(page.contains("<svg") && page.contains("mean weight 0.20"), "{page}");
    assert!(!page.contains("src="), "{page}");
}

#[test]
fn a_data_set_called_like_markup_stays_text() {
    let scene = Scene::named("<script>x", CLEAN);
    assert_eq!(scene.run(&TWO_SEEDS), ExitCode::SUCCESS);
    let page = fs::read_to_string(scene.out("report.html")).unwrap();
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;x"), "{page}");
    assert!(scene.report().contains("## &lt;script>x, noise 0.2"), "{}", scene.report());
}

#[test]
fn predictions_give_intervals_over_rows_unless_they_are_not_those_of_the_result() {
    let scene = Scene::new(CLEAN);
    scene.run(&["--methods", "base,lane", "--seeds", "1"]);
    let write = |method: &str, n_right: usize| {
        let predicted = |row| if row < n_right { "a" } else { "b" };
        let mut lines = vec!["row,id,label,best,final".to_owned()];
        lines.extend((0..10).map(|row| format!("{row},{row},a,{},a", predicted(row))));
        let folder = scene.out(&format!("runs/tiny/noise-0.2/{method}/seed-1"));
        fs::write(folder.join("test_predictions.csv"), lines.join("\n")).unwrap();
    };
    write("base", 1);
    write("lane", 1);
    scene.again("collect", &[]);
    assert!(scene.report().contains("2000 resamples of rows"), "{}", scene.report());
    let contrasts = scene.table("contrasts.csv");
    let same = ["lane", "base", "accuracy", "0", "0", "0", "rows"].map(str::to_owned);
    assert!(contrasts.rows.iter().any(|row| row[2..] == same), "{contrasts:?}");
    write("lane", 5);
    scene.again("collect", &[]);
    assert!(scene.report().contains("Differences have no interval"), "{}", scene.report());
    assert!(scene.report().contains("predictions of 1 runs"), "{}", scene.report());
}

#[test]
fn detectors_are_tabulated_where_confident_learning_was_run() {
    let scene = Scene::new(CLEAN);
    scene.run(&["--methods", "base", "--seeds", "1"]);
    assert!(!scene.report().contains("## Detection"));
    let both = r#"{"precision": 0.9, "recall": 0.6, "f1": 0.72, "balanced_accuracy": 0.8}"#;
    let json = format!(
        r#"{{"detection": {{"confident_learning": {{"both": {both}, "average_precision": 0.7}}}}}}"#
    );
    fs::write(scene.out("runs/tiny/noise-0.2/base/seed-1/result.json"), json).unwrap();
    scene.again("collect", &[]);
    let report = scene.report();
    assert!(report.contains("## Detection"), "{report}");
    assert!(report.contains("| tiny, noise 0.2, base   | 0.720 "), "{report}");
}
