//! Several processes at one run, one cache, one cell.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Said, files, same_files};

const LONG: &str = "train --train {built-in}/train.csv --method base --epochs 60 --quiet";
const SHORT: &str = "train --train noisy.csv --method lane --epochs 2 --max-length 32 --quiet";
const CELL: &str = "run-cell --cells grid/cells.jsonl --index 0 --quiet";
const OUT: &str = "grid/runs/rows/noise-0.2/lane/seed-1";
const WAITING: &str = "warning: another process is at this cell; waiting for it\n";

fn ended(child: Child) -> Said {
    child.wait_with_output().unwrap().into()
}

fn wait_until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_mins(2), "waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether there are two; the ones before them are gone by then.
fn has_checkpoints(run: &Path) -> bool {
    let entries = std::fs::read_dir(run.join("checkpoint")).into_iter().flatten().flatten();
    1 < entries.filter(|it| it.file_name().to_string_lossy().starts_with('0')).count()
}

#[test]
fn a_second_run_into_a_folder_is_refused_while_the_first_runs_and_the_first_is_whole() {
    let place = Place::new();
    place.lane(&format!("{LONG} --out alone")).succeeded();
    let mut first = place.start(&format!("{LONG} --checkpoint-every 3 --out run"));
    let refuse = || {
        for line in [
            format!("{LONG} --out run"),
            format!("{LONG} --out run --force"),
            format!("{SHORT} --out run --force").replace("noisy.csv", "{built-in}/test.csv"),
            "train --resume run".into(),
        ] {
            let said = place.lane(&line);
            assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{line}: {}", said.stderr);
            let message = "error: another process is writing to `run`; expected one at a time";
            assert!(said.stderr.contains(message), "{line}: {}", said.stderr);
            assert!(said.stderr.contains("hint: wait until it has ended"), "{line}: {said:?}");
        }
    };
    let run = place.path("run");
    wait_until(|| run.join("config.toml").exists());
    refuse();
    wait_until(|| has_checkpoints(&run));
    refuse();
    assert!(first.try_wait().unwrap().is_none(), "it ended before the others were refused");
    ended(first).succeeded();
    same_files(&place.path("run"), &place.path("alone"));
}

#[test]
fn of_eight_runs_into_one_new_folder_one_runs_and_the_others_are_refused() {
    let place = Place::new().with_noise();
    place.lane(&format!("{SHORT} --out alone")).succeeded();
    for round in 0..4 {
        let line = format!("{SHORT} --out run-{round}");
        let all: Vec<Child> = (0..8).map(|_| place.start(&line)).collect();
        let all: Vec<Said> = all.into_iter().map(ended).collect();
        let (done, refused): (Vec<&Said>, Vec<&Said>) = all.iter().partition(|it| it.code == 0);
        assert_eq!(done.len(), 1, "{all:?}");
        for said in refused {
            assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
            let reasons = ["another process is writing to", "already holds a finished run"];
            assert!(reasons.iter().any(|it| said.stderr.contains(it)), "{said:?}");
        }
        same_files(&place.path(&format!("run-{round}")), &place.path("alone"));
    }
}

