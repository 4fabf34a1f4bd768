//! The joint of given and true labels as probabilities, and what follows from it.

use serde::{Deserialize, Serialize};

use crate::id::ClassId;

/// Q and its two conditionals.
///
/// A class without rows has 0 everywhere. (cleanlab gives a true class at least 1e-5.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseRates {
    n_classes: usize,
    /// Row-major, given label by row.
    joint: Vec<f64>,
    given_prior: Vec<f64>,
    true_prior: Vec<f64>,
}

impl NoiseRates {
    pub(super) fn of_counts(calibrated: &[u64], n_classes: usize) -> Self {
        let n_rows = calibrated.iter().sum::<u64>() as f64;
        let joint: Vec<f64> = calibrated.iter().map(|n| ratio(*n as f64, n_rows)).collect();
        let given_prior = joint.chunks_exact(n_classes).map(|row| row.iter().sum()).collect();
        let of_true = |class| joint.chunks_exact(n_classes).map(|row| row[class]).sum();
        let true_prior = (0..n_classes).map(of_true).collect();
        Self { n_classes, joint, given_prior, true_prior }
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// `Q_jk`, shape `[n_classes, n_classes]`, given label by row; sums to 1.
    pub fn joint_matrix(&self) -> &[f64] {
        &self.joint
    }

    /// Share of rows labeled `given` whose true label is `truth`, of all rows, in 0..=1.
    ///
    /// # Panics
    ///
    /// When there is no such class, as the others that take classes.
    pub fn joint(&self, given: ClassId, truth: ClassId) -> f64 {
        self.joint[given.index() * self.n_classes + truth.index()]
    }

    /// Share of each given label, shape `[n_classes]`.
    pub fn given_prior(&self) -> &[f64] {
        &self.given_prior
    }

    /// Estimated share of each true label, shape `[n_classes]`.
    pub fn true_prior(&self) -> &[f64] {
        &self.true_prior
    }

    /// The noise matrix: how often rows of class `truth` are labeled `given`, in 0..=1.
    pub fn given_if_true(&self, given: ClassId, truth: ClassId) -> f64 {
        ratio(self.joint(given, truth), self.true_prior[truth.index()])
    }

    /// Its inverse: how often rows labeled `given` are of class `truth`, in 0..=1.
    pub fn true_if_given(&self, truth: ClassId, given: ClassId) -> f64 {
        ratio(self.joint(given, truth), self.given_prior[given.index()])
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
