//! Dropout with masks that are a function of seed, call, row and column alone.
//!
//! The factors themselves are those of [`lane_kernels::dropout`], hashed rather than drawn one
//! after the other, so fused kernels make the same ones where they need them, and how many threads
//! share the work cannot be seen in the result. burn's own dropout draws from one global generator.
//! Devices with memory of their own make their masks there, by another hash: `on_device.rs`.

mod on_device;

use std::sync::atomic::{AtomicU64, Ordering};

use burn::tensor::{Tensor, TensorData};
use lane_kernels::dropout::{Dropout, mix};
use rayon::prelude::*;

use crate::TrainingStep;

/// Entries a thread fills at a time: large enough to pay for the hand-over.
const CHUNK: usize = 1 << 14;

/// 2⁶⁴ divided by the golden ratio, the step of splitmix64's counter.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A stream of dropout masks; every mask drawn advances it by one.
#[derive(Debug)]
pub(crate) struct DropoutStream {
    key: u64,
    calls: AtomicU64,
}

impl DropoutStream {
    /// The stream of a seed, before its first mask.
    pub(crate) fn new(seed: u64) -> Self {
        Self { key: mix(seed.wrapping_add(STEP)), calls: AtomicU64::new(0) }
    }

    /// The key of the next mask.
    fn next_key(&self) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        mix(self.key ^ mix(call.wrapping_add(1).wrapping_mul(STEP)))
    }

    /// The next mask, of probability `p`; zero draws none.
    pub(crate) fn draw(&self, p: f64) -> Option<Dropout> {
        if p > 0.0 { Dropout::new(p, self.next_key()) } else { None }
    }
}

/// The factors of `n_rows` rows of `n_columns` entries, the rows `every` apart.
pub(crate) fn factors(dropout: Dropout, n_rows: usize, every: usize, n_columns: usize) -> Vec<f32> {
    let mut mask = vec![0.0; n_rows * n_columns];
    let n_together = CHUNK.div_ceil(n_columns.max(1));
    mask.par_chunks_mut(n_columns.max(1)).enumerate().with_min_len(n_together).for_each(
        |(row, values)| {
            let row = dropout.row::<f32>(row * every);
            values.iter_mut().enumerate().for_each(|(column, it)| *it = row.factor(column));
        },
    );
    mask
}

/// Whether a forward pass is for training.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// No dropout.
    Evaluate,
    /// Dropout with masks of this step.
    Train(&'a TrainingStep),
}

impl Mode<'_> {
    /// The next mask of probability `p`, if there is to be one.
    ///
    /// `rows_per_text`: rows that each text of the batch has in it.
    pub(crate) fn draw(self, p: f64, rows_per_text: usize) -> Option<Dropout> {
        match self {
            Mode::Evaluate => None,
            Mode::Train(step) => {
                let dropout = step.dropout().draw(p)?;
                Some(dropout.from_row(step.first_text() * rows_per_text))
            }
        }
    }

    /// Drops entries with probability `p` when training. The last axis is a mask's row, of which
    /// each text has `rows_per_text`.
    pub(crate) fn dropout<const D: usize>(
        self,
        x: Tensor<D>,
        p: f64,
        rows_per_text: usize,
    ) -> Tensor<D> {
        let (shape, device) = (x.shape(), x.device().inner());
        let n_columns = shape.dims::<D>()[D - 1];
        if let Mode::Train(step) = self
            && p > 0.0
            && on_device::serves(&device)
        {
            let first = step.first_text() * rows_per_text * n_columns;
            return x * on_device::mask(step.dropout().next_key(), first, shape, p, &device);
        }
        let Some(dropout) = self.draw(p, rows_per_text) else { return x };
        let n_rows = shape.num_elements() / n_columns.max(1);
        let mask = factors(dropout, n_rows, 1, n_columns);
        x * Tensor::from_data(TensorData::new(mask, shape), &device)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    /// Odd, and more than a few chunks.
    const SIZE: [usize; 2] = [211, 5 * CHUNK / 200];

    fn masks<const N: usize>(seed: u64) -> [Vec<f32>; N] {
        let stream = DropoutStream::new(seed);
        [0; N].map(|_| factors(stream.draw(0.5).unwrap(), SIZE[0], 1, SIZE[1]))
    }

    #[test]
    fn thread_count_does_not_matter() {
        let of = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| masks::<1>(7))
        };
        assert_eq!(of(1), of(4));
    }

    #[test]
    fn calls_and_seeds_give_different_masks() {
        let [first, second] = masks(1);
        let [other] = masks(2);
        for pair in [(&first, &second), (&first, &other)] {
            let same = pair.0.iter().zip(pair.1).filter(|(a, b)| a.total_cmp(b).is_eq()).count();
            let share = same as f64 / first.len() as f64;
            assert!((share - 0.5).abs() < 0.01, "independent masks agree on half, not {share}");
        }
    }

    #[test]
    fn no_dropout_draws_no_mask() {
        let step = TrainingStep::new(5);
        let x = Tensor::<1>::from_data([1.0_f32, 2.0], &Device::flex());
        let y = Mode::Train(&step).dropout(x, 0.0, 1);
        assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, 2.0]);
        assert_eq!(step.dropout().calls.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn evaluation_changes_nothing() {
        let x = Tensor::<1>::from_data([1.0_f32, 2.0], &Device::flex());
        let y = Mode::Evaluate.dropout(x, 0.9, 1);
        assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, 2.0]);
    }
}
