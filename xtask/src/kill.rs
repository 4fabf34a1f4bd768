//! `cargo xtask check --kill`: runs that are killed at random moments, and what they come to.
//!
//! Each method is trained once in one go. Then the same run is begun, killed with SIGKILL after a
//! random time, gone on with, killed again, thirty times over; a third of the kills wait until a
//! checkpoint is being written. Whenever a run comes to its end, every file it left has to be, byte for
//! byte, that of the run in one go; only `record.json`, which holds the time it took, may differ.
//!
//! The runs are on the built-in corpus, and where `LANE_DATA` and `LANE_ENCODER` name real text and a
//! real encoder, two of `lane` are on those: the encoder frozen, and trained on some hundred rows.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::corpus::splitmix::SplitMix64;
use crate::lane_binary;
use crate::trial::{Trial, compare, files};

/// The real text, and rows of each split where the whole encoder is trained.
const REAL: &str = "trec6";
const FEW_ROWS: usize = 160;
const N_KILLS: usize = 30;
/// Methods and epochs that take some seconds each.
const CASES: [(&str, u32); 4] = [("base", 24), ("lane", 9), ("aum", 8), ("dividemix", 7)];

pub(crate) fn run(root: &Path) -> Result<()> {
    let lane = lane_binary::find(root, None)?.path;
    for (method, epochs) in CASES {
        let folder = tempfile::tempdir()?;
        let trial = Trial::built_in(&lane, root, method, epochs);
        let report = kill(&trial, folder.path()).with_context(|| format!("method `{method}`"))?;
        println!("ok    {method}: {report}");
    }
    let folder = |variable| std::env::var_os(variable).map(PathBuf::from);
    let Some((data, encoder)) = folder("LANE_DATA").zip(folder("LANE_ENCODER")) else {
        println!("not run: on real text; LANE_DATA and LANE_ENCODER are not both set");
        return Ok(());
    };
    on_real_text(&lane, root, &data.join(REAL), &encoder)
}

fn on_real_text(lane: &Path, root: &Path, data: &Path, encoder: &Path) -> Result<()> {
    let few = tempfile::tempdir()?;
    for split in ["train", "validation", "test"] {
        let path = data.join(split).with_extension("csv");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let rows: Vec<&str> = text.lines().take(1 + FEW_ROWS).collect();
        fs::write(few.path().join(split).with_extension("csv"), rows.join("\n"))?;
    }
    let encoder = ["--encoder".to_owned(), encoder.display().to_string()];
    let frozen = encoder.iter().cloned().chain(["--freeze-encoder".to_owned()]).collect();
    let cases = [("frozen", data, 3, frozen), ("trained", few.path(), 3, encoder.to_vec())];
    for (name, data, epochs, options) in cases {
        let folder = tempfile::tempdir()?;
        let trial = Trial { lane, root, data, method: "lane", epochs, options };
        let report = kill(&trial, folder.path())
            .with_context(|| format!("method `lane` on {REAL}, encoder {name}"))?;
        println!("ok    lane on {REAL}, encoder {name}: {report}");
    }
    Ok(())
}

fn kill(trial: &Trial<'_>, folder: &Path) -> Result<String> {
    let start = Instant::now();
    trial.to_the_end(&folder.join("whole"))?;
    let (expected, whole) = (files(&folder.join("whole"))?, start.elapsed());
    let mut random = SplitMix64::new(u64::from(trial.epochs));
    let (mut n_kills, mut n_in_writing, mut n_finished) = (0, 0, 0);
    while n_kills < N_KILLS || n_finished == 0 {
        let out = folder.join(format!("run-{n_finished}"));
        let wait = whole.mul_f64(random.below(1000) as f64 / 2500.0);
        // Of a kill that is to meet a checkpoint: how long it waits for one.
        let patience = if random.percent(33) { whole } else { Duration::ZERO };
        let killed =
            if n_kills < N_KILLS { kill_after(trial, &out, wait, patience)? } else { None };
        if let Some(in_writing) = killed {
            n_kills += 1;
            n_in_writing += usize::from(in_writing);
        } else {
            trial.to_the_end(&out)?;
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

/// Kills the run after `wait`, or once it writes a checkpoint within `patience` of that. Whether it was
/// writing one; none if it had ended.
fn kill_after(
    trial: &Trial<'_>,
    out: &Path,
    wait: Duration,
    patience: Duration,
) -> Result<Option<bool>> {
    let left_before = begun(out);
    let is_writing = || !begun(out).is_subset(&left_before);
    let mut child = trial.start(out)?;
    sleep(wait);
    let waited = Instant::now();
    while !is_writing() && waited.elapsed() < patience {
        if child.try_wait()?.is_some() {
            break;
        }
        sleep(Duration::from_micros(100));
    }
    if let Some(status) = child.try_wait()? {
        ensure!(status.success(), "a run into {} failed ({status})", out.display());
        return Ok(None);
    }
    child.kill()?;
    child.wait()?;
    Ok(Some(is_writing()))
}

/// Checkpoints that are begun and not in their place: one being written, and what kills left of others.
fn begun(out: &Path) -> BTreeSet<OsString> {
    let entries = fs::read_dir(out.join("checkpoint")).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name());
    names.filter(|name| name.to_string_lossy().starts_with(".lane-")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_that_is_begun_is_known_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        assert!(begun(folder.path()).is_empty());
        fs::create_dir_all(folder.path().join("checkpoint/000000000003")).unwrap();
        assert!(begun(folder.path()).is_empty());
        fs::create_dir(folder.path().join("checkpoint/.lane-x1")).unwrap();
        assert_eq!(begun(folder.path()).len(), 1);
    }
}
