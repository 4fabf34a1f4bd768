//! What a fuzzer once found, and the seeds it begins with, through the same doors on every test run.
//!
//! The doors are those of `xtask/fuzz`, where they are told. A case stands in
//! `fixtures/fuzz/TARGET/seeds` or `found`; `cargo xtask fuzz` puts new ones there.
#![expect(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the doors are public where they stand; a case that cannot be read is a test that fails"
)]

// The crate of the targets is no member of the workspace, so its modules are taken by path.
#[path = "../../../../xtask/fuzz/src/apply.rs"]
mod apply;
#[path = "../../../../xtask/fuzz/src/doors.rs"]
mod doors;
#[path = "../../../../xtask/fuzz/src/doors_on_burn.rs"]
mod doors_on_burn;
#[path = "../../../../xtask/fuzz/src/interrupted.rs"]
mod interrupted;
#[path = "../../../../xtask/fuzz/src/scratch.rs"]
mod scratch;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use doors::Door;

/// When a case is taken to hang. The fuzzer allows 5 seconds; other tests may run beside this one.
const HANGS: Duration = Duration::from_secs(30);

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fuzz")
}

/// The files of a folder, sorted; none where it is not there.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut files: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

fn pass(doors: &'static [(&'static str, Door)]) {
    let (answers, answered) = channel();
    // On a thread of its own, so that a case that hangs can be named.
    std::thread::spawn(move || {
        for (name, door) in doors {
            for case in cases(name) {
                let bytes = std::fs::read(&case).unwrap();
                let passed = std::panic::catch_unwind(|| door(&bytes)).is_ok();
                answers.send((name, case, passed)).unwrap();
            }
        }
    });
    for (name, _) in doors {
        let cases = cases(name);
        assert!(!cases.is_empty(), "`{name}` has no seeds");
        for case in cases {
            let answer = answered.recv_timeout(HANGS);
            assert!(answer.is_ok(), "{} makes `{name}` hang", case.display());
            assert_eq!(answer, Ok((name, case, true)), "a case that makes its door panic");
        }
    }
}

fn cases(name: &str) -> Vec<PathBuf> {
    let folder = fixtures().join(name);
    [files(&folder.join("seeds")), files(&folder.join("found"))].concat()
}

#[test]
fn no_case_of_a_reader_makes_it_panic_or_hang() {
    pass(&doors::DOORS);
}

#[test]
fn no_case_of_a_reader_on_burn_makes_it_panic_or_hang() {
    pass(&doors_on_burn::DOORS);
}

#[test]
fn every_folder_of_cases_has_a_door() {
    let doors = doors::DOORS.iter().chain(&doors_on_burn::DOORS);
    let doors: BTreeSet<PathBuf> = doors.map(|(name, _)| fixtures().join(name)).collect();
    let folders = files(&fixtures()).into_iter().filter(|it| it.is_dir());
    assert_eq!(folders.collect::<BTreeSet<_>>(), doors);
}
