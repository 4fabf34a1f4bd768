//! Tokenizers: made, saved, opened, refused; and a pretrained one where `LANE_ENCODER` names it.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use lane_data::{DataError, Tokenizer};

const TEXTS: [&str; 3] = ["The cat sat.", "A dog ran, fast!", "the dog"];

fn built_in() -> Tokenizer {
    Tokenizer::built_in(TEXTS, 200).unwrap()
}

/// The folder of a pretrained encoder; says so on one line where there is none.
fn encoder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("LANE_ENCODER").map(PathBuf::from);
    if folder.is_none() {
        // Past the capture of the test runner, which hides what a passing test prints.
        let mut stderr = std::io::stderr();
        writeln!(stderr, "skipped {test}: LANE_ENCODER is not set").unwrap();
    }
    folder
}

fn vocabulary_folder(tokens: &[&str], config: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("vocab.txt"), tokens.join("\n")).unwrap();
    if let Some(config) = config {
        fs::write(folder.path().join("tokenizer_config.json"), config).unwrap();
    }
    folder
}

/// The message without the folder.
fn refusal(folder: &Path, opened: Result<Tokenizer, DataError>) -> String {
    opened.unwrap_err().to_string().replace(&folder.display().to_string(), "DIR")
}

const SMALL: [&str; 9] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "Cat", "cat", "##s", "dog"];

#[test]
fn sequence_starts_with_cls_and_ends_with_sep() {
    let folder = vocabulary_folder(&SMALL, None);
    let tokenizer = Tokenizer::open(folder.path()).unwrap();
    let ids = tokenizer.encode(&["Cat dogs bird", ""], 16).unwrap();
    assert_eq!(ids, [vec![2, 6, 8, 7, 1, 3], vec![2, 3]]);
    assert_eq!((tokenizer.vocabulary_size(), tokenizer.pad_id()), (9, 0));
}

#[test]
fn config_decides_about_lower_case() {
    let folder = vocabulary_folder(&SMALL, Some(r#"{"do_lower_case": false}"#));
    let tokenizer = Tokenizer::open(folder.path()).unwrap();
    assert_eq!(tokenizer.encode(&["Cat cat"], 16).unwrap(), [[2, 5, 6, 3]]);
}

#[test]
fn config_may_name_other_special_tokens() {
    let tokens = ["<pad>", "<unk>", "<s>", "</s>", "cat"];
    let config = r#"{"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": {"content": "<s>"},
        "sep_token": "</s>", "mask_token": "<mask>"}"#;
    let folder = vocabulary_folder(&tokens, Some(config));
    let tokenizer = Tokenizer::open(folder.path()).unwrap();
    assert_eq!(tokenizer.encode(&["cat dog"], 16).unwrap(), [[2, 4, 1, 3]]);
}

#[test]
fn long_text_is_cut_and_still_ends_with_sep() {
    let folder = vocabulary_folder(&SMALL, None);
    let tokenizer = Tokenizer::open(folder.path()).unwrap();
    let ids = tokenizer.encode(&["cat cat cat cat", "cat cat", "cat"], 4).unwrap();
    assert_eq!(ids, [vec![2, 6, 6, 3], vec![2, 6, 6, 3], vec![2, 6, 3]]);
    let err = tokenizer.encode(&["cat"], 2).unwrap_err();
    assert_eq!(err.to_string(), "maximum length is 2, expected at least 3 tokens");
}

#[test]
fn folder_without_a_tokenizer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(
        refusal(folder.path(), Tokenizer::open(folder.path())),
        "DIR: no tokenizer.json and no vocab.txt in this folder"
    );
}

#[test]
fn vocabulary_without_a_special_token_is_refused() {
    let folder = vocabulary_folder(&["[PAD]", "[UNK]", "[CLS]", "cat"], None);
    assert_eq!(
        refusal(folder.path(), Tokenizer::open(folder.path())),
        "DIR/vocab.txt: the vocabulary has no token `[SEP]`"
    );
}

#[test]
fn files_that_are_not_what_they_should_be_are_refused() {
    let folder = vocabulary_folder(&SMALL, Some("{"));
    let message = refusal(folder.path(), Tokenizer::open(folder.path()));
    assert!(message.starts_with("DIR/tokenizer_config.json: cannot use this tokenizer: EOF"));
    let folder = tempfile::tempdir().unwrap();
    for text in ["{}", "[]", "{\"model\":{\"type\":\"WordPiece\"}}"] {
        fs::write(folder.path().join("tokenizer.json"), text).unwrap();
        let message = refusal(folder.path(), Tokenizer::open(folder.path()));
        assert!(
            message.starts_with("DIR/tokenizer.json: cannot use this tokenizer: "),
            "{message}"
        );
    }
    fs::write(folder.path().join("tokenizer.json"), b"\xff").unwrap();
    assert_eq!(
        refusal(folder.path(), Tokenizer::open(folder.path())),
        "DIR/tokenizer.json, line 1, column unknown (character 1): byte 0xff is not valid UTF-8"
    );
}

