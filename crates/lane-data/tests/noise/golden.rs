//! Values of `fixtures/golden/noise_injection.json`, made with `NumPy`.

use lane_data::ClassId;
use lane_data::noise::{Transition, instance, sampling};
use serde_json::Value;

use super::labels;

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/noise_injection.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// All numbers of a nested list, first index slowest.
fn numbers(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        other => vec![other.as_f64().unwrap()],
    }
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|it| it.as_u64().unwrap() as usize).collect()
}

fn classes(value: &Value) -> Vec<ClassId> {
    indices(value).into_iter().map(|it| ClassId(it as u16)).collect()
}

#[track_caller]
fn close(what: &str, ours: &[f64], file: &Value, expected: &Value) {
    let (abs, rel) = (file["abs_tol"].as_f64().unwrap(), file["rel_tol"].as_f64().unwrap());
    let theirs = numbers(expected);
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (a, b)) in ours.iter().zip(&theirs).enumerate() {
        assert!((a - b).abs() <= abs + rel * b.abs(), "{what}[{at}]: ours {a}, theirs {b}");
    }
}

fn matrices(file: &Value) -> [(&'static str, Transition); 4] {
    let rate = file["inputs"]["rate"].as_f64().unwrap();
    let similarity = numbers(&file["inputs"]["similarity"]);
    [
        ("symmetric_exclusive", Transition::uniform(rate, 3).unwrap()),
        ("symmetric_inclusive", Transition::uniform_inclusive(rate, 3).unwrap()),
        ("pairwise", Transition::pairwise(rate, 3).unwrap()),
        ("class_conditional", Transition::from_similarity(rate, &similarity, 3).unwrap()),
    ]
}

#[test]
fn transition_matrices_agree() {
    let file = golden();
    for (name, matrix) in matrices(&file) {
        let key = match name {
            "class_conditional" => "T_class_conditional_from_similarity".to_owned(),
            name => format!("T_{name}"),
        };
        close(name, matrix.values(), &file, &file["expected"][key]);
    }
}

#[test]
fn labels_drawn_with_given_numbers_agree() {
    let file = golden();
    let old = classes(&file["inputs"]["y"]);
    for (name, matrix) in matrices(&file) {
        let new = sampling::of_labels(&old, &matrix, numbers(&file["inputs"]["u"]));
        assert_eq!(new, classes(&file["expected"][format!("sample_{name}")]), "{name}");
    }
}

#[test]
fn shuffled_labels_and_their_rate_agree() {
    let file = golden();
    let given = &file["inputs"]["shuffle"];
    let old = classes(&given["labels"]);
    let new = sampling::permuted(&old, &indices(&given["indices"]), &indices(&given["perm"]));
    assert_eq!(new, classes(&file["expected"]["shuffle_result"]));
    let flipped = old.iter().zip(&new).filter(|(old, new)| old != new).count();
    let realised = flipped as f64 / old.len() as f64;
    close("realised", &[realised], &file, &file["expected"]["shuffle_realised_noise"]);
}

#[test]
fn expected_rates_agree() {
    let file = golden();
    let expected = &file["expected"]["expected_realised_noise"];
    // Class shares .5, .3, .2 as in the file.
    let shares = labels(&[0, 0, 0, 0, 0, 1, 1, 1, 2, 2]);
    for (name, key) in [("symmetric_exclusive", "exclusive"), ("symmetric_inclusive", "inclusive")]
    {
        let (_, matrix) = matrices(&file).into_iter().find(|(it, _)| *it == name).unwrap();
        close(name, &[matrix.expected_rate(&shares)], &file, &expected[key]);
    }
    let rate = file["inputs"]["rate"].as_f64().unwrap();
    let squares: f64 =
        numbers(&file["expected"]["class_prior_for_shuffle"]).iter().map(|it| it * it).sum();
    close("shuffle", &[rate * (1.0 - squares)], &file, &expected["shuffle_large_N"]);
}

#[test]
fn numbers_of_selected_rows_agree() {
    let file = golden();
    let rate = file["inputs"]["rate"].as_f64().unwrap();
    for (name, expected) in file["expected"]["n_selected_floor(r*N)"].as_object().unwrap() {
        let n_rows = name.trim_start_matches("N=").parse().unwrap();
        assert_eq!(sampling::n_selected(rate, n_rows) as u64, expected.as_u64().unwrap(), "{name}");
    }
}

#[test]
fn instance_probabilities_and_draws_agree() {
    let file = golden();
    let given = &file["inputs"]["idn"];
    let weights = &given["W[class][feature][class]"];
    let (flips, draws) = (numbers(&given["q"]), numbers(&given["u"]));
    let mut new = Vec::new();
    for (row, label) in classes(&given["y"]).into_iter().enumerate() {
        let features = numbers(&given["X"][row]);
        let weights = numbers(&weights[label.index()]);
        let ours = instance::probabilities(&features, &weights, flips[row], label, 3);
        close("idn_probs", &ours, &file, &file["expected"]["idn_probs"][row]);
        new.push(sampling::class_at(&ours, draws[row]));
    }
    assert_eq!(new, classes(&file["expected"]["idn_sample"]));
}
