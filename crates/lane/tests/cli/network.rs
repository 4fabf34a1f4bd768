//! No use of the network without being asked: every command of the quick run, with sockets refused.
//!
//! strace fails each call that would open a socket and writes it down. That the command succeeds is
//! not enough, since a program may shrug off a refusal; nothing may have been tried. What asks for
//! the network is tried too, so that it is known to be seen.
#![cfg(target_os = "linux")]

use std::process::Command;

use crate::support::{Place, Said};

const CALLS: &str = "calls.txt";
const SKIPPED: &str = "skipped: no strace that may trace here";
const REFUSING: &[&str] = &[
    "strace",
    "--follow-forks",
    "--quiet=all",
    "--signal=none",
    "--trace=%network,io_uring_setup",
    "--inject=socket,io_uring_setup:error=EACCES",
    "--output=calls.txt",
];

/// What a line of strace holds besides a call that counts: a socket within the machine, the second
/// half of a call whose first half is a line of its own, and a thread that the end of the process
/// met at the door of a call, before its name was read: the kernel does not begin such a call.
const NOT_COUNTED: &[&str] = &["AF_UNIX", " resumed>", "???("];

/// What a command says, and the calls that count.
fn without_sockets(place: &Place, line: &str, environment: &[(&str, &str)]) -> (Said, Vec<String>) {
    let mut command = place.command(REFUSING, line);
    let said = command.envs(environment.iter().copied()).output().unwrap().into();
    let calls = place.read(CALLS);
    let counts = |call: &&str| !NOT_COUNTED.iter().any(|it| call.contains(it));
    (said, calls.lines().filter(counts).map(Into::into).collect())
}

#[track_caller]
fn quiet(place: &Place, line: &str) -> Said {
    let (said, calls) = without_sockets(place, line, &[]);
    assert_eq!(calls, [""; 0], "{line}");
    assert_eq!(said.code, 0, "{line}: {}", said.stderr);
    said
}

/// Whether strace is here and may trace.
fn can_trace() -> bool {
    let place = Place::new();
    let mut strace = Command::new(REFUSING[0]);
    let tried = strace.args(&REFUSING[1..]).arg("true").current_dir(place.path(".")).output();
    tried.is_ok_and(|output| output.status.success())
}

#[test]
fn the_quick_run_opens_no_socket() {
    if !can_trace() {
        println!("{SKIPPED}");
        return;
    }
    let place = Place::new();
    let rows = ["train", "validation", "test"].map(|it| format!("--{it} {{built-in}}/{it}.csv"));
    let [train, validation, test] = &rows;
    quiet(&place, "noise --data {built-in}/train.csv --rate 0.2 --out noisy.csv");
    let on_noisy = format!("train --train noisy.csv {validation} {test} --epochs 2 --views 2");
    quiet(&place, &format!("{on_noisy} --method lane --set save_logits=true --out run"));
    quiet(&place, &format!("{on_noisy} --encoder run/model --freeze-encoder --out frozen"));
    for model in ["run", "frozen"] {
        quiet(&place, &format!("evaluate --model {model} --data {{built-in}}/test.csv"));
        quiet(
            &place,
            &format!("predict --model {model} --data {{built-in}}/test.csv --out {model}.csv"),
        );
    }
    for format in ["cartography", "aum", "csv"] {
        quiet(&place, &format!("export run --format {format} --out {format}"));
    }
    for (from, out) in [("cartography", "map"), ("aum/aum_values.csv", "aums")] {
        quiet(&place, &format!("import {from} --data noisy.csv --out {out}"));
    }
    quiet(&place, &format!("train {train} --folds 2 --epochs 1 --checkpoint-every 1 --out folds"));
    quiet(&place, "train --resume folds");
    quiet(&place, "audit --data noisy.csv --epochs 1 --out audit");
    for list in ["methods", "devices", "data list"] {
        quiet(&place, list);
    }
}

#[test]
fn no_method_opens_a_socket() {
    if !can_trace() {
        println!("{SKIPPED}");
        return;
    }
    let place = Place::new().with_noise();
    let methods = place.lane("methods --json").succeeded().json();
    let names: Vec<&str> =
        methods.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    let variants: Vec<_> = names.iter().map(|name| serde_json::json!({ "method": name })).collect();
    let grid = serde_json::json!({
        "data": [{"name": "rows", "noise": 0.2, "seed": 1, "train": "noisy.csv"}],
        "variants": variants,
        "settings": {"training.epochs": 8, "model.max_length": 16, "save_model": false},
    });
    place.write("grid.json", &grid.to_string());
    quiet(&place, "cells --grid grid.json");
    for index in 0..names.len() {
        quiet(&place, &format!("run-cell --cells cells.jsonl --index {index} --quiet"));
    }
}

#[test]
fn what_asks_for_the_network_is_seen_to_and_is_refused_plainly() {
    if !can_trace() {
        println!("{SKIPPED}");
        return;
    }
    let place = Place::new().with_noise();
    let home = place.path("home").display().to_string();
    let hub = [("HF_ENDPOINT", "http://127.0.0.1:9"), ("HF_HOME", home.as_str())];
    let line = "train --train noisy.csv --encoder hub:org/model --out run";
    let (said, calls) = without_sockets(&place, line, &hub);
    let is_refused = |call: &String| call.contains("socket(AF_INET") && call.contains("INJECTED");
    assert!(!calls.is_empty() && calls.iter().all(is_refused), "{calls:?}");
    assert!(said.code != 0 && said.stderr.starts_with("error: "), "{said:?}");
    assert!(said.stderr.contains("Permission denied"), "{said:?}");
    assert!(!place.path("run").exists());
}
