//! How well each given label fits its row's probabilities: the lower, the more suspicious.
//!
//! ```text
//! self-confidence               p_y                                             in 0..=1
//! normalized margin             (p_y − max_{k≠y} p_k + 1) / 2                   in 0..=1
//! confidence-weighted entropy   ln(q + 1) / max(q, 1e-6),   q = H / max(p_y, 1e-6)
//!                               H = −Σ_k p_k ln p_k / ln C                      in 0..=1
//! adjusted                      the first two of (p_k − t_k + max_j t_j) / Σ_k (…)
//! ```
//!
//! Each takes rows of shape `[n_rows, n_classes]` with their labels and gives `[n_rows]`.
//! The entropy score of a row with all probability on one class is 0 even where that is its label,
//! as cleanlab has it; only the first two should rank such rows.

use super::{LabeledRows, RowBlocks, SLACK, Thresholds};
use crate::error::MetricsError;
use crate::id::ClassId;

/// Neither an entropy nor a label's probability is divided by less.
const LEAST: f64 = 1e-6;

/// Values looked at side by side; the compiler makes vectors of them.
const LANES: usize = 4;

/// A score of every row of `rows`, block by block: those of [`self_confidence`] and its like.
///
/// # Errors
///
/// Those of the rows.
pub fn over<B: RowBlocks>(
    mut rows: B,
    score: impl Fn(LabeledRows<'_>) -> Vec<f64>,
) -> Result<Vec<f64>, B::Error> {
    let mut scores = Vec::new();
    rows.each_block(&mut |block| {
        scores.append(&mut score(block));
        Ok(())
    })?;
    Ok(scores)
}

/// Probability of the given label, `p_y`.
pub fn self_confidence(rows: LabeledRows<'_>) -> Vec<f64> {
    rows.iter().map(|(row, label)| row[label.index()].min(1.0)).collect()
}

/// How far the label leads the most probable other class, moved to 0..=1.
pub fn normalized_margin(rows: LabeledRows<'_>) -> Vec<f64> {
    rows.iter().map(|(row, label)| margin(row, label)).collect()
}

/// How certain the row's probabilities are, and of its label.
pub fn confidence_weighted_entropy(rows: LabeledRows<'_>) -> Vec<f64> {
    let per_class = 1.0 / (rows.n_classes() as f64).ln();
    let score = |(row, label): (&[f64], ClassId)| {
        let entropy = (-sum_of_p_ln_p(row) * per_class).max(0.0);
        let ratio = entropy / row[label.index()].max(LEAST);
        (ratio + 1.0).ln() / ratio.max(LEAST)
    };
    rows.iter().map(score).collect()
}

/// [`self_confidence`] of probabilities from which each class's threshold is taken off.
///
/// # Errors
///
/// [`MetricsError::CountMismatch`] when the thresholds are of another number of classes.
pub fn adjusted_self_confidence(
    rows: LabeledRows<'_>,
    thresholds: &Thresholds,
) -> Result<Vec<f64>, MetricsError> {
    adjusted(rows, thresholds, |row, label| row[label.index()])
}

/// [`normalized_margin`] of probabilities from which each class's threshold is taken off.
///
/// # Errors
///
/// As [`adjusted_self_confidence`].
pub fn adjusted_normalized_margin(
    rows: LabeledRows<'_>,
    thresholds: &Thresholds,
) -> Result<Vec<f64>, MetricsError> {
    adjusted(rows, thresholds, margin)
}

fn adjusted(
    rows: LabeledRows<'_>,
    thresholds: &Thresholds,
    score: fn(&[f64], ClassId) -> f64,
) -> Result<Vec<f64>, MetricsError> {
    super::thresholds::same_classes(rows, thresholds.n_classes())?;
    let highest = thresholds.values().iter().copied().fold(0.0, f64::max);
    let mut moved = vec![0.0; rows.n_classes()];
    let score = |(row, label): (&[f64], ClassId)| {
        for ((moved, p), threshold) in moved.iter_mut().zip(row).zip(thresholds.values()) {
            *moved = p - threshold + highest;
        }
        let sum: f64 = moved.iter().sum();
        for it in &mut moved {
            *it /= sum;
        }
        score(&moved, label)
    };
    Ok(rows.iter().map(score).collect())
}

/// The normalized margin of one row.
pub(super) fn margin(row: &[f64], label: ClassId) -> f64 {
    let (before, rest) = row.split_at(label.index());
    let rival = largest(before).max(largest(&rest[1..]));
    ((rest[0] - rival + 1.0) * 0.5).clamp(0.0, 1.0)
}

/// Whether the most probable class is the label, with [`SLACK`] on the label's side and ties going
/// to the lowest class.
pub(super) fn agrees(row: &[f64], label: ClassId) -> bool {
    let (before, rest) = row.split_at(label.index());
    let own = rest[0] + SLACK;
    own > largest(before) && own >= largest(&rest[1..])
}

/// The largest value, at least 0.
pub(super) fn largest(values: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for lane in 0..LANES {
            lanes[lane] = larger(lanes[lane], chunk[lane]);
        }
    }
    rest.iter().chain(&lanes).copied().fold(0.0, larger)
}

