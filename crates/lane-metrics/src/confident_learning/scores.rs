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

#![expect(clippy::inline_always, reason = "compiled for wide vectors only where it is inlined")]

use super::{LabeledRows, RowBlocks, SLACK, Thresholds};
use crate::error::MetricsError;
use crate::id::ClassId;
use crate::vectors::{Loop, largest, largest_but, ln, p_ln_p, sum, widest};

/// Neither an entropy nor a label's probability is divided by less.
const LEAST: f64 = 1e-6;

/// Terms of the entropy computed before they are added up.
const PIECE: usize = 512;

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
    widest(Margins(rows))
}

struct Margins<'a>(LabeledRows<'a>);

impl Loop for Margins<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self) -> Vec<f64> {
        let mut margins = vec![0.0; self.0.n_rows()];
        for (it, (row, label)) in margins.iter_mut().zip(self.0.iter()) {
            *it = margin(row, label);
        }
        margins
    }
}

/// How certain the row's probabilities are, and of its label.
pub fn confidence_weighted_entropy(rows: LabeledRows<'_>) -> Vec<f64> {
    widest(Entropies(rows))
}

/// All terms of some rows, then their sums, and in the end the logarithms of all rows: each in a
/// loop of its own that runs in vectors however short the rows are.
struct Entropies<'a>(LabeledRows<'a>);

impl Loop for Entropies<'_> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run(self) -> Vec<f64> {
        let rows = self.0;
        let n_classes = rows.n_classes();
        let per_class = 1.0 / (n_classes as f64).ln();
        let n_rows = (PIECE / n_classes).max(1);
        let mut terms = vec![0.0; n_rows * n_classes];
        let mut scores = Vec::with_capacity(rows.n_rows());
        let pieces = rows.values().chunks(n_rows * n_classes).zip(rows.labels().chunks(n_rows));
        for (values, labels) in pieces {
            let terms = &mut terms[..values.len()];
            for (term, p) in terms.iter_mut().zip(values) {
                *term = p_ln_p(*p);
            }
            let sums = terms.chunks_exact(n_classes).zip(values.chunks_exact(n_classes));
            // No chain of adapters, which would be compiled apart and for narrow vectors.
            for ((terms, row), label) in sums.zip(labels) {
                let entropy = (-sum(terms) * per_class).max(0.0);
                scores.push(entropy / row[label.index()].max(LEAST));
            }
        }
        for score in &mut scores {
            *score = ln(*score + 1.0) / score.max(LEAST);
        }
        scores
    }
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
#[inline(always)]
pub(super) fn margin(row: &[f64], label: ClassId) -> f64 {
    let own = row[label.index()];
    let rival = largest_but(row, own);
    ((own - rival + 1.0) * 0.5).clamp(0.0, 1.0)
}

/// Whether the most probable class is the label, with [`SLACK`] on the label's side and ties going
/// to the lowest class.
#[inline(always)]
pub(super) fn agrees(row: &[f64], label: ClassId) -> bool {
    let rival = largest_but(row, row[label.index()]);
    let own = row[label.index()] + SLACK;
    own >= rival && (own > rival || own > largest(&row[..label.index()]))
}
