//! The batch at hand, between reading it and taking it in.
//!
//! Everything that can be refused is computed here first, so that a refused batch leaves no
//! trace. Its memory is kept from batch to batch and grows only with the largest.
//!
//! The work is cut into plain loops, each doing one thing to all rows: no jump in them follows
//! the data (which rows trail has no pattern a processor could learn), and waits for memory
//! overlap.

use crate::averages::Visit;
use crate::error::MetricsError;
use crate::id::{ClassId, RowId};
use crate::label_aware;
use crate::logits::{Probabilities, RawLogits, is_probability};
use crate::margin::{self, Margin};

/// Margins of a batch. Holds nothing that outlives an update but memory, so any two are equal.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    /// M: `[n_rows]`.
    margins: Vec<f32>,
    /// LM: `[n_rows]`; empty without an auxiliary network.
    label_aware: Vec<f32>,
    /// The best logit other than the label's: `[n_rows]`.
    best: Vec<f32>,
    /// Places of the rows with M < 0, in order: the first `n_trailing` of `[n_rows]`.
    trailing: Vec<u32>,
    n_trailing: usize,
    /// The class that leads each of these.
    rivals: Vec<ClassId>,
    /// What the auxiliary network gives each of those.
    probabilities: Vec<f32>,
}

impl PartialEq for Scratch {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Scratch {
    /// Margins of the batch, and who leads where the label trails.
    pub(super) fn look(
        &mut self,
        labels: &[ClassId],
        logits: RawLogits<'_>,
    ) -> Result<(), MetricsError> {
        let n_rows = labels.len();
        self.margins.resize(n_rows, 0.0);
        self.best.resize(n_rows, 0.0);
        self.trailing.resize(n_rows, 0);
        if !margin::of_rows(logits, labels, &mut self.margins, &mut self.best) {
            logits.check()?;
        }

        let mut n_trailing = 0;
        for (position, &margin) in self.margins.iter().enumerate() {
            self.trailing[n_trailing] = position as u32;
            n_trailing += usize::from(margin < 0.0);
        }
        self.n_trailing = n_trailing;
        self.label_aware.clear();
        self.rivals.clear();
        self.rivals.reserve(n_rows);
        self.rivals.extend(self.trailing[..n_trailing].iter().map(|&position| {
            let position = position as usize;
            margin::first_at(logits.row(position), self.best[position])
        }));
        Ok(())
    }

    /// Label-aware margins of the batch; returns how often the floor was divided by.
    pub(super) fn stretch(
        &mut self,
        auxiliary: Probabilities<'_>,
        floor: f32,
    ) -> Result<u64, MetricsError> {
        let trailing = self.trailing[..self.n_trailing].iter().zip(&self.rivals);
        // A loop of its own: the entries lie far apart, and with nothing to do between one load
        // and the next the waits overlap.
        self.probabilities.clear();
        self.probabilities.reserve(self.margins.len());
        self.probabilities
            .extend(trailing.clone().map(|(&at, rival)| auxiliary.row(at as usize)[rival.index()]));
        let all = trailing.zip(&self.probabilities);
        if let Some(((&at, &rival), _)) = all.clone().find(|&(_, &it)| !is_probability(it)) {
            auxiliary.entry(at as usize, rival)?;
        }
        self.label_aware.extend_from_slice(&self.margins);
        let mut floor_hits = 0;
        for ((&at, &rival), &probability) in all {
            let label_aware = &mut self.label_aware[at as usize];
            let margin = Margin { value: *label_aware, rival };
            *label_aware = label_aware::of_margin(margin, probability, floor);
            floor_hits += u64::from(probability < floor);
        }
        Ok(floor_hits)
    }

    /// M, shape `[n_rows]`, and LM, of the same shape or empty without an auxiliary network.
    pub(super) fn results(&self) -> (&[f32], &[f32]) {
        (&self.margins, &self.label_aware)
    }

    /// What was seen of each row, in the order of the batch.
    pub(super) fn visits(&self, rows: &[RowId]) -> impl Iterator<Item = Visit> {
        let mut rivals = self.rivals.iter();
        rows.iter().zip(&self.margins).enumerate().map(move |(position, (&row, &margin))| Visit {
            row,
            margin,
            rival: if margin < 0.0 { rivals.next().copied() } else { None },
            label_aware_margin: self.label_aware.get(position).copied(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::softmax;

    /// Where each buffer lies and how much it holds: a new allocation changes one or the other.
    fn memory(scratch: &Scratch) -> [(usize, usize); 6] {
        [
            (scratch.margins.as_ptr().addr(), scratch.margins.capacity()),
            (scratch.label_aware.as_ptr().addr(), scratch.label_aware.capacity()),
            (scratch.best.as_ptr().addr(), scratch.best.capacity()),
            (scratch.trailing.as_ptr().addr(), scratch.trailing.capacity()),
            (scratch.rivals.as_ptr().addr(), scratch.rivals.capacity()),
            (scratch.probabilities.as_ptr().addr(), scratch.probabilities.capacity()),
        ]
    }

    #[test]
    fn batches_up_to_the_largest_so_far_take_no_new_memory() {
        let logits: Vec<f32> = (0..300_u16).map(|it| f32::from(it % 7)).collect();
        let w = softmax::of_logits(crate::Logits::new(&logits, 3).unwrap());
        let mut scratch = Scratch::default();
        let mut take = |n_rows: usize, label: u16| {
            let labels = vec![ClassId(label); n_rows];
            let auxiliary = Probabilities::new(&w[..3 * n_rows], 3).unwrap();
            scratch.look(&labels, RawLogits::new(&logits[..3 * n_rows], 3).unwrap()).unwrap();
            scratch.stretch(auxiliary, 1e-6).unwrap();
            memory(&scratch)
        };
        let first = take(100, 2);
        for n_rows in [1, 64, 100, 3, 99, 100] {
            assert_eq!(take(n_rows, (n_rows % 3) as u16), first, "{n_rows} rows");
        }
    }
}
