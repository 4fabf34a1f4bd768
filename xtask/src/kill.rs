//! `cargo xtask check --kill`: runs that are killed at random moments, and what they come to.
//!
//! Each method is trained once in one go. Then the same run is begun, killed with SIGKILL after a
//! random time, gone on with, killed again, thirty times over; a third of the kills wait until a
//! checkpoint is being written. Whenever a run comes to its end, every file it left has to be, byte for
//! byte, that of the run in one go; only `record.json`, which holds the time it took, may differ.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::corpus::splitmix::SplitMix64;
use crate::lane_binary;

const N_KILLS: usize = 30;
/// Methods and epochs that take some seconds each.
const CASES: [(&str, u32); 4] = [("base", 24), ("lane", 9), ("aum", 8), ("dividemix", 7)];
/// How long a kill waits for a checkpoint to be under way.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn run(root: &Path) -> Result<()> {
    let lane = lane_binary::find(root, None)?.path;
    for (method, epochs) in CASES {
        let folder = tempfile::tempdir()?;
        let case = Case { lane: &lane, root, method, epochs };
        let report = case.run(folder.path()).with_context(|| format!("method `{method}`"))?;
        println!("ok    {method}: {report}");
    }
    Ok(())
}

/// One method on the built-in corpus.
struct Case<'a> {
    lane: &'a Path,
    root: &'a Path,
    method: &'a str,
    epochs: u32,
}

/// The files of a run, by name.
type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Case<'_> {
    fn run(&self, folder: &Path) -> Result<String> {
        let start = Instant::now();
        self.to_the_end(&folder.join("whole"))?;
        let (expected, whole) = (files(&folder.join("whole"))?, start.elapsed());
        let mut random = SplitMix64::new(u64::from(self.epochs));
        let (mut n_kills, mut n_in_writing, mut n_finished) = (0, 0, 0);
        while n_kills < N_KILLS || n_finished == 0 {
            let out = folder.join(format!("run-{n_finished}"));
            // Past the length of a run, so that some come to their end between two kills.
            let wait = whole.mul_f64(random.below(1000) as f64 / 2500.0);
            let in_writing = random.percent(33);
            if n_kills < N_KILLS && self.killed(&out, wait, in_writing)? {
                n_kills += 1;
                n_in_writing += usize::from(is_writing(&out));
            } else {
                self.to_the_end(&out)?;
                compare(&files(&out)?, &expected)?;
                n_finished += 1;
            }
        }
        ensure!(n_in_writing > 0, "no kill met a checkpoint being written");
        Ok(format!(
            "{n_kills} kills, {n_in_writing} of them while a checkpoint was written; {n_finished} runs \
             came to the bytes of the one in one go ({:.1} s)",
            whole.as_secs_f64()
        ))
    }

    /// Begins a run or goes on with it.
    fn start(&self, out: &Path) -> Result<Child> {
        let mut command = Command::new(self.lane);
        command.current_dir(self.root).args(["train", "--quiet"]);
        if out.join("config.toml").exists() {
            command.arg("--resume").arg(out);
        } else {
            for split in ["train", "validation", "test"] {
                command.arg(format!("--{split}")).arg(format!("fixtures/builtin/{split}.csv"));
            }
            let epochs = self.epochs.to_string();
            command.args(["--method", self.method, "--epochs", &epochs, "--device", "flex"]);
            command.args(["--checkpoint-every", "3", "--out"]).arg(out);
        }
        let child =
            command.env("RAYON_NUM_THREADS", "2").stdout(Stdio::null()).stderr(Stdio::null());
        child.spawn().with_context(|| format!("failed to start {}", self.lane.display()))
    }

    fn to_the_end(&self, out: &Path) -> Result<()> {
        let status = self.start(out)?.wait()?;
        ensure!(status.success(), "a run into {} failed ({status})", out.display());
        Ok(())
    }

    /// Kills the run after `wait`, or once it writes a checkpoint after that; false if it had ended.
    fn killed(&self, out: &Path, wait: Duration, in_writing: bool) -> Result<bool> {
        let mut child = self.start(out)?;
        sleep(wait);
        let patience = Instant::now();
        while in_writing && !is_writing(out) && patience.elapsed() < PATIENCE {
            if child.try_wait()?.is_some() {
                break;
            }
            sleep(Duration::from_micros(100));
        }
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "a run into {} failed ({status})", out.display());
            return Ok(false);
        }
        child.kill()?;
        child.wait()?;
        Ok(true)
    }
}

/// Whether a checkpoint is begun and not yet in its place.
fn is_writing(out: &Path) -> bool {
    let entries = fs::read_dir(out.join("checkpoint")).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| entry.file_name().to_string_lossy().starts_with(".lane-"))
}

/// Every file below a run folder but its record.
fn files(run: &Path) -> Result<Files> {
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

fn compare(found: &Files, expected: &Files) -> Result<()> {
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

    #[test]
    fn a_checkpoint_under_way_is_known_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_writing(folder.path()));
        fs::create_dir_all(folder.path().join("checkpoint/000000000003")).unwrap();
        assert!(!is_writing(folder.path()));
        fs::create_dir(folder.path().join("checkpoint/.lane-x1")).unwrap();
        assert!(is_writing(folder.path()));
    }
}
