//! One slip of the finger: two letters swapped, one left out or one struck twice.

use super::splitmix::SplitMix64;

/// Words shorter than this stay whole: a slip in `not` or `lost` could change what is said.
const SHORTEST_WORD: usize = 5;

/// `text` with one slip inside one of its longer words, or as it is where it has none.
///
/// The first and the last letter stay, so that a reader still knows the word.
pub(crate) fn slip(text: &str, random: &mut SplitMix64) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let long: Vec<usize> = (0..words.len()).filter(|&at| is_long(&words[at])).collect();
    if long.is_empty() {
        return text.to_owned();
    }
    let word = &mut words[long[random.below(long.len())]];
    let mut letters: Vec<char> = word.chars().collect();
    let at = 1 + random.below(letters.len() - 3);
    match random.below(3) {
        0 => letters.swap(at, at + 1),
        1 => drop(letters.remove(at)),
        _ => letters.insert(at, letters[at]),
    }
    *word = letters.into_iter().collect();
    words.join(" ")
}

fn is_long(word: &str) -> bool {
    word.len() >= SHORTEST_WORD && word.chars().all(|letter| letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_touches_one_long_word_and_keeps_its_ends() {
        for seed in 0..200 {
            let slipped = slip("my parcel is not here", &mut SplitMix64::new(seed));
            let word = slipped.strip_prefix("my ").unwrap().strip_suffix(" is not here").unwrap();
            assert!(word.starts_with('p') && word.ends_with('l'), "{word}");
            assert!((5..=7).contains(&word.len()), "{word}");
        }
    }

    #[test]
    fn a_text_of_short_words_stays_as_it_is() {
        assert_eq!(slip("it is not me", &mut SplitMix64::new(1)), "it is not me");
    }
}
