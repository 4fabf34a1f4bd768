//! Views of a few rows: composition, seeds, fallbacks, what is said and what is kept.

use lane_data::Columns;
use lane_data::read::{self, LabelPolicy};
use tempfile::TempDir;

use super::*;

const TEXTS: [&str; 4] = [
    "please send my parcel to the old address",
    "where is the money for my order",
    "the parcel is late and I am annoyed",
    "xyzzy",
];

/// A training file of `TEXTS` with ids `r0` to `r3`.
struct Rows {
    folder: TempDir,
    dataset: Dataset,
}

#[derive(Default)]
struct Notes(Vec<String>);

impl Observer for Notes {
    fn note(&mut self, text: &str) {
        self.0.push(text.into());
    }
}

impl Rows {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("train.csv");
        let row = |(at, text): (usize, &&str)| format!("r{at},{text},{}\n", ["a", "b"][at % 2]);
        let rows: String = TEXTS.iter().enumerate().map(row).collect();
        std::fs::write(&path, format!("id,text,label\n{rows}")).unwrap();
        let dataset = read::dataset(&path, &Columns::default(), LabelPolicy::Discover).unwrap();
        Self { folder, dataset }
    }

    /// A file of translations.
    fn translated(&self, lines: &str) -> PathBuf {
        let path = self.folder.path().join("de.tsv");
        std::fs::write(&path, lines).unwrap();
        path
    }

    fn open(&self, config: &ViewConfig, seed: u64) -> (Views, Vec<String>) {
        let mut notes = Notes::default();
        let views = Views::open(config, seed, &self.dataset, None, &mut notes).unwrap();
        (views, notes.0)
    }
}

fn config(kinds: &[&str]) -> ViewConfig {
    ViewConfig {
        kinds: ["original"].iter().chain(kinds).map(|kind| kind.parse().unwrap()).collect(),
        thesaurus: Some("built-in".into()),
        deletion_probability: 0.5,
        ..ViewConfig::default()
    }
}

fn texts(views: &Views, number: usize) -> Vec<String> {
    views.texts(number, &TEXTS).unwrap().into_iter().map(Cow::into_owned).collect()
}

fn made(kinds: &[&str], number: usize, seed: u64) -> Vec<String> {
    texts(&Rows::new().open(&config(kinds), seed).0, number)
}

#[test]
fn original_and_repeat_are_the_texts_themselves() {
    for number in [0, 1] {
        assert_eq!(made(&["repeat"], number, 1), TEXTS);
    }
}

#[test]
fn two_views_of_one_kind_differ_and_a_seed_makes_them_again() {
    for kind in ["deletion", "synonym"] {
        let views = |number, seed| made(&[kind, kind], number, seed);
        assert_ne!(views(1, 1), views(2, 1), "{kind}");
        assert_ne!(views(1, 1), views(1, 2), "{kind}");
        assert_eq!(views(1, 1), views(1, 1), "{kind}");
    }
}

#[test]
fn row_is_made_the_same_whatever_stands_beside_it_and_however_many_threads_work() {
    let (views, _) = Rows::new().open(&config(&["synonym", "deletion"]), 1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for number in [1, 2] {
        let alone = views.texts(number, &TEXTS[..1]).unwrap();
        assert_eq!(texts(&views, number)[0], alone[0]);
        assert_eq!(pool.install(|| texts(&views, number)), texts(&views, number));
    }
}

#[test]
fn alterations_come_in_the_order_translation_synonyms_pieces() {
    let rows = Rows::new();
    let file = rows.translated("r0\tthe shipment\nr1\tcash\n");
    let config = ViewConfig {
        back_translation: Some(file),
        ..config(&["back-translation+synonym+switchout"])
    };
    let (views, _) = rows.open(&config, 1);
    let words = texts(&views, 1);
    assert!(
        ["parcel", "package", "delivery", "consignment"]
            .iter()
            .any(|it| words[0] == format!("the {it}")),
        "{words:?}"
    );
    assert!(["money", "funds"].contains(&words[1].as_str()), "{words:?}");
    assert_eq!(words[3], "xyzzy");
}

#[test]
fn rows_without_translation_keep_their_text_and_are_counted_by_reason() {
    let rows = Rows::new();
    let file = rows.translated("r0\tplease ship my parcel\nr1\t\nr3\txyzzy\nother\tx\n");
    let config =
        ViewConfig { back_translation: Some(file.clone()), ..config(&["back-translation"]) };
    let (views, notes) = rows.open(&config, 1);
    assert_eq!(texts(&views, 1), ["please ship my parcel", TEXTS[1], TEXTS[2], TEXTS[3]]);
    assert_eq!(
        notes,
        [format!(
            "back-translation: 3 of 4 rows keep their text (1 not in `{}`, 1 empty, 1 unchanged)",
            file.display()
        )]
    );
}

#[test]
fn translations_that_no_view_shows_are_not_read_and_said_to_be_idle() {
    let config = ViewConfig { back_translation: Some("no.tsv".into()), ..config(&["synonym"]) };
    let (views, notes) = Rows::new().open(&config, 1);
    assert!(views.translations().is_none());
    assert_eq!(notes, ["no view shows the translations of `no.tsv`; --views 8 does"]);
}

#[test]
fn translations_of_other_rows_are_refused() {
    let rows = Rows::new();
    let config = ViewConfig {
        back_translation: Some(rows.translated("train-0\tx\n")),
        ..config(&["back-translation"])
    };
    let error = Views::open(&config, 1, &rows.dataset, None, &mut Notes::default()).unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("no translation of any of the 4 training rows"), "{error}");
}

