//! From packed rows to one vector a text, or back to a padded batch.
//!
//! ```text
//! mean:    h_i = (1/s_i) Σ_t x[i, t]                        over the tokens of text i
//! padded:  y[i, t] = x[i, t] for tokens, 0 for padding
//! ```

use crate::packing::Packing;
use crate::{Real, sums};

/// The mean over each text, `[texts, n]`.
pub fn mean<T: Real>(x: &[T], n: usize, packing: &Packing) -> Vec<T> {
    let mut out = vec![T::ZERO; packing.n_texts() * n];
    for (rows, out) in packing.texts().zip(out.chunks_exact_mut(n)) {
        let inverse = T::ONE / T::of(rows.len() as f64);
        sums::add_rows(&x[rows.start * n..rows.end * n], out);
        out.iter_mut().for_each(|it| *it *= inverse);
    }
    out
}

/// The gradient of [`mean`]: `d`: `[texts, n]`; returns `[rows, n]`.
pub fn mean_backward<T: Real>(d: &[T], n: usize, packing: &Packing) -> Vec<T> {
    let mut out = Vec::with_capacity(packing.n_rows() * n);
    for (rows, d) in packing.texts().zip(d.chunks_exact(n)) {
        let inverse = T::ONE / T::of(rows.len() as f64);
        rows.for_each(|_| out.extend(d.iter().map(|&it| it * inverse)));
    }
    out
}

/// The padded batch, `[texts · width, n]`, zero where there is no token.
pub fn padded<T: Real>(x: &[T], n: usize, packing: &Packing) -> Vec<T> {
    let mut out = vec![T::ZERO; packing.n_texts() * packing.width() * n];
    for (rows, out) in packing.texts().zip(out.chunks_exact_mut(packing.width() * n)) {
        out[..rows.len() * n].copy_from_slice(&x[rows.start * n..rows.end * n]);
    }
    out
}

/// The gradient of [`padded`]: what stands at tokens; returns `[rows, n]`.
pub fn padded_backward<T: Real>(d: &[T], n: usize, packing: &Packing) -> Vec<T> {
    let texts = packing.texts().zip(d.chunks_exact(packing.width() * n));
    texts.flat_map(|(rows, d)| d[..rows.len() * n].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_over_the_tokens_of_its_text() {
        let packing = Packing::new(&[2, 1], 3);
        let x = [1.0, 10.0, 3.0, 20.0, 5.0, 7.0];
        assert_eq!(mean::<f64>(&x, 2, &packing), [2.0, 15.0, 5.0, 7.0]);
        let d = mean_backward::<f64>(&[4.0, 6.0, 1.0, 2.0], 2, &packing);
        assert_eq!(d, [2.0, 3.0, 2.0, 3.0, 1.0, 2.0]);
    }

    #[test]
    fn padding_is_zero_and_gives_no_gradient() {
        let packing = Packing::new(&[2, 1], 2);
        assert_eq!(padded::<f64>(&[1.0, 2.0, 3.0], 1, &packing), [1.0, 2.0, 3.0, 0.0]);
        assert_eq!(padded_backward::<f64>(&[4.0, 5.0, 6.0, 9.0], 1, &packing), [4.0, 5.0, 6.0]);
    }
}
