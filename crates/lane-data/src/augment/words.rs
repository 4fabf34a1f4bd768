//! The words of a text, without the punctuation that touches them.

use std::ops::Range;

/// Where the words stand, as byte ranges: split at white space, then freed of what is neither
/// letter nor digit at both ends. Words of punctuation alone are left out.
pub(super) fn places(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.split_whitespace().filter_map(move |word| {
        let inner = word.trim_matches(|symbol: char| !symbol.is_alphanumeric());
        let start = inner.as_ptr() as usize - text.as_ptr() as usize;
        (!inner.is_empty()).then_some(start..start + inner.len())
    })
}

#[cfg(test)]
mod tests {
    use super::places;

    fn words(text: &str) -> Vec<&str> {
        places(text).map(|place| &text[place]).collect()
    }

    #[test]
    fn punctuation_stays_outside_and_inner_marks_inside() {
        assert_eq!(
            words("\"Well,\" she didn't  say — (re-read) it!"),
            ["Well", "she", "didn't", "say", "re-read", "it"]
        );
    }

    #[test]
    fn text_of_blanks_or_marks_has_no_words() {
        assert!(words(" \n\t").is_empty() && words("... !?").is_empty() && words("").is_empty());
    }

    #[test]
    fn letters_beyond_ascii_belong_to_the_word() {
        assert_eq!(words("«Été» über"), ["Été", "über"]);
    }
}
