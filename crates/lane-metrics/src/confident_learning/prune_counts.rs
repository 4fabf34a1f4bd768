//! How many rows to flag for each pair of given and true label.

/// Rows left in every class that has any, whatever the counts say.
const LEFT: u64 = 1;

/// `m_jk` of Ĉ, both row-major with the given label by row.
///
/// Where the diagonal is lifted to [`LEFT`], the difference is taken in equal parts from the
/// other pairs of that given label that occur; what is left of each is cut to a whole number.
pub(super) fn of_calibrated(calibrated: &[u64], n_classes: usize) -> Vec<u64> {
    let mut counts = calibrated.to_vec();
    for (given, row) in counts.chunks_exact_mut(n_classes).enumerate() {
        let lifted = row[given].max(LEFT);
        let n_occur = row.iter().filter(|count| **count > 0).count();
        let taken = (lifted - row[given]) as f64 / n_occur.saturating_sub(1).max(1) as f64;
        for count in row.iter_mut() {
            *count = less(*count, taken);
        }
        row[given] = lifted;
    }
    counts
}

/// The whole part of `count − taken`, at least 0.
#[expect(clippy::cast_sign_loss, reason = "cut off below 0")]
fn less(count: u64, taken: f64) -> u64 {
    (count as f64 - taken).max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::of_calibrated;

    #[test]
    fn a_diagonal_of_zero_takes_its_row_from_the_others() {
        assert_eq!(of_calibrated(&[0, 3, 1, 0, 5, 0, 2, 0, 4], 3), [1, 2, 0, 0, 5, 0, 2, 0, 4]);
    }

    #[test]
    fn a_class_without_rows_leaves_nothing_to_flag() {
        assert_eq!(of_calibrated(&[0, 0, 1, 4], 2), [1, 0, 1, 4]);
    }
}
