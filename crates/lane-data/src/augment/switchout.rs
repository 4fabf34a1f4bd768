//! SwitchOut: some word pieces exchanged for others, drawn evenly.
//!
//! ```text
//! P(n) ∝ exp(−τ·n)  or  exp(−n/τ)          n = 0 … L−1,  L = pieces that are not special
//! each piece is edited with probability n/L, or exactly n of them are
//! new = (old + U{1 … V−1}) mod V           over the V pieces that are not special
//! ```
//!
//! Source: Wang et al. 2018, *SwitchOut: an Efficient Data Augmentation Algorithm for Neural
//! Machine Translation*. The paper prints exp(−n/τ), the code in its appendix and the ports of it
//! exp(−τ·n); both are here ([`TemperatureRule`]) and agree at τ = 1, the default, where a long
//! text has 0.58 edits on average. The ports' τ = 0.1 (multiplying) has about 9.5 and was meant
//! for translation.
//!
//! Departures: the special tokens, the unknown one and the `[unused…]` rows of BERT's vocabulary are neither
//! edited nor drawn, while the original leaves only padding and sentence ends alone; the target
//! side of the paper does not exist here.
//!
//! AUM-ST, by LANE's first author, calls *switchout* what is [deletion](super::deletion) here;
//! [`Implementation::Deletion`] stands for it.

use std::collections::BTreeSet;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::seed;

/// How many pieces are edited, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SwitchOutConfig {
    /// What goes by the name of SwitchOut.
    #[serde(rename = "impl")]
    pub implementation: Implementation,
    /// τ, above 0.
    pub temperature: f64,
    /// Whether τ multiplies the number of edits or divides it.
    pub rule: TemperatureRule,
    /// Edit exactly the number drawn instead of each piece by chance.
    pub exact: bool,
}

impl Default for SwitchOutConfig {
    fn default() -> Self {
        Self {
            implementation: Implementation::Switchout,
            temperature: 1.0,
            rule: TemperatureRule::Multiply,
            exact: false,
        }
    }
}

/// What goes by the name of SwitchOut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Implementation {
    /// Word pieces exchanged for others.
    #[default]
    Switchout,
    /// Words deleted at random, never all of them.
    Deletion,
}

/// Where τ stands in the exponent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TemperatureRule {
    /// exp(−τ·n), as in code.
    #[default]
    Multiply,
    /// exp(−n/τ), as printed.
    Divide,
}

impl SwitchOutConfig {
    /// P(n) for n = 0 … `length` − 1; empty for a text without pieces.
    pub fn edit_probabilities(&self, length: usize) -> Vec<f64> {
        let decay = match self.rule {
            TemperatureRule::Multiply => self.temperature,
            TemperatureRule::Divide => self.temperature.recip(),
        };
        let weights: Vec<f64> = (0..length).map(|n| (-decay * n as f64).exp()).collect();
        let total: f64 = weights.iter().sum();
        weights.into_iter().map(|weight| weight / total).collect()
    }

    fn draw_n_edits(&self, length: usize, generator: &mut impl Rng) -> usize {
        let mut left: f64 = generator.random();
        for (n, probability) in self.edit_probabilities(length).into_iter().enumerate() {
            left -= probability;
            if left < 0.0 {
                return n;
            }
        }
        // Rounding alone leads here, past the last of the probabilities.
        0
    }
}

/// The pieces of a vocabulary that may be exchanged for each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordPieces {
    ids: Vec<u32>,
}

impl WordPieces {
    /// The pieces with these ids, in any order; their order of rank is that of their ids.
    pub fn new(ids: impl IntoIterator<Item = u32>) -> Self {
        Self { ids: ids.into_iter().collect::<BTreeSet<u32>>().into_iter().collect() }
    }

    /// V, the number of pieces.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// The place of `id` among the pieces; none if it may not be exchanged.
    pub fn rank(&self, id: u32) -> Option<usize> {
        self.ids.binary_search(&id).ok()
    }

    /// The id `offset` places after `rank`, round the end.
    pub(super) fn shifted(&self, rank: usize, offset: usize) -> u32 {
        self.ids[(rank + offset) % self.ids.len()]
    }
}

/// Exchanges some of `ids`; their number, and what is not among `pieces`, stays.
pub fn switch_out(ids: &mut [u32], pieces: &WordPieces, config: &SwitchOutConfig, seed: u64) {
    let open: Vec<(usize, usize)> = ids
        .iter()
        .enumerate()
        .filter_map(|(at, id)| pieces.rank(*id).map(|rank| (at, rank)))
        .collect();
    if pieces.len() < 2 {
        return;
    }
    let mut generator = seed::generator(seed, "augment/switchout", &[]);
    let n_edits = config.draw_n_edits(open.len(), &mut generator);
    for at in positions(open.len(), n_edits, config.exact, &mut generator) {
        let (position, rank) = open[at];
        let offset = generator.random_range(1..pieces.len());
        ids[position] = pieces.shifted(rank, offset);
    }
}

