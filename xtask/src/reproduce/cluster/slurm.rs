//! Slurm: one array a chunk, a job that makes the tables after them, and a script that submits all.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::Work;
use crate::shell::{Invocation, quoted};

const FOLDER: &str = "slurm";
/// Of an array, where the cluster does not say; Slurm's own default.
const MAX_ARRAY_SIZE: usize = 1001;
/// Seconds before the time limit at which a task is told.
const WARNING_SECONDS: u32 = 120;

/// Writes the scripts; submits them where asked.
pub(super) fn write(work: &Work<'_>) -> Result<()> {
    let chunk = max_array_size().saturating_sub(1).max(1);
    let script = write_scripts(work, chunk)?;
    let n = work.indices.len();
    if work.options.submit {
        let said =
            Invocation::new("bash", &[&script.display().to_string()]).stdout(Path::new("."))?;
        print!("{said}");
    } else {
        println!(
            "{n} cells written; to submit them: bash {}",
            quoted(&script.display().to_string())
        );
    }
    Ok(())
}

/// Arrays of at most `chunk` tasks; gives the script that submits them.
fn write_scripts(work: &Work<'_>, chunk: usize) -> Result<PathBuf> {
    let indices = work.write_indices(FOLDER)?;
    let mut submit =
        String::from("#!/bin/bash\n# Submits every array, then the tables.\nset -eu\njobs=\n");
    for (number, offset) in (0..work.indices.len()).step_by(chunk).enumerate() {
        let n_tasks = chunk.min(work.indices.len() - offset);
        let script = array(work, &indices, offset, n_tasks);
        let path = work.write(FOLDER, &format!("array-{number}.sbatch"), &script)?;
        let path = quoted(&path.display().to_string());
        let _ = writeln!(
            submit,
            "job=$(sbatch --parsable {path}); echo \"array $job\"; jobs=$jobs:$job"
        );
    }
    let path = work.write(FOLDER, "collect.sbatch", &collect(work)?)?;
    let path = quoted(&path.display().to_string());
    let _ = writeln!(
        submit,
        "sbatch --parsable --dependency=afterany$jobs {path} | sed 's/^/tables /'"
    );
    work.write(FOLDER, "submit.sh", &submit)
}

/// The limit that the cluster was set up with.
fn max_array_size() -> usize {
    let told = Invocation::new("scontrol", &["show", "config"]).stdout(Path::new("."));
    told.ok().and_then(|text| size_in(&text)).unwrap_or(MAX_ARRAY_SIZE)
}

fn size_in(config: &str) -> Option<usize> {
    let line = config.lines().find(|line| line.trim_start().starts_with("MaxArraySize"))?;
    line.split('=').nth(1)?.trim().parse().ok()
}

fn array(work: &Work<'_>, indices: &Path, offset: usize, n_tasks: usize) -> String {
    let options = work.options;
    let mut asked = vec![
        "--job-name=lane".to_owned(),
        format!("--array=0-{}%{}", n_tasks - 1, options.throttle),
        format!("--cpus-per-task={}", options.cpus),
        format!("--mem={}M", work.memory_mib()),
        format!("--time={}", options.time),
        format!("--output={}", work.out.join(FOLDER).join("%A_%a.log").display()),
        "--open-mode=append".to_owned(),
        "--requeue".to_owned(),
        format!("--signal=B:USR1@{WARNING_SECONDS}"),
    ];
    asked.extend(options.partition.iter().map(|name| format!("--partition={name}")));
    asked.extend(options.gres.iter().map(|gres| format!("--gres={gres}")));
    let asked = asked.join("\n#SBATCH ");
    let path = |path: &Path| quoted(&path.display().to_string());
    format!(
        "#!/bin/bash\n#SBATCH {asked}\n\
         # One cell a task. What is finished is kept, so a task may be started any number of times.\n\
         index=$(sed -n \"$(({offset} + SLURM_ARRAY_TASK_ID + 1))p\" {indices})\n\
         export RAYON_NUM_THREADS=$SLURM_CPUS_PER_TASK\n\
         {lane} run-cell --cells {cells} --index \"$index\" --quiet --json &\n\
         cell=$!\n\
         # Shortly before the time limit: stop, and go back into the queue.\n\
         again() {{\n    kill -TERM $cell\n    wait $cell\n    \
         scontrol requeue \"${{SLURM_ARRAY_JOB_ID}}_$SLURM_ARRAY_TASK_ID\"\n}}\n\
         trap again USR1\n\
         wait $cell\n",
        indices = path(indices),
        lane = path(&work.lane.path),
        cells = path(&work.out.join(super::super::grid::CELLS)),
    )
}

