//! `cargo xtask check --slurm`: cells through a real Slurm of one node, set up here for the purpose.
//!
//! Needs root and Debian's `slurm-wlm` and `munge`. It starts its own daemons with a configuration of
//! its own in a temporary folder, and stops them in the end. Twenty cells of the built-in corpus go
//! through a job array; a task under way is requeued; the list is submitted a second time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::lane_binary;
use crate::shell::Invocation;

const N_CELLS: usize = 20;
const PATIENCE: Duration = Duration::from_mins(15);

pub(crate) fn run(root: &Path) -> Result<()> {
    for program in ["slurmctld", "slurmd", "sbatch", "munged"] {
        ensure!(
            found(program),
            "no program `{program}`; apt-get install --no-install-recommends slurm-wlm munge"
        );
    }
    let folder = tempfile::tempdir()?;
    let slurm = Slurm::start(folder.path())?;
    let out = folder.path().join("results");
    let lane = lane_binary::find(root, None)?;
    slurm.submit(&lane.path, &out)?;
    slurm.requeue_one()?;
    slurm.wait_for(&out)?;
    let first = results(&out)?;
    ensure!(first.len() == N_CELLS, "{} of {N_CELLS} results", first.len());
    ensure!(out.join("report.md").is_file(), "no tables after the array");
    slurm.run_again(&out)?;
    ensure!(results(&out)? == first, "a second submission changed results");
    println!(
        "ok    {N_CELLS} cells through a Slurm array, one task requeued, a second array kept all"
    );
    Ok(())
}

fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).any(|folder| folder.join(program).is_file())
}

