//! What a text looks like without an encoder: which words, pairs of words and pieces of words it has.
//!
//! ```text
//! x_ij ∝ (1 + ln n_ij) · (ln((1 + n) / (1 + d_j)) + 1)           |x_i| = 1
//! ```
//!
//! `n_ij`: how often text i has term j, `d_j`: texts that have it, n: texts. [`words`] takes words and
//! pairs of neighbors; a word is a run of letters and digits, and every other mark but blanks is one of
//! its own. [`letters`] takes two to four neighboring characters of a word with a blank at either end,
//! which also fits languages that write no blanks. Case does not count. Terms of a single text are left
//! out, and of the rest those of the fewest texts where there are too many.
//!
//! Salton, Buckley. *Term-weighting approaches in automatic text retrieval*. 1988. The weights are those
//! of scikit-learn's `TfidfVectorizer` with `sublinear_tf`.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::features::{Features, Sparse};

/// Columns at most.
const MOST_TERMS: usize = 1 << 15;
/// Numbers that the regression fits at most, columns times classes.
const MOST_WEIGHTS: usize = 1 << 20;
/// Texts that a term is in at least.
const FEWEST_TEXTS: u32 = 2;
/// Characters of a piece of a word.
const PIECES: std::ops::RangeInclusive<usize> = 2..=4;

/// Words and pairs of neighboring words, shape `[texts, terms]`.
pub fn words(texts: &[&str], n_classes: usize) -> Features {
    features(texts, n_classes, |text, take| {
        let mut before = None;
        each_word(text, |word| {
            let hash = of_text(START, word);
            take(hash);
            if let Some(before) = before.replace(hash) {
                take(of_text(of_text(before, " "), word));
            }
        });
    })
}

/// Pieces of words, shape `[texts, terms]`.
pub fn letters(texts: &[&str], n_classes: usize) -> Features {
    let mut padded = Vec::new();
    features(texts, n_classes, move |text, take| {
        for word in text.split_whitespace() {
            padded.clear();
            padded.push(' ');
            padded.extend(word.chars());
            padded.push(' ');
            for length in PIECES {
                padded.windows(length).for_each(|piece| take(of_piece(piece)));
            }
        }
    })
}

/// A term's texts, and where it stands among the columns once that is decided.
#[derive(Clone, Copy, Default)]
struct Term {
    n_texts: u32,
    last_text: Option<u32>,
    column: Option<u32>,
}

fn features(
    texts: &[&str],
    n_classes: usize,
    mut each_term: impl FnMut(&str, &mut dyn FnMut(u64)),
) -> Features {
    let mut terms: HashMap<u64, Term> = HashMap::new();
    for (number, text) in (0..).zip(texts) {
        each_term(&text.to_lowercase(), &mut |hash| {
            let term = terms.entry(hash).or_default();
            if term.last_text.replace(number) != Some(number) {
                term.n_texts += 1;
            }
        });
    }
    let kept = kept(&terms, n_classes);
    for (column, hash) in (0..).zip(&kept) {
        terms.entry(*hash).and_modify(|term| term.column = Some(column));
    }
    let mut values = Sparse::default();
    let mut counts: HashMap<u32, (u32, f64)> = HashMap::new();
    for text in texts {
        each_term(&text.to_lowercase(), &mut |hash| {
            let Some(Term { n_texts, column: Some(column), .. }) = terms.get(&hash) else { return };
            let inverse = (f64::from(1 + texts.len() as u32) / f64::from(1 + n_texts)).ln() + 1.0;
            counts.entry(*column).or_insert((0, inverse)).0 += 1;
        });
        values.push(at_length_one(counts.drain()).into_iter());
    }
    Features::sparse(values, kept.len().max(1))
}

/// The terms of the most texts, of equals those of the least hash, in the order of the hashes.
fn kept(terms: &HashMap<u64, Term>, n_classes: usize) -> Vec<u64> {
    let several = terms.iter().filter(|(_, term)| FEWEST_TEXTS <= term.n_texts);
    let mut kept: Vec<(Reverse<u32>, u64)> =
        several.map(|(hash, term)| (Reverse(term.n_texts), *hash)).collect();
    kept.sort_unstable();
    kept.truncate(MOST_TERMS.min(MOST_WEIGHTS / n_classes.max(1)).max(1));
    let mut kept: Vec<u64> = kept.into_iter().map(|(_, hash)| hash).collect();
    kept.sort_unstable();
    kept
}

