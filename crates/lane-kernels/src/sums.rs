//! Sums over columns and rows whose order does not depend on the number of threads.

use rayon::prelude::*;

use crate::simd::kernel;
use crate::{Buffer, Real, Spread};

/// Rows that one thread works on at a time. Partial sums are formed per chunk and added in the
/// order of the chunks.
pub(crate) const CHUNK_ROWS: usize = 64;

/// Independent sums run side by side, as many as keep 512-bit adders busy.
const LANES: usize = 32;

/// `Σ f(x)`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "vectorized only where it is inlined")]
pub(crate) fn sum<T: Real>(x: &[T], f: impl Fn(T) -> T) -> T {
    let mut lanes = [T::ZERO; LANES];
    let (chunks, rest) = x.as_chunks::<LANES>();
    for chunk in chunks {
        for i in 0..LANES {
            lanes[i] += f(chunk[i]);
        }
    }
    let mut total = T::ZERO;
    for lane in lanes {
        total += lane;
    }
    for &value in rest {
        total += f(value);
    }
    total
}

/// `Σ f(x, y)`.
#[inline(always)]
#[allow(clippy::inline_always, reason = "vectorized only where it is inlined")]
pub(crate) fn sum_of_pairs<T: Real>(x: &[T], y: &[T], f: impl Fn(T, T) -> T) -> T {
    let mut lanes = [T::ZERO; LANES];
    let y = &y[..x.len()];
    let ((chunks, rest), (others, other_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    for (chunk, other) in chunks.iter().zip(others) {
        for i in 0..LANES {
            lanes[i] += f(chunk[i], other[i]);
        }
    }
    let mut total = T::ZERO;
    for lane in lanes {
        total += lane;
    }
    for (&value, &other) in rest.iter().zip(other_rest) {
        total += f(value, other);
    }
    total
}

kernel! {
    /// `total += row` for each row of `x`.
    pub(crate) fn add_rows<T, FUSED>(x: &[T], total: &mut [T]) {
        for row in x.chunks_exact(total.len()) {
            for (total, &value) in total.iter_mut().zip(row) {
                *total += value;
            }
        }
    }
}

kernel! {
    /// `x += bias` for each row of `x`.
    pub(crate) fn add_to_rows<T, FUSED>(x: &mut [T], bias: &[T]) {
        for row in x.chunks_exact_mut(bias.len()) {
            for (value, &bias) in row.iter_mut().zip(bias) {
                *value += bias;
            }
        }
    }
}

/// The sum of each column, `[n_columns]`: the gradient of a bias.
pub fn of_columns<T: Real>(x: &[T], n_columns: usize, spread: Spread) -> Vec<T> {
    let chunk = CHUNK_ROWS * n_columns;
    let mut parts = Buffer::zeros(x.len().div_ceil(chunk) * n_columns);
    for_each(spread, x.chunks(chunk).zip(parts.chunks_mut(n_columns)).collect(), |(x, part)| {
        add_rows(x, part);
    });
    total(&parts, n_columns)
}

/// Adds partial sums up, in order.
pub(crate) fn total<T: Real>(parts: &[T], n_columns: usize) -> Vec<T> {
    let mut total = vec![T::ZERO; n_columns];
    add_rows(parts, &mut total);
    total
}

/// Runs `work` on every item, on all threads or on this one.
pub(crate) fn for_each<I: Send>(spread: Spread, items: Vec<I>, work: impl Fn(I) + Send + Sync) {
    match spread {
        Spread::Serial => items.into_iter().for_each(work),
        Spread::Parallel => items.into_par_iter().for_each(work),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_take_in_every_entry() {
        for n in [0, 1, 31, 32, 33, 100] {
            let x: Vec<f64> = (1..=n).map(f64::from).collect();
            let n = f64::from(n);
            assert!((sum(&x, |it| it) - n * (n + 1.0) / 2.0).abs() < 1e-9);
            let squares = n * (n + 1.0) * (2.0 * n + 1.0) / 6.0;
            assert!((sum_of_pairs(&x, &x, |a, b| a * b) - squares).abs() < 1e-9);
        }
    }

    #[test]
    fn columns_are_summed_over_all_chunks() {
        let n_rows = 3 * CHUNK_ROWS + 5;
        let x: Vec<f64> = (0..n_rows * 2).map(|at| if at % 2 == 0 { 1.0 } else { 0.5 }).collect();
        let expected = [n_rows as f64, n_rows as f64 / 2.0];
        assert_eq!(of_columns(&x, 2, Spread::Parallel), expected);
        assert_eq!(of_columns(&x, 2, Spread::Serial), expected);
        assert_eq!(of_columns::<f64>(&[], 2, Spread::Serial), [0.0, 0.0]);
    }
}
