//! Second pass: how often each given label is confidently counted in each class.
#![expect(clippy::inline_always, reason = "compiled for wide vectors only where it is inlined")]

use super::scores::agrees;
use super::thresholds::{confident_class, same_classes};
use super::{ConfidentJoint, LabeledRows, Thresholds};
use crate::error::MetricsError;
use crate::vectors::{Loop, widest};

/// Counts pairs of given label and confident class, block by block.
#[derive(Clone, Debug)]
pub struct JointPass {
    thresholds: Thresholds,
    limits: Vec<f64>,
    /// Row-major `[n_classes, n_classes]`, given label by row.
    counts: Vec<u64>,
    n_rows: u64,
    n_issues: u64,
    /// Where it is asked for: which rows are issues.
    issues: Option<Vec<bool>>,
}

impl JointPass {
    /// Starts counting against `thresholds`.
    pub fn new(thresholds: Thresholds) -> Self {
        let counts = vec![0; thresholds.n_classes() * thresholds.n_classes()];
        let limits = thresholds.limits();
        Self { thresholds, limits, counts, n_rows: 0, n_issues: 0, issues: None }
    }

    /// Remembers which rows [`Filter::ConfidentLearning`](super::Filter::ConfidentLearning) flags:
    /// it flags what is counted here, so that a third pass is not needed.
    pub(super) fn remembering(thresholds: Thresholds) -> Self {
        Self { issues: Some(Vec::new()), ..Self::new(thresholds) }
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
        let (limits, counts, issues) = (&self.limits, &mut self.counts, &mut self.issues);
        self.n_issues += widest(Count { rows, limits, counts, issues: issues.as_mut() });
        Ok(())
    }

    /// The joint.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] unless as many rows were taken as the thresholds come from.
    pub fn finish(self) -> Result<ConfidentJoint, MetricsError> {
        self.finish_with_issues().map(|(joint, _)| joint)
    }

    pub(super) fn finish_with_issues(
        self,
    ) -> Result<(ConfidentJoint, Option<Vec<bool>>), MetricsError> {
        same_rows(self.n_rows, self.thresholds.n_rows())?;
        let joint = ConfidentJoint::new(self.thresholds, self.counts, self.n_issues);
        Ok((joint, self.issues))
    }
}

/// Counts pairs, and how many rows are issues.
struct Count<'a> {
    rows: LabeledRows<'a>,
    limits: &'a [f64],
    counts: &'a mut [u64],
    issues: Option<&'a mut Vec<bool>>,
}

impl Loop for Count<'_> {
    type Output = u64;

    #[inline(always)]
    fn run(mut self) -> u64 {
        let mut n_issues = 0;
        for (row, label) in self.rows.iter() {
            let mut is_issue = false;
            if let Some(class) = confident_class(row, self.limits) {
                self.counts[label.index() * self.limits.len() + class] += 1;
                is_issue = class != label.index() && !agrees(row, label);
            }
            n_issues += u64::from(is_issue);
            if let Some(issues) = &mut self.issues {
                issues.push(is_issue);
            }
        }
        n_issues
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