/// The row of counts and weights, by column.
fn at_length_one(counts: impl Iterator<Item = (u32, (u32, f64))>) -> Vec<(u32, f32)> {
    let mut row: Vec<(u32, f64)> = counts
        .map(|(column, (count, inverse))| (column, (1.0 + f64::from(count).ln()) * inverse))
        .collect();
    row.sort_unstable_by_key(|(column, _)| *column);
    let length = row.iter().map(|(_, value)| value * value).sum::<f64>().sqrt();
    // A text without terms has no entries, and nothing to divide.
    row.into_iter().map(|(column, value)| (column, (value / length) as f32)).collect()
}

/// Runs of letters and digits, and every other mark but blanks.
fn each_word<'a>(text: &'a str, mut take: impl FnMut(&'a str)) {
    let mut start = None;
    for (at, character) in text.char_indices() {
        if character.is_alphanumeric() {
            start.get_or_insert(at);
            continue;
        }
        if let Some(start) = start.take() {
            take(&text[start..at]);
        }
        if !character.is_whitespace() {
            take(&text[at..at + character.len_utf8()]);
        }
    }
    if let Some(start) = start {
        take(&text[start..]);
    }
}

/// FNV-1a, 64 bits: the same everywhere and always, as a column has to be.
const START: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0100_0000_01b3;

fn of_text(start: u64, text: &str) -> u64 {
    text.bytes().fold(start, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

fn of_piece(piece: &[char]) -> u64 {
    let mut bytes = [0; 4];
    piece.iter().fold(START, |hash, it| of_text(hash, it.encode_utf8(&mut bytes)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Sums of squares, and which entries are there, of each row.
    fn rows(features: &Features) -> Vec<Vec<f32>> {
        (0..features.n_rows()).map(|row| features.row(row)).collect()
    }

    fn words_of(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        each_word(text, |word| found.push(word));
        found
    }

    #[test]
    fn words_are_runs_of_letters_and_every_other_mark_stands_alone() {
        assert_eq!(words_of("what 's  in it?"), ["what", "'", "s", "in", "it", "?"]);
        assert_eq!(words_of("où 10 €"), ["où", "10", "€"]);
        assert!(words_of(" \n").is_empty());
    }

    #[test]
    fn weights_are_those_of_scikit_learn() {
        // TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2)).fit_transform(texts):
        // `a` in three of three texts, idf 1; `b` and `a b` in two, idf ln(4/3) + 1 = 1.28768.
        let features = words(&["a b", "A b a", "a c"], 2);
        assert_eq!((features.n_rows(), features.width()), (3, 3));
        let mut first = rows(&features)[0].clone();
        first.sort_by(f32::total_cmp);
        for (found, expected) in first.iter().zip([0.481_334_2, 0.619_805, 0.619_805]) {
            assert!((found - expected).abs() < 1e-6, "{first:?}");
        }
        // Of the third only `a` is left.
        assert!((rows(&features)[2].iter().sum::<f32>() - 1.0).abs() < 1e-6);
        // In the second `a` counts 1 + ln 2.
        let heaviest = rows(&features)[1].iter().copied().fold(0.0, f32::max);
        assert!((heaviest - 0.680_93).abs() < 1e-4, "{heaviest}");
    }

    #[test]
    fn no_more_columns_are_kept_than_the_regression_can_fit() {
        let texts: Vec<String> =
            (0..200).map(|it| format!("w{} w{} w{0}", it / 2, it / 3)).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let all = words(&texts, 2).width();
        let few = words(&texts, MOST_WEIGHTS / 10).width();
        assert!(100 < all && few == 10, "{all} {few}");
    }

    #[test]
    fn texts_that_share_no_term_have_one_empty_column() {
        let features = words(&["x", "y"], 2);
        assert_eq!((features.n_rows(), features.width()), (2, 1));
        assert_eq!(rows(&features), [[0.0], [0.0]]);
    }

    proptest! {
        #[test]
        fn rows_have_length_one_or_none_and_do_not_depend_on_case(
            texts in proptest::collection::vec("[a-cé .]{0,12}", 1..12),
        ) {
            let upper: Vec<String> = texts.iter().map(|it| it.to_uppercase()).collect();
            let [texts, upper] = [&texts, &upper]
                .map(|all| all.iter().map(String::as_str).collect::<Vec<_>>());
            for of in [words, letters] {
                let features = of(&texts, 3);
                prop_assert_eq!(&features, &of(&upper, 3));
                for row in rows(&features) {
                    let square: f32 = row.iter().map(|it| it * it).sum();
                    prop_assert!(square == 0.0 || (square - 1.0).abs() < 1e-5, "{}", square);
                }
            }
        }
    }
}
