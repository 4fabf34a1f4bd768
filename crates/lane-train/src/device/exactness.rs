//! Whether a device multiplies in full f32.
//!
//! A GPU may round the factors of a product to fewer bits on its way through its matrix units
//! (TF32 keeps 10 of f32's 23 bits), and no setting of burn tells whether it did. So one product is
//! formed on the device and compared with the same sum in f64:
//!
//! ```text
//! error = max |C − Ĉ| / max |C|,   C = A·B,  A: [256, 512],  B: [512, 256],  entries in [−1, 1)
//! ```
//!
//! Sums in f32 over 512 terms stay below 2e-6 here, TF32 lies near 3e-4 and bf16 near 3e-3, so the
//! limit between them leaves a factor of ten on either side.

use burn::tensor::{Device, Tensor, TensorData};

use crate::transfer;

/// Rows of the product, and its columns.
const SIDE: usize = 256;
/// Terms of each sum.
const DEPTH: usize = 512;

/// Errors up to this are those of f32.
pub(super) const LIMIT: f64 = 2e-5;

/// The largest error of the product on `device`, relative to the largest entry.
pub(super) fn largest_error(device: &Device) -> f64 {
    let (left, right) = (entries(1, SIDE * DEPTH), entries(2, DEPTH * SIDE));
    let tensor = |values: &[f32], shape: [usize; 2]| -> Tensor<2> {
        Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
    };
    let product = tensor(&left, [SIDE, DEPTH]).matmul(tensor(&right, [DEPTH, SIDE]));
    compare(&transfer::read(product), &left, &right)
}

fn compare(product: &[f32], left: &[f32], right: &[f32]) -> f64 {
    if product.len() != SIDE * SIDE {
        return f64::INFINITY;
    }
    let (mut error, mut largest) = (0.0_f64, 0.0_f64);
    for (row, left) in left.chunks_exact(DEPTH).enumerate() {
        for column in 0..SIDE {
            let right = right.iter().skip(column).step_by(SIDE);
            let exact: f64 =
                left.iter().zip(right).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum();
            let difference = (f64::from(product[row * SIDE + column]) - exact).abs();
            // A comparison written so that NaN counts as the worst.
            error = if difference <= error { error } else { difference };
            largest = largest.max(exact.abs());
        }
    }
    if error.is_nan() { f64::INFINITY } else { error / largest }
}

/// Numbers in [−1, 1) with all 23 bits of their fraction in use, by a linear congruence.
fn entries(seed: u64, len: usize) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The product in f32, of factors cut to `bits` of their fraction.
    fn error_with(bits: u32) -> f64 {
        let (left, right) = (entries(1, SIDE * DEPTH), entries(2, DEPTH * SIDE));
        let cut = |values: &[f32]| -> Vec<f32> {
            values
                .iter()
                .map(|it| f32::from_bits(it.to_bits() & (u32::MAX << (23 - bits))))
                .collect()
        };
        let (a, b) = (cut(&left), cut(&right));
        let mut product = vec![0.0; SIDE * SIDE];
        for row in 0..SIDE {
            for column in 0..SIDE {
                let sum = (0..DEPTH).map(|k| a[row * DEPTH + k] * b[k * SIDE + column]).sum();
                product[row * SIDE + column] = sum;
            }
        }
        compare(&product, &left, &right)
    }

    #[test]
    fn products_of_f32_pass_and_those_of_fewer_bits_do_not() {
        let (full, tf32, bf16) = (error_with(23), error_with(10), error_with(7));
        assert!(full < LIMIT / 5.0, "f32: {full}");
        assert!(tf32 > LIMIT * 5.0, "TF32: {tf32}");
        assert!(bf16 > tf32, "bf16: {bf16}");
    }

    #[test]
    fn flex_is_exact() {
        let error = largest_error(&Device::flex());
        assert!(error < LIMIT, "{error}");
    }

    #[test]
    fn a_product_that_is_no_number_or_missing_is_not_exact() {
        let (left, right) = (entries(1, SIDE * DEPTH), entries(2, DEPTH * SIDE));
        assert!(compare(&vec![f32::NAN; SIDE * SIDE], &left, &right) > LIMIT);
        assert!(compare(&[], &left, &right) > LIMIT);
    }
}
