//! Softmax: logits to probabilities.
//!
//! ```text
//! w[k] = exp(z[k] − max z) / Σ_s exp(z[s] − max z)
//! ```
//!
//! In and out f32, shape `[n_rows, n_classes]`; the sum is taken in f64. The largest logit is
//! subtracted first, so nothing overflows. An entry may underflow to 0; whoever divides by one
//! uses a floor ([`label_aware`](crate::label_aware)) or works from the logits.

use crate::logits::Logits;

/// Probabilities of every row, row-major, shape `[n_rows, n_classes]`.
///
/// ```
/// use lane_metrics::{Logits, Probabilities, softmax};
///
/// let auxiliary = softmax::of_logits(Logits::new(&[1.0, 0.2, -0.5], 3)?);
/// assert!((auxiliary[1] - 0.268_664).abs() < 1e-6);
/// let auxiliary = Probabilities::new(&auxiliary, 3)?;
/// # assert_eq!(auxiliary.n_rows(), 1);
/// # Ok::<(), lane_metrics::MetricsError>(())
/// ```
pub fn of_logits(logits: Logits<'_>) -> Vec<f32> {
    let mut probabilities = Vec::with_capacity(logits.n_rows() * logits.n_classes());
    for row in logits.rows() {
        let log_sum = log_sum_exp(row);
        probabilities.extend(row.iter().map(|&z| (f64::from(z) - log_sum).exp() as f32));
    }
    probabilities
}

/// The log of the sum of exp z over one row, in f64; finite for every finite row.
pub fn log_sum_exp(row: &[f32]) -> f64 {
    let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = row.iter().map(|&z| (f64::from(z) - largest).exp()).sum();
    largest + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_logits_share_evenly() {
        assert_eq!(of_logits(Logits::new(&[7.0; 4], 4).unwrap()), [0.25; 4]);
    }

    #[test]
    fn huge_logits_do_not_overflow() {
        let probabilities = of_logits(Logits::new(&[3e38, -3e38, 3e38, 0.0], 2).unwrap());
        assert_eq!(probabilities, [1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn no_rows_give_no_probabilities() {
        assert!(of_logits(Logits::new(&[], 2).unwrap()).is_empty());
    }
}
