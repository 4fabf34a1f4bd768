//! Values of `fixtures/golden/augmentation.json`.

use serde_json::Value;

use super::switchout::{SwitchOutConfig, TemperatureRule, WordPieces, edit_rate};
use super::synonyms::{SynonymConfig, replace_in_order};
use super::{ViewKind, strength};

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../fixtures/golden/augmentation.json")).unwrap()
}

fn expected(key: &str) -> Value {
    golden()["expected"][key].clone()
}

#[track_caller]
fn close(ours: &[f64], key: &str) {
    let file = golden();
    let (abs, rel) = (file["abs_tol"].as_f64().unwrap(), file["rel_tol"].as_f64().unwrap());
    let theirs: Vec<f64> = match expected(key) {
        Value::Array(values) => values.iter().map(|it| it.as_f64().unwrap()).collect(),
        value => vec![value.as_f64().unwrap()],
    };
    assert_eq!(ours.len(), theirs.len(), "{key}");
    for (a, b) in ours.iter().zip(&theirs) {
        assert!((a - b).abs() <= abs + rel * b.abs(), "{key}: ours {a}, theirs {b}");
    }
}

fn pmf(temperature: f64, rule: TemperatureRule) -> Vec<f64> {
    let length = golden()["inputs"]["L"].as_u64().unwrap() as usize;
    SwitchOutConfig { temperature, rule, ..SwitchOutConfig::default() }.edit_probabilities(length)
}

fn mean(pmf: &[f64]) -> f64 {
    pmf.iter().zip(0..).map(|(p, n)| p * f64::from(n)).sum()
}

#[test]
fn numbers_of_edits_are_distributed_as_in_the_golden_file() {
    let (author, one) = (pmf(0.1, TemperatureRule::Multiply), pmf(1.0, TemperatureRule::Multiply));
    close(&author, "switchout_pmf_author_code_tau_times_n");
    close(&one, "switchout_pmf_tau=1");
    close(&pmf(1.0, TemperatureRule::Divide), "switchout_pmf_divide_by_tau_(tau=1)");
    close(&[mean(&author)], "expected_edits_tau0.1");
    close(&[mean(&one)], "expected_edits_tau1");
    close(&[edit_rate(2, author.len())], "bernoulli_rate_for_n=2");
}

#[test]
fn offsets_are_added_round_the_vocabulary_as_in_the_golden_file() {
    let ids = |value: &Value| -> Vec<u32> { serde_json::from_value(value.clone()).unwrap() };
    let (inputs, case) = (golden()["inputs"].clone(), expected("apply_offset_mod_vocab"));
    let pieces = WordPieces::new(0..inputs["vocab"].as_u64().unwrap() as u32);
    let made: Vec<u32> = ids(&inputs["tokens"])
        .into_iter()
        .zip(ids(&case["mask"]).into_iter().zip(ids(&case["offset"])))
        .map(|(id, (edited, offset))| match edited {
            0 => id,
            _ => pieces.shifted(pieces.rank(id).unwrap(), offset as usize),
        })
        .collect();
    assert_eq!(made, ids(&case["result"]));
}

#[test]
fn synonyms_are_replaced_as_in_the_golden_file() {
    let case = expected("synonym_replacement");
    let words = |value: &Value| -> Vec<String> { serde_json::from_value(value.clone()).unwrap() };
    let (text, order) = (words(&case["tokens"]).join(" "), words(&case["pick_order"]));
    for (n_words, key) in [(1, "n=1"), (2, "n=2")] {
        let made = replace_in_order(&text, &order, n_words, |word| {
            case["synonyms"][word].as_str().map(ToOwned::to_owned)
        });
        assert_eq!(made, words(&case[key]).join(" "));
    }
    for (length, n_words) in expected("eda_num_words_alpha0.1").as_object().unwrap() {
        let ours = SynonymConfig::default().n_words(length.parse().unwrap());
        assert_eq!(ours as u64, n_words.as_u64().unwrap());
    }
}

#[test]
fn the_eight_views_are_the_golden_subsets_in_their_order() {
    let subsets: Vec<Vec<String>> =
        serde_json::from_value(expected("eight_views_as_subsets_of_three")).unwrap();
    let ours: Vec<Vec<String>> = ViewKind::SUBSETS
        .iter()
        .map(|view| {
            let does = view.alterations();
            let all = [(does.synonym, "SR"), (does.switchout, "SO"), (does.back_translation, "BT")];
            all.iter().filter(|(does, _)| *does).map(|(_, name)| (*name).to_owned()).collect()
        })
        .collect();
    assert_eq!(ours, subsets);
    let (n_views, batch) = (expected("n_views"), expected("batch"));
    assert_eq!(n_views, ours.len());
    assert_eq!(expected("total"), n_views.as_u64().unwrap() * batch.as_u64().unwrap());
}

#[test]
fn strength_is_counted_as_in_the_golden_file() {
    let case = expected("strength_aum_st");
    close_to(
        strength(1, 0.1, 3),
        case["1 synonym + p_del .1 + 3 intermediate languages"].as_f64().unwrap(),
    );
}

#[track_caller]
fn close_to(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-10, "ours {ours}, theirs {theirs}");
}
