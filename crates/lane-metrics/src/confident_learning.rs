//! Confident learning: which labels are wrong, and how classes are mistaken for each other, from
//! out-of-fold probabilities.
//!
//! ```text
//! t_k       = max(mean{ p_ik : y_i = k }, 2e-6)             a class nobody is labeled as: 2
//! k*_i      = the one k with p_ik ≥ t_k − 1e-6; of several, argmax_k p_ik; of none, no class
//! C_jk      = |{ i : y_i = j, k*_i = k }|,  C_kk at least 1
//! Ĉ_jk      = C_jk / Σ_k C_jk · n_j, scaled to Σ Ĉ = N, rounded within each row
//! Q_jk      = Ĉ_jk / N          joint of given label j and true label k
//! m_jk      = Ĉ_jk, less what lifts Ĉ_jj to at least 1 (taken evenly), whole part
//! ```
//!
//! | filter | flags |
//! |---|---|
//! | by class | in each class j, the `n_j` − `m_jj` rows with the lowest `p_ij` |
//! | by noise rate | for each pair j ≠ k, the `m_jk` rows labeled j with the largest `p_ik` − `p_ij` |
//! | both | rows that both of these flag |
//! | confident learning | rows counted off the diagonal: `k*_i ≠ y_i` |
//! | predicted ≠ given | every row whose argmax is another class |
//! | low self-confidence, low normalized margin | as many rows as confident learning flags, lowest score first |
//!
//! The first five never flag a row whose argmax, with 1e-6 on the label's side, is its label; the
//! first three never flag in a class of one row.
//!
//! Probabilities are f64, shape `[n_rows, n_classes]`, and must come from models that did not
//! train on the row they speak of. Rows come in blocks, three times: once for the thresholds
//! ([`ThresholdPass`]), once for the joint ([`JointPass`]), once for the flags ([`FlagPass`]).
//! What is kept between blocks is C² counts and, for the flags, one number a candidate: memory
//! grows with the rows and with the square of the classes, never with rows × classes.
//! [`estimate`] and [`flags`], or [`find`] for both, run the passes over anything that is a [`RowBlocks`]; rows in memory
//! are one block ([`LabeledRows`]), or many small ones ([`RawRows`], the faster where they are many).
//!
//! Equal keys go to the lowest row. Remainders that tie when a row of Ĉ is rounded go as numpy's
//! `argsort` orders them on processors with AVX2, up to 256 classes, because the counts of
//! cleanlab depend on it; see `network_order.rs`.
//!
//! Northcutt, Jiang, Chuang. *Confident Learning: Estimating Uncertainty in Dataset Labels*.
//! JAIR 70, 2021. <https://arxiv.org/abs/1911.00068>. Thresholds, counts, filters and scores as
//! in the Python package cleanlab 2.9.0.
//!
//! # Example
//!
//! ```
//! use lane_metrics::ClassId;
//! use lane_metrics::confident_learning::{self, Filter, LabeledRows};
//!
//! let probabilities = [0.9, 0.1, 0.8, 0.2, 0.2, 0.8, 0.1, 0.9, 0.3, 0.7, 0.9, 0.1];
//! let labels = [0, 0, 0, 1, 1, 1].map(ClassId); // the third and the last are wrong
//! let rows = LabeledRows::new(&probabilities, &labels, 2)?;
//!
//! let joint = confident_learning::estimate(rows)?;
//! let flagged = confident_learning::flags(rows, &joint, Filter::Both)?;
//! assert_eq!(flagged, [false, false, true, false, false, true]);
//! assert_eq!(joint.noise().joint(ClassId(0), ClassId(1)), 1.0 / 6.0);
//! # Ok::<(), lane_metrics::MetricsError>(())
//! ```

mod confident_joint;
mod filter;
mod flag_pass;
mod joint_pass;
mod lowest;
mod network_order;
mod noise_rates;
mod prune_counts;
mod rounding;
mod rows;
pub mod scores;
mod thresholds;

