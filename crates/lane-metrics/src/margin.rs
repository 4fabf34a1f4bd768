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
    let rival = best_other(row, label);
    let holds = |&(k, &z): &(usize, &f32)| z >= rival && k != label.index();
    Margin {
        value: lead(row[label.index()], rival),
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

/// `max { z[k] : k ≠ y }` of a finite row.
#[inline]
pub(crate) fn best_other(row: &[f32], label: ClassId) -> f32 {
    let (first, second) = two_largest(row);
    if row[label.index()] < first { first } else { second }
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

/// Values looked at side by side.
const LANES: usize = 4;

/// The largest value of a row, and the largest of the others; equal where two tie for it.
///
/// Finding both costs two more operations a value than finding one, and no jump; cutting the
/// label out of the row first would jump to a different place in every row.
#[inline]
fn two_largest(row: &[f32]) -> (f32, f32) {
    let Some(last) = row.last_chunk::<LANES>() else {
        return row.iter().fold((f32::NEG_INFINITY, f32::NEG_INFINITY), |(first, second), &z| {
            (larger(first, z), larger(second, smaller(first, z)))
        });
    };
    let mut first = [f32::NEG_INFINITY; LANES];
    let mut second = [f32::NEG_INFINITY; LANES];
    let mut take = |values: &[f32; LANES]| {
        for at in 0..LANES {
            second[at] = larger(second[at], smaller(first[at], values[at]));
        }
        for at in 0..LANES {
            first[at] = larger(first[at], values[at]);
        }
    };
    let (chunks, rest) = row.as_chunks::<LANES>();
    for chunk in chunks {
        take(chunk);
    }
    // The last four values hold those left over and some taken before; these are cut to nothing.
    let cut = &CUT[rest.len()];
    let mut new = *last;
    for at in 0..LANES {
        new[at] = smaller(new[at], cut[at]);
    }
    take(&new);
    over_lanes(first, second)
}

const CUT: [[f32; LANES]; LANES] = {
    const KEEP: f32 = f32::INFINITY;
    const DROP: f32 = f32::NEG_INFINITY;
    [
        [DROP, DROP, DROP, DROP],
        [DROP, DROP, DROP, KEEP],
        [DROP, DROP, KEEP, KEEP],
        [DROP, KEEP, KEEP, KEEP],
    ]
};

/// The two largest over all lanes.
#[inline]
fn over_lanes(first: [f32; LANES], second: [f32; LANES]) -> (f32, f32) {
    let mut largest = (first[0], second[0]);
    for at in 1..LANES {
        let other = larger(largest.1, second[at]);
        largest = (larger(largest.0, first[at]), larger(other, smaller(largest.0, first[at])));
    }
    largest
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
