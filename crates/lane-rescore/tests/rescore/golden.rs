//! Against what DuckDB made of a small log (`fixtures/reference/rescore.py golden`).

use lane_rescore::{Epochs, Score, rescore};
use serde_json::Value;

use crate::support::{Look, Place, check_order, ranking};

fn golden() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/rescore.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f32 {
    value.as_f64().unwrap() as f32
}

fn count(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn looks(golden: &Value) -> Vec<Look> {
    let lines = golden["looks"].as_array().unwrap();
    let look = |line: &Value| Look {
        row: count(&line[0]),
        epoch: count(&line[1]),
        label: count(&line[2]) as u16,
        margin: number(&line[3]),
        aware: (!line[4].is_null()).then(|| number(&line[4])),
        p_label: number(&line[5]),
        predicted: count(&line[6]) as u16,
        weight: number(&line[7]),
    };
    lines.iter().map(look).collect()
}

#[track_caller]
fn agree(name: &str, ours: Option<f64>, theirs: &Value) {
    let agree = match (ours, theirs.as_f64()) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() <= 1e-12 * theirs.abs().max(1.0),
        (ours, theirs) => ours == theirs,
    };
    assert!(agree, "{name}: {ours:?} here, {theirs} there");
}

#[test]
fn every_score_is_that_of_duckdb() {
    let golden = golden();
    let place = Place::with(&looks(&golden));
    for case in golden["cases"].as_array().unwrap() {
        let score: Score = case["score"].as_str().unwrap().parse().unwrap();
        let mut request = place.request(score);
        let (first, last) = (count(&case["epochs"][0]), count(&case["epochs"][1]));
        request.epochs = Some(Epochs { first, last });
        request.include_ci = case["include_ci"].as_bool().unwrap();
        rescore(&request).unwrap();
        let ranked = ranking(&request.out);
        let rows = case["rows"].as_array().unwrap();
        assert_eq!(ranked.len(), rows.len());
        check_order(&ranked, score);
        for line in &ranked {
            let theirs = rows.iter().find(|it| count(&it["row"]) == line.row).unwrap();
            assert_eq!(u32::from(line.label), count(&theirs["label"]));
            assert_eq!(line.epochs, count(&theirs["epochs"]));
            for score in Score::ALL {
                agree(score.as_str(), line.score(score), &theirs[score.as_str()]);
            }
        }
    }
}
