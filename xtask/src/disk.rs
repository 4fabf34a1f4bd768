//! `cargo xtask check --disk`: a disk that fills up under a run, and one that cannot be written to.
//!
//! Needs root, for a small file system in memory. Each time the run has to end with exit code 1 and the
//! system's reason, leave the checkpoints it had, and come to the bytes of a run in one go once there
//! is room again. A command that writes one file, and a run that would begin there, end in the same way.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::lane_binary;
use crate::shell::Invocation;
use crate::trial::{Files, Trial, checkpoints, compare, files};

const EPOCHS: u32 = 24;

pub(crate) fn run(root: &Path) -> Result<()> {
    let lane = lane_binary::find(root, None)?.path;
    let trial = Trial::built_in(&lane, root, "base", EPOCHS);
    let folder = tempfile::tempdir()?;
    let whole = folder.path().join("whole");
    trial.to_the_end(&whole)?;
    let expected = files(&whole)?;
    let disk = SmallDisk::mount(folder.path().join("disk"))?;
    full(&trial, &disk, &expected)?;
    read_only(&trial, &disk, &expected)?;
    Ok(())
}

/// A file system of 24 MiB, gone with its owner.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf) -> Result<Self> {
        fs::create_dir(&path)?;
        let shown = path.display().to_string();
        Invocation::new("mount", &["-t", "tmpfs", "-o", "size=24m", "tmpfs", &shown])
            .stdout(Path::new("/"))?;
        Ok(Self(path))
    }

    fn remount(&self, how: &str) -> Result<()> {
        let (shown, how) = (self.0.display().to_string(), format!("remount,{how}"));
        Invocation::new("mount", &["-o", &how, &shown]).stdout(Path::new("/")).map(drop)
    }

    /// Takes what room is left.
    fn fill(&self) -> Result<()> {
        let path = self.0.join("filler");
        let mut file = OpenOptions::new().create(true).append(true).open(path)?;
        while file.write_all(&[0; 4096]).is_ok() {}
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let shown = self.0.display().to_string();
        let _ = Invocation::new("umount", &["-l", &shown]).stdout(Path::new("/"));
    }
}

fn full(trial: &Trial<'_>, disk: &SmallDisk, expected: &Files) -> Result<()> {
    let out = disk.0.join("full");
    let mut child = trial.under_way(&out)?;
    // Again and again, since each checkpoint that goes makes room.
    while child.try_wait()?.is_none() {
        disk.fill()?;
        sleep(Duration::from_millis(1));
    }
    let reason = "No space left on device";
    let said = ended_with_one(child, reason)?;
    ensure!(!checkpoints(&out).is_empty(), "no checkpoint was left");
    disk.fill()?;
    ended_with_one(noisy_copy(trial, disk)?, reason)?;
    fs::remove_file(disk.0.join("filler"))?;
    trial.to_the_end(&out)?;
    compare(&files(&out)?, expected)?;
    fs::remove_dir_all(&out)?;
    println!("ok    a full disk: {said}");
    Ok(())
}

fn read_only(trial: &Trial<'_>, disk: &SmallDisk, expected: &Files) -> Result<()> {
    let out = disk.0.join("read-only");
    let mut child = trial.under_way(&out)?;
    child.kill()?;
    child.wait()?;
    let before = checkpoints(&out);
    disk.remount("ro")?;
    let reason = "Read-only file system";
    let said = ended_with_one(trial.start(&out)?, reason);
    let new = ended_with_one(trial.start(&disk.0.join("new"))?, reason);
    let copy = ended_with_one(noisy_copy(trial, disk)?, reason);
    disk.remount("rw")?;
    let said = new.and(copy).and(said)?;
    ensure!(checkpoints(&out) == before, "the checkpoints changed");
    trial.to_the_end(&out)?;
    compare(&files(&out)?, expected)?;
    println!("ok    a disk that cannot be written to: {said}");
    Ok(())
}

/// A command that writes one file onto the disk, and no run.
fn noisy_copy(trial: &Trial<'_>, disk: &SmallDisk) -> Result<Child> {
    let data = trial.root.join(trial.data).join("train.csv");
    let mut command = Command::new(trial.lane);
    command.args(["noise", "--quiet", "--rate", "0.2", "--data"]).arg(data);
    command.arg("--out").arg(disk.0.join("noisy.csv"));
    Ok(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
}

/// Exit code 1 with `reason`; gives the first line that was said.
fn ended_with_one(child: Child, reason: &str) -> Result<String> {
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.code() == Some(1), "ended with {}: {said}", output.status);
    ensure!(said.contains(reason), "no `{reason}` in: {said}");
    Ok(said.lines().next().unwrap_or_default().to_owned())
}
