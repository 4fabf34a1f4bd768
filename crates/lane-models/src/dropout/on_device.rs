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
use burn::tensor::{DType, Device, Int, Shape, Tensor, TensorData};

/// Odd multipliers without pattern: 2³² over the golden ratio, and over its square root.
const FIRST: u32 = 0x9E37_79B1;
const SECOND: u32 = 0xC941_377B;

/// Whether masks for `device` are made there. On devices of the CPU the host's are cheaper.
pub(super) fn serves(device: &Device) -> bool {
    match device.clone().inner().as_dispatch() {
        DispatchDevice::Flex(_) => false,
        #[cfg(feature = "tch")]
        DispatchDevice::LibTorch(_) => false,
        _ => true,
    }
}

/// The factors of the elements of a shape, counted from `first`: zero with probability `p`, else
/// `1 / (1 − p)`.
#[expect(clippy::cast_sign_loss, reason = "a probability is not negative")]
pub(super) fn mask<const D: usize>(
    key: u64,
    first: usize,
    shape: Shape,
    p: f64,
    device: &Device,
) -> Tensor<D> {
    let threshold = (p * 2.0_f64.powi(32)) as u32;
    let kept = (1.0 / (1.0 - p)) as f32;
    let counter = counter((key as u32).wrapping_add(first as u32), &shape, device);
    let bits = hash(counter, (key >> 32) as u32);
    bits.greater_equal_elem(threshold).float().mul_scalar(kept).reshape(shape)
}

/// `start + i` for element `i`, as rows and columns: `[outer, inner]`.
///
/// The sum of a column and a row of numbers, since burn makes a range on the host and carries it
/// over whole. The shape is cut where both parts are short.
fn counter(start: u32, shape: &Shape, device: &Device) -> Tensor<2, Int> {
    let length = |range: &[usize]| range.iter().product::<usize>();
    let halves = (0..=shape.len()).map(|at| (length(&shape[..at]), length(&shape[at..])));
    let (outer, inner) = halves.min_by_key(|(outer, inner)| outer + inner).unwrap_or((1, 1));
    let numbers = |count: usize, from: u32, step: usize, shape: [usize; 2]| {
        // Wraps, as the sum on the device does.
        let number = |at: usize| from.wrapping_add((at * step) as u32);
        let numbers: Vec<u32> = (0..count).map(number).collect();
        Tensor::<2, Int>::from_data(TensorData::new(numbers, shape), (device, DType::U32))
    };
    numbers(outer, start, inner, [outer, 1]) + numbers(inner, 0, 1, [1, inner])
}

/// Every bit of the counter and of the key moves every bit of the result.
fn hash(x: Tensor<2, Int>, b: u32) -> Tensor<2, Int> {
    let x = fold(x, 16).mul_scalar(FIRST).bitwise_xor_scalar(b);
    let x = fold(fold(x, 15).mul_scalar(SECOND), 13).mul_scalar(FIRST);
    fold(x, 16)
}

fn fold(x: Tensor<2, Int>, by: u32) -> Tensor<2, Int> {
    x.clone().bitwise_xor(x.bitwise_right_shift_scalar(by))
}

#[cfg(test)]
mod tests;
