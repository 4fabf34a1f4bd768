//! Bias, dropout, residual and layer norm in one pass.
//!
//! ```text
//! s  = dropout(product + bias) + residual
//! x̂  = (s − mean(s)) / √(var(s) + ε)                by row; var over n, not n − 1
//! y  = γ x̂ + β
//!
//! ds = (g − mean(g) − x̂ mean(g x̂)) / √(var + ε),  g = γ dy
//! dγ = Σ dy x̂,  dβ = Σ dy,  d(product) = dropout'(ds),  d(bias) = Σ d(product)
//! ```
//!
//! Ba, Kiros, Hinton: *Layer Normalization*, arXiv:1607.06450, eq. 4.

use crate::dropout::Dropout;
use crate::simd::kernel;
use crate::sums::{self, CHUNK_ROWS, sum, sum_of_pairs};
use crate::{Buffer, Real, Spread};

/// Scale and shift, `[n]` each.
#[derive(Clone, Copy, Debug)]
pub struct Norm<'a, T> {
    /// γ.
    pub gamma: &'a [T],
    /// β.
    pub beta: &'a [T],
    /// ε, added to the variance.
    pub epsilon: T,
}

/// What the backward pass needs.
#[derive(Debug)]
pub struct Saved<T: Real> {
    /// `x̂`, row-major.
    pub normalized: Buffer<T>,
    /// `1/√(var + ε)`, by row.
    pub inverse_deviation: Buffer<T>,
}

/// Gradients of everything that went in but the residual.
#[derive(Debug)]
pub struct Gradients<T: Real> {
    /// Of the sum before the norm, and so of the residual.
    pub sum: Buffer<T>,
    /// Of the product, through dropout.
    pub product: Buffer<T>,
    /// Of γ.
    pub gamma: Vec<T>,
    /// Of β.
    pub beta: Vec<T>,
    /// Of the bias.
    pub bias: Vec<T>,
}

/// Which entries of the product are dropped: the layer, and the row of the mask for each row here.
pub type Masked<'a> = Option<(Dropout, &'a [usize])>;

/// What comes into a norm, `[rows, n]` each: a product without its bias, and what is added to it.
#[derive(Debug)]
pub struct Summands<'a, T: Real> {
    /// Used up.
    pub product: Buffer<T>,
    /// `[n]`; may be empty where nothing is dropped either.
    pub bias: &'a [T],
    /// Added after dropout.
    pub residual: &'a [T],
}

kernel! {
    /// `product += bias`, and dropped; `rows`: of the mask.
    fn add_bias_and_drop<T, FUSED>(product: &mut [T], bias: &[T], masked: Masked<'_>) {
        let n = bias.len();
        match masked {
            None => for row in product.chunks_exact_mut(n) {
                for i in 0..n {
                    row[i] += bias[i];
                }
            },
            Some((dropout, rows)) => for (row, &number) in product.chunks_exact_mut(n).zip(rows) {
                let mask = dropout.row::<T>(number);
                for i in 0..n {
                    row[i] = (row[i] + bias[i]) * mask.factor(i);
                }
            },
        }
    }
}

kernel! {
    /// `product` in, `x̂` out.
    fn normalize<T, FUSED>(x: &mut [T], residual: &[T], norm: Norm<'_, T>, y: &mut [T], inverse_deviation: &mut [T]) {
        let n = norm.gamma.len();
        let (gamma, beta) = (norm.gamma, &norm.beta[..n]);
        let inverse_n = T::ONE / T::of(n as f64);
        let rows = x.chunks_exact_mut(n).zip(residual.chunks_exact(n)).zip(y.chunks_exact_mut(n));
        for (((x, residual), y), inverse) in rows.zip(inverse_deviation) {
            for i in 0..n {
                x[i] += residual[i];
            }
            let mean = sum(x, |it| it) * inverse_n;
            let variance = sum(x, |it| (it - mean) * (it - mean)) * inverse_n;
            let scale = T::ONE / (variance + norm.epsilon).sqrt();
            *inverse = scale;
            for i in 0..n {
                let normalized = (x[i] - mean) * scale;
                x[i] = normalized;
                y[i] = normalized.mul_add::<FUSED>(gamma[i], beta[i]);
            }
        }
    }
}

