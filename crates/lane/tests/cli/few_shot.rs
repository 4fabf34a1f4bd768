//! `lane few-shot`, against a server on this machine.

use std::time::Duration;

use crate::server::{Answer, Received, Server, completion, error};
use crate::support::{Place, Said};

const KEY: &str = "sk-cli-secret";

const TRAIN: &str = "text,label\nI hate it,anger\nI fear it,fear\nI love it,joy\nso happy,joy\nso cross,anger\nso scared,fear\n";
const TEST: &str = "text,label\nhow I fear,fear\nhow I hate,anger\nhow I love,joy\n";

fn place() -> Place {
    let place = Place::new();
    place.write("train.csv", TRAIN);
    place.write("test.csv", TEST);
    place
}

const FILES: &str = "--train train.csv --test test.csv --model test-model --shots 5 --runs 2";

/// Runs `lane few-shot` with a key in the usual variable.
fn few_shot(place: &Place, rest: &str) -> Said {
    place.lane_with(&format!("few-shot {FILES} {rest}"), &[("OPENAI_API_KEY", KEY)])
}

/// Right about fear, wrong about hate, silent about love.
fn answer(request: &Received, _: usize) -> Answer {
    completion(match request.question() {
        "how I fear" => "Fear.",
        "how I hate" => "joy",
        _ => "I would rather not say",
    })
}

