//! How much memory this process may have in all: what it holds and what is free, within what the control
//! groups it runs in leave it (a container, a job of a cluster) and its own limits (`ulimit`).

use std::fs;
use std::path::Path;

/// The files of a control group, of either version.
#[derive(Clone, Copy)]
struct Names {
    /// Where groups may be mounted.
    mounts: &'static [&'static str],
    limit: &'static str,
    taken: &'static str,
    /// Lines of `memory.stat`: pages of files, and those of them that have no file to go to.
    cached: &'static str,
    shared: &'static str,
}

const VERSION_1: Names = Names {
    mounts: &["sys/fs/cgroup/memory"],
    limit: "memory.limit_in_bytes",
    taken: "memory.usage_in_bytes",
    cached: "total_cache",
    shared: "total_shmem",
};

const VERSION_2: Names = Names {
    mounts: &["sys/fs/cgroup", "sys/fs/cgroup/unified"],
    limit: "memory.max",
    taken: "memory.current",
    cached: "file",
    shared: "shmem",
};

/// Limits of a process that bound the memory it can have.
const LIMITS: [&str; 2] = ["Max address space", "Max data size"];

/// Bytes that this process may have, those that it has among them, where the system tells.
pub(super) fn available_bytes() -> Option<u64> {
    available_below(Path::new("/"))
}

fn available_below(root: &Path) -> Option<u64> {
    let read = |path: &str| fs::read_to_string(root.join(path)).ok();
    let free = kibibytes(&read("proc/meminfo")?, "MemAvailable:")?;
    let resident = kibibytes(&read("proc/self/status")?, "VmRSS:")?;
    let left = read("proc/self/cgroup").and_then(|groups| left_by_groups(root, &groups));
    let in_all = resident + left.map_or(free, |left| left.min(free));
    let limits = read("proc/self/limits").unwrap_or_default();
    // Address space that is taken and not resident can be used still.
    let limits = LIMITS.iter().filter_map(|name| value(&limits, name));
    limits.chain([in_all]).min()
}

/// What the tightest of the groups leaves; each lies in all above it.
fn left_by_groups(root: &Path, groups: &str) -> Option<u64> {
    let places = groups.lines().filter_map(|line| {
        let (_, line) = line.split_once(':')?;
        let (controllers, path) = line.split_once(':')?;
        let names = match controllers {
            "" => VERSION_2,
            _ if controllers.split(',').any(|it| it == "memory") => VERSION_1,
            _ => return None,
        };
        Some((names, Path::new(path.trim_start_matches('/'))))
    });
    let left = places.flat_map(|(names, path)| {
        let mounts = names.mounts.iter().map(move |mount| root.join(mount));
        mounts.flat_map(move |mount| {
            path.ancestors().filter_map(move |group| left_by_group(&mount.join(group), names))
        })
    });
    left.min()
}

/// A group's limit less what it holds; pages of files give way, so they do not count.
fn left_by_group(group: &Path, names: Names) -> Option<u64> {
    let read = |name: &str| fs::read_to_string(group.join(name)).ok();
    let limit: u64 = read(names.limit)?.trim().parse().ok()?;
    let taken: u64 = read(names.taken)?.trim().parse().ok()?;
    let held = read("memory.stat").unwrap_or_default();
    let pages = |kind: &str| value(&held, kind).unwrap_or(0);
    let give_way = pages(names.cached).saturating_sub(pages(names.shared));
    Some(limit.saturating_sub(taken.saturating_sub(give_way)))
}

fn kibibytes(text: &str, name: &str) -> Option<u64> {
    value(text, name)?.checked_mul(1024)
}

/// The number that follows a name at the start of a line.
fn value(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| {
        line.strip_prefix(name).filter(|rest| rest.starts_with(char::is_whitespace))
    })?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    const MIB: u64 = 1 << 20;

    /// What a process that holds 100 MiB may have where 1 GiB is free, in MiB, given these files.
    fn available(files: &[(&str, String)]) -> u64 {
        let root = TempDir::new().unwrap();
        let free = ("proc/meminfo", "MemTotal: 4194304 kB\nMemAvailable:    1048576 kB\n".into());
        let held = ("proc/self/status", "VmSize:  999999 kB\nVmRSS:  102400 kB\n".into());
        for (path, text) in files.iter().chain([&free, &held]) {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        available_below(root.path()).unwrap() / MIB
    }

    fn bytes(mib: u64) -> String {
        format!("{}\n", mib * MIB)
    }

    fn lines(lines: &[(&str, u64)]) -> String {
        lines.iter().map(|(name, mib)| [name, " ", &bytes(*mib)].concat()).collect()
    }

    #[test]
    fn a_machine_without_limits_gives_what_is_held_and_what_is_free() {
        let limits = "Max data size  unlimited  unlimited\nMax address space  unlimited  9\n";
        let files = [
            ("proc/self/cgroup", "0::/\n".to_owned()),
            ("proc/self/limits", limits.into()),
            ("sys/fs/cgroup/memory.max", "max\n".into()),
            ("sys/fs/cgroup/memory.current", bytes(500)),
        ];
        assert_eq!(available(&files), 1124);
        assert_eq!(available(&[]), 1124);
        assert_eq!(available_below(TempDir::new().unwrap().path()), None);
    }

    #[test]
    fn the_tightest_group_above_the_process_counts_without_pages_of_files() {
        let mut files = vec![
            ("proc/self/cgroup", "0::/slurm/job_7/task_0\n".to_owned()),
            ("sys/fs/cgroup/slurm/job_7/memory.max", bytes(800)),
            ("sys/fs/cgroup/slurm/job_7/memory.current", bytes(500)),
            ("sys/fs/cgroup/slurm/job_7/task_0/memory.max", bytes(900)),
            ("sys/fs/cgroup/slurm/job_7/task_0/memory.current", bytes(100)),
        ];
        assert_eq!(available(&files), 400);
        let held = lines(&[("anon", 60), ("file_mapped", 1), ("file", 440), ("shmem", 40)]);
        files.push(("sys/fs/cgroup/slurm/job_7/memory.stat", held));
        assert_eq!(available(&files), 800);
    }

    #[test]
    fn groups_of_the_first_version_count_where_they_hold_memory() {
        let held = lines(&[("cache", 1), ("total_cache", 150), ("total_shmem", 50)]);
        let files = [
            ("proc/self/cgroup", "5:cpuset:/job\n4:hugetlb,memory:/job\n0::/\n".to_owned()),
            ("sys/fs/cgroup/memory/job/memory.limit_in_bytes", bytes(600)),
            ("sys/fs/cgroup/memory/job/memory.usage_in_bytes", bytes(300)),
            ("sys/fs/cgroup/memory/job/memory.stat", held),
        ];
        assert_eq!(available(&files), 500);
    }

    #[test]
    fn limits_of_the_process_count() {
        let limits = format!("Max data size  unlimited\nMax address space  {}\n", 300 * MIB);
        assert_eq!(available(&[("proc/self/limits", limits)]), 300);
    }
}
