//! Second pass: how often each given label is confidently counted in each class.

use super::scores::agrees;
use super::thresholds::same_classes;
use super::{ConfidentJoint, LabeledRows, Thresholds};
use crate::error::MetricsError;

/// Counts pairs of given label and confident class, block by block.
#[derive(Clone, Debug)]
pub struct JointPass {
    thresholds: Thresholds,
    /// Row-major `[n_classes, n_classes]`, given label by row.
    counts: Vec<u64>,
    n_rows: u64,
    n_issues: u64,
}

impl JointPass {
    /// Starts counting against `thresholds`.
    pub fn new(thresholds: Thresholds) -> Self {
        let counts = vec![0; thresholds.n_classes() * thresholds.n_classes()];
        Self { thresholds, counts, n_rows: 0, n_issues: 0 }
    }

    /// Takes the next rows.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] when the block has another number of classes than the
    /// thresholds.
    pub fn take(&mut self, rows: LabeledRows<'_>) -> Result<(), MetricsError> {
        let n_classes = self.thresholds.n_classes();
        same_classes(rows, n_classes)?;
        self.n_rows += rows.n_rows() as u64;
        for (row, label) in rows.iter() {
            let Some(class) = self.thresholds.confident_class(row) else { continue };
            self.counts[label.index() * n_classes + class] += 1;
            let is_issue = class != label.index() && !agrees(row, label);
            self.n_issues += u64::from(is_issue);
        }
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
