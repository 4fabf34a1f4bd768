//! Texts that are alike, by an exact join on rare pieces.
//!
//! Order all pieces from rare to common. If J(A, B) ≥ t and |A| ≤ |B|, then |A ∩ B| ≥ t·|B|, so the
//! first |B| − ⌈t·|B|⌉ + 1 pieces of B hold one of A; and among the first
//! |A| − ⌈2t/(1+t)·|A|⌉ + 1 of A is one that B has in its part. Only these are looked up.

use std::collections::HashMap;

use super::Options;

/// Characters of a piece.
pub const PIECE: usize = 5;
/// A product of a share and a count may end just above a whole number; rounding it up would then
/// miss a pair.
const SLACK: f64 = 1e-9;

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
    let mut by_size: Vec<u32> = (0..pieces.n_texts() as u32).collect();
    by_size.sort_by_key(|&text| pieces.of_text(text).len());
    let mut posted: Vec<Vec<u32>> = vec![Vec::new(); pieces.n_shared];
    let mut seen = vec![u32::MAX; pieces.n_texts()];
    for &text in &by_size {
        let own = pieces.of_text(text);
        let (size, least) = (own.len(), threshold * own.len() as f64 - SLACK);
        for &piece in &own[..size - ceil(least) + 1] {
            let Some(others) = posted.get(piece as usize) else { continue };
            // Shorter texts stand first; those too short to be alike are passed over at once.
            let long_enough =
                others.partition_point(|&it| (pieces.of_text(it).len() as f64) < least);
            for &other in &others[long_enough..] {
                let known = std::mem::replace(&mut seen[other as usize], text) == text;
                if !known
                    && sets.first(other) != sets.first(text)
                    && pieces.similarity(other, text) >= threshold
                {
                    sets.unite(other, text);
                }
            }
        }
        let least_to_meet = 2.0 * threshold / (1.0 + threshold) * size as f64 - SLACK;
        for &piece in &own[..size - ceil(least_to_meet) + 1] {
            if let Some(others) = posted.get_mut(piece as usize) {
                others.push(text);
            }
        }
    }
}

#[expect(
    clippy::cast_sign_loss,
    reason = "the argument is a positive share of a count of at least 1"
)]
fn ceil(value: f64) -> usize {
    (value.ceil() as usize).max(1)
}

/// The pieces of all texts, as numbers from rare to common, one text after the other.
struct Pieces {
    values: Vec<u32>,
    ends: Vec<usize>,
    /// Pieces of at least two texts have the numbers below this; all others are above and never
    /// looked up.
    n_shared: usize,
}

impl Pieces {
    fn of(texts: &[&str]) -> Self {
        let (mut values, mut ends) = (Vec::new(), Vec::new());
        let mut numbers = Numbers::default();
        let mut characters = Vec::new();
        for text in texts {
            let start = values.len();
            characters.clear();
            characters.extend(text.chars());
            if characters.is_empty() {
                values.push(numbers.of(key(&[])));
            } else {
                let windows = characters.windows(PIECE.min(characters.len()));
                values.extend(windows.map(|window| numbers.of(key(window))));
            }
            deduplicate(&mut values, start);
            values[start..].iter().for_each(|&number| numbers.counts[number as usize] += 1);
            ends.push(values.len());
        }
        let counts = numbers.counts;
        let (order, n_shared) = rare_to_common(&counts);
        let mut start = 0;
        for &end in &ends {
            values[start..end].iter_mut().for_each(|number| *number = order[*number as usize]);
            // Pieces of one text alone are the rarest, so they stand first though numbered last.
            values[start..end].sort_unstable_by_key(|&number| rarity(number, n_shared));
            start = end;
        }
        Self { values, ends, n_shared }
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
            let place = rarity(piece, self.n_shared);
            while at < b.len() && rarity(b[at], self.n_shared) < place {
                at += 1;
            }
            n_both += usize::from(at < b.len() && b[at] == piece);
        }
        n_both as f64 / (a.len() + b.len() - n_both) as f64
    }
}

/// Pieces numbered as they come by, and in how many texts each is.
#[derive(Default)]
struct Numbers {
    by_key: HashMap<u128, u32>,
    counts: Vec<u32>,
}

impl Numbers {
    fn of(&mut self, key: u128) -> u32 {
        let next = self.counts.len() as u32;
        let number = *self.by_key.entry(key).or_insert(next);
        if number == next {
            self.counts.push(0);
        }
        number
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

/// New numbers: shared pieces from rare to common, then those of one text; how many are shared.
fn rare_to_common(counts: &[u32]) -> (Vec<u32>, usize) {
    let mut by_count: Vec<u32> = (0..counts.len() as u32).collect();
    by_count.sort_by_key(|&number| match counts[number as usize] {
        1 => u32::MAX,
        count => count,
    });
    let mut order = vec![0; counts.len()];
    for (new, &old) in by_count.iter().enumerate() {
        order[old as usize] = new as u32;
    }
    (order, counts.iter().filter(|&&count| count > 1).count())
}

/// Sorts pieces of one text before shared ones, and these from rare to common.
fn rarity(number: u32, n_shared: usize) -> u64 {
    let number = u64::from(number);
    if number < n_shared as u64 { number + (1 << 32) } else { number }
}

/// Union-find, the smallest member standing for its set.
#[derive(Clone)]
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
    use std::collections::BTreeSet;

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
        let all = 0..texts.len() as u32;
        let firsts: BTreeSet<u32> = all.clone().map(|it| joined.first(it)).collect();
        let members = |first| all.clone().filter(|&it| joined.clone().first(it) == first).collect();
        firsts.into_iter().map(members).filter(|it: &Vec<u32>| it.len() > 1).collect()
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
        // Pieces 4 of 5: 0.8, whose product with 5 must not round up to 5.
        assert_eq!(groups(&["abcdefgh", "abcdefghi"], 0.8).len(), 1);
        assert_eq!(groups(&["abcdefgh", "abcdefghi"], 0.801).len(), 0);
    }

    #[test]
    fn likeness_connects_texts_through_others() {
        let texts = ["abcdefgh", "abcdefghi", "abcdefghij"];
        let found = groups(&texts, 0.8);
        assert_eq!(found[0].texts, [0, 1, 2]);
        assert!((found[0].similarity - 4.0 / 6.0).abs() < 1e-15);
    }
}