pub use confident_joint::ConfidentJoint;
pub use filter::Filter;
pub use flag_pass::FlagPass;
pub use joint_pass::JointPass;
pub use noise_rates::NoiseRates;
pub use rows::{LabeledRows, RawRows, RowBlocks};
pub use thresholds::{ThresholdPass, Thresholds};

use crate::error::MetricsError;
use crate::id::RowId;

/// Slack of every comparison with a threshold or with a label's own probability.
const SLACK: f64 = 1e-6;

/// Thresholds and the joint of given and true labels, in two passes over the rows.
///
/// # Errors
///
/// Those of the rows, and of [`ThresholdPass`] and [`JointPass`].
pub fn estimate<B: RowBlocks>(mut rows: B) -> Result<ConfidentJoint, B::Error> {
    let mut thresholds = ThresholdPass::default();
    rows.each_block(&mut |block| thresholds.take(block))?;
    let mut joint = JointPass::new(thresholds.finish()?);
    rows.each_block(&mut |block| joint.take(block))?;
    Ok(joint.finish()?)
}

/// Which rows `filter` flags, shape `[n_rows]`, in one pass over the rows `joint` came from.
///
/// # Errors
///
/// Those of the rows, and of [`FlagPass`].
pub fn flags<B: RowBlocks>(
    mut rows: B,
    joint: &ConfidentJoint,
    filter: Filter,
) -> Result<Vec<bool>, B::Error> {
    let mut pass = FlagPass::new(joint, filter);
    rows.each_block(&mut |block| pass.take(block))?;
    Ok(pass.finish()?)
}

/// [`estimate`] and [`flags`] at once, which for [`Filter::ConfidentLearning`] takes two passes over
/// the rows instead of three.
///
/// # Errors
///
/// Those of both.
pub fn find<B: RowBlocks>(
    mut rows: B,
    filter: Filter,
) -> Result<(ConfidentJoint, Vec<bool>), B::Error> {
    let mut thresholds = ThresholdPass::default();
    rows.each_block(&mut |block| thresholds.take(block))?;
    let thresholds = thresholds.finish()?;
    let mut joint = match filter {
        Filter::ConfidentLearning => JointPass::remembering(thresholds),
        _ => JointPass::new(thresholds),
    };
    rows.each_block(&mut |block| joint.take(block))?;
    let (joint, issues) = joint.finish_with_issues()?;
    match issues {
        Some(flagged) => Ok((joint, flagged)),
        None => flags(rows, &joint, filter).map(|flagged| (joint, flagged)),
    }
}

/// The flagged rows, the lowest score first; of equal scores the lowest row.
///
/// Scores are those of [`scores`]: the lower, the more likely mislabeled.
///
/// # Errors
///
/// [`MetricsError::CountMismatch`] when the lists differ in length,
/// [`MetricsError::ValueNotFinite`] on the first score that is NaN, [`MetricsError::TooManyRows`].
pub fn ranked(flagged: &[bool], scores: &[f64]) -> Result<Vec<RowId>, MetricsError> {
    if flagged.len() != scores.len() {
        let (found, n_found, n_expected) = ("flags", flagged.len(), scores.len());
        return Err(MetricsError::CountMismatch { found, n_found, expected: "scores", n_expected });
    }
    if let Some(position) = scores.iter().position(|it| it.is_nan()) {
        return Err(MetricsError::ValueNotFinite { position, value: scores[position] });
    }
    let n_rows = u32::try_from(flagged.len());
    let n_rows = n_rows.map_err(|_| MetricsError::TooManyRows { n_rows: flagged.len() })?;
    let mut rows: Vec<_> = (0..n_rows).map(RowId).filter(|it| flagged[it.index()]).collect();
    // + 0.0 makes the two zeros one, so that they tie.
    let score = |row: &RowId| scores[row.index()] + 0.0;
    rows.sort_by(|a, b| score(a).total_cmp(&score(b)));
    Ok(rows)
}

#[cfg(test)]
mod tests;
