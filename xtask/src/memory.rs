//! `cargo xtask check --memory`: the crate with `unsafe` under tools that watch every access.
//!
//! Miri interprets the tests: aliasing, uninitialised memory and data races, on the portable path,
//! with fewer numbers and without whole layers. `AddressSanitizer` runs the machine code of each
//! instruction set, the `gemm` crate's included, on all tests. Where there is no nightly toolchain,
//! valgrind runs the ordinary tests; it knows no AVX-512, hides it, and so meets the code for AVX2.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::Invocation;

/// Without burn, which has no part in what is watched and takes long to build.
const TESTS: [&str; 4] = ["-p", "lane-kernels", "--lib", "--no-default-features"];
/// The only target whose kernels come in several instruction sets.
const TARGET: &str = "x86_64-unknown-linux-gnu";
/// As `LANE_SIMD` takes them.
const LEVELS: [&str; 3] = ["avx512", "avx2", "portable"];
const WAYS: &str = "`rustup toolchain install nightly --component miri --component rust-src` brings \
                    Miri and AddressSanitizer; valgrind comes with the system";

pub(crate) fn run(root: &Path) -> Result<()> {
    let has = |words: &[&str]| Invocation::new(words[0], &words[1..]).stdout(root).is_ok();
    let mut n_run = 0;
    if has(&["rustup", "run", "nightly", "cargo", "miri", "--version"]) {
        timed(&miri(root), root)?;
        n_run += 1;
    } else {
        println!("not run: Miri, which is not installed");
    }
    if cfg!(all(target_os = "linux", target_arch = "x86_64"))
        && has(&["rustup", "run", "nightly", "rustc", "--version"])
    {
        for level in LEVELS {
            timed(&sanitizer(root, level), root)?;
        }
        n_run += 1;
    } else if has(&["valgrind", "--version"]) {
        timed(&valgrind(root)?, root)?;
        n_run += 1;
    } else {
        println!("not run: AddressSanitizer and valgrind, neither of which is here");
    }
    if n_run == 0 {
        bail!("nothing ran; {WAYS}");
    }
    Ok(())
}

fn timed(invocation: &Invocation, root: &Path) -> Result<()> {
    let start = Instant::now();
    invocation.run(root)?;
    println!("ok {:>6.1} s  {invocation}", start.elapsed().as_secs_f64());
    Ok(())
}

fn nightly(command: &[&str], root: &Path, folder: &str) -> Invocation {
    let target = root.join("target").join(folder).display().to_string();
    Invocation::new("rustup", &["run", "nightly", "cargo"])
        .with(command.iter().chain(&TESTS).map(|&it| it.to_owned()))
        .with_variable("CARGO_TARGET_DIR", target)
}

/// proptest asks for the folder; rayon's threads outlive the tests, which Miri would call a leak; and
/// crossbeam, which rayon stands on, keeps pointers as integers and to the rules of tree borrows only.
fn miri(root: &Path) -> Invocation {
    const FLAGS: &str = "-Zmiri-disable-isolation -Zmiri-ignore-leaks -Zmiri-tree-borrows \
                         -Zmiri-permissive-provenance";
    nightly(&["miri", "test"], root, "miri")
        .with_variable("MIRIFLAGS", FLAGS)
        .with_variable("RAYON_NUM_THREADS", "2")
}

/// A target is named so that build scripts and macros are built without the sanitizer.
fn sanitizer(root: &Path, level: &str) -> Invocation {
    nightly(&["test", "--target", TARGET], root, "sanitizer")
        .with_variable("RUSTFLAGS", "-Zsanitizer=address")
        .with_variable("LANE_SIMD", level)
}

fn valgrind(root: &Path) -> Result<Invocation> {
    let format = "--message-format=json-render-diagnostics";
    let target = root.join("target/valgrind").display().to_string();
    let build = Invocation::cargo(&["test", "--no-run", format])
        .with(TESTS.map(str::to_owned))
        .with_variable("CARGO_TARGET_DIR", target);
    let messages = build.stdout(root)?;
    let tests = test_in(&messages).with_context(|| format!("`{build}` named no executable"))?;
    Ok(Invocation::new(tests, &[]).under("valgrind", &["--quiet", "--error-exitcode=1"]))
}

/// The tests of the crate in cargo's messages, one JSON value a line.
fn test_in(messages: &str) -> Option<String> {
    let values = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let tests = values.filter(|value| value["profile"]["test"] == true);
    tests.filter_map(|value| value["executable"].as_str().map(str::to_owned)).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commands_are_those_one_would_type() {
        let root = Path::new("/lane");
        let tests = "-p lane-kernels --lib --no-default-features";
        let shown = miri(root).to_string();
        assert!(shown.starts_with("CARGO_TARGET_DIR=/lane/target/miri MIRIFLAGS='-Z"), "{shown}");
        assert!(shown.ends_with(&format!("rustup run nightly cargo miri test {tests}")), "{shown}");
        assert_eq!(
            sanitizer(root, "avx2").to_string(),
            format!(
                "CARGO_TARGET_DIR=/lane/target/sanitizer RUSTFLAGS=-Zsanitizer=address \
                 LANE_SIMD=avx2 rustup run nightly cargo test --target {TARGET} {tests}"
            )
        );
    }

    #[test]
    fn the_tests_are_told_from_other_executables() {
        let messages = r#"{"executable":"/x/lane","profile":{"test":false}}
{"executable":"/x/lane_kernels-1","profile":{"test":true}}
{"reason":"build-finished","success":true}"#;
        assert_eq!(test_in(messages).as_deref(), Some("/x/lane_kernels-1"));
        assert_eq!(test_in(""), None);
    }
}
