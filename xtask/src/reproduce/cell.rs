//! One cell: one method on one data set at one noise rate with one seed, in a folder of its own.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::options::{DataSet, Plan};
use super::result::RunResult;
use super::stamp::Stamp;
use crate::lane_binary::Lane;
use crate::shell::Invocation;

/// Lines of a failed run's talk that are shown.
const TAIL_LINES: usize = 12;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cell {
    pub(super) data_set: DataSet,
    pub(super) noise: f64,
    pub(super) method: String,
    pub(super) seed: u64,
}

/// A cell that has its result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finished {
    pub(super) result: RunResult,
    /// The run folder.
    pub(super) folder: PathBuf,
    /// The file it learned from.
    pub(super) train: PathBuf,
    /// Whether it was there already.
    pub(super) is_kept: bool,
    /// Which build of `lane` made it.
    pub(super) lane: String,
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

/// As in progress lines and lists of failures.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { data_set, noise, method, seed } = self;
        write!(f, "{}, noise {noise}, {method}, seed {seed}", data_set.name)
    }
}

impl Cell {
    /// The kept result, or a run of `lane train` on `train`.
    pub(super) fn run(&self, plan: &Plan, lane: &Lane, train: &Path) -> Outcome {
        let invocation = self.invocation(plan, lane, train);
        self.finish(plan, lane, train, &invocation).map_err(|error| Failure {
            command: invocation.to_string(),
            stderr: format!("{error:#}"),
        })
    }

    fn finish(
        &self,
        plan: &Plan,
        lane: &Lane,
        train: &Path,
        invocation: &Invocation,
    ) -> Result<Finished> {
        let folder = self.folder(plan);
        let (place, log) = (folder.join("cell.json"), folder.with_extension("log"));
        let stamp = self.stamp(plan, lane, train)?;
        let finished = |lane: &str, is_kept| -> Result<Finished> {
            let result = RunResult::read(&folder)?;
            let (folder, train) = (folder.clone(), train.to_owned());
            Ok(Finished { result, folder, train, is_kept, lane: lane.to_owned() })
        };
        if let Some(kept) = stamp.kept_at(&place).filter(|_| !plan.force)
            && let Ok(kept) = finished(&kept.lane, true)
        {
            return Ok(kept);
        }
        if folder.exists() {
            fs::remove_dir_all(&folder)
                .with_context(|| format!("failed to clear {}", folder.display()))?;
        }
        fs::create_dir_all(folder.parent().unwrap_or(&plan.out))?;
        run_logged(invocation, &log)?;
        let finished = finished(&lane.fingerprint, false)?;
        stamp.write(&place)?;
        Ok(finished)
    }

    fn stamp(&self, plan: &Plan, lane: &Lane, train: &Path) -> Result<Stamp> {
        let (validation, test) = (self.data_set.file("validation"), self.data_set.file("test"));
        let inputs = [("train", train), ("validation", &*validation), ("test", &*test)];
        Stamp::new(self.settings(plan), &inputs, &lane.fingerprint)
    }

    fn settings(&self, plan: &Plan) -> Vec<String> {
        let own = ["--method", &self.method, "--seed", &self.seed.to_string()].map(str::to_owned);
        own.into_iter().chain(plan.settings.iter().cloned()).collect()
    }

    fn invocation(&self, plan: &Plan, lane: &Lane, train: &Path) -> Invocation {
        let (validation, test) = (self.data_set.file("validation"), self.data_set.file("test"));
        let files: [(&str, &Path); 4] = [
            ("--train", train),
            ("--validation", &validation),
            ("--test", &test),
            ("--out", &self.folder(plan)),
        ];
        let files = files.map(|(name, path)| [name.to_owned(), path.display().to_string()]);
        Invocation::new(lane.path.display().to_string(), &["train"])
            .with(files.into_iter().flatten())
            .with(self.settings(plan))
            .with(["--quiet".to_owned()])
            .with_variable("RAYON_NUM_THREADS", plan.threads_per_job.to_string())
    }

    fn folder(&self, plan: &Plan) -> PathBuf {
        let noise = format!("noise-{}", self.noise);
        let seed = format!("seed-{}", self.seed);
        plan.out.join("runs").join(&self.data_set.name).join(noise).join(&self.method).join(seed)
    }
}

/// Runs with stdout and stderr in the file `log`; an error ends with the last of them.
///
/// In the folder we are in, since settings such as `--encoder` may name files from there.
fn run_logged(invocation: &Invocation, log: &Path) -> Result<()> {
    let file = File::create(log).with_context(|| format!("failed to write {}", log.display()))?;
    let status = invocation
        .command(Path::new("."))
        .stdout(file.try_clone()?)
        .stderr(file)
        .status()
        .context("failed to start it")?;
    if !status.success() {
        let talk = fs::read(log).unwrap_or_default();
        bail!("{status}\n{}", tail(&String::from_utf8_lossy(&talk)));
    }
    Ok(())
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
impl Cell {
    /// A cell of the built-in corpus at 20 % noise.
    pub(super) fn example(method: &str, seed: u64) -> Self {
        let data_set = DataSet { name: "builtin".to_owned(), folder: PathBuf::new() };
        Self { data_set, noise: 0.2, method: method.to_owned(), seed }
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
}
