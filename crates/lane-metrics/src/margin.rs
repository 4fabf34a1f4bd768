//! The margin of an example: how far its given label leads the best other class.
//!
//! ```text
//! M_i = z_i[y_i] − max { z_i[k] : k ≠ y_i }                              (LANE, Eq. 1)
//! j_i = argmax { z_i[k] : k ≠ y_i },  the lowest index where several tie
//! ```
//!
//! z: the classifier's logits, shape `[n_rows, n_classes]`; y: the given (possibly wrong)
//! labels, shape `[n_rows]`. In logit units: positive when the classifier sides with the label,
//! negative when it prefers the rival j. It grows as training goes on, so it compares only
//! within one model and one epoch.
//!
//! Departure: a difference beyond what f32 holds is cut to the largest finite f32, so that a
//! finite row always has a finite margin.
//!
//! Pleiss, Zhang, Elenberg, Weinberger. *Identifying Mislabeled Data using the Area Under the
//! Margin Ranking*. NeurIPS 2020. <https://arxiv.org/abs/2001.10528>

mod rows;

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::id::ClassId;
use crate::logits::Logits;

pub(crate) use rows::{first_at, of_rows};

/// A margin and the class it is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Margin {
    /// M, in logit units; finite.
    pub value: f32,
    /// j, the strongest class other than the label.
    pub rival: ClassId,
}

/// Margin of one row of logits, shape `[n_classes]`.
///
/// ```
/// use lane_metrics::{ClassId, margin};
///
/// let margin = margin::of_row(&[0.25, 1.0, -2.0], ClassId(0))?;
/// assert_eq!((margin.value, margin.rival), (-0.75, ClassId(1)));
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
///
/// # Errors
///
/// As [`Logits::new`] for the row; [`MetricsError::LabelOutOfRange`] when the label names no
/// column.
pub fn of_row(row: &[f32], label: ClassId) -> Result<Margin, MetricsError> {
    let logits = Logits::new(row, row.len())?;
    check_labels(&[label], logits.n_classes())?;
    Ok(of_checked_row(row, label))
}

/// Margins of a batch, shape `[n_rows]`, in the order of the rows.
///
/// # Errors
///
/// [`MetricsError::CountMismatch`] when rows and labels differ in number;
/// [`MetricsError::LabelOutOfRange`] on the first label that names no column.
pub fn of_batch(logits: Logits<'_>, labels: &[ClassId]) -> Result<Vec<Margin>, MetricsError> {
    check_count(labels.len(), logits.n_rows())?;
    check_labels(labels, logits.n_classes())?;
    Ok(logits.rows().zip(labels).map(|(row, &label)| of_checked_row(row, label)).collect())
}

fn of_checked_row(row: &[f32], label: ClassId) -> Margin {
    let own = row[label.index()];
    let best = rows::best_other(row, own);
    let holds = |&(k, &z): &(usize, &f32)| z >= best && k != label.index();
    Margin {
        value: lead(own, best),
        rival: ClassId(row.iter().enumerate().find(holds).map_or(0, |(k, _)| k as u16)),
    }
}

/// Labels pair up with rows.
pub(crate) fn check_count(n_labels: usize, n_rows: usize) -> Result<(), MetricsError> {
    if n_labels == n_rows {
        return Ok(());
    }
    Err(MetricsError::CountMismatch {
        found: "labels",
        n_found: n_labels,
        expected: "rows of logits",
        n_expected: n_rows,
    })
}

/// Every label names a column.
pub(crate) fn check_labels(labels: &[ClassId], n_classes: usize) -> Result<(), MetricsError> {
    // The largest first: a loop that never stops early vectorizes.
    let largest = labels.iter().map(|label| label.0).fold(0, u16::max);
    if ClassId(largest).index() < n_classes {
        return Ok(());
    }
    let position = labels.iter().position(|label| label.index() >= n_classes).unwrap_or_default();
    Err(MetricsError::LabelOutOfRange { position, label: labels[position].0, n_classes })
}

/// The label's logit less the rival's, kept finite.
#[inline]
pub(crate) fn lead(own: f32, rival: f32) -> f32 {
    (own - rival).clamp(f32::MIN, f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(row: &[f32], label: u16, expected: &str) {
        let shown = match of_row(row, ClassId(label)) {
            Ok(Margin { value, rival }) => format!("{value:+.2} to {rival}"),
            Err(error) => format!("error: {error}"),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_label_that_leads_has_a_positive_margin() {
        check(&[1.0, 2.0, 3.5], 2, "+1.50 to 1");
    }

    #[test]
    fn a_label_that_trails_has_a_negative_margin() {
        check(&[1.0, 2.0, 3.5], 0, "-2.50 to 2");
    }

    #[test]
    fn ties_go_to_the_lowest_class_and_never_to_the_label() {
        check(&[2.0, 2.0, 2.0], 0, "+0.00 to 1");
        check(&[2.0, 2.0, 2.0], 1, "+0.00 to 0");
        check(&[1.0, 5.0, 5.0, 5.0], 0, "-4.00 to 1");
    }

    #[test]
    fn of_two_classes_the_rival_is_the_other() {
        check(&[0.5, 0.25], 0, "+0.25 to 1");
        check(&[0.5, 0.25], 1, "-0.25 to 0");
    }

    #[test]
    fn a_difference_beyond_f32_is_cut_and_stays_finite() {
        let margin = of_row(&[f32::MIN, f32::MAX], ClassId(0)).unwrap();
        assert_eq!(margin, Margin { value: f32::MIN, rival: ClassId(1) });
    }

    #[test]
    fn rows_without_a_margin_are_refused() {
        check(&[1.0], 0, "error: expected at least 2 classes, got 1");
        check(&[], 0, "error: expected at least 2 classes, got 0");
        check(&[1.0, 2.0], 2, "error: the label at position 0 is 2, expected one under 2");
        check(
            &[1.0, f32::NAN],
            0,
            "error: the logit at row 0, column 1 is NaN, expected a finite number",
        );
    }

    #[test]
    fn a_batch_and_its_labels_must_pair_up() {
        let logits = Logits::new(&[0.0; 6], 3).unwrap();
        let error = of_batch(logits, &[ClassId(0)]).unwrap_err();
        assert_eq!(error.to_string(), "1 labels but 2 rows of logits");
        let error = of_batch(logits, &[ClassId(0), ClassId(3)]).unwrap_err();
        assert_eq!(error.to_string(), "the label at position 1 is 3, expected one under 3");
    }
}
