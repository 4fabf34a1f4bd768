//! From probabilities and uniform numbers to labels, without a generator of its own.
//!
//! ```text
//! class_at(p, u) = the first class c with p₀ + … + p_c > u,   0 ≤ u < 1      (inverse CDF)
//! n_selected(r, N) = ⌊rN + 10⁻⁹⌋
//! permuted:  new[rows[k]] = old[rows[permutation[k]]]
//! ```

use lane_metrics::ClassId;

use super::transition::Transition;

/// Added before rounding down, so that 0.29 of 100 rows are 29 although the product is
/// 28.999999999999996; far below one row, far above the rounding error of any count in 32 bits.
const ROUNDING_SLACK: f64 = 1e-9;

/// How many of `n_rows` rows a rate selects: ⌊rN⌋, at most all.
pub fn n_selected(rate: f64, n_rows: usize) -> usize {
    let product = rate * n_rows as f64 + ROUNDING_SLACK;
    #[expect(clippy::cast_sign_loss, reason = "the cast saturates: below 0 and NaN give 0 rows")]
    let selected = product.floor() as usize;
    selected.min(n_rows)
}

/// The class that the uniform number `u` falls on.
///
/// If rounding keeps the sum below `u`, the last class with any probability.
pub fn class_at(probabilities: &[f64], u: f64) -> ClassId {
    let mut cumulative = 0.0;
    let mut last = 0;
    for (class, probability) in probabilities.iter().enumerate() {
        cumulative += probability;
        if cumulative > u {
            return ClassId(class as u16);
        }
        if *probability > 0.0 {
            last = class;
        }
    }
    ClassId(last as u16)
}

/// A new label for each old one: row `y` of the matrix at the row's own uniform number.
///
/// # Panics
///
/// If a label names no class of the matrix; [`inject`](super::inject) checks it.
pub fn of_labels(
    labels: &[ClassId],
    matrix: &Transition,
    draws: impl IntoIterator<Item = f64>,
) -> Vec<ClassId> {
    labels.iter().zip(draws).map(|(label, u)| class_at(matrix.row(*label), u)).collect()
}

/// The labels with those of `rows` permuted among themselves.
///
/// # Panics
///
/// If `rows` or `permutation` point outside; [`inject`](super::inject) makes both.
pub fn permuted(labels: &[ClassId], rows: &[usize], permutation: &[usize]) -> Vec<ClassId> {
    let mut new = labels.to_vec();
    for (row, from) in rows.iter().zip(permutation) {
        new[*row] = labels[rows[*from]];
    }
    new
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_products_are_not_lost_to_rounding() {
        assert_eq!(n_selected(0.2, 15), 3);
        assert_eq!(n_selected(0.29, 100), 29);
        assert_eq!(n_selected(0.7, 10), 7);
        assert_eq!(n_selected(0.2, 14), 2);
        for n in 0..2000 {
            for percent in 0..=100 {
                assert_eq!(n_selected(percent as f64 / 100.0, n), n * percent / 100);
            }
        }
    }

    #[test]
    fn rate_one_selects_every_row_of_the_largest_set() {
        assert_eq!(n_selected(1.0, u32::MAX as usize), u32::MAX as usize);
        assert_eq!(n_selected(0.0, 7), 0);
    }

    #[test]
    fn boundary_belongs_to_the_next_class() {
        assert_eq!(class_at(&[0.5, 0.5], 0.0), ClassId(0));
        assert_eq!(class_at(&[0.5, 0.5], 0.5), ClassId(1));
    }

    #[test]
    fn class_without_probability_is_never_drawn() {
        assert_eq!(class_at(&[0.0, 1.0], 0.0), ClassId(1));
        // The sum falls short of u by rounding: still not the impossible last class.
        assert_eq!(class_at(&[0.1, 0.899_999, 0.0], 0.999_999_9), ClassId(1));
    }
}
