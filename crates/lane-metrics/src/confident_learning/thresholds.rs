//! First pass: how sure the models are of a class where it is the given label.
#![expect(clippy::inline_always, reason = "compiled for wide vectors only where it is inlined")]

use serde::{Deserialize, Serialize};

use super::{LabeledRows, SLACK};
use crate::error::MetricsError;
use crate::vectors::{Reached, reached};

/// No threshold is lower, so that a probability of 0 never passes one.
const LOWEST: f64 = 2.0 * SLACK;

/// The threshold of a class nobody is labeled as: no probability reaches it.
const UNREACHABLE: f64 = 2.0;

/// Sums the label's own probability by class, block by block.
#[derive(Clone, Debug, Default)]
pub struct ThresholdPass {
    sums: Vec<f64>,
    label_counts: Vec<u64>,
}

impl ThresholdPass {
    /// Takes the next rows; the first block says how many classes there are.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] when a later block has another number of classes.
    pub fn take(&mut self, rows: LabeledRows<'_>) -> Result<(), MetricsError> {
        if self.sums.is_empty() {
            self.sums = vec![0.0; rows.n_classes()];
            self.label_counts = vec![0; rows.n_classes()];
        }
        same_classes(rows, self.sums.len())?;
        for (row, label) in rows.iter() {
            self.sums[label.index()] += row[label.index()];
            self.label_counts[label.index()] += 1;
        }
        Ok(())
    }

    /// The thresholds `t_k`.
    ///
    /// # Errors
    ///
    /// [`MetricsError::TooFewValues`] when there was no row.
    pub fn finish(self) -> Result<Thresholds, MetricsError> {
        if self.label_counts.iter().all(|n| *n == 0) {
            return Err(MetricsError::TooFewValues { at_least: 1, n_values: 0 });
        }
        let threshold = |(&sum, &n): (&f64, &u64)| {
            if n == 0 { UNREACHABLE } else { (sum / n as f64).max(LOWEST) }
        };
        let values = self.sums.iter().zip(&self.label_counts).map(threshold).collect();
        Ok(Thresholds { values, label_counts: self.label_counts })
    }
}

/// Mean probability of a class over the rows labeled as it, `t_k`, shape `[n_classes]`.
///
/// At least 2e-6; 2 for a class that is nobody's label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    values: Vec<f64>,
    label_counts: Vec<u64>,
}

impl Thresholds {
    /// `t_k`, shape `[n_classes]`.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Rows given each label, `n_k`, shape `[n_classes]`.
    pub fn label_counts(&self) -> &[u64] {
        &self.label_counts
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.values.len()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> u64 {
        self.label_counts.iter().sum()
    }

    /// The class a row is confidently of, k*: the only one that reaches its threshold, or the most
    /// probable one where several do. `row` has shape `[n_classes]`.
    pub fn confident_class(&self, row: &[f64]) -> Option<usize> {
        confident_class(row, &self.limits())
    }

    /// What a probability must reach, shape `[n_classes]`.
    pub(super) fn limits(&self) -> Vec<f64> {
        self.values.iter().map(|threshold| threshold - SLACK).collect()
    }
}

/// [`Thresholds::confident_class`] by the limits.
#[inline(always)]
pub(super) fn confident_class(row: &[f64], limits: &[f64]) -> Option<usize> {
    let Reached { n, last, largest } = reached(row, limits);
    match n {
        0 => None,
        1 => Some(last),
        _ => Some(largest),
    }
}

/// Refuses a block of another width than the first one.
pub(super) fn same_classes(rows: LabeledRows<'_>, n_expected: usize) -> Result<(), MetricsError> {
    if rows.n_classes() == n_expected {
        return Ok(());
    }
    Err(MetricsError::CountMismatch {
        found: "classes of a block",
        n_found: rows.n_classes(),
        expected: "of the first block",
        n_expected,
    })
}
