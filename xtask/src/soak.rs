//! `cargo xtask check --soak`: memory stays flat over two hundred epochs.
//!
//! A run on the built-in corpus is watched while it trains: the median of its resident memory over
//! epochs 61 to 80, when a method that begins plainly does so no more, beside that over the last twenty.
//! The median, since methods that score all rows between epochs go up and down by a tenth within one.
//! What the run keeps of each epoch for its records is part of it, and small. The allocator takes memory
//! in steps of some 4 MiB, one of which is 5 % here and comes in one run and not in the next; so a
//! method grows if each of three runs does.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::lane_binary;

const EPOCHS: usize = 200;
const METHODS: [&str; 3] = ["base", "lane", "dividemix"];
/// Epochs that are compared, counted from 1.
const EARLY: std::ops::RangeInclusive<usize> = 61..=80;
const LATE: std::ops::RangeInclusive<usize> = 181..=200;
/// The most that memory may grow between them.
const MOST_GROWTH: f64 = 0.02;
/// Runs of a method, the first of which that does not grow ends them.
const RUNS: usize = 3;

pub(crate) fn run(root: &Path) -> Result<()> {
    let lane = lane_binary::find(root, None)?.path;
    for method in METHODS {
        let mut is_flat = false;
        for _ in 0..RUNS {
            is_flat = growth(&lane, root, method)? <= MOST_GROWTH;
            if is_flat {
                break;
            }
        }
        ensure!(is_flat, "memory of `{method}` grows by more than 2 % in each of {RUNS} runs");
    }
    Ok(())
}

/// By how much the memory of one run grows, which is printed.
fn growth(lane: &Path, root: &Path, method: &str) -> Result<f64> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let seen = watch(lane, root, method, folder.path())?;
    let of = |epochs: std::ops::RangeInclusive<usize>| {
        let within = seen.iter().filter(|(epoch, _)| epochs.contains(epoch));
        let mut all: Vec<u64> = within.map(|(_, kib)| *kib).collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied().with_context(|| format!("no look at epochs {epochs:?}"))
    };
    let (early, late) = (of(EARLY)?, of(LATE)?);
    let growth = late as f64 / early as f64 - 1.0;
    println!(
        "{} {method}: {} MiB in epochs 61 to 80, {} MiB in 181 to 200: {:+.2} % ({} looks, {:.0} s)",
        if growth <= MOST_GROWTH { "ok   " } else { "grows" },
        early >> 10,
        late >> 10,
        100.0 * growth,
        seen.len(),
        start.elapsed().as_secs_f64()
    );
    Ok(growth)
}

/// Trains, and looks at the resident memory as it goes: the epoch under way and KiB.
fn watch(lane: &Path, root: &Path, method: &str, folder: &Path) -> Result<Vec<(usize, u64)>> {
    let out = folder.join("run");
    let mut child = Command::new(lane)
        .args(["train", "--quiet", "--method", method, "--checkpoint-every", "never"])
        .args(["--epochs", &EPOCHS.to_string(), "--set", "save_model=false"])
        .arg("--train")
        .arg(root.join("fixtures/builtin/train.csv"))
        .arg("--out")
        .arg(&out)
        .stdout(Stdio::null())
        .spawn()?;
    let mut seen = Vec::new();
    let ended = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        let epochs = fs::read(out.join("metrics.jsonl")).unwrap_or_default();
        let n_done = epochs.split(|byte| *byte == b'\n').count() - 1;
        seen.extend(resident(&child).map(|kib| (n_done + 1, kib)));
        sleep(Duration::from_millis(20));
    };
    ensure!(ended.success(), "`lane train --method {method}` ended with {ended}");
    Ok(seen)
}

fn resident(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
