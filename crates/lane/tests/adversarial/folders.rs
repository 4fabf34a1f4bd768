//! The small files of `fixtures/adversarial`: a folder a reader, a file or folder a case.

use crate::place::Place;

/// Every case of a folder, by the command that reads it; `{}` stands for the name.
fn report(folder: &str, line: &str) -> String {
    let place = Place::new();
    let names = place.copy(&format!("adversarial/{folder}"));
    let cases = names.iter().map(|name| (name.as_str(), line.replace("{}", name)));
    place.report(cases)
}

#[test]
fn tables_of_texts_and_labels() {
    let line = "noise --data {} --rate 0.5 --out noisy.csv";
    insta::assert_snapshot!(report("delimited", line));
}

#[test]
fn lines_of_json() {
    let line = "noise --data {} --rate 0.5 --out noisy.csv";
    insta::assert_snapshot!(report("json_lines", line));
}

#[test]
fn splits_that_do_not_fit_the_training_rows() {
    let line = "train --train good.csv --test {} --out run --quiet";
    insta::assert_snapshot!(report("splits", line));
}

#[test]
fn similarities_of_classes() {
    let line =
        "noise --data good.csv --kind class-conditional --similarity {} --rate 0.3 --out noisy.csv";
    insta::assert_snapshot!(report("similarity", line));
}

#[test]
fn translations() {
    let line = "train --train good.csv --back-translation {} --views 8 --out run --quiet";
    insta::assert_snapshot!(report("translations", line));
}

#[test]
fn configurations() {
    insta::assert_snapshot!(report("config", "train --config {} --out run --quiet"));
}

#[test]
fn grids() {
    insta::assert_snapshot!(report("grid", "cells --grid {}"));
}

#[test]
fn lists_of_cells() {
    insta::assert_snapshot!(report("cells", "run-cell --cells {} --index 0"));
}

#[test]
fn scores_of_aum() {
    insta::assert_snapshot!(report("aum", "import {} --out scores"));
}

#[test]
fn dynamics_of_cartography() {
    insta::assert_snapshot!(report("cartography", "import {} --out scores"));
}

#[test]
fn recorded_replies() {
    let line = "few-shot --train good.csv --test good.csv --model m --shots 2 --runs 1 --replay {} --out run --quiet";
    insta::assert_snapshot!(report("recording", line));
}
