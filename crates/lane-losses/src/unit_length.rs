//! Rows brought to unit length, `ĥ = h / max(‖h‖, 1e-12)`.

use burn::tensor::Tensor;

use crate::SMALLEST_LENGTH;

/// Every row over its length, `[n, d]`.
///
/// The row is divided by its largest entry first, as a constant. That changes neither value
/// nor gradient, but keeps the sum of squares inside the range of f32 (a row of 1e20 would
/// overflow) and away from zero, where the square root has no derivative.
pub(crate) fn of_rows(rows: Tensor<2>) -> Tensor<2> {
    let largest = rows.clone().detach().abs().max_dim(1).clamp_min(SMALLEST_LENGTH); // [n, 1]
    let scaled = rows / largest; // [n, d]
    // At least 1 unless the row is shorter than the smallest length.
    let length = scaled.clone().square().sum_dim(1).clamp_min(1).sqrt(); // [n, 1]
    scaled / length
}
