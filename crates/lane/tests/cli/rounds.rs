//! Train, evaluate, predict: the three commands after each other.

use crate::support::Place;

const TRAIN: &str =
    "train --train noisy.csv --validation {built-in}/validation.csv --epochs 2 --max-length 32";

#[test]
fn a_run_is_evaluated_and_predicted_with_to_the_same_scores() {
    let place = Place::new().with_noise();
    let trained = place
        .lane(&format!("{TRAIN} --test {{built-in}}/test.csv --method base --out run --json"))
        .succeeded();
    let result = trained.json();
    assert_eq!((&result["method"], &result["n_train"]), (&"base".into(), &80.into()));
    assert_eq!(result["detection"]["n_wrong"], 16);
    assert_eq!(place.read("run/result.json"), trained.stdout);

    for model in ["run", "run/model"] {
        let line = format!("evaluate --model {model} --data {{built-in}}/test.csv --json");
        let scores = place.lane(&line).succeeded().json();
        assert_eq!(scores["n_rows"], 400);
        for key in ["accuracy", "micro_f1", "macro_f1", "weighted_f1", "balanced_accuracy"] {
            assert_eq!(scores[key], result[key], "{key}");
        }
    }
    let predicted = place
        .lane("predict --model run --data {built-in}/test.csv --out p.csv --json")
        .succeeded()
        .json();
    assert_eq!((&predicted["n_rows"], &predicted["out"]), (&400.into(), &"p.csv".into()));
    let rows = place.read("p.csv");
    assert!(rows.starts_with("id,text,predicted,probability\n") && rows.lines().count() == 401);
    for row in rows.lines().skip(1) {
        let probability: f64 = row.rsplit_once(',').unwrap().1.parse().unwrap();
        assert!((0.0999..=1.0).contains(&probability), "{row}");
    }
}

#[test]
fn a_file_without_labels_is_predicted_and_an_existing_answer_kept() {
    let place = Place::new().with_noise();
    place.lane("train --train noisy.csv --epochs 1 --method base --out run --quiet").succeeded();
    place.write(
        "new.jsonl",
        "{\"text\": \"my card was stolen\"}\n{\"text\": \"where is the parcel\"}\n",
    );
    let line = "predict --model run --data new.jsonl --out p.csv --logits";
    place.lane(line).succeeded();
    let rows = place.read("p.csv");
    let lines: Vec<&str> = rows.lines().collect();
    assert!(
        lines[0].starts_with("id,text,predicted,probability,logit_card-lost,logit_card-stolen,")
    );
    assert!(lines.len() == 3 && lines[1].starts_with("0,my card was stolen,"), "{rows}");

    let again = place.lane(line);
    assert_eq!(again.code, 2);
    assert!(
        again.stdout.is_empty() && again.stderr.contains("p.csv exists already"),
        "{}",
        again.stderr
    );
    place.lane(&format!("{line} --force")).succeeded();
    assert_eq!(place.read("p.csv"), rows);
}

#[test]
fn progress_goes_to_stderr_and_quiet_silences_it() {
    let place = Place::new().with_noise();
    let loud = place.lane(&format!("{TRAIN} --method base --out loud")).succeeded();
    let lines: Vec<&str> = loud.stderr.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("epoch 1/2  loss "), "{}", loud.stderr);
    assert!(lines[1].contains("  validation 0."), "{}", loud.stderr);
    let shown =
        loud.stdout.lines().map(|line| line.split_whitespace().next().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        shown,
        ["method", "best", "validation", "wrong", "found", "flagged", "most", "model"]
    );
    let quiet =
        place.lane(&format!("{TRAIN} --method base --out quiet --quiet --json")).succeeded();
    assert_eq!(quiet.stderr, "");
    quiet.json();
}

#[test]
fn a_finished_run_is_replaced_only_by_force() {
    let place = Place::new().with_noise();
    let line = "train --train noisy.csv --epochs 1 --method base --out run";
    place.lane(line).succeeded();
    let (result, model) =
        (place.bytes("run/result.json"), place.bytes("run/model/model.safetensors"));
    let refused = place.lane(&format!("{line} --seed 2"));
    assert_eq!(refused.code, 2);
    assert!(refused.stdout.is_empty(), "{}", refused.stdout);
    assert!(
        refused.stderr.contains("`run` already holds a finished run")
            && refused.stderr.contains("--force")
    );
    assert_eq!(place.bytes("run/result.json"), result);
    place.lane(&format!("{line} --seed 2 --force")).succeeded();
    assert_ne!(place.bytes("run/result.json"), result);
    assert_ne!(place.bytes("run/model/model.safetensors"), model);
}

#[test]
fn the_config_of_a_run_gives_the_same_run_again_whatever_the_threads() {
    let place = Place::new().with_noise();
    let line = format!(
        "{TRAIN} --test {{built-in}}/test.csv --seed 5 --lr 2e-3 --set lane.alpha=0.7 --out first"
    );
    place.lane(&line).succeeded();
    place
        .lane_with("train --config first/config.toml --out second", &[("RAYON_NUM_THREADS", "1")])
        .succeeded();
    for name in [
        "config.toml",
        "result.json",
        "labels.csv",
        "metrics.jsonl",
        "dynamics.parquet",
        "model/model.safetensors",
    ] {
        assert!(
            place.bytes(&format!("first/{name}")) == place.bytes(&format!("second/{name}")),
            "{name}"
        );
    }
    place.lane("train --config first/config.toml --seed 6 --out third").succeeded();
    assert_ne!(place.bytes("first/result.json"), place.bytes("third/result.json"));
}

#[test]
fn flags_lie_over_the_config_and_settings_over_flags() {
    let place = Place::new().with_noise();
    place.write(
        "base.toml",
        "method = \"base\"\nseed = 3\n[data]\ntrain = \"noisy.csv\"\n[training]\nepochs = 7\n",
    );
    let line = "train --config base.toml --epochs 2 --set training.epochs=1 --out run --json";
    let result = place.lane(line).succeeded().json();
    assert_eq!((&result["seed"], &result["final"]["epoch"]), (&3.into(), &1.into()));
}

#[test]
fn a_run_that_diverges_ends_with_code_1_and_without_a_result() {
    let place = Place::new().with_noise();
    let said = place.lane("train --train noisy.csv --method base --lr 1e6 --out run --json");
    assert_eq!(said.code, 1, "{}", said.stderr);
    assert!(
        said.stdout.is_empty() && said.stderr.contains("trains at a tenth of the rate"),
        "{}",
        said.stderr
    );
    assert!(
        said.stderr.contains("error: training diverged in epoch ")
            && said.stderr.contains("rows train-")
    );
    assert!(!place.path("run/result.json").exists());
    place.lane("train --train noisy.csv --method base --epochs 1 --out run").succeeded();
}
