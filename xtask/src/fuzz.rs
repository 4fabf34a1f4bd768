//! `cargo xtask fuzz`: rubbish made by a fuzzer for every reader, kept where it finds something.
//!
//! The targets are the binaries of `xtask/fuzz`, which is a workspace of its own. They are built by
//! the toolchain of this repository, with the coverage counters that libFuzzer reads, so that neither
//! nightly nor cargo-fuzz is needed; a C++ compiler is, for libFuzzer itself. What runs is held to 5
//! seconds and 1 GiB a case.
//!
//! Seeds are `fixtures/fuzz/TARGET/seeds`, what was found before, and the folders of
//! `fixtures/adversarial` that the manifest names. What is found is written to
//! `fixtures/fuzz/TARGET/found`, where `cargo test --test doors` runs it from then on.

mod tally;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde::Deserialize;

use self::tally::Tally;
use crate::shell::Invocation;

/// Address space of a target in KiB, and seconds a case may take.
const MOST_KIB: &str = "1048576";
const MOST_SECONDS: u32 = 5;
/// Bytes of a case: what a fuzzer can still turn over often.
const MOST_BYTES: u32 = 1 << 15;
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0 --cfg fuzzing";

#[derive(Args)]
pub(crate) struct Options {
    /// Minutes for each target
    #[arg(long, default_value_t = 10.0)]
    minutes: f64,
    /// One target instead of all
    #[arg(long)]
    target: Option<String>,
    /// Only the targets that need no burn, whose build takes a minute
    #[arg(long, conflicts_with = "target")]
    without_burn: bool,
}

/// What is read of the manifest of `xtask/fuzz`.
#[derive(Deserialize)]
struct Manifest {
    bin: Vec<Target>,
    package: Package,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Target {
    name: String,
    #[serde(default)]
    required_features: Vec<String>,
}

#[derive(Deserialize)]
struct Package {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    /// By target, folders below `fixtures` whose files are seeds too.
    seeds: BTreeMap<String, Vec<String>>,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    ensure!(0.0 < options.minutes, "found --minutes {}, expected more than 0", options.minutes);
    let crate_folder = root.join("xtask/fuzz");
    let manifest = fs::read_to_string(crate_folder.join("Cargo.toml"))?;
    let manifest: Manifest = toml::from_str(&manifest).context("xtask/fuzz/Cargo.toml")?;
    let targets = chosen(&manifest.bin, options)?;
    ensure_compiler()?;
    let host = host(root)?;
    build(&crate_folder, &host, &targets)?;
    let binaries = target_folder(&crate_folder)?.join(&host).join("debug");
    let mut found = Vec::new();
    for target in targets {
        let other = manifest.package.metadata.seeds.get(&target.name);
        let folders = Folders::new(root, &target.name, other.map_or(&[][..], Vec::as_slice))?;
        let tally = folders.fuzz(&binaries.join(&target.name), options.minutes)?;
        println!("{:<12} {tally}", target.name);
        found.extend(folders.findings()?);
    }
    if found.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    for path in found {
        println!("found: {}", path.strip_prefix(root).unwrap_or(&path).display());
    }
    Ok(ExitCode::FAILURE)
}

fn chosen<'a>(all: &'a [Target], options: &Options) -> Result<Vec<&'a Target>> {
    let wanted = |target: &&Target| match &options.target {
        Some(name) => target.name == *name,
        None => !options.without_burn || target.required_features.is_empty(),
    };
    let chosen: Vec<&Target> = all.iter().filter(wanted).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
        let found = options.target.as_deref().unwrap_or_default();
        bail!("there is no target `{found}`; there are {}", names.join(", "));
    }
    Ok(chosen)
}

fn ensure_compiler() -> Result<()> {
    let compiler = std::env::var("CXX").unwrap_or_else(|_| "c++".into());
    let answer = Command::new(&compiler).arg("--version").output();
    ensure!(
        answer.is_ok_and(|it| it.status.success()),
        "`{compiler}` does not run: libFuzzer is C++ and is built with the targets; install a C++ \
         compiler (Debian: `apt-get install g++`), or name one in CXX"
    );
    Ok(())
}