/// Every result with the time it was written at.
fn results(out: &Path) -> Result<Vec<(PathBuf, std::time::SystemTime)>> {
    let mut found = Vec::new();
    let mut folders = vec![out.join("runs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.file_name().is_some_and(|name| name == "result.json") {
                found.push((path.clone(), fs::metadata(&path)?.modified()?));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The daemons, which go with it.
struct Slurm {
    configuration: PathBuf,
    daemons: Vec<Child>,
}

impl Drop for Slurm {
    fn drop(&mut self) {
        for daemon in self.daemons.iter_mut().rev() {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

impl Slurm {
    fn start(folder: &Path) -> Result<Self> {
        let configuration = folder.join("slurm.conf");
        let host = Invocation::new("hostname", &["-s"]).stdout(folder)?;
        fs::write(&configuration, text(folder, host.trim()))?;
        let mut slurm = Self { configuration, daemons: Vec::new() };
        fs::create_dir_all("/run/munge")?;
        Invocation::new("chown", &["munge:", "/run/munge"]).stdout(folder)?;
        slurm
            .daemon("su", &["-s", "/bin/sh", "munge", "-c", "exec munged --foreground --force"])?;
        sleep(Duration::from_secs(1));
        slurm.daemon("slurmctld", &["-D"])?;
        slurm.daemon("slurmd", &["-D"])?;
        slurm.until("the node is idle", || {
            Ok(slurm.say(&["sinfo", "-h", "-o", "%t"])?.contains("idle"))
        })?;
        Ok(slurm)
    }

    fn daemon(&mut self, program: &str, arguments: &[&str]) -> Result<()> {
        let log = fs::File::create(self.configuration.with_file_name(format!("{program}.log")))?;
        let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
        let child = Command::new(program)
            .args(arguments)
            .env("PATH", path)
            .env("SLURM_CONF", &self.configuration)
            .stdout(log.try_clone()?)
            .stderr(Stdio::from(log))
            .spawn()
            .with_context(|| format!("failed to start {program}"))?;
        self.daemons.push(child);
        Ok(())
    }

    fn invocation(&self, words: &[&str]) -> Invocation {
        let conf = self.configuration.display().to_string();
        Invocation::new(words[0], &words[1..]).with_variable("SLURM_CONF", conf)
    }

    fn say(&self, words: &[&str]) -> Result<String> {
        self.invocation(words).stdout(Path::new("/"))
    }

    fn until(&self, what: &str, is: impl Fn() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !is().unwrap_or(false) {
            if start.elapsed() > PATIENCE {
                let queue = self.say(&["squeue"]).unwrap_or_default();
                bail!("waited {} s and not: {what}\n{queue}", PATIENCE.as_secs());
            }
            sleep(Duration::from_secs(1));
        }
        Ok(())
    }

    /// Twenty cells, as a user submits them.
    fn submit(&self, lane: &Path, out: &Path) -> Result<()> {
        let own = std::env::current_exe()?;
        let (own, lane, out) = (own.display(), lane.display(), out.display());
        let (own, lane, out) = (own.to_string(), lane.to_string(), out.to_string());
        let seeds = N_CELLS.to_string();
        let said = self.say(&[
            &own,
            "reproduce",
            "--engine",
            "slurm",
            "--submit",
            "--throttle",
            "4",
            "--cpus",
            "1",
            "--lane",
            &lane,
            "--out",
            &out,
            "--methods",
            "base",
            "--seeds",
            &seeds,
            "--epochs",
            "4",
            "--time",
            "00:10:00",
        ])?;
        print!("{said}");
        ensure!(said.contains("array ") && said.contains("tables "), "nothing was submitted");
        Ok(())
    }

    /// Takes a running task off its node and puts it back into the queue.
    fn requeue_one(&self) -> Result<()> {
        let running = || self.say(&["squeue", "-h", "-r", "-t", "R", "-n", "lane", "-o", "%i"]);
        self.until("a task runs", || Ok(!running()?.trim().is_empty()))?;
        let tasks = running()?;
        let task = tasks.lines().next().context("no task runs")?;
        self.say(&["scontrol", "requeue", task])?;
        println!("requeued {task} while it ran");
        Ok(())
    }

    fn wait_for(&self, out: &Path) -> Result<()> {
        self.until("the queue is empty", || Ok(self.say(&["squeue", "-h"])?.trim().is_empty()))?;
        self.until("tables", || Ok(out.join("report.md").is_file()))
    }

    /// The same array once more: every task finds its cell finished.
    fn run_again(&self, out: &Path) -> Result<()> {
        let script = out.join("slurm/array-0.sbatch").display().to_string();
        let job = self.say(&["sbatch", "--parsable", &script])?;
        self.until("the queue is empty", || Ok(self.say(&["squeue", "-h"])?.trim().is_empty()))?;
        for task in 0..N_CELLS {
            let log = out.join(format!("slurm/{}_{task}.log", job.trim()));
            let said = fs::read_to_string(&log)
                .with_context(|| format!("failed to read {}", log.display()))?;
            ensure!(said.contains("\"kept\""), "task {task} of the second array: {said}");
        }
        Ok(())
    }
}

fn text(folder: &Path, host: &str) -> String {
    let folder = folder.display();
    format!(
        "ClusterName=check\nSlurmctldHost={host}\nSlurmUser=root\nSlurmdUser=root\n\
         AuthType=auth/munge\nProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\n\
         SelectType=select/cons_tres\nSelectTypeParameters=CR_Core_Memory\n\
         JobAcctGatherType=jobacct_gather/none\nAccountingStorageType=accounting_storage/none\n\
         ReturnToService=2\nMaxArraySize=1001\nMpiDefault=none\nMinJobAge=300\n\
         SlurmctldPort=16817\nSlurmdPort=16818\n\
         StateSaveLocation={folder}/state\nSlurmdSpoolDir={folder}/spool\n\
         SlurmctldPidFile={folder}/slurmctld.pid\nSlurmdPidFile={folder}/slurmd.pid\n\
         SlurmctldLogFile={folder}/ctl.log\nSlurmdLogFile={folder}/d.log\n\
         NodeName={host} CPUs={cpus} RealMemory=8000\nPartitionName=main Nodes={host} Default=YES State=UP\n",
        cpus = std::thread::available_parallelism().map_or(1, usize::from),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_keeps_everything_in_its_folder() {
        let text = text(Path::new("/tmp/x"), "node");
        for line in ["StateSaveLocation=/tmp/x/state", "SlurmctldHost=node", "NodeName=node CPUs="]
        {
            assert!(text.contains(line), "{text}");
        }
    }
}
