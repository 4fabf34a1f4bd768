//! Tokenizers against what transformers and sentencepiece gave.

use std::path::PathBuf;

use serde::Deserialize;

use super::*;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden")
}

fn folder() -> PathBuf {
    golden().join("marian")
}

#[derive(Deserialize)]
struct Golden {
    tokenized: Vec<Tokenized>,
    long: Long,
    generated: Vec<Generated>,
}

#[derive(Deserialize)]
struct Tokenized {
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Long {
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Generated {
    ids: Vec<Vec<u32>>,
    texts: Vec<String>,
}

fn read() -> (Golden, Tokenizer) {
    let golden: Golden =
        serde_json::from_slice(&std::fs::read(golden().join("marian.json")).unwrap()).unwrap();
    let config = MarianConfig::read(&folder()).unwrap();
    (golden, Tokenizer::open(&folder(), &config).unwrap())
}

/// A copy of the small folder, with some files written anew (none: removed).
fn altered(files: &[(&str, Option<&[u8]>)]) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["config.json", "source.spm", "target.spm", "vocab.json", "tokenizer_config.json"] {
        std::fs::copy(folder().join(name), copy.path().join(name)).unwrap();
    }
    for (name, contents) in files {
        match contents {
            Some(bytes) => std::fs::write(copy.path().join(name), bytes).unwrap(),
            None => std::fs::remove_file(copy.path().join(name)).unwrap(),
        }
    }
    copy
}

#[track_caller]
fn refused(files: &[(&str, Option<&[u8]>)], answers: &[&str]) {
    let copy = altered(files);
    let config = MarianConfig::read(&folder()).unwrap();
    let error = Tokenizer::open(copy.path(), &config).unwrap_err();
    assert!(error.is_usage());
    for answer in answers {
        assert!(error.to_string().contains(answer), "no {answer:?} in {error}");
    }
}

#[test]
fn ids_are_those_of_transformers() {
    let (golden, tokenizer) = read();
    for Tokenized { text, ids } in golden.tokenized {
        assert_eq!(tokenizer.encode(&text).unwrap(), Encoded { ids, cut: false }, "{text:?}");
    }
}

#[test]
fn text_beyond_the_positions_is_cut_before_its_end_and_that_is_said() {
    let (Golden { long: Long { text, ids }, .. }, tokenizer) = read();
    assert_eq!(tokenizer.encode(&text).unwrap(), Encoded { ids, cut: true });
}

#[test]
fn texts_of_ids_are_those_of_transformers() {
    let (golden, tokenizer) = read();
    let pairs = golden.generated.iter().flat_map(|it| it.ids.iter().zip(&it.texts));
    for (ids, text) in pairs {
        assert_eq!(&tokenizer.decode(ids).unwrap(), text);
    }
}

#[test]
fn spaces_are_cleaned_up_where_the_folder_asks_for_it() {
    assert_eq!(cleaned_up("she did n't , 's ?"), "she didn't,'s?");
    let copy = altered(&[(
        "tokenizer_config.json",
        Some(br#"{"model_max_length": 1e30, "clean_up_tokenization_spaces": true}"#),
    )]);
    let config = MarianConfig::read(&folder()).unwrap();
    let tokenizer = Tokenizer::open(copy.path(), &config).unwrap();
    assert_eq!((tokenizer.most, tokenizer.clean_up), (config.max_position_embeddings, true));
}

#[test]
fn missing_and_broken_files_are_named() {
    refused(
        &[("source.spm", None)],
        &["has no tokenizer", "source.spm with target.spm", "tokenizer.json"],
    );
    refused(&[("target.spm", None)], &["has no target.spm"]);
    refused(&[("vocab.json", None)], &["has no vocab.json"]);
    refused(&[("vocab.json", Some(b"[1]"))], &["vocab.json", "does not parse"]);
    refused(&[("source.spm", Some(b"not a model"))], &["source.spm", "does not parse"]);
    refused(&[("source.spm", Some(b""))], &["source.spm", "no pieces"]);
    refused(
        &[("tokenizer_config.json", Some(br#"{"separate_vocabs": true}"#))],
        &["separate_vocabs"],
    );
}

#[test]
fn vocabulary_of_another_model_is_refused() {
    let vocabulary = |text: &str| text.as_bytes().to_vec();
    for (text, answers) in [
        (r#"{"</s>": 0, "<unk>": 1, "<pad>": 181}"#, ["the highest id", "181", "below 181"]),
        (r#"{"</s>": 0, "<unk>": 1, "<pad>": 9}"#, ["<pad>", "is 9", "180"]),
        (r#"{"</s>": 0, "<pad>": 180}"#, ["<unk>", "missing", "an id"]),
    ] {
        refused(&[("vocab.json", Some(&vocabulary(text)))], &answers);
    }
}

#[test]
fn tokenizer_json_is_read_where_there_is_no_source_spm() {
    let json = br#"{"version": "1.0", "added_tokens": [
        {"id": 0, "content": "</s>", "special": true, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false}],
        "normalizer": null, "post_processor": null, "truncation": null, "padding": null,
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": false},
        "decoder": {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "always", "split": false},
        "model": {"type": "Unigram", "unk_id": 1,
            "vocab": [["</s>", 0], ["<unk>", 0], ["\u2581a", -1], ["b", -1], ["\u2581", -3]]}}"#;
    let copy = altered(&[("source.spm", None), ("tokenizer.json", Some(json))]);
    let config = MarianConfig::read(&folder()).unwrap();
    let tokenizer = Tokenizer::open(copy.path(), &config).unwrap();
    assert_eq!(tokenizer.encode("ab a").unwrap().ids, [2, 3, 2, 0]);
    assert_eq!(tokenizer.decode(&[2, 3, 2, 0]).unwrap(), "ab a");
    assert!(tokenizer.encode(&"ab ".repeat(60)).unwrap().cut);
}
