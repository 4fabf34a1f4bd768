//! Views of a text: what `--views` takes, what it falls back to, and what it refuses.

use crate::support::Place;

const TRAIN: &str = "train --train noisy.csv --method lane --epochs 1 --seed 3 --max-length 32";

/// A refusal: exit code 2 and nothing written; what was said, for a snapshot.
#[track_caller]
fn refusal(place: &Place, rest: &str) -> String {
    let before = place.names();
    let said = place.lane(&format!("{TRAIN} --out run {rest}"));
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{}", said.stderr);
    assert_eq!(place.names(), before);
    said.stderr
}

#[test]
fn another_number_of_views_is_answered_with_those_there_are() {
    let place = Place::new().with_noise();
    insta::assert_snapshot!(refusal(&place, "--views 3"), @"error: `--views` is 3, expected 1 (the text alone), 2 (the text, and with synonyms) or 8 (every subset of synonym, switchout and back-translation); any list of views is `--set views.kinds=[…]`");
    insta::assert_snapshot!(refusal(&place, "--set views.kinds=4"), @r"
    error: failed to read the configuration: invalid value: integer `4`, expected a list of views, or 1 (the text alone), 2 (the text, and with synonyms) or 8 (every subset of synonym, switchout and back-translation)
    in `views.kinds`
    ");
}

#[test]
fn unknown_view_is_answered_with_the_names_there_are() {
    let place = Place::new().with_noise();
    insta::assert_snapshot!(refusal(&place, "--set views.kinds=[\"original\",\"synonims\"]"), @r"
    error: failed to read the configuration: unknown view `synonims`, expected one of: original, repeat, deletion, or one or more of back-translation, synonym, switchout, each once, joined by `+`
    in `views.kinds`
    ");
}

#[test]
fn first_view_must_be_the_text_itself() {
    let place = Place::new().with_noise();
    insta::assert_snapshot!(refusal(&place, "--set views.kinds=[\"synonym\"]"), @"error: `views.kinds` is a list that starts otherwise, expected `original` first");
}

#[test]
fn folder_without_wordnet_is_answered_with_where_to_get_it() {
    let place = Place::new().with_noise();
    insta::assert_snapshot!(refusal(&place, "--views 2 --wordnet nowhere"), @r"
    error: nowhere: no data.noun in this folder, expected the files of WordNet

    hint: Debian's package `wordnet-base` has them, in /usr/share/wordnet; `--wordnet built-in` takes the small thesaurus of our own
    ");
}

#[test]
fn broken_translations_are_answered_with_file_and_line() {
    let place = Place::new().with_noise();
    place.write("no-tab.tsv", "train-0000\tone\ntrain-0001 two\n");
    insta::assert_snapshot!(refusal(&place, "--views 8 --back-translation no-tab.tsv"), @"error: no-tab.tsv, line 2: found no tab, expected `id<TAB>text`");
    place.write("twice.tsv", "train-0000\tone\ntrain-0000\ttwo\n");
    insta::assert_snapshot!(refusal(&place, "--views 8 --back-translation twice.tsv"), @"error: twice.tsv, line 2, column `id`: id `train-0000` already stands on line 1");
    place.write("others.tsv", "test-0000\tone\n");
    insta::assert_snapshot!(refusal(&place, "--views 8 --back-translation others.tsv"), @"error: `others.tsv` has no translation of any of the 80 training rows; expected the ids of the training file, one row a line");
    insta::assert_snapshot!(refusal(&place, "--views 8 --back-translation no.tsv"), @"error: cannot read no.tsv: No such file or directory (os error 2)");
}

#[test]
fn eight_views_without_translations_train_and_say_what_they_show() {
    let place = Place::new().with_noise();
    let said = place.lane(&format!("{TRAIN} --views 8 --wordnet built-in --out run")).succeeded();
    let warnings: Vec<&str> =
        said.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    insta::assert_snapshot!(warnings.join("\n"), @"warning: no translations given (--back-translation): 4 of 8 views show synonym+switchout in place of back-translation; none of the 80 rows is translated");
    let config = String::from_utf8(place.bytes("run/config.toml")).unwrap();
    assert!(config.contains("thesaurus = \"built-in\""), "{config}");
    assert!(config.contains("\"back-translation+synonym+switchout\""), "{config}");
}

#[test]
fn run_with_views_is_repeated_by_its_config_without_the_cache() {
    let place = Place::new().with_noise();
    let line = format!("{TRAIN} --views 8 --wordnet built-in --out first");
    place.lane(&line).succeeded();
    let elsewhere = place.path("other-cache").display().to_string();
    place
        .lane_with(
            "train --config first/config.toml --out second",
            &[("RAYON_NUM_THREADS", "1"), ("LANE_CACHE", &elsewhere)],
        )
        .succeeded();
    for name in ["config.toml", "result.json", "labels.csv", "model/model.safetensors"] {
        let of = |run: &str| place.bytes(&format!("{run}/{name}"));
        assert!(of("first") == of("second"), "{name}");
    }
    place.lane(&format!("{TRAIN} --views 1 --out plain")).succeeded();
    assert_ne!(place.bytes("first/labels.csv"), place.bytes("plain/labels.csv"));
}

#[test]
fn wordnet_is_found_where_the_environment_says() {
    let place = Place::new().with_noise();
    let line = format!("{TRAIN} --views 2 --out run");
    let said = place.lane_with(&line, &[("WNSEARCHDIR", "nowhere")]);
    assert_eq!(said.code, 2, "{}", said.stderr);
    assert!(said.stderr.contains("nowhere: no data.noun in this folder"), "{}", said.stderr);
}