#[test]
fn a_run_prints_scores_counts_and_costs() {
    let (place, server) = (place(), Server::start(answer));
    let endpoint = server.endpoint();
    let rest = format!("--endpoint {endpoint} --price-in 1000 --price-out 1000 --out run");
    let said = few_shot(&place, &rest).succeeded();
    insta::assert_snapshot!(said.stdout, @r"
    model              test-model
    runs               2 of 3 rows
    accuracy           0.3333 ± 0.0000
    micro F1           0.3333 ± 0.0000
    macro F1           0.3333 ± 0.0000
    weighted F1        0.3333 ± 0.0000
    balanced accuracy  0.3333 ± 0.0000
    unparsed           2 of 6
    requests           6, 0 asked again
    tokens             60 in, 6 out
    cost               0.0660
    predictions        run/predictions.csv
    ");
    assert_eq!(server.received().len(), 6);
    assert!(!said.stderr.contains(KEY), "{}", said.stderr);
    for name in ["config.toml", "record.json", "result.json", "replies.jsonl", "predictions.csv"] {
        assert!(!place.read(&format!("run/{name}")).contains(KEY), "{name}");
    }
    let result: serde_json::Value = serde_json::from_str(&place.read("run/result.json")).unwrap();
    assert_eq!(result["method"], "llm-few-shot");
    for score in ["accuracy", "micro_f1", "macro_f1", "weighted_f1", "balanced_accuracy"] {
        assert_eq!(result[score], result["summary"][score]["mean"], "{score}");
    }
}

#[test]
fn a_recording_replayed_without_network_gives_the_same_result() {
    let (place, server) = (place(), Server::start(answer));
    let endpoint = server.endpoint();
    few_shot(&place, &format!("--endpoint {endpoint} --record kept.jsonl --out run")).succeeded();
    drop(server);
    for (from, out) in [("kept.jsonl", "again"), ("run/replies.jsonl", "and-again")] {
        let said = few_shot(&place, &format!("--replay {from} --out {out} --json")).succeeded();
        assert_eq!(place.read("run/result.json"), place.read(&format!("{out}/result.json")));
        assert_eq!(said.json()["usage"]["n_requests"], 6);
    }
    let said = few_shot(&place, "--replay kept.jsonl --seed 2 --out other");
    assert_eq!(said.code, 2);
    assert!(said.stderr.contains("6 of 6 requests have no recorded reply"), "{}", said.stderr);
    assert!(!place.path("other").exists());
}

#[test]
fn a_busy_server_is_waited_for_and_a_key_it_refuses_is_not() {
    let place = place();
    let busy = Server::start(|request, before| match before {
        0 => Answer::Whole(429, vec![("Retry-After", "1".into())], "{}".into()),
        _ => answer(request, before),
    });
    let line = format!("--endpoint {} --out run --concurrency 1", busy.endpoint());
    let said = few_shot(&place, &line).succeeded();
    assert!(said.stderr.contains("is not ready (429)"), "{}", said.stderr);
    assert!(said.stdout.contains("requests           6, 1 asked again"), "{}", said.stdout);

    let strict = Server::start(|_, _| error(401, "wrong key sk-cli-secret"));
    let line = format!("--endpoint {} --out refused --concurrency 1", strict.endpoint());
    let said = few_shot(&place, &line);
    assert_eq!((said.code, strict.received().len()), (1, 1));
    assert!(said.stderr.contains("environment variable `OPENAI_API_KEY`, which is set"));
    assert!(!said.stderr.contains(KEY) && !said.stderr.contains("goes on"), "{}", said.stderr);
    assert!(!place.path("refused/result.json").exists());
}

#[test]
fn a_run_that_failed_goes_on_with_the_same_command() {
    let place = place();
    let server = Server::start(|request, before| match before {
        2 => Answer::Cut,
        _ => answer(request, before),
    });
    let endpoint = server.endpoint();
    let line = format!("--endpoint {endpoint} --retries 0 --concurrency 1 --quiet --out run");
    let said = few_shot(&place, &line);
    assert_eq!(said.code, 1);
    assert!(said.stderr.contains("stopped after 2 of 6 replies"), "{}", said.stderr);
    assert!(said.stderr.contains("hint: replies so far are kept"), "{}", said.stderr);
    few_shot(&place, &line).succeeded();
    assert_eq!(server.received().len(), 3 + 4);
    let said = few_shot(&place, &line);
    assert_eq!((said.code, server.received().len()), (2, 7));
    assert!(said.stderr.contains("already holds a finished run"), "{}", said.stderr);
}

#[test]
fn a_run_that_was_killed_goes_on_with_the_same_command() {
    let place = place();
    let server = Server::start(|request, before| {
        if before == 3 {
            std::thread::sleep(Duration::from_secs(5));
        }
        answer(request, before)
    });
    let line =
        format!("few-shot {FILES} --endpoint {} --concurrency 1 --out run", server.endpoint());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_lane"))
        .args(line.split_whitespace())
        .current_dir(place.path(""))
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    while server.received().len() < 4 {
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(place.read("run/replies.jsonl").lines().count(), 3);
    place.lane(&line).succeeded();
    // The fourth was on its way and is asked again.
    assert_eq!(server.received().len(), 4 + 3);
}

#[test]
fn a_dry_run_sends_and_writes_nothing() {
    let (place, server) = (place(), Server::start(answer));
    let names = place.names();
    let endpoint = server.endpoint();
    let rest = format!("--endpoint {endpoint} --dry-run --price-in 1 --price-out 2");
    let said = few_shot(&place, &rest).succeeded();
    for words in [
        "requests           6\n",
        "at most 48 out",
        "cost               about",
        "You classify texts.",
    ] {
        assert!(said.stdout.contains(words), "{words}: {}", said.stdout);
    }
    let json = few_shot(&place, "--dry-run --json").succeeded().json();
    assert_eq!((json["n_requests"].as_u64(), json["cost"].is_null()), (Some(6), true));
    assert_eq!((server.received().len(), place.names()), (0, names));
}

#[test]
fn what_cannot_be_asked_is_refused_before_anything_is_sent() {
    let (place, server) = (place(), Server::start(answer));
    let names = place.names();
    let to = format!("--endpoint {}", server.endpoint());
    for (rest, words) in [
        ("--out run".into(), "--endpoint"),
        (to.clone(), "--out"),
        (format!("{to} --out run --replay x.jsonl"), "cannot be used with"),
        (format!("{to} --out run --price-in 1"), "--price-out"),
        (format!("{to} --out run --given-labels --wrong-share 0.1"), "cannot be used with"),
        (format!("{to} --out run --wrong-share 20"), "noise rate is 20"),
        (format!("{to} --out run --shots 7"), "`shots` is 7, expected at most the 6 rows"),
        (format!("{to} --out run --runs 0"), "`--runs` is 0, expected at least 1"),
        (format!("{to} --out run --context-tokens 20"), "row `0` of the test file takes about"),
        (format!("{to} --out run --test none.csv"), "none.csv"),
        (format!("{to} --out run --api-key-env NOT_SET_HERE"), "a variable that is set"),
        (
            format!("{to} --out run --api-key-env sk-proj-secret"),
            "the name of an environment variable",
        ),
        ("--endpoint http://me:secret@host/v1 --out run".into(), "http(s)://HOST/PATH"),
    ] {
        // `--shots` and the like may stand once only.
        let files = if rest.contains("--shots") { "--shots 5" } else { "" };
        let files = if rest.contains("--runs") { "--runs 2" } else { files };
        let files = if rest.contains("--test") { "--test test.csv" } else { files };
        let line = format!("few-shot {} {rest}", FILES.replacen(files, "", 1));
        let said = place.lane_with(&line, &[("OPENAI_API_KEY", KEY)]);
        assert_eq!(said.code, 2, "{rest}: {}", said.stderr);
        assert!(said.stdout.is_empty() && said.stderr.contains(words), "{rest}: {}", said.stderr);
        assert!(!said.stderr.contains("secret"), "{rest}: {}", said.stderr);
    }
    assert_eq!((server.received().len(), place.names()), (0, names));
}

#[test]
fn requests_are_shaped_as_the_options_say() {
    let (place, server) = (place(), Server::start(answer));
    let endpoint = server.endpoint();
    let rest = format!(
        "--endpoint {endpoint} --max-completion-tokens --max-tokens 99 --omit temperature --omit seed --given-labels --out run"
    );
    few_shot(&place, &rest).succeeded();
    let fields: Vec<String> =
        server.received()[0].body.as_object().unwrap().keys().cloned().collect();
    assert_eq!(fields, ["model", "messages", "max_completion_tokens"]);
    assert!(!place.read("run/examples.csv").lines().any(|line| line.ends_with(",1")));
}
