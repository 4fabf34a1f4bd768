//! The counts of given label against true label, as they were counted and as they add up.

use serde::{Deserialize, Serialize};

use super::{NoiseRates, Thresholds, prune_counts, rounding};

/// A row without counts is divided by this instead of by 0.
const TINY: f64 = 1e-100;

/// How often each given label hides each true one: C as counted and Ĉ made to fit the labels.
///
/// Matrices are row-major, shape `[n_classes, n_classes]`, the given label by row and the true one
/// by column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfidentJoint {
    thresholds: Thresholds,
    counted: Vec<u64>,
    calibrated: Vec<u64>,
    n_issues: u64,
}

impl ConfidentJoint {
    pub(super) fn new(thresholds: Thresholds, mut counted: Vec<u64>, n_issues: u64) -> Self {
        let n_classes = thresholds.n_classes();
        for class in 0..n_classes {
            let diagonal = &mut counted[class * n_classes + class];
            *diagonal = (*diagonal).max(1);
        }
        let calibrated = calibrate(&counted, thresholds.label_counts());
        Self { thresholds, counted, calibrated, n_issues }
    }

    /// What the counts were made against.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.thresholds.n_classes()
    }

    /// Number of rows, N.
    pub fn n_rows(&self) -> u64 {
        self.thresholds.n_rows()
    }

    /// C: rows confidently counted, at least 1 on the diagonal.
    pub fn counted(&self) -> &[u64] {
        &self.counted
    }

    /// Ĉ: sums to N, and each row to the number of rows given that label.
    pub fn calibrated(&self) -> &[u64] {
        &self.calibrated
    }

    /// Rows confidently counted in another class than their label's, less those whose most
    /// probable class is their label: what [`ConfidentLearning`](super::Filter::ConfidentLearning)
    /// flags.
    pub fn n_issues(&self) -> u64 {
        self.n_issues
    }

    /// Rows off the diagonal of Ĉ: the estimated number of wrong labels, at least as good where
    /// classes are few.
    pub fn n_issues_calibrated(&self) -> u64 {
        let n = self.n_classes();
        self.n_rows() - (0..n).map(|class| self.calibrated[class * n + class]).sum::<u64>()
    }

    /// 1 − [`n_issues`](Self::n_issues) / N, in 0..=1.
    pub fn health(&self) -> f64 {
        1.0 - self.n_issues as f64 / self.n_rows() as f64
    }

    /// Ĉ as probabilities.
    pub fn noise(&self) -> NoiseRates {
        NoiseRates::of_counts(&self.calibrated, self.n_classes())
    }

    /// `m_jk`: how many rows of given label j to flag for each true class k; on the diagonal, how
    /// many to leave.
    pub fn prune_counts(&self) -> Vec<u64> {
        prune_counts::of_calibrated(&self.calibrated, self.n_classes())
    }
}

/// Rows scaled to the label counts, the whole to N, each row rounded.
fn calibrate(counted: &[u64], label_counts: &[u64]) -> Vec<u64> {
    let n_classes = label_counts.len();
    let mut scaled = Vec::with_capacity(counted.len());
    for (row, n_given) in counted.chunks_exact(n_classes).zip(label_counts) {
        let sum = (row.iter().sum::<u64>() as f64).max(TINY);
        scaled.extend(row.iter().map(|count| *count as f64 / sum * *n_given as f64));
    }
    // Added up by true class, as cleanlab has the matrix in memory.
    let by_truth: Vec<f64> = (0..n_classes)
        .flat_map(|truth| scaled.iter().skip(truth).step_by(n_classes))
        .copied()
        .collect();
    let total = rounding::pairwise_sum(&by_truth).max(TINY);
    let n_rows = label_counts.iter().sum::<u64>();
    for value in &mut scaled {
        *value = *value / total * n_rows as f64;
    }
    scaled.chunks_exact(n_classes).flat_map(rounding::keeping_the_sum).collect()
}
