//! Dropout with masks that are a function of seed, call and element alone.
//!
//! ```text
//! dropout(x)[i] = x[i] / (1 − p)   if hash(seed, call, i) ≥ p
//!                 0                otherwise
//! ```
//!
//! The hash is the splitmix64 finalizer (Steele, Lea, Flood 2014) over a counter, so element
//! `i` needs no element before it and the mask is filled in parallel; how many threads share
//! the work cannot be seen in the result. burn's own dropout draws from one global generator.
//! Devices with memory of their own make their masks there, by another hash: `on_device.rs`.

mod on_device;

use std::sync::atomic::{AtomicU64, Ordering};

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// Elements a thread fills at a time: large enough to pay for the hand-over.
const CHUNK: usize = 1 << 14;

/// 2⁶⁴ divided by the golden ratio, the step of splitmix64's counter.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A named stream of dropout masks; every mask drawn advances it by one.
#[derive(Debug)]
pub struct DropoutStream {
    key: u64,
    calls: AtomicU64,
}

impl DropoutStream {
    /// The stream of a seed, before its first mask.
    pub fn new(seed: u64) -> Self {
        Self { key: mix(seed.wrapping_add(STEP)), calls: AtomicU64::new(0) }
    }

    /// The key of the next mask.
    fn next_key(&self) -> u64 {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        mix(self.key ^ mix(call.wrapping_add(1).wrapping_mul(STEP)))
    }

    /// The factors of the next `len` elements: zero with probability `p`, else `1 / (1 − p)`.
    #[expect(clippy::cast_sign_loss, reason = "a probability is not negative")]
    fn next_mask(&self, len: usize, p: f64) -> Vec<f32> {
        let key = self.next_key();
        // One hash serves two elements, each compared in 32 bits.
        let threshold = (p * 2.0_f64.powi(32)) as u32;
        let kept = (1.0 / (1.0 - p)) as f32;
        let factor = |bits: u32| if bits >= threshold { kept } else { 0.0 };
        let mut mask = vec![0.0; len];
        mask.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, values)| {
            let first = (chunk * CHUNK / 2) as u64;
            for (at, pair) in values.chunks_mut(2).enumerate() {
                let bits = mix(key.wrapping_add((first + at as u64).wrapping_mul(STEP)));
                pair[0] = factor(bits as u32);
                if let Some(second) = pair.get_mut(1) {
                    *second = factor((bits >> 32) as u32);
                }
            }
        });
        mask
    }
}

/// Whether a forward pass is for training.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// No dropout.
    Evaluate,
    /// Dropout with masks from this stream.
    Train(&'a DropoutStream),
}

impl Mode<'_> {
    /// Drops entries with probability `p` when training; `p` of zero draws nothing.
    pub(crate) fn dropout<const D: usize>(self, x: Tensor<D>, p: f64) -> Tensor<D> {
        let Mode::Train(stream) = self else { return x };
        if p <= 0.0 {
            return x;
        }
        let (shape, device) = (x.shape(), x.device().inner());
        if on_device::serves(&device) {
            return x * on_device::mask(stream.next_key(), shape, p, &device);
        }
        let mask = stream.next_mask(shape.num_elements(), p);
        x * Tensor::from_data(TensorData::new(mask, shape), &device)
    }
}

/// splitmix64's finalizer: every input bit moves every output bit.
fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// Odd, and more than a few chunks.
    const LEN: usize = 5 * CHUNK + 7;

    fn kept_share(mask: &[f32]) -> f64 {
        mask.iter().filter(|&&factor| factor > 0.0).count() as f64 / mask.len() as f64
    }

    #[test]
    fn thread_count_does_not_matter() {
        let of = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| DropoutStream::new(7).next_mask(LEN, 0.1))
        };
        assert_eq!(of(1), of(4));
    }

    #[test]
    fn kept_share_is_one_minus_p() {
        for p in [0.05, 0.1, 0.5, 0.9] {
            let share = kept_share(&DropoutStream::new(3).next_mask(LEN, p));
            // Five standard deviations of a binomial share.
            let tolerance = 5.0 * (p * (1.0 - p) / LEN as f64).sqrt();
            assert!((share - (1.0 - p)).abs() < tolerance, "p {p}: kept {share}");
        }
    }

    #[test]
    fn the_mean_is_kept() {
        let mask = DropoutStream::new(11).next_mask(LEN, 0.25);
        let mean = mask.iter().map(|&factor| f64::from(factor)).sum::<f64>() / LEN as f64;
        assert!((mean - 1.0).abs() < 0.01, "mean factor {mean}");
    }

    #[test]
    fn calls_and_seeds_give_different_masks() {
        let stream = DropoutStream::new(1);
        let (first, second) = (stream.next_mask(LEN, 0.5), stream.next_mask(LEN, 0.5));
        let other = DropoutStream::new(2).next_mask(LEN, 0.5);
        for pair in [(&first, &second), (&first, &other)] {
            let same = pair.0.iter().zip(pair.1).filter(|(a, b)| a.total_cmp(b).is_eq()).count();
            let share = same as f64 / LEN as f64;
            assert!((share - 0.5).abs() < 0.01, "independent masks agree on half, not {share}");
        }
    }

    #[test]
    fn a_short_mask_is_the_start_of_a_long_one() {
        let long = DropoutStream::new(5).next_mask(LEN, 0.3);
        assert_eq!(DropoutStream::new(5).next_mask(9, 0.3), long[..9]);
    }

    #[test]
    fn no_dropout_draws_no_mask() {
        let stream = DropoutStream::new(5);
        let x = Tensor::<1>::from_data([1.0_f32, 2.0], &Device::flex());
        let y = Mode::Train(&stream).dropout(x, 0.0);
        assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, 2.0]);
        assert_eq!(stream.calls.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn evaluation_changes_nothing() {
        let x = Tensor::<1>::from_data([1.0_f32, 2.0], &Device::flex());
        let y = Mode::Evaluate.dropout(x, 0.9);
        assert_eq!(y.into_data().try_to_vec::<f32>().unwrap(), [1.0, 2.0]);
    }
}
