//! Rounding a row of numbers so that its sum, rounded, stays what it was.

use super::network_order;

/// The numbers as whole ones with the same (rounded) sum: halves to even, then one more or one
/// less where the remainder is largest or smallest. The numbers are at least 0.
pub(super) fn keeping_the_sum(values: &[f64]) -> Vec<u64> {
    let mut rounded: Vec<f64> = values.iter().map(|it| it.round_ties_even()).collect();
    let wanted = values.iter().sum::<f64>().round_ties_even();
    loop {
        let missing = wanted - rounded.iter().sum::<f64>();
        // Whole numbers below 2^53 add up without rounding.
        if missing.abs() < 0.5 {
            break;
        }
        let remainders: Vec<f64> = values.iter().zip(&rounded).map(|(v, r)| v - r).collect();
        let mut order = network_order::ascending(&remainders);
        if missing > 0.0 {
            order.reverse();
        }
        for index in order.into_iter().take(count(missing.abs())) {
            rounded[index] += missing.signum();
        }
    }
    rounded.into_iter().map(|it| count(it) as u64).collect()
}

/// The sum in the order numpy adds: eight sums side by side, blocks of at most 128 by halves.
///
/// A whole problem is scaled by its sum, and where a count lies half way between two whole
/// numbers the last bit of that sum decides; cleanlab's counts come out the same only so.
pub(super) fn pairwise_sum(values: &[f64]) -> f64 {
    const LANES: usize = 8;
    const BLOCK: usize = 128;
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (left, right) = values.split_at(half - half % LANES);
        return pairwise_sum(left) + pairwise_sum(right);
    }
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value;
        }
    }
    let mut n_sums = LANES;
    while n_sums > 1 {
        n_sums /= 2;
        for at in 0..n_sums {
            sums[at] = sums[2 * at] + sums[2 * at + 1];
        }
    }
    rest.iter().fold(sums[0], |sum, value| sum + value)
}

/// A whole number at least 0 as a count.
#[expect(clippy::cast_sign_loss, reason = "counts are scaled by factors at least 0")]
fn count(value: f64) -> usize {
    value.max(0.0) as usize
}

#[cfg(test)]
mod tests {
    use super::keeping_the_sum;

    #[test]
    fn halves_go_to_even_and_the_sum_stays() {
        assert_eq!(keeping_the_sum(&[0.5, 1.5, 2.0]), [0, 2, 2]);
        assert_eq!(keeping_the_sum(&[1.5, 1.5]), [1, 2]);
        assert_eq!(keeping_the_sum(&[0.4, 0.4, 0.2]), [0, 1, 0]);
        assert_eq!(keeping_the_sum(&[0.0, 0.0]), [0, 0]);
    }

    #[test]
    fn what_is_missing_goes_to_the_largest_remainders() {
        assert_eq!(keeping_the_sum(&[1.4, 2.3, 3.35, 2.9]), [2, 2, 3, 3]);
        assert_eq!(keeping_the_sum(&[1.6, 2.7, 3.7]), [1, 3, 4]);
    }
}
