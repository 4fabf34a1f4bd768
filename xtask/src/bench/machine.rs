//! Where and with what the figures were measured.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::case::Programs;
use crate::shell::Invocation;

/// Load above which another program is likely to be in the way.
const BUSY: f64 = 0.7;

/// Printed as JSON by the Python of the rival.
const VERSIONS: &str = "import json, platform, torch, transformers, tokenizers; \
    print(json.dumps({'python': platform.python_version(), 'torch': torch.__version__, \
    'transformers': transformers.__version__, 'tokenizers': tokenizers.__version__}))";

/// Machine, moment and versions.
#[derive(Serialize)]
pub(super) struct Machine {
    pub(super) date: String,
    pub(super) processor: String,
    pub(super) n_cores: usize,
    pub(super) memory_bytes: Option<u64>,
    pub(super) system: String,
    /// Mean number of running programs over the last minute, before the first case.
    pub(super) load: Option<f64>,
    pub(super) revision: String,
    pub(super) lane: String,
    pub(super) rustc: String,
    /// Of the rival; null without one.
    pub(super) python: Value,
}

impl Machine {
    pub(super) fn warning(&self) -> Option<String> {
        let load = self.load.filter(|load| BUSY < *load)?;
        Some(format!("the load is {load:.1}: other programs run, and the figures will be off"))
    }
}

pub(super) fn describe(root: &Path, programs: &Programs<'_>) -> Result<Machine> {
    let said = |program: &str, arguments: &[&str]| {
        let line = Invocation::new(program, arguments).stdout(root);
        line.map_or_else(|_| "unknown".to_owned(), |line| line.trim().to_owned())
    };
    let python = match &programs.python {
        Some(python) => {
            let versions = Invocation::new(&**python, &["-c", VERSIONS]).stdout(root)?;
            serde_json::from_str(&versions).context("no versions from the Python")?
        }
        None => Value::Null,
    };
    let changed = !said("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty();
    let revision = said("git", &["rev-parse", "--short=12", "HEAD"]);
    Ok(Machine {
        date: said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned()),
        n_cores: std::thread::available_parallelism().map_or(1, usize::from),
        memory_bytes: memory_bytes(),
        system: said("uname", &["-sr"]),
        load: load(),
        revision: if changed { revision + " and changes" } else { revision },
        lane: said(&programs.lane, &["--version"]),
        rustc: said("rustc", &["--version"]),
        python,
    })
}

/// Date, processor, system, revision and compiler on two lines.
pub(super) fn in_short(root: &Path) -> String {
    let said = |program: &str, arguments: &[&str]| {
        let line = Invocation::new(program, arguments).stdout(root);
        line.map_or_else(|_| "unknown".to_owned(), |line| line.trim().to_owned())
    };
    let processor = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".to_owned());
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = load().map_or_else(String::new, |load| format!("; load {load:.1}"));
    let (date, system) = (said("date", &["-u", "+%Y-%m-%d %H:%M UTC"]), said("uname", &["-sr"]));
    let revision = said("git", &["rev-parse", "--short=12", "HEAD"]);
    let rustc = said("rustc", &["--version"]);
    format!("{date}; {processor}, {n_cores} cores; {system}{load}.\nRevision {revision}, {rustc}, ")
}

/// The value after the first `name :` in a file of such lines.
fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_bytes() -> Option<u64> {
    let value = field("/proc/meminfo", "MemTotal")?;
    let kibibytes: u64 = value.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024)
}

fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split_whitespace().next()?.parse().ok()
}
