//! Synonym replacement.
//!
//! ```text
//! n = words, or max(least, min(most, ⌊share · L⌋))     L = words of the text, split at white space
//! ```
//!
//! The distinct words of the text, stop words left out, are put in random order; each is replaced
//! wherever it stands by one of its synonyms, drawn evenly, until `n` have been; words without
//! synonyms are passed over. Synonyms are lower-case letters and spaces.
//!
//! Source: the code of AUM-ST (Sosea and Caragea 2022), by the first author of LANE, which takes
//! one or two words (`words = 1`); LANE itself cites Kolomiyets et al. 2011 and says no more. The
//! default, a tenth of the words, is ours. LCL (Suresh and Ong 2021) replaces `share = 0.3` of the
//! words, `most = 10`, with the part of speech matched.
//!
//! Departures: punctuation around a word is kept, since a comma should not hide a word from the
//! thesaurus; the part of speech is the one the thesaurus finds likeliest of the word by itself
//! ([`PartsOfSpeech::Likeliest`]), because there is no tagger here; whole stop-word list of our
//! own where LCL leaves out determiners.

use std::collections::{BTreeSet, HashMap};

use rand::seq::{IndexedRandom, SliceRandom};
use serde::{Deserialize, Serialize};

use super::thesaurus::Thesaurus;
use super::{stop_words, words};
use crate::seed;

/// A product of a share and a count that falls short of a whole number by rounding alone.
const ROUNDING: f64 = 1e-9;

/// How many words are replaced, and which may be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SynonymConfig {
    /// Distinct words replaced in each text, whatever its length; absent = a share of its words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<usize>,
    /// Share of the words of a text, in 0..=1.
    pub share: f64,
    /// The least number of a share.
    pub least: usize,
    /// The greatest number of a share; absent = no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
    /// Synonyms in which senses of a word.
    pub part_of_speech: PartsOfSpeech,
    /// Words never replaced, in lower case, in place of the list that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop_words: Option<BTreeSet<String>>,
}

impl Default for SynonymConfig {
    fn default() -> Self {
        Self {
            words: None,
            share: 0.1,
            least: 1,
            most: None,
            part_of_speech: PartsOfSpeech::Any,
            stop_words: None,
        }
    }
}

/// The senses of a word whose synonyms are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PartsOfSpeech {
    /// All of them, as AUM-ST does.
    #[default]
    Any,
    /// Those of the part of speech that the thesaurus finds likeliest.
    Likeliest,
}

impl SynonymConfig {
    /// Distinct words to replace in a text of `length` words.
    pub fn n_words(&self, length: usize) -> usize {
        self.words.unwrap_or_else(|| {
            // Not-a-number and negative shares become 0 here.
            #[expect(clippy::cast_sign_loss, reason = "a float cast saturates at 0")]
            let share = (self.share * length as f64 + ROUNDING) as usize;
            share.min(self.most.unwrap_or(usize::MAX)).max(self.least)
        })
    }

    fn is_stop_word(&self, word: &str) -> bool {
        self.stop_words
            .as_ref()
            .map_or_else(|| stop_words::contains(word), |own| own.contains(word))
    }
}

/// `text` with some of its words replaced by synonyms.
///
/// What is not replaced, white space included, stays as it is; a text in which no word has a
/// synonym comes back unchanged.
pub fn replace(text: &str, thesaurus: &dyn Thesaurus, config: &SynonymConfig, seed: u64) -> String {
    let mut generator = seed::generator(seed, "augment/synonyms", &[]);
    let mut order = candidates(text, config);
    order.shuffle(&mut generator);
    let n_words = config.n_words(text.split_whitespace().count());
    replace_in_order(text, &order, n_words, |word| {
        synonyms(word, thesaurus, config.part_of_speech).choose(&mut generator).cloned()
    })
}

/// The distinct words that may be replaced, in lower case, in the order of the text.
fn candidates(text: &str, config: &SynonymConfig) -> Vec<String> {
    let mut seen = BTreeSet::new();
    words::places(text)
        .map(|place| text[place].to_lowercase())
        .filter(|word| !config.is_stop_word(word) && seen.insert(word.clone()))
        .collect()
}

/// Sorted, each once, so that a draw does not depend on how a thesaurus stores its entries; the
/// word itself is left out, its hyphens written as spaces too.
fn synonyms(word: &str, thesaurus: &dyn Thesaurus, wanted: PartsOfSpeech) -> Vec<String> {
    let mut parts = thesaurus.parts(word);
    if wanted == PartsOfSpeech::Likeliest {
        parts.truncate(1);
    }
    let all: BTreeSet<String> =
        parts.into_iter().flat_map(|part| thesaurus.synonyms(word, part)).collect();
    let spaced = word.replace('-', " ");
    all.into_iter().filter(|synonym| *synonym != word && *synonym != spaced).collect()
}