kernel! {
    /// `saved`: `x̂` and `1/√(var + ε)`; `out`: `ds` and `d(product)`; `sums`:
    /// `[dγ | dβ | d(bias)]`, added to.
    fn differentiate<T, FUSED>(dy: &[T], saved: (&[T], &[T]), gamma: &[T], out: (&mut [T], &mut [T]), sums: &mut [T], masked: Masked<'_>) {
        let (ds, product) = out;
        let n = gamma.len();
        let inverse_n = T::ONE / T::of(n as f64);
        let (d_gamma, rest) = sums.split_at_mut(n);
        let (d_beta, d_bias) = rest.split_at_mut(n);
        let rows = dy.chunks_exact(n).zip(saved.0.chunks_exact(n)).zip(ds.chunks_exact_mut(n));
        let rows = rows.zip(product.chunks_exact_mut(n)).zip(saved.1).enumerate();
        for (number, ((((dy, normalized), ds), product), &scale)) in rows {
            for i in 0..n {
                ds[i] = dy[i] * gamma[i];
                d_gamma[i] += dy[i] * normalized[i];
                d_beta[i] += dy[i];
            }
            let mean = sum(ds, |it| it) * inverse_n;
            let along = sum_of_pairs(ds, normalized, |a, b| a * b) * inverse_n;
            match masked {
                None => for i in 0..n {
                    let d = scale * (ds[i] - mean - normalized[i] * along);
                    ds[i] = d;
                    product[i] = d;
                    d_bias[i] += d;
                },
                Some((dropout, rows)) => {
                    let mask = dropout.row::<T>(rows[number]);
                    for i in 0..n {
                        let d = scale * (ds[i] - mean - normalized[i] * along);
                        let dropped = d * mask.factor(i);
                        ds[i] = d;
                        product[i] = dropped;
                        d_bias[i] += dropped;
                    }
                }
            }
        }
    }
}

fn part(masked: Masked<'_>, chunk: usize) -> Masked<'_> {
    masked.map(|(dropout, rows)| {
        let first = chunk * CHUNK_ROWS;
        (dropout, &rows[first..rows.len().min(first + CHUNK_ROWS)])
    })
}

/// `y`: `[rows, n]`, written.
pub fn forward<T: Real>(
    summands: Summands<'_, T>,
    norm: Norm<'_, T>,
    masked: Masked<'_>,
    y: &mut [T],
    spread: Spread,
) -> Saved<T> {
    let Summands { mut product, bias, residual } = summands;
    let n = norm.gamma.len();
    let mut inverse_deviation = Buffer::new(product.len() / n);
    let chunk = CHUNK_ROWS * n;
    let chunks = product.chunks_mut(chunk).zip(residual.chunks(chunk)).zip(y.chunks_mut(chunk));
    let chunks = chunks.zip(inverse_deviation.chunks_mut(CHUNK_ROWS)).enumerate().collect();
    sums::for_each(spread, chunks, |(number, (((x, residual), y), inverse))| {
        if !bias.is_empty() {
            add_bias_and_drop(x, bias, part(masked, number));
        }
        normalize(x, residual, norm, y, inverse);
    });
    Saved { normalized: product, inverse_deviation }
}

/// `dy`: `[rows, n]`.
pub fn backward<T: Real>(
    dy: &[T],
    saved: &Saved<T>,
    gamma: &[T],
    masked: Masked<'_>,
    spread: Spread,
) -> Gradients<T> {
    let n = gamma.len();
    let (mut sum, mut product) = (Buffer::new(dy.len()), Buffer::new(dy.len()));
    let chunk = CHUNK_ROWS * n;
    let mut parts = Buffer::zeros(dy.len().div_ceil(chunk) * 3 * n);
    let chunks = dy.chunks(chunk).zip(saved.normalized.chunks(chunk)).zip(sum.chunks_mut(chunk));
    let chunks = chunks.zip(product.chunks_mut(chunk)).zip(parts.chunks_mut(3 * n));
    let chunks = chunks.zip(saved.inverse_deviation.chunks(CHUNK_ROWS)).enumerate().collect();
    sums::for_each(
        spread,
        chunks,
        |(number, (((((dy, normalized), sum), product), sums), inverse))| {
            let masked = part(masked, number);
            differentiate(dy, (normalized, inverse), gamma, (sum, product), sums, masked);
        },
    );
    let mut gamma = sums::total(&parts, 3 * n);
    let bias = gamma.split_off(2 * n);
    let beta = gamma.split_off(n);
    Gradients { sum, product, gamma, beta, bias }
}
