//! One cell: one method on one data set at one noise rate with one seed, in a folder of its own.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::plan::DataSet;
use super::result::RunResult;
use crate::lane_binary::Lane;
use crate::shell::Invocation;

/// Lines of a failed run's talk that are shown.
const TAIL_LINES: usize = 12;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) data_set: DataSet,
    pub(super) noise: f64,
    /// The method, or what its variant is called.
    pub(super) method: String,
    pub(super) seed: u64,
    /// What it is made of, hashed by `lane cells`.
    pub(super) id: String,
    /// Its line in `list`, from 0.
    pub(super) index: usize,
    pub(super) list: PathBuf,
    /// The run folder.
    pub(super) folder: PathBuf,
    /// The file it learns from.
    pub(super) train: PathBuf,
}

/// A cell that has its result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finished {
    pub(super) result: RunResult,
    /// Whether it was there already.
    pub(super) is_kept: bool,
}

/// A cell, or its training file, that could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// What to type to see it fail again.
    pub(super) command: String,
    /// The end of what it said.
    pub(super) stderr: String,
}

pub(super) type Outcome = Result<Finished, Failure>;

/// How a cell stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    Finished(RunResult),
    /// It was tried and failed, with this message.
    Failed(String),
    /// It was begun and neither finished nor failed: under way, or cut off.
    Begun,
    Missing,
}

/// As in progress lines and lists of failures.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data_set, noise, method, seed, .. } = self;
        write!(f, "{}, noise {noise}, {method}, seed {seed}", data_set.name)
    }
}

impl Cell {
    /// Runs it by `lane run-cell`, which keeps what is finished.
    pub(super) fn run(&self, lane: &Lane, n_threads: usize, force: bool) -> Outcome {
        let invocation = self.invocation(lane, n_threads, force);
        self.finish(&invocation).map_err(|error| Failure {
            command: invocation.to_string(),
            stderr: format!("{error:#}"),
        })
    }

    fn finish(&self, invocation: &Invocation) -> Result<Finished> {
        let log = self.folder.with_added_extension("log");
        fs::create_dir_all(self.folder.parent().unwrap_or(Path::new(".")))?;
        let answer = run_logged(invocation, &log)?;
        let answer: Value =
            serde_json::from_str(&answer).context("`lane run-cell` printed no JSON")?;
        let result = RunResult::read(&self.folder)?;
        Ok(Finished { result, is_kept: answer["outcome"] == "kept" })
    }

    fn invocation(&self, lane: &Lane, n_threads: usize, force: bool) -> Invocation {
        let list = self.list.display().to_string();
        Invocation::new(lane.path.display().to_string(), &["run-cell", "--cells"])
            .with([list, "--index".to_owned(), self.index.to_string()])
            .with(["--json".to_owned(), "--quiet".to_owned()])
            .with(force.then(|| "--force".to_owned()))
            .with_variable("RAYON_NUM_THREADS", n_threads.to_string())
    }

    /// How it stands.
    pub(super) fn state(&self) -> State {
        if self.id_in("cell.json") != Some(self.id.clone()) {
            return State::Missing;
        }
        if let Ok(result) = RunResult::read(&self.folder) {
            return State::Finished(result);
        }
        match read_json(&self.folder.join("failed.json")) {
            Some(failed) => State::Failed(failed["error"].as_str().unwrap_or_default().to_owned()),
            None => State::Begun,
        }
    }

    /// Moves a folder that holds another cell aside, under that cell's id: nothing is lost, and the
    /// same settings find their results again.
    pub(super) fn clear_the_way(&self) -> Result<()> {
        if !self.folder.exists() {
            return self.bring_back();
        }
        let there = self.id_in("cell.json").unwrap_or_else(|| "unknown".to_owned());
        if there == self.id {
            return Ok(());
        }
        let aside = self.folder.with_added_extension(&there);
        if aside.exists() {
            fs::remove_dir_all(&aside)
                .with_context(|| format!("failed to clear {}", aside.display()))?;
        }
        fs::rename(&self.folder, &aside)
            .with_context(|| format!("failed to move {} aside", self.folder.display()))?;
        self.bring_back()
    }

    /// Takes back a folder that was moved aside for other settings.
    fn bring_back(&self) -> Result<()> {
        let aside = self.folder.with_added_extension(&self.id);
        if aside.is_dir() {
            fs::rename(&aside, &self.folder)
                .with_context(|| format!("failed to move {} back", aside.display()))?;
        }
        Ok(())
    }

    fn id_in(&self, name: &str) -> Option<String> {
        Some(read_json(&self.folder.join(name))?.get("id")?.as_str()?.to_owned())
    }
}

fn read_json(path: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

/// Runs with stderr in the file `log`; gives stdout, or an error that ends with the last of the log.
///
/// In the folder we are in, since settings may name files from there.
fn run_logged(invocation: &Invocation, log: &Path) -> Result<String> {
    let file = File::create(log).with_context(|| format!("failed to write {}", log.display()))?;
    let output =
        invocation.command(Path::new(".")).stderr(file).output().context("failed to start it")?;
    if !output.status.success() {
        let talk = fs::read(log).unwrap_or_default();
        bail!("{}\n{}", output.status, tail(&String::from_utf8_lossy(&talk)));
    }
    String::from_utf8(output.stdout).context("it printed no UTF-8")
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
impl Cell {
    /// A cell of the built-in corpus at 20 % noise.
    pub(super) fn example(method: &str, seed: u64) -> Self {
        let data_set = DataSet::new("builtin", PathBuf::new());
        Self {
            data_set,
            noise: 0.2,
            method: method.to_owned(),
            seed,
            id: format!("{method}{seed}"),
            index: 0,
            list: PathBuf::new(),
            folder: PathBuf::new(),
            train: PathBuf::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown() {
        let text = (1..=20).map(|n| n.to_string()).collect::<Vec<_>>().join("\n");
        assert!(tail(&text).starts_with("9\n10"), "{}", tail(&text));
        assert_eq!(tail("one"), "one");
        assert_eq!(tail(""), "");
    }

    #[test]
    fn results_of_other_settings_make_way_and_come_back() {
        let parent = tempfile::tempdir().unwrap();
        let cell = |method: &str| {
            let folder = parent.path().join("seed-1");
            Cell { folder, ..Cell::example(method, 1) }
        };
        let write = |name: &str, text: &str| {
            fs::create_dir_all(parent.path().join("seed-1")).unwrap();
            fs::write(parent.path().join("seed-1").join(name), text).unwrap();
        };
        write("cell.json", "{\"id\": \"old1\"}");
        write("result.json", "{}");
        let (old, new) = (cell("old"), cell("new"));
        assert!(matches!(old.state(), State::Finished(_)));
        new.clear_the_way().unwrap();
        assert_eq!(new.state(), State::Missing);
        write("cell.json", "{\"id\": \"new1\"}");
        assert_eq!(new.state(), State::Begun);
        write("failed.json", "{\"error\": \"no memory\"}");
        assert_eq!(new.state(), State::Failed("no memory".to_owned()));
        old.clear_the_way().unwrap();
        assert!(matches!(old.state(), State::Finished(_)));
        new.clear_the_way().unwrap();
        assert_eq!(new.state(), State::Failed("no memory".to_owned()));
    }
}
