//! Which rows of a batch are positives, negatives or simply others of an anchor.
//!
//! ```text
//! same[a, b]      = y_a = y_b and a ≠ b        the positives P_a
//! different[a, b] = y_a ≠ y_b                  the negatives
//! other[a, b]     = a ≠ b                      both together
//! ```
//!
//! Masks are square, `[n, n]`, with the anchor in the row; all three are symmetric and none
//! holds the anchor itself.

use burn::tensor::{Bool, Device, Int, Tensor};

/// Pairs of two different rows with the same label, `[n, n]`.
pub fn same_label(labels: Tensor<1, Int>) -> Tensor<2, Bool> {
    let [n] = labels.dims();
    let others = other(n, &labels.device());
    equal(labels).bool_and(others)
}

/// Pairs of rows with different labels, `[n, n]`.
pub fn different_label(labels: Tensor<1, Int>) -> Tensor<2, Bool> {
    equal(labels).bool_not()
}

/// Pairs of two different rows, `[n, n]`.
pub fn other(n: usize, device: &Device) -> Tensor<2, Bool> {
    // burn's `diag_mask` is false on the diagonal and true elsewhere.
    Tensor::<2, Bool>::diag_mask([n, n], 0, device)
}

fn equal(labels: Tensor<1, Int>) -> Tensor<2, Bool> {
    let [n] = labels.dims();
    let column = labels.clone().reshape([n, 1]).repeat_dim(1, n); // [n, n]
    let row = labels.reshape([1, n]).repeat_dim(0, n); // [n, n]
    column.equal(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(mask: Tensor<2, Bool>, expected: &[[i64; 3]; 3]) {
        let shown = mask.int().into_data().convert::<i64>().try_to_vec::<i64>().unwrap();
        assert_eq!(shown, expected.concat());
    }

    fn labels() -> Tensor<1, Int> {
        Tensor::from_data([4_i32, 7, 4], &Device::flex())
    }

    #[test]
    fn positives_share_the_label_but_are_not_the_anchor() {
        check(same_label(labels()), &[[0, 0, 1], [0, 0, 0], [1, 0, 0]]);
    }

    #[test]
    fn negatives_carry_another_label() {
        check(different_label(labels()), &[[0, 1, 0], [1, 0, 1], [0, 1, 0]]);
    }

    #[test]
    fn others_are_everyone_but_the_anchor() {
        check(other(3, &Device::flex()), &[[0, 1, 1], [1, 0, 1], [1, 1, 0]]);
    }
}
