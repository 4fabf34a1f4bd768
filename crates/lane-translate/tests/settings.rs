//! `config.json` and `generation_config.json`: what is read, and what is refused.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

use std::path::Path;

use lane_translate::{Decoding, EarlyStopping, MarianConfig, TranslateError};
use serde_json::{Value, json};

fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/marian");
    serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap()
}

/// A folder with these two files, the second one only where it is some.
fn folder(config: &Value, generation: Option<&Value>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    if let Some(generation) = generation {
        let path = folder.path().join("generation_config.json");
        std::fs::write(path, generation.to_string()).unwrap();
    }
    folder
}

fn with(mut value: Value, key: &str, changed: Value) -> Value {
    value[key] = changed;
    value
}

fn decoding(config: &Value, generation: Option<&Value>) -> Result<Decoding, TranslateError> {
    let folder = folder(config, generation);
    let config = MarianConfig::read(folder.path())?;
    Decoding::read(folder.path(), &config, 32)
}

#[track_caller]
fn says(error: &TranslateError, answers: &[&str]) {
    assert!(error.is_usage());
    for answer in answers {
        assert!(error.to_string().contains(answer), "no {answer:?} in {error}");
    }
}

#[test]
fn settings_come_from_the_generation_config() {
    let found =
        decoding(&fixture("config.json"), Some(&fixture("generation_config.json"))).unwrap();
    let expected = Decoding {
        beams: 3,
        max_tokens: 32,
        length_penalty: 1.0,
        early_stopping: EarlyStopping::Heuristic,
        barred: vec![180],
        end: 0,
        start: 180,
        forced_end: true,
        renormalize: true,
    };
    assert_eq!(found, expected);
}

#[test]
fn old_folders_have_them_in_the_config() {
    let config = with(fixture("config.json"), "num_beams", json!(6));
    let config = with(config, "bad_words_ids", json!([[180], [0], [7]]));
    let found = decoding(&config, None).unwrap();
    // The end cannot be barred.
    assert_eq!((found.beams, found.barred, found.renormalize), (6, vec![7, 180], false));
}

#[test]
fn folder_that_says_nothing_of_beams_is_searched_greedily() {
    assert_eq!(decoding(&fixture("config.json"), Some(&json!({}))).unwrap().beams, 1);
}

#[test]
fn early_stopping_has_three_values() {
    let of = |value: Value| {
        let generation = with(fixture("generation_config.json"), "early_stopping", value);
        decoding(&fixture("config.json"), Some(&generation)).map(|it| it.early_stopping)
    };
    assert_eq!(of(json!(false)).unwrap(), EarlyStopping::Heuristic);
    assert_eq!(of(json!(true)).unwrap(), EarlyStopping::Yes);
    assert_eq!(of(json!("never")).unwrap(), EarlyStopping::Never);
    says(&of(json!("always")).unwrap_err(), &["`early_stopping`", "always", "never"]);
}

#[test]
fn setting_that_changes_outputs_and_is_not_implemented_is_refused() {
    for (key, value, answer) in [
        ("no_repeat_ngram_size", json!(3), "is 3, expected 0"),
        ("repetition_penalty", json!(1.2), "is 1.2, expected 1"),
        ("min_length", json!(5), "is 5, expected 0"),
        ("do_sample", json!(true), "is true, expected false"),
        ("suppress_tokens", json!([4]), "is [4], expected none"),
        ("bad_words_ids", json!([[4, 5]]), "is [4, 5], expected single ids"),
        ("forced_eos_token_id", json!(4), "is 4, expected 0"),
    ] {
        let generation = with(fixture("generation_config.json"), key, value);
        let error = decoding(&fixture("config.json"), Some(&generation)).unwrap_err();
        says(&error, &["generation_config.json", key, answer]);
    }
    for (key, value) in [
        ("no_repeat_ngram_size", json!(0)),
        ("repetition_penalty", json!(1.0)),
        ("suppress_tokens", json!(null)),
        ("temperature", json!(0.3)),
    ] {
        let generation = with(fixture("generation_config.json"), key, value);
        assert!(decoding(&fixture("config.json"), Some(&generation)).is_ok(), "{key}");
    }
}

#[test]
fn ids_and_numbers_beyond_the_model_are_refused() {
    let of = |key: &str, value: Value| {
        let generation = with(fixture("generation_config.json"), key, value);
        decoding(&fixture("config.json"), Some(&generation)).unwrap_err()
    };
    says(&of("bad_words_ids", json!([[181]])), &["is 181, expected below 181"]);
    says(&of("num_beams", json!(0)), &["the number of beams is 0, expected 1 to 89"]);
    says(&of("num_beams", json!(90)), &["the number of beams is 90"]);
    says(&of("num_beams", json!("many")), &["generation_config.json", "does not parse"]);
}

#[test]
fn model_of_another_kind_or_shape_is_refused() {
    for (key, value, answer) in [
        ("model_type", json!("bert"), "is `bert`, expected `marian`"),
        ("share_encoder_decoder_embeddings", json!(false), "expected one table of embeddings"),
        ("decoder_vocab_size", json!(9), "is 9, expected `vocab_size`"),
        ("encoder_attention_heads", json!(5), "is 5, expected a divisor of `d_model`"),
        ("d_model", json!(0), "`d_model` is 0"),
        ("max_position_embeddings", json!(1), "is 1, expected 2 or more"),
        ("eos_token_id", json!(181), "is 181, expected below 181"),
        ("activation_function", json!("tanh"), "does not parse"),
    ] {
        let folder = folder(&with(fixture("config.json"), key, value), None);
        says(&MarianConfig::read(folder.path()).unwrap_err(), &["config.json", answer]);
    }
    let bert = folder(&json!({"model_type": "bert", "hidden_size": 4}), None);
    says(&MarianConfig::read(bert.path()).unwrap_err(), &["`bert`"]);
    let empty = tempfile::tempdir().unwrap();
    says(&MarianConfig::read(empty.path()).unwrap_err(), &["has no config.json"]);
}
