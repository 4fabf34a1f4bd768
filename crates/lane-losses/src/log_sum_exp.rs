//! `log Σ_k exp(x_ik)`, which takes sums of probabilities without leaving logarithms.

use burn::tensor::Tensor;

/// The sum of every row, `[n, m]` to `[n, 1]`.
///
/// The largest entry is subtracted first, as a constant: it changes neither value nor gradient.
pub(crate) fn of_rows(x: Tensor<2>) -> Tensor<2> {
    let largest = x.clone().detach().max_dim(1); // [n, 1]
    (x - largest.clone()).exp().sum_dim(1).log() + largest
}
