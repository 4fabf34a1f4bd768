//! A small run of `lane` that things are done to, and the files it leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

/// How long something is waited for that has to come.
const PATIENCE: Duration = Duration::from_mins(5);

/// One method, so many epochs.
pub(crate) struct Trial<'a> {
    pub(crate) lane: &'a Path,
    pub(crate) root: &'a Path,
    /// The folder of the three splits, from `root` on.
    pub(crate) data: &'a Path,
    pub(crate) method: &'a str,
    pub(crate) epochs: u32,
    /// Other arguments of `lane train`.
    pub(crate) options: Vec<String>,
}

/// The files of a run, by name.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

impl<'a> Trial<'a> {
    /// A run on the built-in corpus.
    pub(crate) fn built_in(lane: &'a Path, root: &'a Path, method: &'a str, epochs: u32) -> Self {
        let data = Path::new("fixtures/builtin");
        Self { lane, root, data, method, epochs, options: Vec::new() }
    }

    /// Begins a run or goes on with it; stderr is piped.
    pub(crate) fn start(&self, out: &Path) -> Result<Child> {
        let mut command = Command::new(self.lane);
        command.current_dir(self.root).args(["train", "--quiet"]);
        if out.join("config.toml").exists() {
            command.arg("--resume").arg(out);
        } else {
            for split in ["train", "validation", "test"] {
                command.arg(format!("--{split}")).arg(self.data.join(split).with_extension("csv"));
            }
            let epochs = self.epochs.to_string();
            command.args(["--method", self.method, "--epochs", &epochs, "--device", "flex"]);
            command.args(["--checkpoint-every", "3", "--out"]).arg(out).args(&self.options);
        }
        let command = command.env("RAYON_NUM_THREADS", "2");
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped());
        child.spawn().with_context(|| format!("failed to start {}", self.lane.display()))
    }

    /// Runs, or goes on, to the end.
    pub(crate) fn to_the_end(&self, out: &Path) -> Result<()> {
        let output = self.start(out)?.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} failed ({}): {said}", out.display(), output.status);
        Ok(())
    }

    /// Begins a run and waits for its second checkpoint.
    pub(crate) fn under_way(&self, out: &Path) -> Result<Child> {
        let child = self.start(out)?;
        let start = Instant::now();
        while checkpoints(out).len() < 2 {
            ensure!(start.elapsed() < PATIENCE, "no checkpoint in {}", out.display());
            sleep(Duration::from_millis(5));
        }
        Ok(child)
    }
}

/// The names of the checkpoints in a run folder, oldest first.
pub(crate) fn checkpoints(out: &Path) -> Vec<String> {
    let entries = fs::read_dir(out.join("checkpoint")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.starts_with('0')).collect();
    names.sort();
    names
}

/// Every file below a run folder but its record, which holds the time it took.
pub(crate) fn files(run: &Path) -> Result<Files> {
    let mut found = Files::new();
    let mut folders = vec![run.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name != "record.json") {
                found.insert(path.strip_prefix(run)?.to_owned(), fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

/// Refuses files that are more, fewer or other than expected.
pub(crate) fn compare(found: &Files, expected: &Files) -> Result<()> {
    let names: [Vec<_>; 2] = [found, expected].map(|files| files.keys().collect());
    ensure!(names[0] == names[1], "the files are {:?}, expected {:?}", names[0], names[1]);
    let differing: Vec<_> =
        expected.iter().filter(|(name, bytes)| found[*name] != **bytes).map(|it| it.0).collect();
    ensure!(differing.is_empty(), "other bytes than those of the run in one go: {differing:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_more_and_a_byte_changed_are_both_seen() {
        let of = |files: &[(&str, &[u8])]| -> Files {
            files.iter().map(|(name, bytes)| (name.into(), bytes.to_vec())).collect()
        };
        let expected = of(&[("labels.csv", b"row"), ("result.json", b"{}")]);
        assert!(compare(&expected.clone(), &expected).is_ok());
        let said =
            |found: &[(&str, &[u8])]| compare(&of(found), &expected).unwrap_err().to_string();
        let changed = said(&[("labels.csv", b"rov"), ("result.json", b"{}")]);
        assert!(changed.contains("other bytes") && changed.contains("labels.csv"), "{changed}");
        assert!(said(&[("labels.csv", b"row")]).contains("expected"));
    }

    #[test]
    fn the_record_is_not_compared_and_everything_else_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("model")).unwrap();
        for name in ["record.json", "labels.csv", "model/config.json"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let files = files(folder.path()).unwrap();
        let names: Vec<_> = files.keys().map(|name| name.display().to_string()).collect();
        assert_eq!(names, ["labels.csv", "model/config.json"]);
    }
}
