//! Scores of predicted classes against true ones: accuracy and the family of F1.
//!
//! ```text
//! P_c = TP_c / (TP_c + FP_c)     R_c = TP_c / (TP_c + FN_c)     F1_c = 2 P_c R_c / (P_c + R_c)
//! ```
//!
//! Any 0/0 is 0. All scores lie in 0..=1, the higher the better. Truth and predictions: one
//! class a row, shape `[n]`.
//!
//! Papers name these loosely (one table's "F1" is another's weighted F1), so all of them are
//! always given together. Macro-F1 averages over the classes that occur in truth or prediction,
//! as scikit-learn does; over all declared classes it has a field of its own.

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::id::ClassId;

/// How often each true class was predicted as each class.
///
/// ```
/// use lane_metrics::ClassId;
/// use lane_metrics::classification::ConfusionCounts;
///
/// let truth = [0, 0, 1, 1].map(ClassId);
/// let predicted = [0, 1, 1, 1].map(ClassId);
/// let counts = ConfusionCounts::new(&truth, &predicted, 2)?;
/// assert_eq!(counts.count(ClassId(0), ClassId(1)), 1);
/// assert_eq!(counts.scores().accuracy, 0.75);
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusionCounts {
    n_classes: usize,
    /// Row-major, true class by row, predicted class by column: `[n_classes, n_classes]`.
    counts: Vec<u64>,
}

/// Precision, recall, F1 and support of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Share of the rows predicted as this class that are of it.
    pub precision: f64,
    /// Share of the rows of this class that are predicted as it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Rows of this class.
    pub support: u64,
}

/// Scores of a whole set, each in 0..=1; all 0 for no rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Share of rows predicted right.
    pub accuracy: f64,
    /// F1 of all decisions pooled; with one label a row this is the accuracy.
    pub micro_f1: f64,
    /// Mean F1 over the classes that occur in truth or prediction.
    pub macro_f1: f64,
    /// Mean F1 over all declared classes; a class that never occurs counts as 0.
    pub macro_f1_declared: f64,
    /// Mean F1 weighted by support.
    pub weighted_f1: f64,
    /// Mean recall over the classes that occur in the truth.
    pub balanced_accuracy: f64,
}

impl ConfusionCounts {
    /// Counts pairs of true and predicted class.
    ///
    /// # Errors
    ///
    /// [`MetricsError::CountMismatch`] when the lists differ in length,
    /// [`MetricsError::LabelOutOfRange`] on the first class not under `n_classes`,
    /// [`MetricsError::TooFewClasses`] below 2 classes and [`MetricsError::TooManyClasses`]
    /// over what a class id can name.
    pub fn new(
        truth: &[ClassId],
        predicted: &[ClassId],
        n_classes: usize,
    ) -> Result<Self, MetricsError> {
        crate::logits::check_shape(0, n_classes)?;
        if predicted.len() != truth.len() {
            return Err(MetricsError::CountMismatch {
                found: "predictions",
                n_found: predicted.len(),
                expected: "true labels",
                n_expected: truth.len(),
            });
        }
        crate::margin::check_labels(truth, n_classes)?;
        crate::margin::check_labels(predicted, n_classes)?;
        let mut counts = vec![0; n_classes * n_classes];
        for (truth, predicted) in truth.iter().zip(predicted) {
            counts[truth.index() * n_classes + predicted.index()] += 1;
        }
        Ok(Self { n_classes, counts })
    }

    /// Rows of class `truth` predicted as `predicted`; 0 for classes beyond the declared ones.
    pub fn count(&self, truth: ClassId, predicted: ClassId) -> u64 {
        if truth.index() < self.n_classes && predicted.index() < self.n_classes {
            self.counts[truth.index() * self.n_classes + predicted.index()]
        } else {
            0
        }
    }

    /// Declared classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Rows counted.
    pub fn n_rows(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The counts by true class, each of shape `[n_classes]` over the predicted class.
    pub fn rows(&self) -> std::slice::ChunksExact<'_, u64> {
        self.counts.chunks_exact(self.n_classes)
    }

