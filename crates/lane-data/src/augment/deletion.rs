//! Views of a text made by deleting words.
//!
//! Each word, split at white space, is deleted with the given probability, never all of them.
//! AUM-ST (Sosea and Caragea 2022) uses this with probability 0.05 or 0.1 under the name
//! *switchout*; see `docs/DEPARTURES.md` and [`switchout`](super::switchout).

use rand::RngExt;

use crate::seed;

/// `text` without some of its words.
///
/// If nothing is deleted the text comes back unchanged; otherwise the words left are joined by
/// single spaces. One word at least is kept, drawn uniformly if all were to go.
/// A probability outside `0.0..=1.0` is taken as the nearer end, not-a-number as 0.
pub fn delete_words(text: &str, probability: f64, seed: u64) -> String {
    let probability = if probability.is_nan() { 0.0 } else { probability.clamp(0.0, 1.0) };
    let mut generator = seed::generator(seed, "augment/delete-words", &[]);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut kept: Vec<&str> = Vec::with_capacity(words.len());
    for word in &words {
        if generator.random::<f64>() >= probability {
            kept.push(word);
        }
    }
    if kept.len() == words.len() {
        return text.to_owned();
    }
    if kept.is_empty() {
        return words[generator.random_range(0..words.len())].to_owned();
    }
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::delete_words;

    const TEXT: &str = "the  quick brown fox jumps over the lazy dog";

    #[test]
    fn probability_zero_changes_nothing_not_even_spaces() {
        assert_eq!(delete_words(TEXT, 0.0, 1), TEXT);
        assert_eq!(delete_words(TEXT, f64::NAN, 1), TEXT);
    }

    #[test]
    fn one_word_always_survives() {
        for seed in 0..50 {
            let left = delete_words(TEXT, 1.0, seed);
            assert_eq!(left.split_whitespace().count(), 1);
            assert!(TEXT.contains(&left));
        }
        assert_eq!(delete_words("lonely", 1.0, 3), "lonely");
    }

    #[test]
    fn text_without_words_stays_as_it_is() {
        assert_eq!(delete_words("", 1.0, 1), "");
        assert_eq!(delete_words(" \n", 1.0, 1), " \n");
    }

    #[test]
    fn words_go_at_the_given_rate_and_keep_their_order() {
        let text: Vec<String> = (0..10_000).map(|i| i.to_string()).collect();
        let left = delete_words(&text.join(" "), 0.1, 5);
        let left: Vec<u32> = left.split(' ').map(|word| word.parse().unwrap()).collect();
        assert!((8850..9150).contains(&left.len()), "{}", left.len());
        assert!(left.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn view_depends_on_the_seed_alone() {
        assert_eq!(delete_words(TEXT, 0.5, 1), delete_words(TEXT, 0.5, 1));
        assert_ne!(delete_words(TEXT, 0.5, 1), delete_words(TEXT, 0.5, 2));
    }
}
