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
use std::time::{Duration, Instant};

use doors::Door;

/// What a case may take, here without limits of memory.
const MOST_TIME: Duration = Duration::from_secs(5);

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

fn pass(doors: &[(&str, Door)]) {
    for (name, door) in doors {
        let folder = fixtures().join(name);
        let cases = [files(&folder.join("seeds")), files(&folder.join("found"))].concat();
        assert!(!cases.is_empty(), "`{name}` has no seeds");
        for case in cases {
            let bytes = std::fs::read(&case).unwrap();
            let start = Instant::now();
            let passed = std::panic::catch_unwind(|| door(&bytes));
            assert!(passed.is_ok(), "{} makes `{name}` panic", case.display());
            let took = start.elapsed();
            assert!(took < MOST_TIME, "{} takes `{name}` {took:?}", case.display());
        }
    }
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