    /// Precision, recall, F1 and support of every declared class, in order.
    pub fn per_class(&self) -> Vec<ClassScores> {
        let predicted = self.n_predicted();
        let score = |(class, row): (usize, &[u64])| {
            let (right, support) = (row[class], row.iter().sum());
            ClassScores {
                precision: ratio(right, predicted[class]),
                recall: ratio(right, support),
                f1: ratio(2 * right, predicted[class] + support),
                support,
            }
        };
        self.rows().enumerate().map(score).collect()
    }

    /// All scores of the set.
    pub fn scores(&self) -> Scores {
        let classes = self.per_class();
        let predicted = self.n_predicted();
        let right: u64 = (0..self.n_classes).map(|it| self.counts[it * self.n_classes + it]).sum();
        let n_rows = self.n_rows();
        let f1_of = |keep: &dyn Fn(usize) -> bool| {
            mean((0..self.n_classes).filter(|&it| keep(it)).map(|it| classes[it].f1))
        };
        let weighted: f64 = classes.iter().map(|it| it.f1 * it.support as f64).sum();
        Scores {
            accuracy: ratio(right, n_rows),
            micro_f1: ratio(2 * right, 2 * n_rows),
            macro_f1: f1_of(&|it| classes[it].support + predicted[it] > 0),
            macro_f1_declared: f1_of(&|_| true),
            weighted_f1: if n_rows == 0 { 0.0 } else { weighted / n_rows as f64 },
            balanced_accuracy: mean(classes.iter().filter(|it| it.support > 0).map(|it| it.recall)),
        }
    }

    fn n_predicted(&self) -> Vec<u64> {
        let column = |class| self.rows().map(|row| row[class]).sum();
        (0..self.n_classes).map(column).collect()
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (n, sum) = values.fold((0_u64, 0.0), |(n, sum), value| (n + 1, sum + value));
    if n == 0 { 0.0 } else { sum / n as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids<const N: usize>(classes: [u16; N]) -> [ClassId; N] {
        classes.map(ClassId)
    }

    #[test]
    fn no_rows_score_nothing() {
        let scores = ConfusionCounts::new(&[], &[], 3).unwrap().scores();
        assert_eq!((scores.accuracy, scores.macro_f1, scores.weighted_f1), (0.0, 0.0, 0.0));
        assert_eq!((scores.balanced_accuracy, scores.macro_f1_declared), (0.0, 0.0));
    }

    #[test]
    fn all_right_scores_one_even_where_a_class_is_absent() {
        let truth = ids([0, 1, 1]);
        let scores = ConfusionCounts::new(&truth, &truth, 3).unwrap().scores();
        assert_eq!((scores.accuracy, scores.macro_f1, scores.weighted_f1), (1.0, 1.0, 1.0));
        assert_eq!((scores.balanced_accuracy, scores.macro_f1_declared), (1.0, 2.0 / 3.0));
    }

    #[test]
    fn a_class_only_predicted_counts_in_macro_f1_and_not_in_balanced_accuracy() {
        let scores = ConfusionCounts::new(&ids([0, 0]), &ids([0, 1]), 2).unwrap().scores();
        assert_eq!((scores.macro_f1, scores.balanced_accuracy), (1.0 / 3.0, 0.5));
    }

    #[track_caller]
    fn refused(truth: &[ClassId], predicted: &[ClassId], n_classes: usize, expected: &str) {
        let error = ConfusionCounts::new(truth, predicted, n_classes).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn lists_that_do_not_fit_are_refused() {
        refused(&ids([0]), &ids([0, 1]), 2, "2 predictions but 1 true labels");
        refused(&ids([0]), &ids([2]), 2, "the label at position 0 is 2, expected one under 2");
        refused(&ids([0]), &ids([0]), 1, "expected at least 2 classes, got 1");
    }
}
