//! What can be asked of `cargo xtask bench`, and the plan that comes of it.

use std::path::{Path, PathBuf};
use std::thread::available_parallelism;

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};

/// Timed steps of a side, over all rounds, below which no median is taken.
const LEAST_STEPS: u32 = 10;

/// Without options: our side alone, every case, at 2 and 4 threads where there are as many cores
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct Options {
    /// Whom to compare with, in turn
    #[arg(long, value_enum, value_name = "RIVAL")]
    against: Option<Rival>,
    /// Instead, the scoring kernels beside the Python packages cleanlab and aum, one thread each
    #[arg(long, conflicts_with_all = ["against", "threads", "only", "device", "set_up_python", "lane"])]
    pub(super) peers: bool,
    /// Numbers of threads [default: 2 and 4, as far as there are cores]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u32).range(1..))]
    threads: Vec<u32>,
    /// Which cases [default: step,embed,train,lane]
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Group>,
    /// The device of our side [default: that of `lane`]; with another, steps and embedding alone
    #[arg(long, value_name = "NAME")]
    device: Option<String>,
    /// How often each side runs
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) rounds: u32,
    /// One short round of the first case, to see that everything is there
    #[arg(long)]
    pub(super) quick: bool,
    /// The Python with torch [default: `LANE_PYTHON`, else what --set-up-python made]
    #[arg(long, value_name = "FILE", conflicts_with = "set_up_python")]
    pub(super) python: Option<PathBuf>,
    /// Make target/python from fixtures/reference/requirements.txt (some gigabytes to download)
    #[arg(long)]
    pub(super) set_up_python: bool,
    /// A folder with all-MiniLM-L6-v2 [default: `LANE_ENCODER`]; without it, random weights only
    #[arg(long, value_name = "DIR")]
    encoder: Option<PathBuf>,
    /// Folder with `ag_news` and `trec6` [default: `LANE_DATA`]; without it, random ids only
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder to write into [default: target/bench]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Exit code 1 if a bar is missed
    #[arg(long)]
    pub(super) strict: bool,
    /// Use this binary instead of building `lane`
    #[arg(long, value_name = "FILE")]
    pub(super) lane: Option<PathBuf>,
}

/// Whom to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rival {
    Pytorch,
}

/// Cases that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Group {
    /// Training steps
    Step,
    /// Embedding of 10,000 texts
    Embed,
    /// A whole training, method base
    Train,
    /// Method lane against our own base
    Lane,
    /// Peak memory of training steps alone, in one short round
    Memory,
}

/// Checked options with every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    pub(super) against: bool,
    pub(super) threads: Vec<u32>,
    pub(super) groups: Vec<Group>,
    pub(super) device: Option<String>,
    pub(super) rounds: u32,
    pub(super) steps: u32,
    pub(super) quick: bool,
    pub(super) strict: bool,
    pub(super) encoder: Option<PathBuf>,
    pub(super) data: Option<PathBuf>,
    pub(super) out: PathBuf,
}

impl Options {
    pub(super) fn plan(&self, root: &Path) -> Result<Plan> {
        let n_cores = available_parallelism().map_or(1, usize::from) as u32;
        for threads in &self.threads {
            ensure!(*threads <= n_cores, "{threads} threads asked for, but {n_cores} cores");
        }
        let threads = if self.threads.is_empty() { usual(n_cores) } else { self.threads.clone() };
        let usual_groups = match &self.device {
            Some(_) => vec![Group::Step, Group::Embed],
            None => vec![Group::Step, Group::Embed, Group::Train, Group::Lane],
        };
        let only_usual = self.only.iter().all(|it| !matches!(it, Group::Train | Group::Lane));
        ensure!(self.device.is_none() || only_usual, "--device takes --only step,embed,memory");
        let rounds = if self.quick { 1 } else { self.rounds };
        Ok(Plan {
            against: self.against.is_some(),
            threads,
            groups: if self.only.is_empty() { usual_groups } else { self.only.clone() },
            device: self.device.clone(),
            rounds,
            steps: if self.quick { 2 } else { LEAST_STEPS.div_ceil(rounds).max(5) },
            quick: self.quick,
            strict: self.strict,
            encoder: folder(self.encoder.as_deref(), "LANE_ENCODER")?,
            data: folder(self.data.as_deref(), "LANE_DATA")?,
            out: absolute(self.out.as_deref().unwrap_or(&root.join("target").join("bench"))),
        })
    }
}

fn usual(n_cores: u32) -> Vec<u32> {
    let fitting: Vec<u32> = [2, 4].into_iter().filter(|threads| *threads <= n_cores).collect();
    if fitting.is_empty() { vec![1] } else { fitting }
}

/// The folder given, else the one a variable names; one that is named must be there.
fn folder(given: Option<&Path>, variable: &str) -> Result<Option<PathBuf>> {
    let named = || std::env::var_os(variable).filter(|it| !it.is_empty()).map(PathBuf::from);
    let Some(folder) = given.map(Path::to_owned).or_else(named) else { return Ok(None) };
    ensure!(folder.is_dir(), "no folder {}", folder.display());
    Ok(Some(absolute(&folder)))
}

/// Commands are shown to be repeated from anywhere.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
impl Options {
    /// As typed after `cargo xtask bench`.
    pub(super) fn parsed(arguments: &[&str]) -> Result<Self, String> {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            options: Options,
        }
        let line: Result<Line, _> = clap::Parser::try_parse_from(["bench"].iter().chain(arguments));
        line.map(|line| line.options).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(arguments: &[&str]) -> Plan {
        Options::parsed(arguments).unwrap().plan(Path::new("/root")).unwrap()
    }

    #[test]
    fn at_least_ten_steps_are_timed_whatever_the_number_of_rounds() {
        for rounds in 1..12 {
            let plan = plan(&["--threads", "1", "--rounds", &rounds.to_string()]);
            assert!(10 <= plan.rounds * plan.steps, "{plan:?}");
        }
    }

    #[test]
    fn two_and_four_threads_are_usual_where_there_are_cores_for_them() {
        assert_eq!((usual(8), usual(3), usual(1)), (vec![2, 4], vec![2], vec![1]));
    }

    #[test]
    fn more_threads_than_cores_and_folders_that_are_not_there_are_refused() {
        let refusal = |arguments: &[&str]| {
            let options = Options::parsed(arguments).unwrap();
            options.plan(Path::new("/root")).unwrap_err().to_string()
        };
        assert!(refusal(&["--threads", "4096"]).starts_with("4096 threads asked for, but "));
        assert_eq!(refusal(&["--threads", "1", "--data", "/nowhere"]), "no folder /nowhere");
        let whole_runs = refusal(&["--threads", "1", "--device", "tch", "--only", "train"]);
        assert_eq!(whole_runs, "--device takes --only step,embed,memory");
        assert!(Options::parsed(&["--only", "speed"]).unwrap_err().contains("memory"));
        assert!(Options::parsed(&["--against", "jax"]).unwrap_err().contains("pytorch"));
    }
}
