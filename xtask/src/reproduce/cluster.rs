//! Cells on a cluster: Slurm job arrays and Kubernetes indexed jobs, written out and, for Slurm, submitted
//! where asked.
//!
//! Every engine runs the same command, `lane run-cell`, so that a task may be started twice, killed,
//! requeued or submitted anew, and still gives one result. Only cells that are not finished are
//! listed; `indices` has one of them a line, and task `i` of a chunk takes line `offset + i`.

mod kubernetes;
mod slurm;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::cell::{Cell, State};
use crate::lane_binary::Lane;
use crate::whole_file::write_whole;

/// Where cells run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Engine {
    /// Processes on this machine
    #[default]
    Local,
    /// Job arrays of Slurm
    Slurm,
    /// An indexed job of Kubernetes
    K8s,
}

/// What the cluster is asked for.
#[derive(Args, Clone, Debug, PartialEq)]
pub(super) struct ClusterOptions {
    /// Submit what was written (Slurm), instead of saying how
    #[arg(long)]
    submit: bool,
    /// Tasks at a time
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..))]
    throttle: u32,
    /// Cores of a task
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..))]
    cpus: u32,
    /// Time limit of a task
    #[arg(long, value_name = "HH:MM:SS", default_value = "08:00:00")]
    time: String,
    /// Partition (Slurm)
    #[arg(long, value_name = "NAME")]
    partition: Option<String>,
    /// Generic resources of a task (Slurm), such as gpu:1
    #[arg(long, value_name = "GRES")]
    gres: Option<String>,
    /// Image that holds `lane` (Kubernetes)
    #[arg(long, value_name = "IMAGE", default_value = "lane:latest")]
    image: String,
    /// Claim on a volume, mounted where the results are (Kubernetes)
    #[arg(long, value_name = "CLAIM", default_value = "lane")]
    claim: String,
}

/// What there is to run and where.
struct Work<'a> {
    lane: &'a Lane,
    /// The folder of results.
    out: &'a Path,
    /// Cells that are not finished, by their lines in `cells.jsonl`.
    indices: Vec<usize>,
    memory_gib: f64,
    options: &'a ClusterOptions,
}

impl Work<'_> {
    /// Writes a file of the engine's folder.
    fn write(&self, engine: &str, name: &str, text: &str) -> Result<PathBuf> {
        let folder = self.out.join(engine);
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        write_whole(&path, text)?;
        Ok(path)
    }

    fn write_indices(&self, engine: &str) -> Result<PathBuf> {
        let lines: Vec<String> = self.indices.iter().map(ToString::to_string).collect();
        self.write(engine, "indices", &(lines.join("\n") + "\n"))
    }

    /// Memory of a task in mebibytes, half as much again as a run is said to take.
    #[expect(clippy::cast_sign_loss, reason = "a profile's memory is positive")]
    fn memory_mib(&self) -> u64 {
        (self.memory_gib.max(0.5) * 1.5 * 1024.0) as u64
    }
}

/// Writes the jobs for every cell that is not finished.
pub(super) fn run(
    engine: Engine,
    lane: &Lane,
    out: &Path,
    cells: &[Cell],
    memory_gib: f64,
    options: &ClusterOptions,
) -> Result<()> {
    let open = cells.iter().filter(|cell| !matches!(cell.state(), State::Finished(_)));
    let indices: Vec<usize> = open.map(|cell| cell.index).collect();
    if indices.is_empty() {
        println!("all {} cells are finished: nothing to submit", cells.len());
        return Ok(());
    }
    let work = Work { lane, out, indices, memory_gib, options };
    if engine == Engine::K8s { kubernetes::write(&work) } else { slurm::write(&work) }
}

#[cfg(test)]
impl ClusterOptions {
    fn parsed(arguments: &[&str]) -> Self {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            options: ClusterOptions,
        }
        let line: Line = clap::Parser::parse_from(["cluster"].iter().chain(arguments));
        line.options
    }
}
