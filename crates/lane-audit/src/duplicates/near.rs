//! Texts that are alike: candidates by min-wise hashing in bands, each verified by its pieces.
//!
//! The least of a text's pieces, in an order of all pieces drawn by lot, is the same for two texts
//! with probability J. A band is r such orders; two texts with equal least pieces in all orders of
//! some band are compared. With b bands a pair is missed with probability
//!
//! ```text
//! (1 − J^r)^b ≤ 10⁻⁶   where J ≥ t,      b = ⌈ln 10⁻⁶ / ln(1 − t^r)⌉
//! ```
//!
//! 75 bands of 8 at t = 0.8; texts at J = 0.3 are compared in 1 of 200 cases. The orders are
//! constants, so the same texts always give the same groups.
//!
//! Broder, *On the Resemblance and Containment of Documents*, SEQUENCES 1997.

use std::collections::HashMap;

use super::Options;

/// Characters of a piece.
pub const PIECE: usize = 5;
/// A pair that is alike is missed with this probability at most.
pub const MISSED: f64 = 1e-6;
/// In a band, a text is compared with at most so many others. More share a band only where
/// thousands of texts are one template; they still meet in other bands.
pub const MOST_COMPARED: usize = 64;
/// Most orders of a band: as many as a vector register has lanes.
const LANES: usize = 8;
/// Orders are added to a band as long as two texts at the threshold agree on it this often.
const AGREE: f64 = 0.15;

/// Texts connected by likeness.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The texts, by their place, ascending; at least two.
    pub texts: Vec<u32>,
    /// Similarity of the first text to the one least like it.
    pub similarity: f64,
}

/// The groups of two texts or more, in the order of their first texts.
///
/// A threshold outside (0, 1] is moved to the nearest end of 0.05 to 1: at 0 everything would be
/// alike.
pub fn groups(texts: &[&str], threshold: f64) -> Vec<Group> {
    let threshold = if threshold.is_nan() { Options::default().threshold } else { threshold };
    let threshold = threshold.clamp(0.05, 1.0);
    let pieces = Pieces::of(texts);
    let mut sets = DisjointSets::new(texts.len());
    join(&pieces, threshold, &mut sets);
    let mut groups: Vec<Group> = Vec::new();
    let mut place_of = vec![usize::MAX; texts.len()];
    for text in 0..texts.len() as u32 {
        let first = sets.first(text) as usize;
        if place_of[first] == usize::MAX {
            place_of[first] = groups.len();
            groups.push(Group { texts: Vec::new(), similarity: 1.0 });
        }
        let group = &mut groups[place_of[first]];
        group.similarity = group.similarity.min(pieces.similarity(first as u32, text));
        group.texts.push(text);
    }
    groups.retain(|group| group.texts.len() > 1);
    groups
}

/// Jaccard similarity of two texts; 1 for equal ones.
pub fn similarity(a: &str, b: &str) -> f64 {
    Pieces::of(&[a, b]).similarity(0, 1)
}

fn join(pieces: &Pieces, threshold: f64, sets: &mut DisjointSets) {
    let (n_orders, n_bands) = bands(threshold);
    let mut keys: Vec<(u64, u32)> = Vec::with_capacity(pieces.n_texts());
    for band in 0..n_bands {
        let orders = Orders::of_band(band);
        keys.clear();
        let texts = 0..pieces.n_texts() as u32;
        keys.extend(texts.map(|text| (orders.key(pieces.of_text(text), n_orders), text)));
        keys.sort_unstable();
        for bucket in keys.chunk_by(|a, b| a.0 == b.0) {
            for (at, &(_, text)) in bucket.iter().enumerate() {
                for &(_, other) in bucket[at + 1..].iter().take(MOST_COMPARED) {
                    if sets.first(text) != sets.first(other)
                        && threshold <= pieces.similarity(text, other)
                    {
                        sets.unite(text, other);
                    }
                }
            }
        }
    }
}

/// Orders of a band and bands.
#[expect(clippy::cast_sign_loss, reason = "both are at least 1")]
fn bands(threshold: f64) -> (usize, u64) {
    // At 1 every order agrees: the logarithm is 0 and the division infinite, which min() mends.
    let n_orders = (AGREE.ln() / threshold.ln()).abs().min(LANES as f64).max(1.0) as usize;
    let agree = threshold.powf(n_orders as f64).min(1.0 - MISSED);
    let n_bands = (MISSED.ln() / (1.0 - agree).ln()).ceil().max(1.0);
    (n_orders, n_bands as u64)
}