/// The tables of what is finished, by this very program: the cluster needs no cargo.
fn collect(work: &Work<'_>) -> Result<String> {
    let own = std::env::current_exe().context("failed to find this program")?;
    let partition =
        work.options.partition.iter().map(|name| format!("#SBATCH --partition={name}\n"));
    Ok(format!(
        "#!/bin/bash\n#SBATCH --job-name=lane-tables\n#SBATCH --cpus-per-task=1\n#SBATCH --mem=1024M\n\
         #SBATCH --output={}\n{}{} reproduce collect {}\n",
        work.out.join(FOLDER).join("collect.log").display(),
        partition.collect::<String>(),
        quoted(&own.display().to_string()),
        quoted(&work.out.display().to_string()),
    ))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::ClusterOptions;
    use super::*;
    use crate::lane_binary::Lane;

    fn scripts(
        n_cells: usize,
        chunk: usize,
        arguments: &[&str],
    ) -> (tempfile::TempDir, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let lane = Lane { path: "/opt/my lane/lane".into(), fingerprint: String::new() };
        let options = ClusterOptions::parsed(arguments);
        let indices = (0..n_cells).map(|at| 10 + at).collect();
        let (lane, options) = (&lane, &options);
        let work = Work { lane, out: folder.path(), indices, memory_gib: 2.0, options };
        write_scripts(&work, chunk).unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(FOLDER).join(name)).unwrap();
        let texts = ["submit.sh", "array-0.sbatch", "collect.sbatch"].map(read).to_vec();
        (folder, texts)
    }

    #[test]
    fn a_list_longer_than_an_array_may_be_is_cut() {
        let (folder, texts) = scripts(25, 10, &["--throttle", "4", "--partition", "cpu"]);
        let submit = &texts[0];
        assert_eq!(submit.matches("sbatch --parsable").count(), 4, "{submit}");
        assert!(submit.contains("--dependency=afterany$jobs"), "{submit}");
        let last = fs::read_to_string(folder.path().join("slurm/array-2.sbatch")).unwrap();
        assert!(last.contains("#SBATCH --array=0-4%4\n"), "{last}");
        assert!(last.contains("$((20 + SLURM_ARRAY_TASK_ID + 1))"), "{last}");
        assert!(last.contains("#SBATCH --partition=cpu\n"), "{last}");
        let indices = fs::read_to_string(folder.path().join("slurm/indices")).unwrap();
        assert_eq!(indices.lines().collect::<Vec<_>>()[20..], ["30", "31", "32", "33", "34"]);
    }

    #[test]
    fn a_task_asks_for_what_it_needs_and_goes_back_into_the_queue() {
        let (_folder, texts) = scripts(3, 10, &["--cpus", "2", "--gres", "gpu:1"]);
        let array = &texts[1];
        for line in [
            "--cpus-per-task=2",
            "--mem=3072M",
            "--requeue",
            "--open-mode=append",
            "--signal=B:USR1@120",
            "--gres=gpu:1",
        ] {
            assert!(array.contains(&format!("#SBATCH {line}\n")), "no {line} in {array}");
        }
        assert!(array.contains("'/opt/my lane/lane' run-cell --cells"), "{array}");
        assert!(array.contains("trap again USR1"), "{array}");
    }

    #[test]
    fn scripts_are_shell() {
        let (folder, _) = scripts(3, 10, &[]);
        for name in ["submit.sh", "array-0.sbatch", "collect.sbatch"] {
            let path = folder.path().join(FOLDER).join(name).display().to_string();
            Invocation::new("bash", &["-n", &path]).stdout(Path::new(".")).unwrap();
        }
    }

    #[test]
    fn the_limit_is_read_from_the_clusters_configuration() {
        assert_eq!(size_in("MaxArraySize            = 10001\nMaxJobCount = 5\n"), Some(10001));
        assert_eq!(size_in("slurmctld is down"), None);
    }
}
