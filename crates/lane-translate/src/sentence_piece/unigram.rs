//! The likeliest way to cut a text into pieces, under a unigram model.
//!
//! ```text
//! best(0) = 0,   best(j) = max over pieces p = text[i..j] of best(i) + score(p)
//! ```
//!
//! A character that is no piece scores ten below the worst piece; runs of them become one unknown.
//! Sums are f32 as in sentencepiece, so that near ties fall the same way; the crate `tokenizers` adds
//! in f64.

use std::collections::HashMap;

/// How far an unknown character scores below the worst piece.
const UNKNOWN_PENALTY: f32 = 10.0;

/// Pieces and their scores.
#[derive(Clone, Debug, Default)]
pub(super) struct Unigram {
    scores: HashMap<String, f32>,
    longest: usize,
    unknown: f32,
}

/// The best way to reach a place in the text.
#[derive(Clone, Copy)]
struct Reached {
    score: f32,
    from: usize,
    known: bool,
}

impl Unigram {
    /// A model of ordinary pieces with their scores, and of symbols of the user, which always win.
    pub(super) fn new(ordinary: &[(String, f32)], symbols: &[String]) -> Self {
        let worst = ordinary.iter().map(|(_, score)| *score).fold(f32::MAX, f32::min);
        // Upstream starts at the smallest positive number, and scores are negative.
        let best = ordinary.iter().map(|(_, score)| *score).fold(f32::MIN_POSITIVE, f32::max);
        let mut scores = HashMap::new();
        for (piece, score) in ordinary {
            scores.insert(piece.clone(), *score);
        }
        for symbol in symbols {
            let score = symbol.len() as f32 * best - 0.1;
            scores.insert(symbol.clone(), score);
        }
        let longest = scores.keys().map(String::len).max().unwrap_or(0);
        Self { scores, longest, unknown: worst - UNKNOWN_PENALTY }
    }

    /// The pieces of a normalized text, in order; unknown runs are pieces too.
    pub(super) fn cut<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let mut reached: Vec<Option<Reached>> = vec![None; text.len() + 1];
        for (from, character) in text.char_indices() {
            let so_far = reached[from].map_or(0.0, |it| it.score);
            self.extend(text, from, so_far, character.len_utf8(), &mut reached);
        }
        let mut pieces: Vec<&str> = Vec::new();
        let (mut end, mut after_unknown) = (text.len(), None);
        while let Some(Reached { from, known, .. }) = reached[end].filter(|_| 0 < end) {
            match after_unknown.filter(|_| !known) {
                Some(run_end) => {
                    pieces.pop();
                    pieces.push(&text[from..run_end]);
                }
                None => pieces.push(&text[from..end]),
            }
            after_unknown = (!known).then(|| after_unknown.unwrap_or(end));
            end = from;
        }
        pieces.reverse();
        pieces
    }

    fn extend(
        &self,
        text: &str,
        from: usize,
        so_far: f32,
        first: usize,
        reached: &mut [Option<Reached>],
    ) {
        let mut first_is_piece = false;
        let most = text.len().min(from + self.longest);
        for end in (from + first..=most).filter(|end| text.is_char_boundary(*end)) {
            let Some(score) = self.scores.get(&text[from..end]) else { continue };
            first_is_piece |= end == from + first;
            offer(&mut reached[end], score + so_far, from, true);
        }
        if !first_is_piece {
            offer(&mut reached[from + first], self.unknown + so_far, from, false);
        }
    }
}

fn offer(place: &mut Option<Reached>, score: f32, from: usize, known: bool) {
    if place.is_none_or(|best| best.score < score) {
        *place = Some(Reached { score, from, known });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(pieces: &[(&str, f32)], symbols: &[&str]) -> Unigram {
        let pieces: Vec<_> =
            pieces.iter().map(|(piece, score)| ((*piece).into(), *score)).collect();
        let symbols: Vec<_> = symbols.iter().map(|it| (*it).into()).collect();
        Unigram::new(&pieces, &symbols)
    }

    #[test]
    fn likelier_cut_wins() {
        let model =
            model(&[("a", -1.0), ("b", -1.0), ("ab", -1.5), ("abc", -4.0), ("c", -2.0)], &[]);
        assert_eq!(model.cut("abc"), ["ab", "c"]);
        assert_eq!(model.cut("aab"), ["a", "ab"]);
        assert_eq!(model.cut(""), Vec::<&str>::new());
    }

    #[test]
    fn run_of_unknown_characters_is_one_piece() {
        let model = model(&[("a", -1.0), ("ä", -1.0)], &[]);
        assert_eq!(model.cut("xyä漢字aé"), ["xy", "ä", "漢字", "a", "é"]);
        assert_eq!(model.cut("漢"), ["漢"]);
    }

    #[test]
    fn symbol_of_the_user_wins_over_any_piece() {
        let model = model(&[("M", -3.0), ("r", -3.0), (".", -2.0), ("Mr", -2.5)], &["Mr."]);
        assert_eq!(model.cut("Mr.M"), ["Mr.", "M"]);
    }

    #[test]
    fn first_of_two_equal_cuts_is_kept() {
        let model = model(&[("a", -1.0), ("aa", -2.0)], &[]);
        assert_eq!(model.cut("aa"), ["aa"]);
    }
}