/// Σ p ln p, with 0 ln 0 = 0.
fn sum_of_p_ln_p(row: &[f64]) -> f64 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        add_p_ln_p(&mut sums, chunk);
    }
    if !rest.is_empty() {
        let at = |lane: usize| rest.get(lane).copied().unwrap_or(1.0); // 1 ln 1 = 0
        add_p_ln_p(&mut sums, &std::array::from_fn(at));
    }
    sums.iter().sum()
}

#[inline]
fn add_p_ln_p(sums: &mut [f64; LANES], chunk: &[f64; LANES]) {
    for (sum, &p) in sums.iter_mut().zip(chunk) {
        let term = p * ln(p);
        *sum += if p > 0.0 { term } else { 0.0 };
    }
}

/// ln of a positive normal number, without branches or calls so that it runs in vectors.
///
/// x = 2^e m with m in √½..√2, and ln m = 2 (s + s³/3 + s⁵/5 + …) with s = (m − 1) / (m + 1),
/// |s| < 0.172: nine terms leave less than 1e-15 of it. A subnormal x gives some finite number.
#[inline]
fn ln(x: f64) -> f64 {
    const ONE: u64 = 1023 << 52;
    const TWO_TO_52: u64 = 1075 << 52;
    let shifted = x.to_bits() + ONE - std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let biased = shifted >> 52;
    let mantissa = f64::from_bits(x.to_bits() + ONE - (biased << 52));
    // An integer below 2^52 in the low bits of 2^52 is the float 2^52 + integer.
    let exponent = f64::from_bits(TWO_TO_52 | biased) - f64::from_bits(TWO_TO_52 | 1023);
    let ratio = (mantissa - 1.0) / (mantissa + 1.0);
    // Two chains of products, so that one need not wait for the other.
    let square = ratio * ratio;
    let fourth = square * square;
    let (mut even, mut odd) = (1.0 / 17.0, 1.0 / 15.0);
    for (a, b) in [(13.0, 11.0), (9.0, 7.0), (5.0, 3.0)] {
        even = even * fourth + 1.0 / a;
        odd = odd * fourth + 1.0 / b;
    }
    let series = even * fourth + odd * square + 1.0;
    2.0 * ratio * series + exponent * std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::{ln, sum_of_p_ln_p};

    #[test]
    fn the_logarithm_is_that_of_the_standard_library() {
        let mut x = 1.000_001;
        while x > 1e-300 {
            assert!((ln(x) - x.ln()).abs() <= 2e-15 * x.ln().abs(), "{x}");
            x *= 0.999;
        }
        assert!(ln(1.0).to_bits() == 0);
    }

    #[test]
    fn probabilities_of_zero_and_less_than_normal_add_nothing() {
        assert!(sum_of_p_ln_p(&[0.0, 1.0, -0.0, 5e-324, 0.0]).abs() < 1e-300);
        assert!((sum_of_p_ln_p(&[0.5, 0.5]) + 2_f64.ln()).abs() < 1e-15);
    }
}
