//! One side of a case: what to start, and where its figures are found afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shell::Invocation;

/// A command and how its time is read.
#[derive(Clone, Debug)]
pub(super) struct Contender {
    pub(super) call: Invocation,
    pub(super) reading: Reading,
    /// Where its stdout is kept, for the other side to read.
    pub(super) keep: PathBuf,
}

/// Where times are found.
#[derive(Clone, Debug)]
pub(super) enum Reading {
    /// `steps[].ms` of the JSON on stdout.
    Steps,
    /// `ms` of the JSON on stdout.
    Whole,
    /// The clock on the wall, from the start of the process to its end; `peak_memory_bytes` is in
    /// the JSON file named.
    Process { record: PathBuf },
}

/// One run of one side.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// One value a step, or one in all.
    pub(super) ms: Vec<f64>,
    pub(super) peak_memory_bytes: Option<u64>,
    /// What it said of itself.
    pub(super) report: Value,
    /// What was typed.
    pub(super) command: String,
}

/// On how many threads and which cores it runs.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) threads: u32,
    cores: Option<String>,
    out: PathBuf,
}

impl Place {
    /// The first cores, where the system lets us choose.
    pub(super) fn new(threads: u32, out: &Path) -> Self {
        Self::on(format!("0-{}", threads.saturating_sub(1)), threads, out)
    }

    /// One thread on the last core, which others use least.
    pub(super) fn last() -> Self {
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self::on((n_cores - 1).to_string(), 1, Path::new(""))
    }

    fn on(cores: String, threads: u32, out: &Path) -> Self {
        let can_pin = Invocation::new("true", &[])
            .under("taskset", &["-c", &cores])
            .stdout(Path::new("."))
            .is_ok();
        Self { threads, cores: can_pin.then_some(cores), out: out.to_owned() }
    }

    pub(super) fn prepare(&self, call: &Invocation) -> Invocation {
        let threads = self.threads.to_string();
        let call = call
            .clone()
            .with_variable("RAYON_NUM_THREADS", &*threads)
            .with_variable("OMP_NUM_THREADS", &*threads)
            .with_variable("TOKENIZERS_PARALLELISM", "true");
        match &self.cores {
            Some(cores) => call.under("taskset", &["-c", cores]),
            None => call,
        }
    }
}

impl Contender {
    pub(super) fn run(&self, place: &Place) -> Result<Sample> {
        let call = place.prepare(&self.call);
        let start = Instant::now();
        let stdout = call.stdout(&place.out)?;
        let wall = start.elapsed().as_secs_f64() * 1e3;
        fs::write(&self.keep, &stdout)
            .with_context(|| format!("failed to write {}", self.keep.display()))?;
        let report = match &self.reading {
            Reading::Process { record } => fs::read_to_string(record)
                .with_context(|| format!("`{call}` left no {}", record.display()))?,
            Reading::Steps | Reading::Whole => stdout,
        };
        let report: Value =
            serde_json::from_str(&report).with_context(|| format!("`{call}`: no JSON"))?;
        let ms = match &self.reading {
            Reading::Steps => step_times(&report),
            Reading::Whole => report["ms"].as_f64().into_iter().collect(),
            Reading::Process { .. } => vec![wall],
        };
        ensure!(!ms.is_empty(), "`{call}` reported no time");
        ensure!(ms.iter().all(|it| it.is_finite() && 0.0 < *it), "`{call}` reported times {ms:?}");
        let peak_memory_bytes = report["peak_memory_bytes"].as_u64();
        Ok(Sample { ms, peak_memory_bytes, report, command: call.to_string() })
    }
}

fn step_times(report: &Value) -> Vec<f64> {
    let steps = report["steps"].as_array().map_or(&[][..], Vec::as_slice);
    steps.iter().filter_map(|step| step["ms"].as_f64()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, reading: Reading) -> Result<Sample> {
        let folder = tempfile::tempdir()?;
        let keep = folder.path().join("kept.json");
        let call = Invocation::new("sh", &["-c", script]);
        let place = Place { threads: 1, cores: None, out: folder.path().to_owned() };
        Contender { call, reading, keep }.run(&place)
    }

    #[test]
    fn times_are_read_where_they_are_said_to_be() {
        let steps = r#"echo '{"steps": [{"ms": 2.0}, {"ms": 3.5}], "peak_memory_bytes": 7}'"#;
        let sample = run(steps, Reading::Steps).unwrap();
        assert_eq!((&sample.ms[..], sample.peak_memory_bytes), (&[2.0, 3.5][..], Some(7)));
        assert_eq!(run(r#"echo '{"ms": 9.0}'"#, Reading::Whole).unwrap().ms, [9.0]);
        let record = PathBuf::from("/proc/self/nothing");
        let missing = run("sleep 0", Reading::Process { record }).unwrap_err().to_string();
        assert!(missing.contains("left no /proc/self/nothing"), "{missing}");
    }

    #[test]
    fn a_side_that_reports_no_time_or_a_senseless_one_is_refused() {
        let refusal = |script: &str| run(script, Reading::Steps).unwrap_err().to_string();
        assert!(refusal("echo '{}'").contains("reported no time"));
        assert!(refusal(r#"echo '{"steps": [{"ms": 0}]}'"#).contains("reported times"));
        assert!(refusal("echo words").contains("no JSON"));
    }

    #[test]
    fn both_kinds_of_thread_pool_are_told_how_many_threads_to_use() {
        let place = Place { threads: 2, cores: Some("0-1".to_owned()), out: PathBuf::new() };
        let shown = place.prepare(&Invocation::new("lane", &["bench"])).to_string();
        assert_eq!(
            shown,
            "RAYON_NUM_THREADS=2 OMP_NUM_THREADS=2 TOKENIZERS_PARALLELISM=true taskset -c 0-1 lane bench"
        );
    }
}