/// Replaces the first `n_words` of `order` for which `pick` finds something, wherever they stand.
pub(super) fn replace_in_order(
    text: &str,
    order: &[String],
    n_words: usize,
    mut pick: impl FnMut(&str) -> Option<String>,
) -> String {
    let mut replaced: HashMap<&str, String> = HashMap::new();
    for word in order {
        if replaced.len() == n_words {
            break;
        }
        if let Some(synonym) = pick(word) {
            replaced.insert(word, synonym);
        }
    }
    let (mut made, mut done) = (String::with_capacity(text.len()), 0);
    for place in words::places(text) {
        if let Some(synonym) = replaced.get(text[place.clone()].to_lowercase().as_str()) {
            made.push_str(&text[done..place.start]);
            made.push_str(synonym);
            done = place.end;
        }
    }
    made + &text[done..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::thesaurus::{BuiltIn, PartOfSpeech};

    const TEXT: &str = "My parcel is late; the Parcel was sent on Monday.";

    fn made(text: &str, config: &SynonymConfig, seed: u64) -> String {
        replace(text, &BuiltIn, config, seed)
    }

    fn words(n: usize) -> SynonymConfig {
        SynonymConfig { words: Some(n), ..SynonymConfig::default() }
    }

    /// A thesaurus of one word with two parts of speech, the second listed first by name.
    #[derive(Debug)]
    struct Order;

    impl Thesaurus for Order {
        fn identity(&self) -> &'static str {
            "order"
        }

        fn parts(&self, word: &str) -> Vec<PartOfSpeech> {
            if word == "order" { vec![PartOfSpeech::Verb, PartOfSpeech::Noun] } else { Vec::new() }
        }

        fn synonyms(&self, word: &str, part: PartOfSpeech) -> Vec<String> {
            let found = if part == PartOfSpeech::Verb { "command" } else { "sequence" };
            vec![word.into(), found.into()]
        }
    }

    #[test]
    fn word_is_no_synonym_of_itself_not_even_without_its_hyphens() {
        #[derive(Debug)]
        struct Spaced;

        impl Thesaurus for Spaced {
            fn identity(&self) -> &'static str {
                "spaced"
            }

            fn parts(&self, _: &str) -> Vec<PartOfSpeech> {
                vec![PartOfSpeech::Adjective]
            }

            fn synonyms(&self, _: &str, _: PartOfSpeech) -> Vec<String> {
                vec!["ill fated".into()]
            }
        }
        assert_eq!(replace("Ill-fated", &Spaced, &words(1), 1), "Ill-fated");
        assert_eq!(replace("doomed", &Spaced, &words(1), 1), "ill fated");
    }

    #[test]
    fn number_of_words_follows_the_published_rules() {
        let share = |share, most| SynonymConfig { share, most, ..SynonymConfig::default() };
        let ours = SynonymConfig::default();
        assert_eq!([1, 9, 10, 19, 20, 25].map(|n| ours.n_words(n)), [1, 1, 1, 1, 2, 2]);
        let lcl = share(0.3, Some(10));
        assert_eq!(
            [1, 3, 4, 7, 10, 33, 34, 200].map(|n| lcl.n_words(n)),
            [1, 1, 1, 2, 3, 9, 10, 10]
        );
        assert_eq!(share(0.29, None).n_words(100), 29);
        assert_eq!(share(f64::NAN, None).n_words(100), 1);
        assert_eq!([1, 100].map(|n| words(2).n_words(n)), [2, 2]);
    }

    #[test]
    fn every_occurrence_of_a_word_gets_the_same_synonym_and_keeps_its_punctuation() {
        let stop_words = ["my", "is", "late", "the", "was", "sent", "on", "monday"];
        let stop_words = Some(stop_words.map(String::from).into());
        let all = made(TEXT, &SynonymConfig { stop_words, ..words(9) }, 1);
        let expected = |synonym: &str| TEXT.replace("parcel", synonym).replace("Parcel", synonym);
        assert!(["package", "shipment"].iter().any(|it| all == expected(it)), "{all}");
    }

    #[test]
    fn words_without_synonyms_are_passed_over_until_enough_have_been_replaced() {
        for seed in 0..20 {
            assert_ne!(
                made("xyzzy plugh parcel frobnicate", &words(1), seed),
                "xyzzy plugh parcel frobnicate"
            );
        }
    }

    #[test]
    fn text_without_a_known_word_stays_as_it_is() {
        for text in ["", " \n ", "the of and", "Xyzzy,  plugh!", "?!"] {
            assert_eq!(made(text, &words(3), 1), text);
        }
    }

    #[test]
    fn one_word_text_has_one_word_replaced_at_most() {
        let one = made("Parcel!", &SynonymConfig::default(), 1);
        assert!(one.ends_with('!') && one != "Parcel!");
        assert_eq!(made("the", &SynonymConfig::default(), 1), "the");
    }

    #[test]
    fn stop_words_of_ones_own_take_the_place_of_the_list() {
        let own = SynonymConfig { stop_words: Some(["parcel".into()].into()), ..words(9) };
        let all = made("parcel", &own, 1);
        assert_eq!(all, "parcel");
        assert_ne!(made("parcel", &words(9), 1), "parcel");
    }

    #[test]
    fn likeliest_part_of_speech_alone_is_looked_up_when_asked_for() {
        let config = |part_of_speech| SynonymConfig { part_of_speech, ..SynonymConfig::default() };
        let drawn = |parts| -> BTreeSet<String> {
            (0..40).map(|seed| replace("order", &Order, &config(parts), seed)).collect()
        };
        assert_eq!(drawn(PartsOfSpeech::Likeliest), ["command".to_owned()].into());
        assert_eq!(drawn(PartsOfSpeech::Any), ["command".to_owned(), "sequence".to_owned()].into());
    }

    #[test]
    fn replacement_depends_on_the_seed_alone() {
        let drawn: BTreeSet<String> = (0..20).map(|seed| made(TEXT, &words(1), seed)).collect();
        assert!(1 < drawn.len());
        assert_eq!(made(TEXT, &words(1), 7), made(TEXT, &words(1), 7));
    }
}
