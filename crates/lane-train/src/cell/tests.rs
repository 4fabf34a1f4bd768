//! Cells that are run, kept, refused and run by several at once.

use std::fs;
use std::path::PathBuf;

use super::*;
use crate::grid::{Grid, write_cells};
use crate::progress::Silent;
use crate::record::Program;

struct List {
    folder: tempfile::TempDir,
}

impl List {
    /// One cell, of `base` for an epoch over a dozen rows.
    fn new() -> Self {
        let list = Self { folder: tempfile::tempdir().unwrap() };
        list.write_rows(12);
        list.write_cells(1);
        list
    }

    fn write_rows(&self, n: usize) {
        let row = |row: usize| format!("a {row} ball,{}", ["red", "green"][row % 2]);
        let lines = ["text,label".to_owned()].into_iter().chain((0..n).map(row));
        let text = lines.collect::<Vec<_>>().join("\n");
        fs::write(self.folder.path().join("train.csv"), text).unwrap();
    }

    fn write_cells(&self, epochs: u32) {
        let grid: Grid = serde_json::from_value(json!({
            "data": [{"name": "balls", "noise": 0.0, "seed": 1, "train": "train.csv"}],
            "variants": [{"method": "base"}],
            "settings": {"training.epochs": epochs, "device": "flex", "save_model": false},
        }))
        .unwrap();
        write_cells(&self.path(), &grid.cells(self.folder.path()).unwrap()).unwrap();
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("cells.jsonl")
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join("runs/balls/noise-0/base/seed-1").join(name)
    }

    fn change_line(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.path()).unwrap();
        assert!(text.contains(from), "{text}");
        fs::write(self.path(), text.replace(from, to)).unwrap();
    }

    fn run(&self, force: bool) -> Result<Outcome, TrainError> {
        let program = Program { version: "test".into(), ..Program::default() };
        let invocation = Invocation { program, command: Vec::new() };
        let list = self.path();
        run(
            &Request { list: &list, index: 0, force, every: None, invocation: &invocation },
            &mut Silent,
        )
    }

    #[track_caller]
    fn refuses(&self, answers: &[&str]) {
        let error = self.run(false).unwrap_err();
        assert!(error.is_usage(), "{error}");
        for answer in answers {
            assert!(error.to_string().contains(answer), "no {answer:?} in {error}");
        }
    }
}

#[test]
fn a_cell_is_run_once_and_kept_after() {
    let list = List::new();
    assert!(matches!(list.run(false).unwrap(), Outcome::Ran(_)));
    let first = fs::metadata(list.out("result.json")).unwrap().modified().unwrap();
    assert_eq!(list.run(false).unwrap(), Outcome::Kept);
    assert_eq!(fs::metadata(list.out("result.json")).unwrap().modified().unwrap(), first);
    assert!(matches!(list.run(true).unwrap(), Outcome::Ran(_)));
}

#[test]
fn a_cell_that_was_cut_off_is_run_again() {
    let list = List::new();
    list.run(false).unwrap();
    let whole = fs::read(list.out("result.json")).unwrap();
    fs::remove_file(list.out("result.json")).unwrap();
    fs::write(list.out("metrics.jsonl"), "{\"epoch\":1").unwrap();
    assert!(matches!(list.run(false).unwrap(), Outcome::Ran(_)));
    assert_eq!(fs::read(list.out("result.json")).unwrap(), whole);
}

#[test]
fn eight_at_once_make_one_result() {
    let list = List::new();
    let outcomes: Vec<Outcome> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| list.run(false).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let n_run = outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Ran(_))).count();
    assert_eq!(n_run, 1);
}

#[test]
fn a_folder_that_holds_another_cell_is_not_touched() {
    let list = List::new();
    list.run(false).unwrap();
    let before = fs::read(list.out("result.json")).unwrap();
    list.write_cells(2);
    list.refuses(&["holds cell", "of other settings or data", "--force"]);
    assert_eq!(fs::read(list.out("result.json")).unwrap(), before);
    assert!(matches!(list.run(true).unwrap(), Outcome::Ran(_)));
}

#[test]
fn a_line_changed_by_hand_or_by_another_version_is_refused() {
    let list = List::new();
    list.change_line("\"epochs\":1", "\"epochs\":3");
    list.refuses(&["line 1", "hashes to", "lane cells"]);
    let list = List::new();
    list.change_line("\"save_model\"", "\"save_models\"");
    list.refuses(&["line 1", "save_models", "another version"]);
    let list = List::new();
    list.change_line("\"format\":1", "\"format\":2");
    list.refuses(&["format 2, expected 1"]);
    let list = List::new();
    fs::write(list.path(), "no cell\n").unwrap();
    list.refuses(&["line 1", "expected"]);
}

#[test]
fn an_input_that_changed_is_refused_by_its_role() {
    let list = List::new();
    list.write_rows(14);
    list.refuses(&["train `", "with hash", "which the cell was made for"]);
    assert!(!list.out("result.json").exists());
}

#[test]
fn an_index_beyond_the_list_is_answered_with_its_length() {
    let list = List::new();
    let error = Cell::read(&list.path(), 7).unwrap_err().to_string();
    assert!(error.contains("`--index` is 7") && error.contains("below the 1 cells"), "{error}");
}

#[test]
fn what_a_run_failed_with_is_kept_until_it_succeeds() {
    let list = List::new();
    // A file where the run wants its own: nothing a check before training would see.
    fs::create_dir_all(list.out("labels.csv")).unwrap();
    assert!(list.run(false).is_err());
    let failed: Value =
        serde_json::from_slice(&fs::read(list.out("failed.json")).unwrap()).unwrap();
    assert!(failed["error"].as_str().unwrap().contains("labels.csv"), "{failed}");
    fs::remove_dir(list.out("labels.csv")).unwrap();
    list.run(false).unwrap();
    assert!(!list.out("failed.json").exists());
}

#[test]
fn where_files_lie_does_not_count() {
    let (one, other) = (List::new(), List::new());
    let moved = other.folder.path().join("elsewhere.csv");
    fs::rename(other.folder.path().join("train.csv"), &moved).unwrap();
    other.change_line("train.csv", "elsewhere.csv");
    let id = |list: &List| Cell::read(&list.path(), 0).unwrap().id;
    assert_eq!(id(&one), id(&other));
    assert!(matches!(other.run(false).unwrap(), Outcome::Ran(_)));
}
