//! Streams that take nothing more: what is said is lost then, and nothing else.
#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::process::Stdio;

use crate::support::{Place, Said};

const TRAIN: &str = "train --train noisy.csv --method base --epochs 1 --out";

/// A stream on which every write fails for want of space.
fn full() -> File {
    OpenOptions::new().write(true).open("/dev/full").unwrap()
}

/// A pipe whose reader has left.
fn left_alone() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let place = Place::new().with_noise();
    for line in ["methods", "methods --json", "data list --quiet", &format!("{TRAIN} run --quiet")]
    {
        let output = place.command(&[], line).stdout(left_alone()).output().unwrap();
        let said = Said::from(output).succeeded();
        assert_eq!(said.stderr, "", "{line}");
    }
    assert!(place.path("run/result.json").exists());
}

#[test]
fn data_that_cannot_be_written_to_stdout_are_an_error_and_the_files_are_there() {
    let place = Place::new().with_noise();
    for line in ["methods", "methods --json", "data list --quiet", &format!("{TRAIN} run --quiet")]
    {
        let said = Said::from(place.command(&[], line).stdout(full()).output().unwrap());
        assert_eq!(said.code, 1, "{line}");
        let reason = "error: cannot write to standard output: No space left on device";
        assert!(said.stderr.starts_with(reason), "{line}: {}", said.stderr);
    }
    assert!(place.path("run/result.json").exists());
}

#[test]
fn a_run_that_nobody_listens_to_comes_to_its_end() {
    let place = Place::new().with_noise();
    for (out, stderr) in [("full", full().into()), ("alone", left_alone())] {
        let mut command = place.command(&[], &format!("{TRAIN} {out}"));
        let status = command.stdout(left_alone()).stderr(stderr).status().unwrap();
        assert!(status.success(), "{out}: {status}");
        assert!(place.path(out).join("result.json").exists());
    }
    let refused = place.command(&[], "train --out run").stderr(full()).status().unwrap();
    assert_eq!(refused.code(), Some(2));
}
