//! Laws of augmentation: same seed, same output; never empty; bounded; and nothing touched that
//! may not be.

use std::collections::BTreeSet;

use lane_data::Tokenizer;
use lane_data::augment::delete_words;
use lane_data::augment::switchout::{SwitchOutConfig, TemperatureRule, WordPieces, switch_out};
use lane_data::augment::synonyms::{PartsOfSpeech, SynonymConfig, replace};
use lane_data::augment::thesaurus::{BuiltIn, PartOfSpeech, Thesaurus};
use proptest::prelude::*;

/// Words the built-in thesaurus knows, words it does not, stop words, marks and blanks.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => prop::sample::select(vec!["parcel", "Parcel", "late", "money", "send", "order,", "(good)"]),
        2 => prop::sample::select(vec!["the", "not", "I", "don't"]),
        2 => prop::sample::select(vec!["xyzzy", "42", "—", "?!", "Übergröße"]),
    ];
    let gap = prop::sample::select(vec![" ", "  ", "\n", "\t "]);
    prop::collection::vec((word, gap), 0..40)
        .prop_map(|pairs| pairs.into_iter().map(|(word, gap)| word.to_owned() + gap).collect())
}

fn synonym_config() -> impl Strategy<Value = SynonymConfig> {
    let part = prop_oneof![Just(PartsOfSpeech::Any), Just(PartsOfSpeech::Likeliest)];
    (prop::option::of(0_usize..5), 0.0..1.0, prop::option::of(1_usize..10), part).prop_map(
        |(words, share, most, part_of_speech)| SynonymConfig {
            words,
            share,
            most,
            part_of_speech,
            ..SynonymConfig::default()
        },
    )
}

fn switchout_config() -> impl Strategy<Value = SwitchOutConfig> {
    let rule = prop_oneof![Just(TemperatureRule::Multiply), Just(TemperatureRule::Divide)];
    (0.01..5.0, rule, any::<bool>()).prop_map(|(temperature, rule, exact)| SwitchOutConfig {
        temperature,
        rule,
        exact,
        ..SwitchOutConfig::default()
    })
}

/// A word without the marks around it, in lower case.
fn bare(word: &str) -> String {
    word.trim_matches(|symbol: char| !symbol.is_alphanumeric()).to_lowercase()
}

fn synonyms_of(word: &str) -> BTreeSet<String> {
    let all = PartOfSpeech::ALL.into_iter().flat_map(|part| BuiltIn.synonyms(word, part));
    all.filter(|synonym| synonym != word).collect()
}

/// Reads `after` word by word against `before`; the words that were replaced, or none if
/// something else was changed.
fn replaced(before: &str, after: &str) -> Option<BTreeSet<String>> {
    let (mut rest, mut replaced) = (after, BTreeSet::new());
    for word in before.split_inclusive(char::is_whitespace) {
        if let Some(left) = rest.strip_prefix(word) {
            rest = left;
            continue;
        }
        let inner = word.trim_matches(|symbol: char| !symbol.is_alphanumeric());
        let (start, end) = word.split_once(inner)?;
        let options = synonyms_of(&bare(word));
        let made = options.iter().find_map(|it| rest.strip_prefix(&format!("{start}{it}{end}")));
        rest = made?;
        replaced.insert(bare(word));
    }
    rest.is_empty().then_some(replaced)
}