/// Which of `length` places are edited, ascending.
fn positions(length: usize, n_edits: usize, exact: bool, generator: &mut impl Rng) -> Vec<usize> {
    if n_edits == 0 {
        return Vec::new();
    }
    if exact {
        let mut chosen = rand::seq::index::sample(generator, length, n_edits).into_vec();
        chosen.sort_unstable();
        return chosen;
    }
    let rate = edit_rate(n_edits, length);
    (0..length).filter(|_| generator.random::<f64>() < rate).collect()
}

/// The chance of each of `length` pieces to be edited where `n_edits` are wanted.
pub(super) fn edit_rate(n_edits: usize, length: usize) -> f64 {
    n_edits as f64 / length as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECIAL: [u32; 3] = [0, 2, 3];

    fn pieces() -> WordPieces {
        WordPieces::new(4..50)
    }

    fn config(temperature: f64, exact: bool) -> SwitchOutConfig {
        SwitchOutConfig { temperature, exact, ..SwitchOutConfig::default() }
    }

    fn made(ids: &[u32], config: &SwitchOutConfig, seed: u64) -> Vec<u32> {
        let mut made = ids.to_vec();
        switch_out(&mut made, &pieces(), config, seed);
        made
    }

    fn n_changed(before: &[u32], after: &[u32]) -> usize {
        before.iter().zip(after).filter(|(before, after)| before != after).count()
    }

    #[test]
    fn one_piece_is_never_edited() {
        for seed in 0..200 {
            assert_eq!(made(&[2, 7, 3], &config(1e-9, true), seed), [2, 7, 3]);
        }
    }

    #[test]
    fn text_without_pieces_and_vocabulary_of_one_piece_stay_as_they_are() {
        assert_eq!(made(&[2, 3], &config(0.1, false), 1), [2, 3]);
        assert!(made(&[], &config(0.1, false), 1).is_empty());
        let mut ids = vec![2, 4, 4, 4, 3];
        switch_out(&mut ids, &WordPieces::new([4]), &config(1e-9, true), 1);
        assert_eq!(ids, [2, 4, 4, 4, 3]);
        switch_out(&mut ids, &WordPieces::new([]), &config(1e-9, true), 1);
        assert_eq!(ids, [2, 4, 4, 4, 3]);
    }

    #[test]
    fn number_of_edits_has_the_mean_of_its_distribution_by_chance_and_exactly() {
        let text: Vec<u32> = (4..24).collect();
        for exact in [false, true] {
            let config = config(0.1, exact);
            let expected: f64 =
                config.edit_probabilities(20).iter().zip(0..).map(|(p, n)| p * f64::from(n)).sum();
            let total: usize =
                (0..4000).map(|seed| n_changed(&text, &made(&text, &config, seed))).sum();
            let mean = total as f64 / 4000.0;
            assert!((mean - expected).abs() < 0.25, "exact {exact}: {mean} against {expected}");
        }
    }

    #[test]
    fn edited_pieces_are_drawn_from_all_others() {
        let mut seen = BTreeSet::new();
        for seed in 0..4000 {
            let after = made(&[2, 10, 11, 3], &config(1e-9, true), seed);
            seen.extend((after[1] != 10).then_some(after[1]));
        }
        assert_eq!(seen, (4..50).filter(|id| *id != 10).collect());
        assert!(SPECIAL.iter().all(|id| !seen.contains(id)));
    }

    #[test]
    fn temperature_may_multiply_or_divide() {
        let rule =
            |rule, temperature| SwitchOutConfig { temperature, rule, ..SwitchOutConfig::default() };
        let (multiply, divide) =
            (rule(TemperatureRule::Multiply, 4.0), rule(TemperatureRule::Divide, 0.25));
        assert_eq!(multiply.edit_probabilities(9), divide.edit_probabilities(9));
        assert_eq!(multiply.edit_probabilities(1), [1.0]);
        assert!(multiply.edit_probabilities(0).is_empty());
    }

    #[test]
    fn edits_depend_on_the_seed_alone() {
        let text: Vec<u32> = (4..40).collect();
        let strong = config(0.05, false);
        assert_eq!(made(&text, &strong, 5), made(&text, &strong, 5));
        assert_ne!(made(&text, &strong, 5), made(&text, &strong, 6));
    }
}