#[test]
fn without_translations_views_that_need_them_show_synonyms_and_switchout_loudly() {
    let mut config = config(&[]);
    config.kinds = ViewKind::SUBSETS.to_vec();
    let (views, notes) = Rows::new().open(&config, 1);
    let fallback = ViewKind::SYNONYM_AND_SWITCHOUT;
    assert_eq!(views.kinds().len(), 8);
    for (asked, shown) in config.kinds.iter().zip(views.kinds()) {
        let expected = if asked.alterations().back_translation { fallback } else { *asked };
        assert_eq!(*shown, expected);
    }
    assert_eq!(
        notes,
        [
            "no translations given (--back-translation): 4 of 8 views show synonym+switchout in place of \
          back-translation; none of the 4 rows is translated"
        ]
    );
    assert_ne!(texts(&views, 1), texts(&views, 3));
}

#[test]
fn switchout_changes_ids_and_leaves_texts_and_special_tokens() {
    let mut config = config(&["switchout"]);
    config.switchout.temperature = 0.01;
    let (views, _) = Rows::new().open(&config, 1);
    assert_eq!(texts(&views, 1), TEXTS);
    let tokenizer = Tokenizer::built_in(TEXTS, 200).unwrap();
    let (plain, switched) = (
        views.tokenize(0, &TEXTS, &tokenizer, 32).unwrap(),
        views.tokenize(1, &TEXTS, &tokenizer, 32).unwrap(),
    );
    assert_ne!(plain, switched);
    for (plain, switched) in plain.iter().zip(&switched) {
        assert_eq!((plain.first(), plain.last()), (switched.first(), switched.last()));
        assert_eq!(plain.len(), switched.len());
    }
    assert!(views.key_of_pieces(0).is_none() && views.key_of_pieces(1).is_some());
}

#[test]
fn switchout_by_deletion_works_on_words() {
    let mut config = config(&["switchout"]);
    config.switchout.implementation = Implementation::Deletion;
    let (views, _) = Rows::new().open(&config, 1);
    assert_eq!(texts(&views, 1), made(&["deletion"], 1, 1));
    assert!(views.key_of_pieces(1).is_none());
}

#[test]
fn made_texts_are_kept_and_a_damaged_file_is_made_again() {
    let rows = Rows::new();
    let cache = tempfile::tempdir().unwrap();
    let open = |seed| {
        let folder = Some(cache.path().join("views"));
        Views::open(
            &config(&["synonym", "switchout"]),
            seed,
            &rows.dataset,
            folder,
            &mut Notes::default(),
        )
        .unwrap()
    };
    let names = || -> Vec<PathBuf> {
        let listed = std::fs::read_dir(cache.path().join("views")).unwrap();
        listed.map(|entry| entry.unwrap().path()).collect()
    };
    let first = texts(&open(1), 1);
    texts(&open(1), 2);
    let entry = names().remove(0);
    std::fs::write(&entry, "[\"a\", \"b\", \"c\", \"d\"]").unwrap();
    assert_eq!(texts(&open(1), 1), ["a", "b", "c", "d"]);
    for damaged in ["[\"a\"]", "[\"a\", \"b", ""] {
        std::fs::write(&entry, damaged).unwrap();
        assert_eq!(texts(&open(1), 1), first);
    }
    assert_eq!(names().len(), 1);
    texts(&open(2), 1);
    assert_eq!(names().len(), 2);
}

#[test]
fn key_of_a_made_text_covers_whatever_it_depends_on() {
    let rows = Rows::new();
    let key = |config: &ViewConfig, seed, number, texts: &[&str]| {
        rows.open(config, seed).0.file_name(number, texts)
    };
    let base = config(&["synonym", "synonym"]);
    let mut seen = vec![key(&base, 1, 1, &TEXTS)];
    seen.push(key(&base, 2, 1, &TEXTS));
    seen.push(key(&base, 1, 2, &TEXTS));
    seen.push(key(&base, 1, 1, &TEXTS[..3]));
    seen.push(key(&config(&["synonym+switchout"]), 1, 1, &TEXTS));
    let mut stronger = base.clone();
    stronger.synonym.words = Some(2);
    seen.push(key(&stronger, 1, 1, &TEXTS));
    for lines in ["r0\tx\n", "r0\ty\n"] {
        let file = Some(rows.translated(lines));
        let translated =
            ViewConfig { back_translation: file, ..config(&["back-translation+synonym"]) };
        seen.push(key(&translated, 1, 1, &TEXTS));
    }
    if lane_data::augment::wordnet::installed().is_some() {
        seen.push(key(&ViewConfig { thesaurus: None, ..base.clone() }, 1, 1, &TEXTS));
    }
    let n_keys = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), n_keys);
    assert!(seen.contains(&key(&base, 1, 1, &TEXTS)));
}
