//! `llm_fewshot.json`: the parser, and how many examples are wrong.

use std::path::Path;

use lane_data::{Dataset, Example, LabelSet};
use lane_few_shot::examples::{ExampleConfig, Sampling, draw};
use lane_few_shot::parse::ReplyParser;
use lane_metrics::ClassId;
use serde_json::Value;

fn golden() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/llm_fewshot.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn labels(golden: &Value) -> LabelSet {
    let names = golden["inputs"]["labels"].as_array().unwrap();
    LabelSet::from_names(names.iter().map(|name| name.as_str().unwrap())).unwrap()
}

#[test]
fn replies_are_parsed_as_in_the_golden_file() {
    let golden = golden();
    let parser = ReplyParser::new(&labels(&golden)).unwrap();
    let cases = golden["expected"]["parse"].as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let reply = case["reply"].as_str().unwrap();
        let expected = u16::try_from(case["id"].as_i64().unwrap()).ok().map(ClassId);
        assert_eq!(parser.parse(reply), expected, "{reply:?}");
    }
}

#[test]
fn as_many_examples_are_wrong_as_in_the_golden_file() {
    let golden = golden();
    let labels = labels(&golden);
    let example = |row: u16| Example {
        id: row.to_string(),
        text: format!("text {row}"),
        label: ClassId(row % 4),
        gold: None,
    };
    let train = Dataset {
        examples: (0..300).map(example).collect(),
        labels,
        warnings: Vec::new(),
        sha256: String::new(),
        has_gold: false,
        path: "train.csv".into(),
    };
    let wrong_share = golden["inputs"]["noise"].as_f64();
    for key in ["shots", "shots_long"] {
        let shots = golden["inputs"][key].as_u64().unwrap();
        let expected = golden["expected"]["n_mislabeled"][shots.to_string()].as_u64().unwrap();
        // As many runs as the paper made of the model it ran most often.
        for run in 1..=golden["expected"]["runs"]["llama2_13b"].as_u64().unwrap() {
            let shots = shots as usize;
            let config = ExampleConfig { shots, sampling: Sampling::Uniform, wrong_share };
            let drawn = draw(&train, &config, 1, run as u32).unwrap();
            let n_wrong = drawn.iter().filter(|shot| shot.is_wrong()).count();
            assert_eq!((drawn.len(), n_wrong as u64), (shots, expected), "run {run}");
        }
    }
}