/// The triple of this machine; named to cargo, it keeps build scripts and macros without counters.
fn host(root: &Path) -> Result<String> {
    let version = Invocation::new("rustc", &["-vV"]).stdout(root)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

fn build(folder: &Path, host: &str, targets: &[&Target]) -> Result<()> {
    let mut arguments = vec!["build".to_owned(), "--target".into(), host.into()];
    for target in targets {
        arguments.extend(["--bin".to_owned(), target.name.clone()]);
    }
    let mut features: Vec<&str> =
        targets.iter().flat_map(|it| &it.required_features).map(String::as_str).collect();
    features.dedup();
    if !features.is_empty() {
        arguments.extend(["--features".to_owned(), features.join(",")]);
    }
    Invocation::cargo(&[]).with(arguments).with_variable("RUSTFLAGS", COVERAGE).run(folder)
}

fn target_folder(folder: &Path) -> Result<PathBuf> {
    let metadata = Invocation::cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata.stdout(folder)?)?;
    let target = metadata["target_directory"].as_str();
    Ok(target.context("`cargo metadata` names no target directory")?.into())
}

/// Where the cases of a target are.
struct Folders {
    /// What this run adds, outside the repository.
    grown: PathBuf,
    /// What is there to begin with.
    seeds: Vec<PathBuf>,
    /// What is found goes here.
    found: PathBuf,
    /// Files that a target writes, and the corpus; gone with the run.
    scratch: tempfile::TempDir,
}

impl Folders {
    fn new(root: &Path, target: &str, other: &[String]) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let scratch =
            if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let fixtures = root.join("fixtures");
        let own = fixtures.join("fuzz").join(target);
        let found = scratch.path().join("found");
        let grown = scratch.path().join("corpus");
        for folder in [&found, &grown, &scratch.path().join("files")] {
            fs::create_dir(folder)?;
        }
        let own_seeds = [own.join("seeds"), own.join("found")];
        let seeds = own_seeds.into_iter().chain(other.iter().map(|it| fixtures.join(it)));
        let seeds = seeds.filter(|it| it.is_dir()).collect();
        Ok(Self { grown, seeds, found: own.join("found"), scratch })
    }

    /// Runs the target until its time is over or it found something.
    fn fuzz(&self, binary: &Path, minutes: f64) -> Result<Tally> {
        let files = self.scratch.path().join("files");
        let found = self.scratch.path().join("found");
        let limited = format!("ulimit -v {MOST_KIB}; ulimit -c 0; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.arg("-c").arg(limited).arg(binary);
        command.arg(format!("-max_total_time={:.0}", (60.0 * minutes).ceil()));
        command.arg(format!("-timeout={MOST_SECONDS}"));
        command.arg(format!("-max_len={MOST_BYTES}"));
        command.arg(format!("-artifact_prefix={}/", found.display()));
        command.args(["-rss_limit_mb=1024", "-print_final_stats=1"]);
        command.arg(&self.grown).args(&self.seeds);
        command.env("TMPDIR", &files).env("RAYON_NUM_THREADS", "1").env("MALLOC_ARENA_MAX", "1");
        let output =
            command.output().with_context(|| format!("failed to start {}", binary.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let tally = Tally::of(&said);
        let is_found = fs::read_dir(&found)?.next().is_some();
        if !output.status.success() && !is_found || tally.is_none() {
            bail!("{} did not run ({}):\n{}", binary.display(), output.status, tally::end(&said));
        }
        if is_found {
            eprintln!("{}", tally::end(&said));
        }
        tally.context("libFuzzer gave no count")
    }

    /// Brings what was found into the repository.
    fn findings(&self) -> Result<Vec<PathBuf>> {
        let mut kept = Vec::new();
        for entry in fs::read_dir(self.scratch.path().join("found"))? {
            let entry = entry?;
            fs::create_dir_all(&self.found)?;
            let path = self.found.join(entry.file_name());
            fs::copy(entry.path(), &path)?;
            kept.push(path);
        }
        kept.sort();
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(name: &str, features: &[&str]) -> Target {
        let required_features = features.iter().map(|it| (*it).to_owned()).collect();
        Target { name: name.into(), required_features }
    }

    fn names(wanted: Option<&str>, without_burn: bool) -> Result<Vec<String>> {
        let all = [target("a", &[]), target("b", &["burn"])];
        let options = Options { minutes: 1.0, target: wanted.map(Into::into), without_burn };
        chosen(&all, &options).map(|it| it.into_iter().map(|it| it.name.clone()).collect())
    }

    #[test]
    fn all_targets_are_run_or_the_one_that_is_named() {
        assert_eq!(names(None, false).unwrap(), ["a", "b"]);
        assert_eq!(names(None, true).unwrap(), ["a"]);
        assert_eq!(names(Some("b"), false).unwrap(), ["b"]);
    }

    #[test]
    fn a_target_that_is_not_there_is_answered_with_those_that_are() {
        let error = names(Some("c"), false).unwrap_err().to_string();
        assert_eq!(error, "there is no target `c`; there are a, b");
    }
}
