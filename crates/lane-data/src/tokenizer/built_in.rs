//! The vocabulary of the built-in encoder.
//!
//! ```text
//! [PAD] [UNK] [CLS] [SEP] [MASK] · c and ##c for each character c seen · frequent whole words
//! ```
//!
//! Characters and words stand in order of frequency, then alphabetically. With every character
//! known, no word of the training texts is unknown. Where the characters alone would overfill
//! the vocabulary, the rarest are left out.

use std::collections::BTreeMap;

use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use super::folder::{CLS, MASK, MAX_WORD_CHARACTERS, PAD, SEP, UNK};
use crate::error::DataError;

const SPECIAL: [&str; 5] = [PAD, UNK, CLS, SEP, MASK];

pub(super) fn vocabulary<'a>(
    texts: impl IntoIterator<Item = &'a str>,
    max_vocabulary: usize,
) -> Result<Vec<String>, DataError> {
    let least = SPECIAL.len() + 2;
    if max_vocabulary < least {
        return Err(DataError::VocabularySize { size: max_vocabulary, least });
    }
    let words = count_words(texts);
    let mut characters: BTreeMap<char, u64> = BTreeMap::new();
    for (word, count) in &words {
        for character in word.chars() {
            *characters.entry(character).or_default() += count;
        }
    }
    let room = (max_vocabulary - SPECIAL.len()) / 2;
    let characters = most_frequent(characters).into_iter().take(room);
    let mut tokens: Vec<String> = SPECIAL.map(String::from).to_vec();
    tokens.extend(characters.flat_map(|it| [it.to_string(), format!("##{it}")]));
    let room = max_vocabulary.saturating_sub(tokens.len());
    let whole = |word: &String| (2..=MAX_WORD_CHARACTERS).contains(&word.chars().count());
    tokens.extend(most_frequent(words).into_iter().filter(whole).take(room));
    Ok(tokens)
}

/// Keys by falling count; equal counts stay in the order of the keys.
fn most_frequent<K: Ord>(counts: BTreeMap<K, u64>) -> Vec<K> {
    let mut counted: Vec<(K, u64)> = counts.into_iter().collect();
    counted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counted.into_iter().map(|(key, _)| key).collect()
}

/// Words as the tokenizer will see them.
fn count_words<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let normalizer = BertNormalizer::default();
    let mut counts = BTreeMap::new();
    for text in texts {
        let mut normalized = NormalizedString::from(text);
        // Neither step of the BERT rules can fail; if one did, the text would be left out.
        if normalizer.normalize(&mut normalized).is_err() {
            continue;
        }
        let mut split = PreTokenizedString::from(normalized);
        if BertPreTokenizer.pre_tokenize(&mut split).is_err() {
            continue;
        }
        for (word, _, _) in split.get_splits(OffsetReferential::Original, OffsetType::Byte) {
            *counts.entry(word.to_owned()).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vocabulary_is_special_tokens_then_characters_then_words() {
        let tokens = vocabulary(["Aba ab!", "ab"], 100).unwrap();
        assert_eq!(tokens.join(" "), "[PAD] [UNK] [CLS] [SEP] [MASK] a ##a b ##b ! ##! ab aba");
    }

    #[test]
    fn vocabulary_is_cut_to_its_size_words_first_then_rare_characters() {
        let tokens = vocabulary(["Aba ab!", "ab"], 12).unwrap();
        assert_eq!(tokens[5..].join(" "), "a ##a b ##b ! ##! ab");
        let tokens = vocabulary(["Aba ab!", "ab"], 10).unwrap();
        assert_eq!(tokens[5..].join(" "), "a ##a b ##b ab");
    }

    #[test]
    fn order_of_the_texts_does_not_matter() {
        let texts = ["the cat", "a dog", "the dog", "x"];
        let turned = texts.iter().rev().copied();
        assert_eq!(vocabulary(texts, 60).unwrap(), vocabulary(turned, 60).unwrap());
    }

    #[test]
    fn no_room_for_a_character_is_refused() {
        let err = vocabulary(["a"], 6).unwrap_err();
        assert_eq!(err.to_string(), "vocabulary size is 6, expected at least 7");
        assert_eq!(vocabulary(["a"], 7).unwrap().len(), 7);
    }

    #[test]
    fn no_texts_leave_the_special_tokens() {
        assert_eq!(vocabulary([], 7).unwrap(), SPECIAL);
    }
}