#[test]
fn built_in_tokenizer_knows_every_word_of_its_texts() {
    let tokenizer = built_in();
    for ids in tokenizer.encode(&TEXTS, 32).unwrap() {
        assert!(!ids.contains(&1), "{ids:?}");
    }
    // Letters seen spell unseen words; a character never seen is unknown.
    let ids = tokenizer.encode(&["cats", "%"], 32).unwrap();
    assert!(!ids[0].contains(&1) && ids[0].len() > 3);
    assert_eq!(ids[1], [2, 1, 3]);
}

#[test]
fn built_in_tokenizer_does_not_depend_on_the_order_of_the_texts() {
    let turned = Tokenizer::built_in(TEXTS.into_iter().rev(), 200).unwrap();
    assert_eq!(turned.fingerprint(), built_in().fingerprint());
    let other = Tokenizer::built_in(["another text"], 200).unwrap();
    assert_ne!(other.fingerprint(), built_in().fingerprint());
}

#[test]
fn saved_tokenizer_opens_from_either_file_and_gives_the_same_ids() {
    let tokenizer = built_in();
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    let texts = ["The cat, the dog!", "unseen words: 42 \u{e9}", "[SEP] in the text"];
    let expected = tokenizer.encode(&texts, 32).unwrap();
    let whole = Tokenizer::open(folder.path()).unwrap();
    assert_eq!(whole.encode(&texts, 32).unwrap(), expected);
    assert_eq!(whole.fingerprint(), tokenizer.fingerprint());
    fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    let listed = Tokenizer::open(folder.path()).unwrap();
    assert_eq!(listed.encode(&texts, 32).unwrap(), expected);
    assert_eq!(listed.fingerprint(), tokenizer.fingerprint());
}

#[test]
fn tokenizer_file_without_a_post_processor_gets_the_special_tokens_of_the_config() {
    let folder = tempfile::tempdir().unwrap();
    built_in().save(folder.path()).unwrap();
    let path = folder.path().join("tokenizer.json");
    let mut whole: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    whole["post_processor"] = serde_json::Value::Null;
    whole["truncation"] = serde_json::json!(
        { "max_length": 3, "strategy": "LongestFirst", "stride": 0, "direction": "Right" }
    );
    fs::write(&path, whole.to_string()).unwrap();
    let opened = Tokenizer::open(folder.path()).unwrap();
    assert_eq!(opened.encode(&TEXTS, 32).unwrap(), built_in().encode(&TEXTS, 32).unwrap());
}

#[test]
fn order_of_the_rows_is_kept_by_the_threads() {
    let tokenizer = built_in();
    let texts: Vec<String> = (0..2000).map(|n| "cat ".repeat(n % 40)).collect();
    let ids = tokenizer.encode(&texts, 64).unwrap();
    for (n, ids) in ids.iter().enumerate() {
        assert_eq!(ids.len(), n % 40 + 2);
    }
}

#[test]
fn pretrained_tokenizer_gives_the_ids_of_the_reference() {
    let Some(folder) = encoder("pretrained_tokenizer_gives_the_ids_of_the_reference") else {
        return;
    };
    let tokenizer = Tokenizer::open(&folder).unwrap();
    // From transformers' AutoTokenizer on all-MiniLM-L6-v2.
    let texts =
        ["What films featured the character Popeye Doyle ?", "Caf\u{e9} \u{4e2d}\u{6587}!", ""];
    let ids = tokenizer.encode(&texts, 128).unwrap();
    assert_eq!(ids[0], [101, 2054, 3152, 2956, 1996, 2839, 4831, 6672, 11294, 1029, 102]);
    assert_eq!(ids[1..], [vec![101, 7668, 1746, 1861, 999, 102], vec![101, 102]]);
    assert_eq!((tokenizer.vocabulary_size(), tokenizer.pad_id()), (30522, 0));
    // Stored padding (to 128) and truncation (at 128) are not applied.
    let long = "word ".repeat(300);
    assert_eq!(tokenizer.encode(&[long.as_str()], 256).unwrap()[0].len(), 256);
}

#[test]
fn vocabulary_file_alone_gives_the_same_ids_as_the_whole_tokenizer() {
    let name = "vocabulary_file_alone_gives_the_same_ids_as_the_whole_tokenizer";
    let Some(folder) = encoder(name) else { return };
    let alone = tempfile::tempdir().unwrap();
    for file in ["vocab.txt", "tokenizer_config.json"] {
        fs::copy(folder.join(file), alone.path().join(file)).unwrap();
    }
    let texts = ["Unbelievable, isn't it?", "na\u{ef}ve co-operation #42", "[MASK] \u{1f600}"];
    let ids = Tokenizer::open(&folder).unwrap().encode(&texts, 64).unwrap();
    assert_eq!(Tokenizer::open(alone.path()).unwrap().encode(&texts, 64).unwrap(), ids);
}