#[test]
fn processes_that_fill_one_cache_at_once_come_to_what_one_alone_comes_to() {
    let place = Place::new().with_noise();
    place.lane(&format!("{SHORT} --out maker")).succeeded();
    let line = "train --train {built-in}/train.csv --test {built-in}/test.csv --encoder maker/model \
                --freeze-encoder --views 2 --wordnet built-in --epochs 2 --max-length 32 --quiet";
    let alone = place.path("cache-alone").display().to_string();
    place.lane_with(&format!("{line} --out alone"), &[("LANE_CACHE", &alone)]).succeeded();
    let kept = files(&place.path("cache-alone"));
    // Embeddings of two views and of the test rows, and the texts of the second view.
    assert_eq!(kept.len(), 4, "{:?}", kept.keys());
    assert_eq!(kept.keys().filter(|name| name.starts_with("views/")).count(), 1);
    for round in 0..4 {
        let cache = format!("cache-{round}");
        let start = |number: usize| {
            let mut command = place.command(&[], &format!("{line} --out run-{round}-{number}"));
            command.env("LANE_CACHE", place.path(&cache));
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let all: Vec<Child> = (0..4).map(start).collect();
        for (number, child) in all.into_iter().enumerate() {
            ended(child).succeeded();
            same_files(&place.path(&format!("run-{round}-{number}")), &place.path("alone"));
        }
        same_files(&place.path(&cache), &place.path("cache-alone"));
    }
}

/// `grid/cells.jsonl` with one cell, and its run as one process left it: where it comes to be, and
/// where that is kept.
fn one_cell(place: &Place, epochs: u32) -> [PathBuf; 2] {
    place.lane("noise --data {built-in}/train.csv --rate 0.2 --out rows.csv").succeeded();
    std::fs::create_dir(place.path("grid")).unwrap();
    let grid = format!(
        r#"{{"data": [{{"name": "rows", "noise": 0.2, "seed": 1, "train": "../rows.csv"}}],
            "variants": [{{"method": "lane"}}],
            "settings": {{"training.epochs": {epochs}, "model.max_length": 32}}}}"#
    );
    place.write("grid/grid.json", &grid);
    place.lane("cells --grid grid/grid.json").succeeded();
    place.lane(CELL).succeeded();
    std::fs::rename(place.path("grid/runs"), place.path("alone")).unwrap();
    [place.path(OUT), place.path("alone/rows/noise-0.2/lane/seed-1")]
}

#[test]
fn eight_workers_on_one_cell_make_one_result_and_seven_say_that_it_is_there() {
    let place = Place::new();
    let [out, alone] = one_cell(&place, 3);
    let all: Vec<Child> = (0..8).map(|_| place.start(CELL)).collect();
    let all: Vec<Said> = all.into_iter().map(|it| ended(it).succeeded()).collect();
    let kept = format!("kept: {OUT} is finished\n");
    let (kept, ran): (Vec<&Said>, Vec<&Said>) = all.iter().partition(|it| it.stdout == kept);
    assert_eq!((kept.len(), ran.len()), (7, 1), "{all:?}");
    assert!(ran[0].stdout.starts_with("method"), "{}", ran[0].stdout);
    for said in &all {
        assert!(said.stderr.is_empty() || said.stderr == WAITING, "{}", said.stderr);
    }
    same_files(&out, &alone);
}

#[test]
fn where_the_worker_of_a_cell_is_killed_the_one_that_waits_goes_on_in_its_place() {
    let place = Place::new();
    let [out, alone] = one_cell(&place, 40);
    let line = format!("{CELL} --checkpoint-every 3");
    let mut at_work = place.start(&line);
    wait_until(|| has_checkpoints(&out));
    let mut waits = place.start(&line);
    let mut said = String::new();
    BufReader::new(waits.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, WAITING);
    assert!(at_work.try_wait().unwrap().is_none(), "it ended before it was killed");
    at_work.kill().unwrap();
    at_work.wait().unwrap();
    let ended = ended(waits).succeeded();
    assert!(ended.stdout.starts_with("method"), "{ended:?}");
    same_files(&out, &alone);
}

#[test]
fn a_worker_that_waits_leaves_when_it_is_told_to() {
    let place = Place::new();
    let [out, alone] = one_cell(&place, 40);
    let at_work = place.start(CELL);
    wait_until(|| out.join("config.toml").exists());
    let mut waits = place.start(CELL);
    let mut stderr = BufReader::new(waits.stderr.take().unwrap());
    let mut said = String::new();
    stderr.read_line(&mut said).unwrap();
    assert_eq!(said, WAITING);
    let id = waits.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    assert_eq!(waits.wait().unwrap().code(), Some(143));
    said.clear();
    stderr.read_line(&mut said).unwrap();
    assert_eq!(said, format!("stopped while waiting for the process at `{OUT}`\n"));
    ended(at_work).succeeded();
    same_files(&out, &alone);
}
