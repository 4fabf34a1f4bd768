//! Dropout masks made where they are used, for devices whose memory is not the host's.
//!
//! ```text
//! mask[i] = 1 / (1 − p)   if hash(a, b, i) / 2³² ≥ p
//!           0             otherwise
//! ```
//!
//! A mask from the host would cross the bus with every call, as many bytes as the tensor it falls
//! on. This one is a function of the call's key and the element alone, like the host's, and so is
//! the same on every device and in every run. burn's own generator would need one kernel where this
//! needs a dozen steps, but it is one global state, to be seeded anew before each mask, and that
//! drains the queue of operations each time; these steps are elementwise, and fuse into one.
//!
//! The hash is a multiply and xor-shift finalizer over 32 bits, all that GPUs have everywhere. `a`
//! shifts the counter and `b` enters between the multiplications: without it two masks whose
//! counters overlap would be windows of one sequence.

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Device, Int, Tensor};

/// Odd multipliers without pattern: 2³² over the golden ratio, and over its square root.
const FIRST: u32 = 0x9E37_79B1;
const SECOND: u32 = 0xC951_7E6D;

/// Whether masks for `device` are made there. On devices of the CPU the host's are cheaper.
pub(super) fn serves(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        DispatchDevice::Flex(_) => false,
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(_) => false,
        _ => true,
    }
}

/// The factors of `len` elements: zero with probability `p`, else `1 / (1 − p)`; `[len]`.
#[expect(clippy::cast_sign_loss, reason = "a probability is not negative")]
pub(super) fn mask(key: u64, len: usize, p: f64, device: &Device) -> Tensor<1> {
    let (a, b) = (key as u32, (key >> 32) as u32);
    let threshold = (p * 2.0_f64.powi(32)) as u32;
    let kept = (1.0 / (1.0 - p)) as f32;
    // No device holds a tensor of 2³² elements.
    let counter = Tensor::<1, Int>::arange(0..i64::from(len as u32), (device, DType::U32));
    hash(counter, a, b).greater_equal_elem(threshold).float().mul_scalar(kept)
}

/// Every bit of the counter and of both keys moves every bit of the result.
fn hash(x: Tensor<1, Int>, a: u32, b: u32) -> Tensor<1, Int> {
    let x = fold(x.add_scalar(a), 16).mul_scalar(FIRST).bitwise_xor_scalar(b);
    fold(fold(fold(x, 15).mul_scalar(SECOND), 13).mul_scalar(FIRST), 16)
}

fn fold(x: Tensor<1, Int>, by: u32) -> Tensor<1, Int> {
    x.clone().bitwise_xor(x.bitwise_right_shift_scalar(by))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEN: usize = 80_007;
    const KEY: u64 = 0x1234_5678_9ABC_DEF0;

    fn values(key: u64, len: usize, p: f64) -> Vec<f32> {
        mask(key, len, p, &Device::flex()).into_data().try_into_vec().unwrap()
    }

    /// The same in plain integers, as the header has it.
    fn expected(key: u64, len: usize, p: f64) -> Vec<f32> {
        let (a, b) = (key as u32, (key >> 32) as u32);
        let factor = |at: u32| {
            let x = at.wrapping_add(a);
            let x = (x ^ (x >> 16)).wrapping_mul(FIRST) ^ b;
            let x = (x ^ (x >> 15)).wrapping_mul(SECOND);
            let x = (x ^ (x >> 13)).wrapping_mul(FIRST);
            let kept = f64::from(x ^ (x >> 16)) / 2.0_f64.powi(32) >= p;
            if kept { (1.0 / (1.0 - p)) as f32 } else { 0.0 }
        };
        (0..len as u32).map(factor).collect()
    }

    #[test]
    fn tensor_operations_and_plain_integers_make_the_same_mask() {
        for key in [KEY, 0, u64::MAX, 0xFFFF_FFFF, 0xFFFF_FFFF_0000_0000] {
            for p in [0.05, 0.1, 0.5, 0.9] {
                assert_eq!(values(key, 1000, p), expected(key, 1000, p), "key {key:x}, p {p}");
            }
        }
    }

    #[test]
    fn kept_share_is_one_minus_p() {
        for p in [0.05, 0.1, 0.5, 0.9] {
            let kept = expected(KEY, LEN, p).iter().filter(|&&factor| factor > 0.0).count();
            let share = kept as f64 / LEN as f64;
            // Five standard deviations of a binomial share.
            let tolerance = 5.0 * (p * (1.0 - p) / LEN as f64).sqrt();
            assert!((share - (1.0 - p)).abs() < tolerance, "p {p}: kept {share}");
        }
    }

    #[test]
    fn masks_of_keys_that_differ_in_one_bit_agree_on_half() {
        let first = expected(KEY, LEN, 0.5);
        // A change in the low half only moves the counter; keys never differ there alone.
        for bit in 32..64 {
            let second = expected(KEY ^ (1 << bit), LEN, 0.5);
            for shift in 0..3 {
                let pairs = first.iter().zip(&second[shift..]);
                let same = pairs.filter(|(a, b)| a.total_cmp(b).is_eq()).count();
                let share = same as f64 / (LEN - shift) as f64;
                assert!((share - 0.5).abs() < 0.01, "bit {bit}, shifted by {shift}: {share}");
            }
        }
    }

    #[test]
    fn neighbors_are_dropped_independently() {
        let kept: Vec<bool> = expected(KEY, LEN, 0.5).iter().map(|&it| it > 0.0).collect();
        for apart in [1, 2, 3, 64, 384, 768] {
            let pairs = kept.iter().zip(&kept[apart..]);
            let same = pairs.filter(|(a, b)| a == b).count();
            let share = same as f64 / (LEN - apart) as f64;
            assert!((share - 0.5).abs() < 0.01, "{apart} apart: {share}");
        }
    }

    #[test]
    fn flex_keeps_the_masks_of_the_host() {
        assert!(!serves(&Device::flex()));
        assert!(!serves(&Device::flex().autodiff()));
    }
}
