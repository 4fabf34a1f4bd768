//! The ranking against numpy; `fixtures/golden/audit_ranking.py` made the numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_audit::cut_off;
use lane_audit::features::{self, Features, Layer};
use lane_audit::model::Estimate;
use lane_audit::noise_matrix::OutOfFold;
use lane_audit::regression::{Folds, Labelled, RegressionConfig, out_of_fold};
use lane_audit::reviewed::{Looked, Reviewed};
use lane_audit::suspicion::{Judge, ranking};
use lane_metrics::{ClassId, RowId};
use serde_json::Value;

const TOLERANCE: f64 = 1e-6;
/// Of intervals from pairs drawn at random.
const TOLERANCE_OF_DRAWS: f64 = 0.015;
/// Of probabilities, where two methods stop near one optimum.
const TOLERANCE_OF_OPTIMUM: f64 = 1e-4;

fn golden(part: &str) -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/audit_ranking.json");
    let text = std::fs::read_to_string(path).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[part].clone()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()).collect()
}

fn labels(value: &Value) -> Vec<ClassId> {
    serde_json::from_value(value.clone()).unwrap()
}

#[track_caller]
fn check(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{name} {at}: {found}, not {expected}");
    }
}

/// The features called `last` and `three`.
fn both(golden: &Value) -> [(&'static str, Features); 2] {
    let layers = ["last", "middle", "first"].map(|it| {
        numbers(&golden["layers"][it]).into_iter().map(|it| it as f32).collect::<Vec<_>>()
    });
    let [last, middle, first] = [0, 1, 2].map(|at| Layer::new(&layers[at], 8).unwrap());
    let three = features::three([last, middle, first]).unwrap();
    [("last", features::last(last)), ("three", three)]
}

#[test]
fn features_are_those_of_numpy() {
    let golden = golden("regression");
    for (name, features) in both(&golden) {
        let found: Vec<_> = (0..12).flat_map(|row| features.row(row)).map(f64::from).collect();
        check(name, &found, &numbers(&golden[name]), TOLERANCE);
    }
}

#[test]
fn regression_ends_at_the_optimum_that_newton_finds() {
    let golden = golden("regression");
    let labels = labels(&golden["labels"]);
    let folds = serde_json::from_value(golden["folds"].clone()).unwrap();
    let folds = Folds::new(folds, 5).unwrap();
    for (name, features) in both(&golden) {
        let cells = golden["cells"].as_array().unwrap().iter();
        for cell in cells.filter(|cell| cell["features"] == name) {
            let inverse_penalty = cell["inverse_penalty"].as_f64().unwrap();
            let config =
                RegressionConfig { inverse_penalty, tolerance: 1e-7, max_iterations: 1000 };
            let rows = Labelled::new(&features, &labels, 4).unwrap();
            let found = out_of_fold(rows, &folds, config).unwrap();
            let found: Vec<_> = found.into_iter().map(f64::exp).collect();
            let name = format!("{name} at C = {inverse_penalty}");
            check(&name, &found, &numbers(&cell["probabilities"]), TOLERANCE_OF_OPTIMUM);
        }
    }
}

#[test]
fn noise_matrix_suspicion_and_suggestions_are_those_of_numpy() {
    let golden = golden("scores");
    let (probabilities, labels) = (numbers(&golden["probabilities"]), labels(&golden["labels"]));
    let judge = Judge::new(OutOfFold::new(&probabilities, &labels, 4).unwrap());
    let noise = judge.noise();
    let of = |name: &str, found: &[f64]| check(name, found, &numbers(&golden[name]), TOLERANCE);
    of("confident_counts", &noise.confident_counts);
    of("given_where_true", &noise.given_where_true);
    let shares = [noise.uniform, noise.directed];
    let expected = ["uniform", "directed"].map(|it| golden[it].as_f64().unwrap());
    check("shares", &shares, &expected, TOLERANCE);
    let suspicions = judge.suspicions();
    of("suspicions", &suspicions);
    of("stands", &judge.stands());
    let suggestions = judge.suggestions();
    of("suggested", &suggestions.iter().map(|it| f64::from(it.label.0)).collect::<Vec<_>>());
    of("suggested_probability", &suggestions.iter().map(|it| it.probability).collect::<Vec<_>>());
    let ranked: Vec<_> =
        ranking(&suspicions).into_iter().map(|RowId(row)| f64::from(row)).collect();
    of("ranking", &ranked);
}

#[test]
fn the_cut_off_is_the_one_of_flips_planted_one_by_one() {
    let golden = golden("scores");
    let (probabilities, labels) = (numbers(&golden["probabilities"]), labels(&golden["labels"]));
    let judge = Judge::new(OutOfFold::new(&probabilities, &labels, 4).unwrap());
    let cut = cut_off::choose(&judge);
    assert_eq!(cut.n_flagged as u64, golden["n_flagged"].as_u64().unwrap());
    assert_eq!(cut.n_worth_a_look as u64, golden["n_worth_a_look"].as_u64().unwrap());
    let threshold = golden["threshold"].as_f64().unwrap();
    check("threshold", &[cut.cut_off.threshold], &[threshold], TOLERANCE);
    let of = |name: &str, it: Estimate| {
        check(name, &[it.value, it.low, it.high], &numbers(&golden[name]), TOLERANCE);
    };
    check("p_wrong", &cut.p_wrong, &numbers(&golden["p_wrong"]), TOLERANCE);
    of("precision", cut.cut_off.precision);
    of("recall", cut.cut_off.recall);
    of("share_wrong", cut.cut_off.share_wrong);
}

#[test]
fn what_was_reviewed_says_what_all_pairs_of_draws_say() {
    for case in golden("reviewed").as_array().unwrap() {
        let look = |name: &str| {
            let [n_rows, n_looked, n_wrong] = serde_json::from_value(case[name].clone()).unwrap();
            Looked { n_rows, n_looked, n_wrong }
        };
        let found = Reviewed::new(look("flagged"), look("unflagged"), 1).unwrap();
        let of = |name: &str, it: Option<Estimate>, tolerance| {
            let it = it.unwrap();
            check(name, &[it.value, it.low, it.high], &numbers(&case[name]), tolerance);
        };
        of("precision", found.precision, 1e-9);
        of("recall", found.recall, TOLERANCE_OF_DRAWS);
        of("share_wrong", found.share_wrong, TOLERANCE_OF_DRAWS);
    }
}