proptest! {
    #[test]
    fn synonyms_change_at_most_n_words_and_those_to_synonyms_only(
        text in text(), config in synonym_config(), seed: u64,
    ) {
        let made = replace(&text, &BuiltIn, &config, seed);
        prop_assert_eq!(&made, &replace(&text, &BuiltIn, &config, seed));
        let n_words = config.n_words(text.split_whitespace().count());
        let known: BTreeSet<String> = text
            .split_whitespace()
            .map(bare)
            .filter(|word| !synonyms_of(word).is_empty())
            .collect();
        let replaced = replaced(&text, &made);
        prop_assert!(replaced.is_some(), "{:?} became {:?}", text, made);
        prop_assert_eq!(replaced.unwrap_or_default().len(), n_words.min(known.len()));
        prop_assert_eq!(made.trim().is_empty(), text.trim().is_empty());
    }

    #[test]
    fn deletion_keeps_words_in_their_order_and_one_at_least(
        text in text(), probability in 0.0..=1.0, seed: u64,
    ) {
        let made = delete_words(&text, probability, seed);
        prop_assert_eq!(&made, &delete_words(&text, probability, seed));
        let mut before = text.split_whitespace();
        prop_assert!(made.split_whitespace().all(|word| before.any(|other| other == word)));
        prop_assert_eq!(made.trim().is_empty(), text.trim().is_empty());
    }

    #[test]
    fn switchout_keeps_the_length_and_touches_no_special_token(
        ids in prop::collection::vec(0_u32..60, 0..50), config in switchout_config(), seed: u64,
    ) {
        let pieces = WordPieces::new((5..50).filter(|id| *id != 20));
        let made = |seed| {
            let mut made = ids.clone();
            switch_out(&mut made, &pieces, &config, seed);
            made
        };
        let after = made(seed);
        prop_assert_eq!(&after, &made(seed));
        prop_assert_eq!(after.len(), ids.len());
        let n_open = ids.iter().filter(|id| pieces.rank(**id).is_some()).count();
        let mut n_edited = 0;
        for (before, after) in ids.iter().zip(&after) {
            if pieces.rank(*before).is_none() {
                prop_assert_eq!(before, after);
            }
            prop_assert_eq!(pieces.rank(*before).is_some(), pieces.rank(*after).is_some());
            n_edited += usize::from(before != after);
        }
        prop_assert!(!config.exact || n_edited < n_open.max(1));
    }

    #[test]
    fn numbers_of_edits_are_a_distribution_that_falls(length in 1_usize..300, config in switchout_config()) {
        let pmf = config.edit_probabilities(length);
        prop_assert_eq!(pmf.len(), length);
        prop_assert!((pmf.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        prop_assert!(pmf.windows(2).all(|pair| pair[1] <= pair[0]));
    }
}

#[test]
fn special_tokens_of_a_tokenizer_are_no_word_pieces() {
    let tokenizer = Tokenizer::built_in(["a parcel", "the parcel"], 100).unwrap();
    let pieces = tokenizer.word_pieces();
    assert_eq!(pieces.len(), tokenizer.vocabulary_size() - 5);
    assert!((0..5).all(|special| pieces.rank(special).is_none()));
    let ids = tokenizer.encode(&["a parcel ☂"], 16).unwrap().remove(0);
    let (first, last) = (ids[0], ids[ids.len() - 1]);
    assert!(pieces.rank(first).is_none() && pieces.rank(last).is_none());
    let config = SwitchOutConfig { temperature: 1e-6, exact: true, ..SwitchOutConfig::default() };
    for seed in 0..50 {
        let mut made = ids.clone();
        switch_out(&mut made, &pieces, &config, seed);
        assert_eq!((made[0], made[made.len() - 1], made.len()), (first, last, ids.len()));
    }
}

#[test]
fn one_token_texts_are_left_whole_by_switchout_and_deletion_and_replaced_once_by_synonyms() {
    let config = SynonymConfig { share: 1.0, ..SynonymConfig::default() };
    assert_eq!(delete_words("parcel", 1.0, 1), "parcel");
    assert!(synonyms_of("parcel").contains(&replace("parcel", &BuiltIn, &config, 1)));
    let tokenizer = Tokenizer::built_in(["parcel"], 100).unwrap();
    let mut ids = tokenizer.encode(&["parcel"], 16).unwrap().remove(0);
    let before = ids.clone();
    let strong = SwitchOutConfig { temperature: 1e-9, ..SwitchOutConfig::default() };
    (0..50).for_each(|seed| switch_out(&mut ids, &tokenizer.word_pieces(), &strong, seed));
    assert_eq!((ids.len(), &ids), (3, &before));
}
