//! `cargo xtask check --browser`: the report and the review in a real browser.
//!
//! A report of 50,000 made rows, some of them hostile, is opened in headless Chromium from disk:
//! sorted, filtered, read by keyboard, on narrow and wide screens, light and dark, printed. Then a
//! review is held by keyboard, the server killed in between, and attacked from another page.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::lane_binary;
use crate::shell::Invocation;

/// Rows of the report: as many as have to stay usable.
const N_ROWS: &str = "50000";
const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

pub(crate) fn run(root: &Path) -> Result<()> {
    let python = env::var("LANE_PYTHON").unwrap_or_else(|_| "python3".into());
    let has = |words: &[&str]| Invocation::new(words[0], &words[1..]).stdout(root).is_ok();
    ensure!(
        has(&[&python, "-c", "import playwright"]),
        "`{python}` has no playwright; `pip install playwright==1.65.2`, and LANE_PYTHON names that Python"
    );
    let chromium =
        chromium().context("no Chromium is on the PATH; Debian has the package `chromium`")?;
    let lane = lane_binary::find(root, None)?.path;
    let example = made_report(root, &lane)?;

    let shots = root.join("target/browser");
    fs::create_dir_all(&shots)?;
    let folder = tempfile::tempdir()?;
    let [audit, shots, chromium, lane] =
        [folder.path(), &shots, &chromium, &lane].map(|path| path.display().to_string());
    Invocation::new(example.display().to_string(), &[&audit, N_ROWS]).run(root)?;
    let script = "fixtures/reference/check_report.py";
    let seen = [script, &audit, "--chromium", &chromium, "--shots", &shots];
    Invocation::new(&*python, &seen).run(root)?;
    let script = "fixtures/reference/review_in_browser.py";
    let held = [script, "--lane", &lane, "--chromium", &chromium, "--shots", &shots];
    Invocation::new(&*python, &held).run(root)?;
    println!("screenshots are in {shots}");
    Ok(())
}

/// The example that makes a report up, beside the binary `lane`.
fn made_report(root: &Path, lane: &Path) -> Result<PathBuf> {
    // With `lane`, so that what both stand on is built once.
    let words = ["build", "--quiet", "-p", "lane", "-p", "lane-audit", "--example", "made_report"];
    Invocation::cargo(&words).run(root)?;
    let folder = lane.parent().unwrap_or(root);
    Ok(folder.join("examples/made_report"))
}

fn chromium() -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&paths).collect();
    let all = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|path| path.is_file())
}