/// The orders of a band: a piece's place in an order is its number, mixed with two constants.
struct Orders {
    flips: [u32; LANES],
    factors: [u32; LANES],
}

impl Orders {
    fn of_band(band: u64) -> Self {
        let constant = |at: usize| mixed(band << 8 | at as u64);
        Self {
            flips: std::array::from_fn(|lane| constant(2 * lane) as u32),
            factors: std::array::from_fn(|lane| constant(2 * lane + 1) as u32 | 1),
        }
    }

    /// The least places of the pieces, in one number.
    fn key(&self, pieces: &[u32], n_orders: usize) -> u64 {
        let mut least = [u32::MAX; LANES];
        for &piece in pieces {
            let orders = self.flips.iter().zip(&self.factors);
            for (least, (flip, factor)) in least.iter_mut().zip(orders) {
                *least = (*least).min((piece ^ flip).wrapping_mul(*factor));
            }
        }
        least[..n_orders].iter().fold(0, |key, &place| mixed(key ^ u64::from(place)))
    }
}

/// Consecutive numbers, far apart; different ones stay different, for each step can be undone.
///
/// The orders are products, which would keep consecutive numbers in step.
fn scattered(number: u32) -> u32 {
    let mut number = (number ^ number >> 16).wrapping_mul(0x85EB_CA6B);
    number = (number ^ number >> 13).wrapping_mul(0xC2B2_AE35);
    number ^ number >> 16
}

