//! Counts by hand, refusals, laws.

use super::*;

fn labels(of: &[u16]) -> Vec<ClassId> {
    of.iter().copied().map(ClassId).collect()
}

#[track_caller]
fn check(probabilities: &[f64], labels_of: &[u16], n_classes: usize, expected: &str) {
    let message = OutOfFold::new(probabilities, &labels(labels_of), n_classes).unwrap_err();
    assert_eq!(message.to_string(), expected);
}

#[test]
fn what_is_no_table_of_probabilities_is_refused() {
    check(&[1.0], &[0], 1, "expected at least 2 classes, got 1");
    check(&[0.5; 3], &[0], 2, "3 values do not fill whole rows of 2");
    check(&[0.5; 4], &[0], 2, "1 labels but 2 rows of probabilities");
    check(&[0.5; 4], &[0, 7], 2, "the label at position 1 is 7, expected one under 2");
    check(
        &[0.5, 0.5, 0.5, f64::NAN],
        &[0, 1],
        2,
        "the probability at row 1, column 1 is NaN, expected 0 to 1",
    );
    check(
        &[0.5, 0.5, 0.7, 0.7],
        &[0, 1],
        2,
        "the probabilities of row 1 add up to 1.4, expected 1",
    );
    check(&[0.5; 4], &[0, 1], 2, "expected at least 21 rows, got 2");
}

/// 90 rows of each of two classes, told apart by the model; the first `flipped` of class 0 are
/// given 1, the first `back` of class 1 are given 0.
fn two_classes(flipped: usize, back: usize) -> NoiseMatrix {
    let n = 90;
    let of_row = |row| if row < n { [0.875, 0.125] } else { [0.125, 0.875] };
    let probabilities: Vec<_> = (0..2 * n).flat_map(of_row).collect();
    let given = |row: usize| u16::from(row < flipped || row >= n + back);
    let labels: Vec<_> = (0..2 * n).map(|row| ClassId(given(row))).collect();
    NoiseMatrix::estimate(OutOfFold::new(&probabilities, &labels, 2).unwrap())
}

#[test]
fn flips_of_one_class_into_another_have_a_direction() {
    let noise = two_classes(30, 0);
    assert_eq!(noise.confident_counts, [60.0, 30.0, 0.0, 90.0]);
    assert!((noise.directed - 30.0 / 180.0).abs() < 1e-12, "{noise:?}");
    // 30 rows of 180 look as 150 flips of 180 would.
    assert!((noise.uniform - 0.2).abs() < 1e-12, "{noise:?}");
    let expected = [1.0 - 1.0 / 3.0 - 0.2, 1.0 / 3.0 + 0.2, 0.2, 0.8];
    for (found, expected) in noise.given_where_true.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{noise:?}");
    }
}

#[test]
fn classes_mistaken_for_each_other_are_no_directed_noise() {
    assert!(two_classes(30, 30).directed.abs() < 1e-12);
}

#[test]
fn rows_of_the_matrix_sum_to_one() {
    let noise = two_classes(75, 0);
    for row in noise.given_where_true.chunks_exact(2) {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{noise:?}");
        assert!(row.iter().all(|it| (0.0..=1.0).contains(it)), "{noise:?}");
    }
}

#[test]
fn a_row_below_every_threshold_counts_nowhere() {
    assert_eq!(confident_class(&[0.5, 0.5], &[0.9, 0.8]), None);
    assert_eq!(confident_class(&[0.5, 0.5], &[0.4, 0.4]), Some(0), "the first of equals");
    assert_eq!(confident_class(&[0.6, 0.4], &[0.9, 0.4]), Some(1));
}
