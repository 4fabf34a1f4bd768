//! Margins of many rows at the speed of reading them.
//!
//! ```text
//! max { z[k] : k ≠ y } = the largest of the row, or the largest of its others if z[y] is that
//! ```
//!
//! Rows `[n_rows, n_classes]`, finite. Both values come out of one pass, two operations a value
//! dearer than the largest alone, and without a jump: cutting the label out of the row first would
//! jump to a different place in every row. Narrow rows are gone through side by side, one class
//! of four rows at a time; wide ones one after the other, four classes at a time.

use std::array::from_fn;

use super::lead;
use crate::id::ClassId;
use crate::logits::RawLogits;

/// Rows, or classes of a row, that one operation serves.
const LANES: usize = 4;

/// From here on a row is wide: fetching four classes at once saves more than adding up its lanes
/// at the end costs.
const WIDE: usize = 16;

/// Values compared at once when looking for a class.
const BLOCK: usize = 8;

/// Each row's margin and `max { z[k] : k ≠ y }`, into `margins` and `best`, shape `[n_rows]` all.
/// Says whether all logits are finite; if not, what was written means nothing.
pub(crate) fn of_rows(
    logits: RawLogits<'_>,
    labels: &[ClassId],
    margins: &mut [f32],
    best: &mut [f32],
) -> bool {
    let mut zero = [0.0; LANES];
    let (labels, last_labels) = labels.as_chunks::<LANES>();
    let (margins, last_margins) = margins.as_chunks_mut::<LANES>();
    let (best, last_best) = best.as_chunks_mut::<LANES>();
    let (blocks, last_rows) = logits.blocks(LANES);
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
        let largest = if logits.n_classes() < WIDE {
            TwoLargest::of_columns([a, b, c, d])
        } else {
            TwoLargest::of_lanes([a, b, c, d].map(TwoLargest::of_row))
        };
        zero = each(zero, largest.zero, add);
        *best = largest.other_than(own);
        *margins = each(own, *best, lead);
    }
    let last = last_labels.iter().zip(last_margins).zip(last_best);
    for (row, ((label, margin), best)) in last_rows.zip(last) {
        let own = row[label.index()];
        let largest = TwoLargest::of_columns([row; LANES]);
        zero = each(zero, largest.zero, add);
        [*best, ..] = largest.other_than([own; LANES]);
        *margin = lead(own, *best);
    }
    zero.iter().all(|it| it.is_finite())
}

/// `max { z[k] : k ≠ y }` of one row whose label has the logit `own`.
pub(super) fn best_other(row: &[f32], own: f32) -> f32 {
    let [best, ..] = TwoLargest::of_columns([row; LANES]).other_than([own; LANES]);
    best
}

/// The lowest class that holds `value`, which must be the row's largest.
#[inline]
pub(crate) fn first_at(row: &[f32], value: f32) -> ClassId {
    let (blocks, rest) = row.as_chunks::<BLOCK>();
    let mut start = 0;
    for block in blocks {
        let found = block.iter().map(|&z| u32::from(z >= value)).fold(0, |all, it| all | it);
        if found != 0 {
            return ClassId((start + place(block, value)) as u16);
        }
        start += BLOCK;
    }
    ClassId((start + place(rest, value)) as u16)
}

/// As `position`, for up to [`BLOCK`] values, without a jump that depends on where it is.
#[inline]
fn place(values: &[f32], value: f32) -> usize {
    let bits = values.iter().enumerate().map(|(at, &z)| u32::from(z >= value) << at);
    bits.fold(0, |all, bit| all | bit).trailing_zeros() as usize
}

/// The largest value of each lane, and the largest of its others; equal where two tie for it.
#[derive(Clone, Copy)]
struct TwoLargest {
    first: [f32; LANES],
    second: [f32; LANES],
    /// The sum of 0 · value: 0 while all are finite, NaN from the first on that is not.
    zero: [f32; LANES],
}

impl TwoLargest {
    const NONE: Self = Self {
        first: [f32::NEG_INFINITY; LANES],
        second: [f32::NEG_INFINITY; LANES],
        zero: [0.0; LANES],
    };

    /// Of four rows, each a lane.
    #[inline]
    fn of_columns([a, b, c, d]: [&[f32]; LANES]) -> Self {
        let mut largest = Self::NONE;
        for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
            largest.take([*a, *b, *c, *d]);
        }
        largest
    }

    /// Of one row, spread over the lanes.
    ///
    /// Not inlined: seen together with what is done with the lanes, the loop would be torn apart
    /// to make that cheaper.
    #[inline(never)]
    fn of_row(row: &[f32]) -> Self {
        let mut largest = Self::NONE;
        let (chunks, rest) = row.as_chunks::<LANES>();
        for chunk in chunks {
            largest.take(*chunk);
        }
        if !rest.is_empty() {
            // What fills up must be finite, or 0 · value is not 0, and may not be the largest.
            let mut last = [f32::MIN; LANES];
            last[..rest.len()].copy_from_slice(rest);
            largest.take(last);
        }
        largest
    }

    /// Of four rows, each a lane, from each row's own lanes.
    #[inline]
    fn of_lanes(rows: [Self; LANES]) -> Self {
        let mut largest = Self::NONE;
        for lane in 0..LANES {
            let first = rows.map(|row| row.first[lane]);
            largest.second = each(largest.second, each(largest.first, first, smaller), larger);
            largest.first = each(largest.first, first, larger);
            largest.second = each(largest.second, rows.map(|row| row.second[lane]), larger);
        }
        for row in rows {
            largest.zero = each(largest.zero, row.zero, add);
        }
        largest
    }

    #[inline]
    fn take(&mut self, values: [f32; LANES]) {
        self.second = each(self.second, each(self.first, values, smaller), larger);
        self.first = each(self.first, values, larger);
        self.zero = each(self.zero, values, |zero, value| zero + 0.0 * value);
    }

    /// The largest value of each lane once one that equals `own` is left out.
    #[inline]
    fn other_than(&self, own: [f32; LANES]) -> [f32; LANES] {
        from_fn(|at| if own[at] < self.first[at] { self.first[at] } else { self.second[at] })
    }
}

/// `operation` lane by lane.
#[inline]
fn each(a: [f32; LANES], b: [f32; LANES], operation: fn(f32, f32) -> f32) -> [f32; LANES] {
    from_fn(|at| operation(a[at], b[at]))
}

#[inline]
fn add(a: f32, b: f32) -> f32 {
    a + b
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
    use crate::margin::{Margin, of_batch};

    #[test]
    fn many_rows_give_what_each_gives_alone() {
        let spread = |it: usize| ((it * 2_654_435_761) % 101) as f32 / 10.0;
        for (n_rows, n_classes) in
            (0..10).flat_map(|n| [2, 3, 4, 7, 8, 9, 16, 17, 18, 19, 33, 100].map(|c| (n, c)))
        {
            let values: Vec<_> = (0..n_rows * n_classes).map(spread).collect();
            let logits = crate::Logits::new(&values, n_classes).unwrap();
            let labels: Vec<_> = (0..n_rows).map(|row| ClassId((row % n_classes) as u16)).collect();
            let (mut margins, mut best) = (vec![0.0; n_rows], vec![0.0; n_rows]);
            assert!(of_rows(logits.into(), &labels, &mut margins, &mut best));
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
