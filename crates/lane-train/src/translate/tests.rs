//! A file there and back, with the small model of the fixtures both ways.

use super::*;
use crate::progress::Silent;

fn request(folder: &std::path::Path, table: &str) -> TranslateRequest {
    let data = folder.join("rows.csv");
    std::fs::write(&data, table).unwrap();
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden/marian");
    TranslateRequest {
        data,
        columns: Columns::default(),
        forward: fixtures.into(),
        back: fixtures.into(),
        out: folder.join("back.tsv"),
        beams: None,
        max_tokens: 24,
        batch_size: 2,
        force: false,
        cache: Some(folder.join("cache")),
    }
}

#[cfg(not(feature = "translate"))]
#[test]
fn build_without_models_says_how_to_get_one() {
    let folder = tempfile::tempdir().unwrap();
    let request = request(folder.path(), "text\na\n");
    let error = translate_file(&request, &mut Silent).unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("cargo build --release -p lane --features translate"));
}

#[cfg(feature = "translate")]
mod with_models {
    use std::collections::BTreeMap;

    use lane_data::augment::back_translation::Translations;
    use lane_translate::Translator;

    use super::*;

    const TABLE: &str = "id,text\nx,the cat sees the river.\ny,my sister likes music!\nz,\"two\nlines\"\n\
                         w,the cat sees the river.\n";

    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Observer for Notes {
        fn note(&mut self, text: &str) {
            self.0.push(text.into());
        }
    }

    fn lines(request: &TranslateRequest) -> BTreeMap<String, String> {
        let text = std::fs::read_to_string(&request.out).unwrap();
        let pair = |line: &str| line.split_once('\t').map(|(id, text)| (id.into(), text.into()));
        text.lines().map(|line| pair(line).unwrap()).collect()
    }

    #[test]
    fn file_holds_what_each_text_gives_alone_and_the_trainer_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let request = request(folder.path(), TABLE);
        let summary = translate_file(&request, &mut Silent).unwrap();
        assert_eq!((summary.n_rows, summary.n_translated, summary.n_cut), (4, 4, 0));
        let translator = Translator::open(request.forward.as_ref(), None, 24).unwrap();
        let alone = |text: &str| {
            let ids = translator.encode(text).unwrap().ids;
            translator.translate(&[&ids]).unwrap().remove(0)
        };
        for (id, text) in [("x", "the cat sees the river."), ("z", "two\nlines")] {
            assert_eq!(lines(&request)[id], alone(&alone(text)));
        }
        assert_eq!(lines(&request)["x"], lines(&request)["w"]);
        assert_eq!(Translations::read(&request.out).unwrap().n_rows(), 4);
    }

    #[test]
    fn second_run_computes_nothing_and_other_settings_do() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(folder.path(), TABLE);
        let first = translate_file(&request, &mut Silent).unwrap();
        assert_eq!(first.n_from_cache, 0);
        let made = lines(&request);
        request.force = true;
        request.batch_size = 3;
        let again = translate_file(&request, &mut Silent).unwrap();
        assert!(4 < again.n_from_cache);
        assert_eq!(lines(&request), made);
        request.beams = Some(1);
        assert_eq!(translate_file(&request, &mut Silent).unwrap().n_from_cache, 0);
    }

    #[test]
    fn text_that_comes_back_unchanged_keeps_its_form_and_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(folder.path(), TABLE);
        translate_file(&request, &mut Silent).unwrap();
        // A text that the model turns into itself: the end of a chain.
        let mut text = lines(&request)["x"].clone();
        let translator = Translator::open(request.forward.as_ref(), None, 24).unwrap();
        for _ in 0..20 {
            let ids = translator.encode(&text).unwrap().ids;
            text = translator.translate(&[&ids]).unwrap().remove(0);
        }
        std::fs::write(&request.data, format!("text\n  {text}\n")).unwrap();
        request.force = true;
        let mut notes = Notes::default();
        let summary = translate_file(&request, &mut notes).unwrap();
        assert_eq!((summary.n_identical, summary.n_translated), (1, 0), "{text}");
        assert_eq!(notes.0, ["1 of 1 rows keep their text (0 came back empty, 1 unchanged)"]);
        assert_eq!(lines(&request)["0"].trim(), text);
    }

    #[test]
    fn text_that_comes_back_empty_keeps_its_words_and_is_counted() {
        let folder = tempfile::tempdir().unwrap();
        // One token is the end of the sentence, so nothing comes back.
        let request = TranslateRequest { max_tokens: 1, ..request(folder.path(), TABLE) };
        let summary = translate_file(&request, &mut Silent).unwrap();
        assert_eq!((summary.n_empty, summary.n_translated), (4, 0));
        assert_eq!(lines(&request)["z"], "two lines");
    }

    #[test]
    fn long_text_is_cut_and_counted() {
        let folder = tempfile::tempdir().unwrap();
        let table = format!("text\n{}\n", "the cat sees the river ".repeat(30));
        let request = request(folder.path(), &table);
        let mut notes = Notes::default();
        assert_eq!(translate_file(&request, &mut notes).unwrap().n_cut, 1);
        assert!(notes.0[0].contains("1 texts, there or back, are longer"), "{:?}", notes.0);
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut TranslateRequest), table: &str, answer: &str) {
        let folder = tempfile::tempdir().unwrap();
        let mut request = request(folder.path(), table);
        change(&mut request);
        let error = translate_file(&request, &mut Silent).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains(answer), "{error}");
        assert!(!folder.path().join("cache").exists());
    }

    #[test]
    fn whatever_is_wrong_is_told_before_anything_is_translated() {
        refused(|it| it.back = "/nowhere".into(), TABLE, "`/nowhere` has no config.json");
        refused(|it| it.data = "/nowhere.csv".into(), TABLE, "/nowhere.csv");
        refused(|it| it.beams = Some(0), TABLE, "the number of beams is 0, expected 1 to");
        refused(
            |it| it.max_tokens = 97,
            TABLE,
            "the most tokens of an output is 97, expected 1 to 96",
        );
        refused(
            |_| {},
            "id,text\n\"a\tb\",one\n",
            "has the id \"a\\tb\"; expected ids without tabs",
        );
        refused(|it| std::fs::write(&it.out, "x").unwrap(), TABLE, "back.tsv");
    }
}
