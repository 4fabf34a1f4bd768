//! Mean absolute error of the probabilities: every wrong label pulls equally little.
//!
//! ```text
//! MAE_i = 1 − p_i,     p_i = softmax(z_i)[y_i]
//! ∂MAE_i/∂z_i = p_i (softmax(z_i) − onehot(y_i))
//! ```
//!
//! Within `0..=1`. Symmetric, hence robust to uniform noise in theory (Ghosh et al. 2017), and
//! slow: a label the network finds unlikely has hardly a gradient, right or wrong.
//!
//! Departure: half of the sum over classes of `|softmax(z) − onehot(y)|`, as in
//! Active-Passive-Losses at 04bce53.

use burn::tensor::{Int, Tensor};

use crate::cross_entropy;

/// Absolute error of every row.
///
/// # Shapes
///
/// - `logits`: `[n, c]`, before softmax
/// - `labels`: `[n]`, each in `0..c`
/// - returns: `[n]`
///
/// # Panics
///
/// As [`cross_entropy::per_row`].
pub fn per_row(logits: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
    1 - cross_entropy::per_row(logits, labels).neg().exp()
}
