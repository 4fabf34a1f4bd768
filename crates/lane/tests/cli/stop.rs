//! Runs that a signal stops or kills, and `--resume`.
#![cfg(unix)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Place, Said, same_files};

const EPOCHS: &str = "60";

/// A run that takes some seconds, once it has come through its first epoch; begun by what is in
/// `under`, if anything is.
fn under_way(place: &Place, under: &[&str]) -> Child {
    let line = format!(
        "train --train {{built-in}}/train.csv --method base --epochs {EPOCHS} --out run --quiet"
    );
    let mut command = place.command(under, &line);
    command.env("RAYON_NUM_THREADS", "1").stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let start = Instant::now();
    let has_epoch =
        || std::fs::read(place.path("run/metrics.jsonl")).is_ok_and(|it| !it.is_empty());
    while !has_epoch() {
        assert!(start.elapsed() < Duration::from_mins(2), "no epoch");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

fn stopped_by(child: Child, signal: &str) -> Said {
    send(&child, signal);
    child.wait_with_output().unwrap().into()
}

#[test]
fn a_signal_is_answered_with_a_checkpoint_its_own_exit_code_and_how_to_go_on() {
    let place = Place::new();
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let said = stopped_by(under_way(&place, &[]), signal);
        assert_eq!((said.code, said.stdout.as_str()), (code, ""), "{}", said.stderr);
        assert!(said.stderr.starts_with("stopped in epoch "), "{}", said.stderr);
        assert!(said.stderr.ends_with("to go on: lane train --resume run\n"), "{}", said.stderr);
        let checkpoints = std::fs::read_dir(place.path("run/checkpoint")).unwrap().count();
        assert_eq!(checkpoints, 3, "one checkpoint, the dynamics, the lock");
        std::fs::remove_dir_all(place.path("run")).unwrap();
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_that_goes_stops_a_run_and_does_not_where_its_signal_is_ignored() {
    let place = Place::new();
    let child = under_way(&place, &["env", "--default-signal=HUP"]);
    // The shell and the system each send one.
    send(&child, "-HUP");
    let said = stopped_by(child, "-HUP");
    assert_eq!(said.code, 129, "{}", said.stderr);
    assert!(said.stderr.ends_with("to go on: lane train --resume run\n"), "{}", said.stderr);
    std::fs::remove_dir_all(place.path("run")).unwrap();
    stopped_by(under_way(&place, &["env", "--ignore-signal=HUP"]), "-HUP").succeeded();
}

#[test]
fn a_stopped_run_goes_on_by_its_folder_alone_and_a_finished_one_says_so() {
    let place = Place::new();
    stopped_by(under_way(&place, &[]), "-INT");
    for (line, answers) in [
        ("train --resume run --epochs 3", ["`training.epochs` is 3", "config.toml"]),
        ("train --resume run --method lane", ["`method` is \"lane\"", "config.toml"]),
        ("train --resume run --out other", ["--out", "--resume"]),
        ("train --resume run --force", ["--force", "--resume"]),
        ("train --resume nowhere", ["holds no run", "config.toml"]),
        ("train --resume run --checkpoint-every often", ["often", "90s, 10m or 2h"]),
    ] {
        let said = place.lane(line);
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{line}: {}", said.stderr);
        assert!(answers.iter().all(|it| said.stderr.contains(it)), "{line}: {}", said.stderr);
    }
    let line =
        format!("train --train {{built-in}}/train.csv --epochs {EPOCHS} --method base --out run");
    let said = place.lane(&line);
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("can go on") && said.stderr.contains("--resume run"), "{said:?}");

    place.lane(&format!("train --resume run --method base --epochs {EPOCHS} --quiet")).succeeded();
    let result = place.bytes("run/result.json");
    let again = place.lane("train --resume run").succeeded();
    assert_eq!(again.stdout, "finished before: run/result.json\n");
    assert_eq!(place.lane("train --resume run --json").succeeded().stdout.as_bytes(), result);
    assert_eq!(place.bytes("run/result.json"), result);
}

/// `cargo xtask check --kill` does this thirty times to each of several methods.
#[test]
fn a_run_that_is_killed_again_and_again_comes_to_the_files_of_one_that_was_not() {
    let place = Place::new();
    let line =
        "train --train {built-in}/train.csv --method aum --epochs 2 --checkpoint-every 2 --quiet";
    let start = Instant::now();
    place.lane(&format!("{line} --out alone")).succeeded();
    let whole = start.elapsed();
    let mut n_killed = 0;
    for share in [0.02, 0.3, 0.1, 0.2, 0.15, 0.25] {
        let has_begun = place.path("run/config.toml").exists();
        let line =
            if has_begun { "train --resume run --quiet" } else { &format!("{line} --out run") };
        let mut child = place.start(line);
        std::thread::sleep(whole.mul_f64(share));
        n_killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(n_killed > 2, "it ended before it was killed");
    place.lane("train --resume run").succeeded();
    same_files(&place.path("run"), &place.path("alone"));
}
