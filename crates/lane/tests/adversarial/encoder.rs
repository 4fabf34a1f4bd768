//! Encoder folders whose `config.json` or tokenizer cannot be meant.

use crate::place::Place;

const VOCABULARY: &str = "[PAD] [UNK] [CLS] [SEP] [MASK] a b c d e f g h i j k l m n o p q r s t u v w x y z \
                          ##a ##b ##c ##d ##e ##f ##g ##h ##i ##j";

/// Folder `encoder` with weights of a small random BERT and a vocabulary of 41 letters.
pub(crate) fn write(place: &Place, folder: &str) {
    let bert = crate::place::root().join("fixtures/golden/bert");
    for name in ["config.json", "model.safetensors"] {
        place.write(&format!("{folder}/{name}"), std::fs::read(bert.join(name)).unwrap());
    }
    let lines = VOCABULARY.split_whitespace().collect::<Vec<_>>().join("\n");
    place.write(&format!("{folder}/vocab.txt"), lines + "\n");
}

pub(crate) fn line(folder: &str) -> String {
    format!("train --train good.csv --encoder {folder} --max-length 16 --out run --quiet")
}

/// Encoders that are well but for one file, the fixture, put in the place of `put`.
fn report(fixtures: &str, put: impl Fn(&str) -> &'static str) -> String {
    let rubbish = Place::new();
    let names = rubbish.copy(&format!("adversarial/{fixtures}"));
    let place = Place::new();
    for name in &names {
        write(&place, name);
        place.write(&format!("{name}/{}", put(name)), std::fs::read(rubbish.path(name)).unwrap());
    }
    place.report(names.iter().map(|name| (name.as_str(), line(name))))
}

#[test]
fn shapes_that_cannot_be() {
    insta::assert_snapshot!(report("encoder_config", |_| "config.json"));
}

#[test]
fn tokenizers_that_do_not_fit() {
    let put = |name: &str| {
        if name.split('.').next_back() == Some("txt") { "vocab.txt" } else { "tokenizer.json" }
    };
    insta::assert_snapshot!(report("tokenizer", put));
}

#[test]
fn folders_that_lack_a_file_or_hold_a_strange_one() {
    let place = Place::new();
    for (folder, missing) in [
        ("no_config", "config.json"),
        ("no_weights", "model.safetensors"),
        ("no_tokenizer", "vocab.txt"),
    ] {
        write(&place, folder);
        std::fs::remove_file(place.path(&format!("{folder}/{missing}"))).unwrap();
    }
    for (folder, file, text) in [
        ("deep_config", "config.json", "[".repeat(10_000)),
        ("deep_unknown_field", "config.json", format!("{{\"x\":{}1", "[".repeat(10_000))),
        (
            "type_of_10_mb",
            "config.json",
            format!("{{\"model_type\":\"{}\"}}", "x".repeat(10_000_000)),
        ),
        ("deep_tokenizer", "tokenizer.json", "[".repeat(10_000)),
        ("word_of_10_mb", "vocab.txt", format!("{VOCABULARY}\n{}\n", "x".repeat(10_000_000))),
        ("settings_broken", "tokenizer_config.json", "{".into()),
        ("settings_are_a_list", "tokenizer_config.json", "[]".into()),
    ] {
        write(&place, folder);
        place.write(&format!("{folder}/{file}"), text);
    }
    let names = [
        "no_config",
        "no_weights",
        "no_tokenizer",
        "deep_config",
        "deep_unknown_field",
        "type_of_10_mb",
        "deep_tokenizer",
        "word_of_10_mb",
        "settings_broken",
        "settings_are_a_list",
        "good.csv",
        "nowhere",
    ];
    insta::assert_snapshot!(place.report(names.map(|name| (name, line(name)))));
}
