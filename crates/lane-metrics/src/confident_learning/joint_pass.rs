//! Second pass: how often each given label is confidently counted in each class.
#![expect(clippy::inline_always, reason = "compiled for wide vectors only where it is inlined")]

use super::scores::agrees;
use super::thresholds::{confident_class, same_classes};
use super::{ConfidentJoint, LabeledRows, Thresholds};
use crate::error::MetricsError;
use crate::vectors::widest;

/// Counts pairs of given label and confident class, block by block.
#[derive(Clone, Debug)]
pub struct JointPass {
    thresholds: Thresholds,
    limits: Vec<f64>,
    /// Row-major `[n_classes, n_classes]`, given label by row.
    counts: Vec<u64>,
    n_rows: u64,
    n_issues: u64,
}

impl JointPass {
    /// Starts counting against `thresholds`.
    pub fn new(thresholds: Thresholds) -> Self {
        let counts = vec![0; thresholds.n_classes() * thresholds.n_classes()];
        let limits = thresholds.limits();
        Self { thresholds, limits, counts, n_rows: 0, n_issues: 0 }
    }

    /// Takes the next rows.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] when the block has another number of classes than the
    /// thresholds.
    pub fn take(&mut self, rows: LabeledRows<'_>) -> Result<(), MetricsError> {
        same_classes(rows, self.thresholds.n_classes())?;
        self.n_rows += rows.n_rows() as u64;
        self.n_issues += widest(count, (rows, self.limits.as_slice(), self.counts.as_mut_slice()));
        Ok(())
    }

    /// The joint.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] unless as many rows were taken as the thresholds come from.
    pub fn finish(self) -> Result<ConfidentJoint, MetricsError> {
        same_rows(self.n_rows, self.thresholds.n_rows())?;
        Ok(ConfidentJoint::new(self.thresholds, self.counts, self.n_issues))
    }
}

/// Counts pairs and returns how many rows are issues.
#[inline(always)]
fn count((rows, limits, counts): (LabeledRows<'_>, &[f64], &mut [u64])) -> u64 {
    let mut n_issues = 0;
    for (row, label) in rows.iter() {
        if let Some(class) = confident_class(row, limits) {
            counts[label.index() * limits.len() + class] += 1;
            n_issues += u64::from(class != label.index() && !agrees(row, label));
        }
    }
    n_issues
}

/// Refuses a pass that saw other rows than the one before.
pub(super) fn same_rows(n_found: u64, n_expected: u64) -> Result<(), MetricsError> {
    if n_found == n_expected {
        return Ok(());
    }
    Err(MetricsError::CountMismatch {
        found: "rows in this pass",
        n_found: n_found as usize,
        expected: "in the first one",
        n_expected: n_expected as usize,
    })
}
