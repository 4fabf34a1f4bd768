//! A database of four synsets, and the real one where it is installed.

use super::*;
use crate::augment::synonyms::{SynonymConfig, replace};

const LICENCE: &str = "  1 not an entry: the licence\n";

/// A folder with a database small enough to read here; `change` edits a file before it is written.
fn database(change: impl Fn(&str, &str) -> String) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, lines) in [
        (
            "data.noun",
            "00000100 10 n 03 film 0 movie 0 motion-picture 0 001 @ 00000200 n 0000 | a story\n\
                       00000200 10 n 01 show 0 000 | a thing shown\n",
        ),
        (
            "index.noun",
            "film n 1 1 @ 1 1 00000100  \nmovie n 1 1 @ 1 1 00000100  \nshow n 1 0 1 0 00000200  \n",
        ),
        ("data.verb", "00000300 36 v 02 film 0 shoot 1 000 01 + 08 00 | to record\n"),
        ("index.verb", "film v 1 0 1 2 00000300  \nshoot v 1 0 1 0 00000300  \n"),
        ("data.adj", "00000400 00 s 02 galore(ip) 0 abounding 0 000 | plenty\n"),
        ("index.adj", "galore a 1 0 1 0 00000400  \nabounding a 1 0 1 0 00000400  \n"),
        ("data.adv", ""),
        ("index.adv", ""),
        ("verb.exc", "shot shoot\n"),
    ] {
        std::fs::write(folder.path().join(name), change(name, &format!("{LICENCE}{lines}")))
            .unwrap();
    }
    folder
}

fn same(_: &str, text: &str) -> String {
    text.into()
}

fn open(folder: &tempfile::TempDir) -> WordNet {
    WordNet::open(folder.path()).unwrap()
}

#[track_caller]
fn refusal(name: &'static str, from: &'static str, to: &'static str) -> String {
    let folder =
        database(|file, text| if file == name { text.replace(from, to) } else { text.into() });
    let shown = format!("{}/", folder.path().display());
    WordNet::open(folder.path()).unwrap_err().to_string().replace(&shown, "")
}

#[test]
fn synonyms_are_the_words_of_the_synsets_by_part_of_speech() {
    let wordnet = open(&database(same));
    assert_eq!(wordnet.synonyms("film", PartOfSpeech::Noun), ["film", "movie", "motion picture"]);
    assert_eq!(wordnet.synonyms("film", PartOfSpeech::Verb), ["film", "shoot"]);
    assert_eq!(wordnet.synonyms("galore", PartOfSpeech::Adjective), ["galore", "abounding"]);
    assert!(wordnet.synonyms("xyzzy", PartOfSpeech::Noun).is_empty());
    assert_eq!(wordnet.n_lemmas(), 7);
}

#[test]
fn likeliest_part_of_speech_has_most_tagged_senses() {
    let wordnet = open(&database(same));
    assert_eq!(wordnet.parts("film"), [PartOfSpeech::Verb, PartOfSpeech::Noun]);
    assert!(wordnet.parts("xyzzy").is_empty());
}

#[test]
fn inflected_words_are_found_by_rule_and_by_exception() {
    let wordnet = open(&database(same));
    assert_eq!(wordnet.synonyms("movies", PartOfSpeech::Noun), ["film", "movie", "motion picture"]);
    assert_eq!(wordnet.synonyms("shot", PartOfSpeech::Verb), ["film", "shoot"]);
}

#[test]
fn identity_changes_with_the_files_and_not_with_their_place() {
    let identity = |change: fn(&str, &str) -> String| open(&database(change)).identity().to_owned();
    assert_eq!(identity(same), identity(same));
    assert_ne!(identity(same), identity(|_, text| text.replace("movie", "flick")));
}

#[test]
fn list_of_exceptions_may_be_missing_and_a_database_file_may_not() {
    let folder = database(same);
    std::fs::remove_file(folder.path().join("verb.exc")).unwrap();
    assert!(WordNet::open(folder.path()).is_ok());
    std::fs::remove_file(folder.path().join("data.adj")).unwrap();
    let error = WordNet::open(folder.path()).unwrap_err();
    assert!(
        error.to_string().ends_with("no data.adj in this folder, expected the files of WordNet"),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("wordnet-base"));
}

#[test]
fn broken_lines_are_named_with_file_and_line() {
    assert_eq!(
        refusal("data.noun", "00000100 10 n 03", "00000100 10 n zz"),
        "data.noun, line 2: not a line of WordNet, expected `offset file type n_words word id …`"
    );
    assert!(refusal("data.noun", "00000100 10 n 03", "00000100 10 n 09").contains("line 2"));
    assert_eq!(
        refusal("index.noun", "show n 1 0 1 0 00000200", "show n 1 0 1 0"),
        "index.noun, line 4: not a line of WordNet, expected \
         `lemma pos n_synsets n_pointers pointer … n_senses n_tagged offset …`"
    );
    assert_eq!(
        refusal("index.noun", "00000200", "00000299"),
        "index.noun, line 4: not a line of WordNet, expected offsets of synsets that the data file has"
    );
    assert_eq!(
        refusal("verb.exc", "shot shoot", "shot"),
        "verb.exc, line 2: not a line of WordNet, expected `inflected base …`"
    );
}

#[test]
fn bytes_that_are_no_text_are_named_with_file_and_line() {
    let folder = database(same);
    std::fs::write(folder.path().join("index.adv"), b"\n\xff\xfe r\n").unwrap();
    let error = WordNet::open(folder.path()).unwrap_err().to_string();
    assert!(error.ends_with("index.adv, line 2: not a line of WordNet, expected UTF-8"), "{error}");
}

#[test]
fn real_database_knows_what_a_film_is() {
    let Some(folder) = installed() else {
        println!("skipped: no WordNet (Debian: apt-get install wordnet-base)");
        return;
    };
    let wordnet = WordNet::open(&folder).unwrap();
    let noun = wordnet.synonyms("films", PartOfSpeech::Noun);
    assert!(
        noun.iter().any(|word| word == "movie") && noun.iter().any(|word| word == "motion picture")
    );
    assert_eq!(wordnet.parts("good")[0], PartOfSpeech::Adjective);
    assert_eq!(wordnet.parts("book")[0], PartOfSpeech::Noun);
    let every: Vec<String> = wordnet
        .parts
        .iter()
        .flat_map(|part| part.synsets.values())
        .flatten()
        .map(ToString::to_string)
        .collect();
    let plain =
        |text: &str| text.split(' ').all(|it| !it.is_empty() && it.chars().all(char::is_lowercase));
    assert!(every.iter().all(|word| plain(word)));
    let text = "The film was a pleasant surprise to everyone.";
    assert_ne!(replace(text, &wordnet, &SynonymConfig::default(), 1), text);
}
