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

use serde::{Deserialize, Serialize};

use crate::error::MetricsError;
use crate::id::ClassId;
use crate::logits::Logits;

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
    let [rival, ..] = TwoLargest::of([row; SIDE_BY_SIDE]).but([own; SIDE_BY_SIDE]);
    let holds = |&(k, &z): &(usize, &f32)| z >= rival && k != label.index();
    Margin {
        value: lead(own, rival),
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
    // Whole, because a loop that never stops early vectorizes; narrow, because it gets wider then.
    let last = (n_classes - 1).min(usize::from(u16::MAX)) as u16;
    if !labels.iter().fold(false, |found, label| found | (label.0 > last)) {
        return Ok(());
    }
    let position = labels.iter().position(|label| label.index() >= n_classes).unwrap_or_default();
    Err(MetricsError::LabelOutOfRange { position, label: labels[position].0, n_classes })
}

/// Each row's margin and `max { z[k] : k ≠ y }`, into `margins` and `best`, shape `[n_rows]` all.
pub(crate) fn of_rows(
    logits: Logits<'_>,
    labels: &[ClassId],
    margins: &mut [f32],
    best: &mut [f32],
) {
    let (labels, last_labels) = labels.as_chunks::<SIDE_BY_SIDE>();
    let (margins, last_margins) = margins.as_chunks_mut::<SIDE_BY_SIDE>();
    let (best, last_best) = best.as_chunks_mut::<SIDE_BY_SIDE>();
    let (blocks, last_rows) = logits.blocks(SIDE_BY_SIDE);
    for (block, ((labels, margins), best)) in blocks.zip(labels.iter().zip(margins).zip(best)) {
        let (a, block) = block.split_at(logits.n_classes());
        let (b, block) = block.split_at(logits.n_classes());
        let (c, d) = block.split_at(logits.n_classes());
        let own = [
            a[labels[0].index()],
            b[labels[1].index()],
            c[labels[2].index()],
            d[labels[3].index()],
        ];
        *best = TwoLargest::of([a, b, c, d]).but(own);
        for at in 0..SIDE_BY_SIDE {
            margins[at] = lead(own[at], best[at]);
        }
    }
    for ((row, label), (margin, best)) in
        last_rows.zip(last_labels).zip(last_margins.iter_mut().zip(last_best))
    {
        let own = row[label.index()];
        [*best, ..] = TwoLargest::of([row; SIDE_BY_SIDE]).but([own; SIDE_BY_SIDE]);
        *margin = lead(own, *best);
    }
}

/// The label's logit less the rival's, kept finite.
#[inline]
pub(crate) fn lead(own: f32, rival: f32) -> f32 {
    (own - rival).clamp(f32::MIN, f32::MAX)
}

/// The lowest class that holds `value`, which must be the row's largest.
#[inline]
pub(crate) fn first_at(row: &[f32], value: f32) -> ClassId {
    let (chunks, rest) = row.as_chunks::<8>();
    let mut start = 0;
    for chunk in chunks {
        if chunk.iter().fold(false, |found, &z| found | (z >= value)) {
            return ClassId((start + place_in(chunk, value)) as u16);
        }
        start += chunk.len();
    }
    ClassId((start + place_in(rest, value)) as u16)
}

/// As `position`, for up to eight values, without a jump that depends on where it is.
#[inline]
fn place_in(values: &[f32], value: f32) -> usize {
    let bits = |(at, &z): (usize, &f32)| u32::from(z >= value) << at;
    values.iter().enumerate().map(bits).fold(0, |all, bit| all | bit).trailing_zeros() as usize
}

/// Rows gone through side by side, so that one operation serves all of them.
const SIDE_BY_SIDE: usize = 4;

/// The largest value of each row, and the largest of its others; equal where two tie for it.
///
/// Finding both costs two more operations a value than finding one, and no jump; cutting the
/// label out of the row first would jump to a different place in every row.
struct TwoLargest {
    first: [f32; SIDE_BY_SIDE],
    second: [f32; SIDE_BY_SIDE],
}

impl TwoLargest {
    #[inline]
    fn of([a, b, c, d]: [&[f32]; SIDE_BY_SIDE]) -> Self {
        let mut first = [f32::NEG_INFINITY; SIDE_BY_SIDE];
        let mut second = [f32::NEG_INFINITY; SIDE_BY_SIDE];
        for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
            let column = [*a, *b, *c, *d];
            for at in 0..SIDE_BY_SIDE {
                second[at] = larger(second[at], smaller(first[at], column[at]));
            }
            for at in 0..SIDE_BY_SIDE {
                first[at] = larger(first[at], column[at]);
            }
        }
        Self { first, second }
    }

    /// The largest value of each row once one that equals `own` is left out.
    #[inline]
    fn but(&self, own: [f32; SIDE_BY_SIDE]) -> [f32; SIDE_BY_SIDE] {
        let mut others = self.second;
        for at in 0..SIDE_BY_SIDE {
            others[at] = if own[at] < self.first[at] { self.first[at] } else { others[at] };
        }
        others
    }
}

// Without NaN to mind, each is a single instruction; `f32::max` is three.
#[inline]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[inline]
fn smaller(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
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

    #[test]
    fn rows_side_by_side_give_what_each_gives_alone() {
        let spread = |it: usize| ((it * 2_654_435_761) % 101) as f32 / 10.0;
        for (n_rows, n_classes) in (0..10).flat_map(|n| [2, 3, 4, 7, 8, 9, 33].map(|c| (n, c))) {
            let values: Vec<_> = (0..n_rows * n_classes).map(spread).collect();
            let logits = Logits::new(&values, n_classes).unwrap();
            let labels: Vec<_> = (0..n_rows).map(|row| ClassId((row % n_classes) as u16)).collect();
            let (mut margins, mut best) = (vec![0.0; n_rows], vec![0.0; n_rows]);
            of_rows(logits, &labels, &mut margins, &mut best);
            let alone = of_batch(logits, &labels).unwrap();
            for (row, Margin { value, rival }) in alone.into_iter().enumerate() {
                assert_eq!(Some(margins[row]), Some(value));
                assert_eq!(Some(best[row]), Some(logits.row(row)[rival.index()]));
                if value < 0.0 {
                    assert_eq!(first_at(logits.row(row), best[row]), rival);
                }
            }
        }
    }
}
