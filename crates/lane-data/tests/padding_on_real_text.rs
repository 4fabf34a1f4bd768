//! Padding on real text: `LANE_DATA` names the data sets, `LANE_ENCODER` the tokenizer.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

use std::fmt;
use std::io::Write;
use std::path::PathBuf;

use lane_data::order::{self, Bucketing};
use lane_data::read::{self, LabelPolicy};
use lane_data::{Columns, Tokenizer, padding_fraction};

const BATCH_SIZE: usize = 32;
const MOST_PADDING: f64 = 0.15;

/// One line past the capture of the test runner, which hides what a passing test prints.
fn say(line: fmt::Arguments<'_>) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{line}").unwrap();
}

fn folders(test: &str) -> Option<(PathBuf, PathBuf)> {
    let folder = |name| std::env::var_os(name).map(PathBuf::from);
    let both = folder("LANE_DATA").zip(folder("LANE_ENCODER"));
    if both.is_none() {
        say(format_args!("skipped {test}: LANE_DATA or LANE_ENCODER is not set"));
    }
    both
}

fn check(name: &str) {
    let Some((data, encoder)) = folders(name) else { return };
    let path = data.join(name).join("train.csv");
    let train = read::dataset(&path, &Columns::default(), LabelPolicy::Discover).unwrap();
    let tokenizer = Tokenizer::open(&encoder).unwrap();
    let ids = tokenizer.encode(&train.texts(), 128).unwrap();
    let lengths: Vec<u32> = ids.iter().map(|ids| ids.len() as u32).collect();
    let padding = |epoch, bucketing| {
        let batches = order::batches(&lengths, &train.rows(), BATCH_SIZE, 1, epoch, bucketing);
        padding_fraction(&batches, &lengths)
    };
    let plain = padding(0, Bucketing::Off);
    for epoch in 0..3 {
        let bucketed = padding(epoch, Bucketing::Length);
        say(format_args!(
            "{name}, epoch {epoch}: padding {bucketed:.3}, without buckets {plain:.3}"
        ));
        assert!(bucketed < MOST_PADDING && bucketed < plain);
    }
}

#[test]
fn padding_on_trec_is_under_fifteen_percent() {
    check("trec6");
}

#[test]
fn padding_on_ag_news_is_under_fifteen_percent() {
    check("ag_news");
}

#[test]
fn every_data_set_of_the_folder_is_read() {
    let Some(data) = std::env::var_os("LANE_DATA").map(PathBuf::from) else {
        say(format_args!("skipped every_data_set_of_the_folder_is_read: LANE_DATA is not set"));
        return;
    };
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(data).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for folder in folders.iter().filter(|folder| folder.join("train.csv").is_file()) {
        let file = |name: &str| folder.join(name);
        let columns = Columns::default();
        let train = read::dataset(&file("train.csv"), &columns, LabelPolicy::Discover).unwrap();
        for name in ["validation.csv", "test.csv"] {
            let known = LabelPolicy::Known(&train.labels);
            let split = read::dataset(&file(name), &columns, known).unwrap();
            assert!(split.n_rows() > 0);
        }
        say(format_args!(
            "{}: {} rows, {} classes",
            folder.display(),
            train.n_rows(),
            train.n_classes()
        ));
    }
}