/// A number that looks drawn by lot (the finalizer of `splitmix64`).
fn mixed(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// The pieces of all texts as numbers, ascending within a text, one text after the other.
struct Pieces {
    values: Vec<u32>,
    ends: Vec<usize>,
}

impl Pieces {
    fn of(texts: &[&str]) -> Self {
        let (mut values, mut ends) = (Vec::new(), Vec::new());
        let mut numbers: HashMap<u128, u32> = HashMap::new();
        let mut number = |window: &[char]| {
            let next = numbers.len() as u32;
            *numbers.entry(key(window)).or_insert(scattered(next))
        };
        let mut characters = Vec::new();
        for text in texts {
            let start = values.len();
            characters.clear();
            characters.extend(text.chars());
            if characters.is_empty() {
                values.push(number(&[]));
            } else {
                let windows = characters.windows(PIECE.min(characters.len()));
                values.extend(windows.map(&mut number));
            }
            deduplicate(&mut values, start);
            ends.push(values.len());
        }
        Self { values, ends }
    }

    fn n_texts(&self) -> usize {
        self.ends.len()
    }

    fn of_text(&self, text: u32) -> &[u32] {
        let at = text as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.values[start..self.ends[at]]
    }

    fn similarity(&self, a: u32, b: u32) -> f64 {
        let (a, b) = (self.of_text(a), self.of_text(b));
        let (mut at, mut n_both) = (0, 0_usize);
        for &piece in a {
            while at < b.len() && b[at] < piece {
                at += 1;
            }
            n_both += usize::from(at < b.len() && b[at] == piece);
        }
        n_both as f64 / (a.len() + b.len() - n_both) as f64
    }
}

/// Five characters of 21 bits each, and how many there are: different pieces, different keys.
fn key(window: &[char]) -> u128 {
    let start = window.len() as u128;
    window.iter().fold(start, |key, &character| key << 21 | u128::from(u32::from(character)))
}

fn deduplicate(values: &mut Vec<u32>, start: usize) {
    values[start..].sort_unstable();
    let mut kept = start;
    for at in start..values.len() {
        if at == start || values[at] != values[kept - 1] {
            values[kept] = values[at];
            kept += 1;
        }
    }
    values.truncate(kept);
}

/// Union-find, the smallest member standing for its set.
struct DisjointSets {
    parents: Vec<u32>,
}

impl DisjointSets {
    fn new(n_members: usize) -> Self {
        Self { parents: (0..n_members as u32).collect() }
    }

    fn first(&mut self, mut member: u32) -> u32 {
        while self.parents[member as usize] != member {
            let above = self.parents[self.parents[member as usize] as usize];
            self.parents[member as usize] = above;
            member = above;
        }
        member
    }

    fn unite(&mut self, a: u32, b: u32) {
        let (a, b) = (self.first(a), self.first(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn set(text: &str) -> BTreeSet<Vec<char>> {
        let characters: Vec<char> = text.chars().collect();
        if characters.len() < PIECE {
            return BTreeSet::from([characters]);
        }
        characters.windows(PIECE).map(<[char]>::to_vec).collect()
    }

    /// Every pair, with sets of characters.
    fn by_every_pair(texts: &[&str], threshold: f64) -> Vec<Vec<u32>> {
        let sets: Vec<_> = texts.iter().map(|text| set(text)).collect();
        let mut joined = DisjointSets::new(texts.len());
        for a in 0..texts.len() {
            for b in 0..a {
                let both = sets[a].intersection(&sets[b]).count();
                let any = sets[a].union(&sets[b]).count();
                if both as f64 / any as f64 >= threshold {
                    joined.unite(a as u32, b as u32);
                }
            }
        }
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for text in 0..texts.len() as u32 {
            groups.entry(joined.first(text)).or_default().push(text);
        }
        groups.into_values().filter(|group| group.len() > 1).collect()
    }

    proptest! {
        #[test]
        fn groups_are_those_of_comparing_every_pair(
            texts in prop::collection::vec("[ab]{0,12}( [abc]{1,6})?", 0..24),
            threshold in 0.3_f64..=1.0,
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let found: Vec<_> = groups(&texts, threshold).into_iter().map(|it| it.texts).collect();
            prop_assert_eq!(found, by_every_pair(&texts, threshold));
        }

        #[test]
        fn similarity_is_that_of_the_sets(a in "[ab]{0,20}", b in "[ab]{0,20}") {
            let (first, second) = (set(&a), set(&b));
            let both = first.intersection(&second).count() as f64;
            let expected = both / first.union(&second).count() as f64;
            prop_assert!((similarity(&a, &b) - expected).abs() < 1e-15);
            prop_assert!((similarity(&b, &a) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn likeness_by_hand() {
        // abcde, bcdef against abcde, bcdex: one of three.
        assert!((similarity("abcdef", "abcdex") - 1.0 / 3.0).abs() < 1e-15);
        assert!((similarity("ab", "ab") - 1.0).abs() < 1e-15);
        assert!(similarity("ab", "abc").abs() < 1e-15);
    }

    #[test]
    fn a_pair_at_the_threshold_itself_is_alike() {
        // Pieces 4 of 5.
        assert_eq!(groups(&["abcdefgh", "abcdefghi"], 0.8).len(), 1);
        assert_eq!(groups(&["abcdefgh", "abcdefghi"], 0.801).len(), 0);
    }

    #[test]
    fn bands_are_as_many_as_the_threshold_asks() {
        assert_eq!(bands(0.8), (8, 76));
        for threshold in [0.05_f64, 0.3, 0.5, 0.9, 1.0] {
            let (n_orders, n_bands) = bands(threshold);
            let missed = (1.0 - threshold.powf(n_orders as f64)).powf(n_bands as f64);
            assert!(missed <= MISSED * 1.001, "{threshold}: {missed}");
        }
    }

    #[test]
    fn texts_alike_are_found_among_many_of_few_words() {
        // Few words give no rare pieces: most texts share some with most others.
        let words = ["card", "lost", "refund", "where", "please", "money", "pending", "top up"];
        let text = |at: u64| {
            let of_place = |place: u64| words[(mixed(at << 8 | place) % 8) as usize];
            (0..12).map(of_place).collect::<Vec<_>>().join(" ")
        };
        let mut texts: Vec<String> = (0..300).map(text).collect();
        texts.push(format!("{}!", texts[0]));
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let found: Vec<_> = groups(&texts, 0.8).into_iter().map(|it| it.texts).collect();
        assert_eq!(found, by_every_pair(&texts, 0.8));
        assert!(found.iter().any(|it| it.starts_with(&[0]) && it.ends_with(&[300])));
    }

    #[test]
    fn likeness_connects_texts_through_others() {
        let texts = ["abcdefgh", "abcdefghi", "abcdefghij"];
        let found = groups(&texts, 0.8);
        assert_eq!(found[0].texts, [0, 1, 2]);
        assert!((found[0].similarity - 4.0 / 6.0).abs() < 1e-15);
    }
}
