//! What is refused, and small cases one can follow by hand.

use super::*;
use crate::id::ClassId;

fn ids<const N: usize>(labels: [u16; N]) -> [ClassId; N] {
    labels.map(ClassId)
}

#[track_caller]
fn refused(values: &[f64], labels: &[ClassId], n_classes: usize, expected: &str) {
    let error = LabeledRows::numbered(10, values, labels, n_classes).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn rows_that_are_no_distributions_with_labels_are_refused() {
    let one = ids([0]);
    refused(&[1.0], &one, 1, "expected at least 2 classes, got 1");
    refused(&[0.5, 0.5, 1.0], &one, 2, "3 values do not fill whole rows of 2 classes");
    refused(&[0.5, 0.5], &[], 2, "0 labels but 1 rows");
    let expected = "the label at position 10 is 2, expected one under 2";
    refused(&[0.5, 0.5], &ids([2]), 2, expected);
    let expected = "the probabilities of row 11 sum to 1.5, expected 1 to within 0.01";
    refused(&[0.5, 0.5, 0.5, 1.0], &ids([0, 1]), 2, expected);
    refused(&[0.0; 2], &one, 2, "the probabilities of row 10 sum to 0, expected 1 to within 0.01");
}

#[test]
fn the_first_entry_that_is_no_probability_is_named_wherever_it_stands() {
    for column in 0..11 {
        for bad in [-1e-9, 1.001, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut values = [0.0; 22];
            values[0] = 1.0;
            values[11 + (column + 1) % 11] = 1.0;
            values[11 + column] = bad;
            let expected =
                format!("the probability at row 11, column {column} is {bad}, expected 0 to 1");
            refused(&values, &ids([0, 0]), 11, &expected);
        }
    }
}

#[test]
fn rows_rounded_in_a_file_are_taken() {
    let rows = [0.333, 0.333, 0.333, 1.000_000_5, 0.0, 0.0];
    assert_eq!(LabeledRows::new(&rows, &ids([0, 1]), 3).unwrap().n_rows(), 2);
}

#[test]
fn no_rows_have_no_joint() {
    let none = LabeledRows::new(&[], &[], 2).unwrap();
    assert_eq!(estimate(none).unwrap_err().to_string(), "expected at least 1 values, got 0");
}

#[test]
fn finding_is_estimating_and_flagging() {
    let values = [0.9, 0.1, 0.8, 0.2, 0.2, 0.8, 0.1, 0.9, 0.3, 0.7, 0.9, 0.1, 0.5, 0.5];
    let rows = ids([0, 0, 0, 1, 1, 1, 0]);
    let rows = LabeledRows::new(&values, &rows, 2).unwrap();
    for filter in Filter::ALL {
        let joint = estimate(rows).unwrap();
        let flagged = flags(rows, &joint, filter).unwrap();
        assert_eq!(find(rows, filter).unwrap(), (joint, flagged));
    }
}

#[test]
fn raw_rows_are_the_same_rows_and_refused_at_the_same_place() {
    let n_rows = 40_000_u32; // more than two blocks
    let mut values: Vec<f64> = (0..n_rows)
        .flat_map(|it| {
            let p = f64::from(it % 97) / 96.0;
            [p, 1.0 - p]
        })
        .collect();
    let labels: Vec<ClassId> = (0..n_rows).map(|it| ClassId((it % 3 / 2) as u16)).collect();
    let whole = LabeledRows::new(&values, &labels, 2).unwrap();
    let raw = RawRows::new(&values, &labels, 2).unwrap();
    for filter in Filter::ALL {
        assert_eq!(find(raw, filter).unwrap(), find(whole, filter).unwrap());
    }
    let score = scores::confidence_weighted_entropy;
    assert_eq!(scores::over(raw, score).unwrap(), score(whole));
    values[2 * 39_999] = 3.0;
    let refused = LabeledRows::new(&values, &labels, 2).unwrap_err();
    let raw = RawRows::new(&values, &labels, 2).unwrap();
    assert_eq!(scores::over(raw, score).unwrap_err(), refused);
    assert!(RawRows::new(&values, &labels[1..], 2).is_err());
}

#[test]
fn passes_over_other_rows_are_refused() {
    let rows = LabeledRows::new(&[0.9, 0.1, 0.2, 0.8], &[ClassId(0), ClassId(1)], 2).unwrap();
    let joint = estimate(rows).unwrap();
    let fewer = LabeledRows::new(&[0.9, 0.1], &[ClassId(0)], 2).unwrap();
    let error = flags(fewer, &joint, Filter::Both).unwrap_err();
    assert_eq!(error.to_string(), "1 rows in this pass but 2 in the first one");
    let wider = LabeledRows::new(&[0.9, 0.1, 0.0], &[ClassId(0)], 3).unwrap();
    let error = flags(wider, &joint, Filter::Both).unwrap_err();
    assert_eq!(error.to_string(), "3 classes of a block but 2 of the first block");
    let mut pass = ThresholdPass::default();
    pass.take(rows).unwrap();
    assert!(pass.take(wider).is_err());
}

#[test]
fn a_class_of_one_row_loses_none_to_the_joint() {
    let probabilities = [0.9, 0.1, 0.8, 0.2, 0.95, 0.05];
    let labels = ids([0, 0, 1]);
    let rows = LabeledRows::new(&probabilities, &labels, 2).unwrap();
    let joint = estimate(rows).unwrap();
    for filter in [Filter::PruneByClass, Filter::PruneByNoiseRate, Filter::Both] {
        assert_eq!(flags(rows, &joint, filter).unwrap(), [false; 3]);
    }
    let found = flags(rows, &joint, Filter::PredictedNeqGiven).unwrap();
    assert_eq!(found, [false, false, true]);
}

#[test]
fn rows_confident_of_nothing_leave_a_diagonal_of_ones() {
    // Each class is likely where the other is the label.
    let rows = [0.5, 0.5, 0.4, 0.6, 0.6, 0.4, 0.5, 0.5];
    let labels = ids([0, 0, 0, 0]);
    let joint = estimate(LabeledRows::new(&rows, &labels, 2).unwrap()).unwrap();
    assert_eq!(joint.thresholds().values(), [0.5, 2.0]);
    assert_eq!((joint.counted(), joint.calibrated()), (&[3, 0, 0, 1][..], &[4, 0, 0, 0][..]));
    assert_eq!(joint.noise().true_prior(), [1.0, 0.0]);
    assert!(joint.noise().given_if_true(ClassId(1), ClassId(1)) < 0.5);
}

#[test]
fn the_ranking_takes_flagged_rows_lowest_score_first() {
    let order = ranked(&[true, false, true, true], &[0.5, 0.0, 0.1, 0.1]).unwrap();
    assert_eq!(order, [RowId(2), RowId(3), RowId(0)]);
    assert_eq!(ranked(&[true], &[]).unwrap_err().to_string(), "1 flags but 0 scores");
    assert!(ranked(&[true], &[f64::NAN]).is_err());
}

#[test]
fn filters_are_named_as_in_files() {
    for filter in Filter::ALL {
        assert_eq!(serde_json::to_value(filter).unwrap(), filter.name());
    }
}
