//! Doors that need no burn.

use std::fmt::Display;
use std::path::Path;

use lane_audit::RowKind;
use lane_audit::report::{self, Limits};
use lane_data::augment::back_translation::Translations;
use lane_data::read::{self, LabelPolicy};
use lane_data::{Columns, Dataset, Tokenizer};

use crate::apply::apply;
use crate::scratch;

/// A door: bytes in.
pub type Door = fn(&[u8]);

/// Every door of this file by the name of its target.
pub const DOORS: [(&str, Door); 8] = [
    ("delimited", delimited),
    ("json_lines", json_lines),
    ("parquet", parquet),
    ("translations", translations),
    ("tokenizer", tokenizer),
    ("audit", audit),
    ("apply", apply),
    ("recording", recording),
];

/// Ends one file of a case and begins the next, where a door reads several.
pub const NEXT_FILE: u8 = 0x1e;

/// What an answer must be: a value, or an error that can be shown.
pub fn answered<T, E: Display>(answer: Result<T, E>) -> Option<T> {
    match answer {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(!error.to_string().is_empty(), "an error that says nothing");
            None
        }
    }
}

/// CSV and TSV.
pub fn delimited(bytes: &[u8]) {
    data_file(&scratch::file("case.csv", bytes));
    data_file(&scratch::file("case.tsv", bytes));
}

/// JSON Lines.
pub fn json_lines(bytes: &[u8]) {
    data_file(&scratch::file("case.jsonl", bytes));
}

/// Parquet.
pub fn parquet(bytes: &[u8]) {
    data_file(&scratch::file("case.parquet", bytes));
}

/// The rows of a data file, if it has any that the program takes.
pub(crate) fn data_file(path: &Path) -> Option<Dataset> {
    let columns = Columns::default();
    answered(read::texts(path, &columns));
    let dataset = answered(read::dataset(path, &columns, LabelPolicy::Discover))?;
    assert!(dataset.n_rows() > 0 && dataset.labels.len() > 1);
    for example in &dataset.examples {
        assert!(!example.text.trim().is_empty() && !example.text.contains('\0'));
        assert!(example.label.index() < dataset.labels.len());
    }
    let known = answered(read::dataset(path, &columns, LabelPolicy::Known(&dataset.labels)));
    assert_eq!(known.map(|it| it.examples), Some(dataset.examples.clone()));
    Some(dataset)
}

/// A file of back-translations.
pub fn translations(bytes: &[u8]) {
    let path = scratch::file("case.tsv", bytes);
    let Some(found) = answered(Translations::read(&path)) else { return };
    let translated = found.of([("1", "one"), ("2", "two"), ("1", "one")]);
    assert!(found.n_rows() > 0 && translated.texts.len() == 3);
    assert_eq!(translated.texts[0], translated.texts[2]);
}

/// Texts for a tokenizer: words, marks, accents, another script, special tokens, a long word.
const TEXTS: [&str; 5] = [
    "a bad day, isn't it?",
    "caf\u{e9} cafe\u{301} \u{200f}\u{fffd} \u{1f600}",
    "\u{65e5}\u{672c}\u{8a9e} \u{e01}\u{e33} \u{130}",
    "[CLS] [MASK] ##a [UNK][SEP] \u{0}",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// `tokenizer.json` where the case begins with `{`, else `vocab.txt`.
pub fn tokenizer(bytes: &[u8]) {
    let folder = scratch::empty("tokenizer");
    let name = if bytes.first() == Some(&b'{') { "tokenizer.json" } else { "vocab.txt" };
    scratch::put(&folder, name, bytes);
    let Some(tokenizer) = answered(Tokenizer::open(&folder)) else { return };
    for length in [3, 16] {
        let Some(rows) = answered(tokenizer.encode(&TEXTS, length)) else { continue };
        for ids in rows {
            assert!(ids.len() <= length, "{} ids, expected at most {length}", ids.len());
            assert!(ids.iter().all(|id| u64::from(*id) < tokenizer.id_bound()));
        }
    }
    tokenizer.word_pieces();
    answered(tokenizer.save(&scratch::empty("saved")));
}

/// The folder of an audit: `audit.json`, [`NEXT_FILE`], `labels.csv`.
pub fn audit(bytes: &[u8]) {
    let folder = scratch::empty("audit");
    let mut files = bytes.splitn(2, |byte| *byte == NEXT_FILE);
    scratch::put(&folder, "audit.json", files.next().unwrap_or_default());
    scratch::put(&folder, "labels.csv", files.next().unwrap_or_default());
    let kinds = [RowKind::Wrong, RowKind::Conflict, RowKind::Hard, RowKind::Fine];
    if let Some(review) = answered(lane_review::Review::open(&folder, &kinds)) {
        assert!((0..review.n_shown()).all(|place| review.at(place).is_some()));
        let limits = Limits { characters: 20, ..Limits::default() };
        answered(report::page(review.audit(), &limits));
    }
}

/// Recorded replies of a language model.
pub fn recording(bytes: &[u8]) {
    let path = scratch::file("case.jsonl", bytes);
    answered(lane_few_shot::recorded::read(&path));
}
