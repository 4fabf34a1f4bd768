//! What the regression finds, refuses, and does not depend on.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const EXACT: RegressionConfig =
    RegressionConfig { inverse_penalty: 1.0, tolerance: 1e-7, max_iterations: 1000 };

fn labels(n_rows: usize, n_classes: u16) -> Vec<ClassId> {
    (0..n_rows).map(|row| ClassId((row % usize::from(n_classes)) as u16)).collect()
}

#[test]
fn classes_that_stand_apart_are_told_apart_out_of_fold() {
    let given = labels(40, 2);
    let values = given.iter().flat_map(|it| [f32::from(it.0) - 0.5, 0.1]).collect();
    let features = Features::new(values, 2).unwrap();
    let rows = Labelled::new(&features, &given, 2).unwrap();
    let folds = Folds::deal(&given, 5, 1).unwrap();
    let log_p = out_of_fold(rows, &folds, EXACT).unwrap();
    for (row, label) in log_p.chunks_exact(2).zip(&given) {
        assert!(row[label.index()] > 0.7_f64.ln(), "{row:?} for {label}");
    }
}

#[test]
fn without_a_signal_probabilities_are_the_shares_of_the_training_folds() {
    let given: Vec<_> = (0..40).map(|row| ClassId(u16::from(row % 4 == 0))).collect();
    let features = Features::new(vec![0.0; 40], 1).unwrap();
    let rows = Labelled::new(&features, &given, 2).unwrap();
    let folds = Folds::deal(&given, 5, 1).unwrap();
    for row in out_of_fold(rows, &folds, EXACT).unwrap().chunks_exact(2) {
        assert!((row[1].exp() - 0.25).abs() < 1e-4, "{row:?}");
    }
}

#[test]
fn more_rows_than_a_block_are_all_read() {
    // Only the rows after the first block know class 1.
    let given: Vec<_> = (0..600).map(|row| ClassId(u16::from(row >= 300))).collect();
    let features = Features::new(vec![0.0; 600], 1).unwrap();
    let folds = Folds::new((0..600_u32).map(|row| (row % 2) as u8).collect(), 2).unwrap();
    let rows = Labelled::new(&features, &given, 2).unwrap();
    let log_p = out_of_fold(rows, &folds, EXACT).unwrap();
    assert!((log_p[0].exp() - 0.5).abs() < 1e-5, "{}", log_p[0].exp());
}

#[test]
fn a_class_that_a_fold_lacks_leaves_finite_numbers() {
    let mut given = labels(20, 2);
    given[0] = ClassId(2);
    let features = Features::new((0..20).map(|row| row as f32 / 20.0).collect(), 1).unwrap();
    let rows = Labelled::new(&features, &given, 3).unwrap();
    let folds = Folds::deal(&given, 5, 1).unwrap();
    let log_p = out_of_fold(rows, &folds, RegressionConfig::default()).unwrap();
    assert!(log_p.iter().all(|it| it.is_finite()), "{log_p:?}");
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let features = Features::new(vec![0.0; 20], 1).unwrap();
    let message = |labels: &[ClassId], n_classes| {
        Labelled::new(&features, labels, n_classes).unwrap_err().to_string()
    };
    assert_eq!(message(&labels(19, 2), 2), "19 labels but 20 rows of features");
    assert_eq!(message(&labels(20, 3), 2), "the label at position 2 is 2, expected one under 2");
    let given = labels(20, 2);
    let rows = Labelled::new(&features, &given, 2).unwrap();
    let folds = Folds::deal(&given, 2, 1).unwrap();
    let config = RegressionConfig { inverse_penalty: 0.0, ..EXACT };
    let message = out_of_fold(rows, &folds, config).unwrap_err().to_string();
    assert_eq!(message, "`inverse_penalty` is 0, expected a finite number above 0");
    let folds = Folds::deal(&given[..10], 2, 1).unwrap();
    let message = out_of_fold(rows, &folds, EXACT).unwrap_err().to_string();
    assert_eq!(message, "10 folds of rows but 20 rows");
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let given = labels(120, 3);
    let values: Vec<_> = (0..360).map(|at| ((at * at % 17) as f32 - 8.0) / 8.0).collect();
    let features = Features::new(values, 3).unwrap();
    let with = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        pool.install(|| choose(&[&features], &given, 3, &ChoiceConfig::default()).unwrap())
    };
    let alone = with(1);
    assert!([2, 3, 8].into_iter().all(|n_threads| with(n_threads) == alone));
}

#[test]
fn with_many_rows_a_part_decides_and_folds_are_dealt_once() {
    let given = labels(120, 3);
    let values = given.iter().enumerate().map(|(row, it)| f32::from(it.0) + row as f32 / 99.0);
    let features = Features::new(values.collect(), 1).unwrap();
    let config = ChoiceConfig { many_rows: 100, rows_for_choice: 60, ..ChoiceConfig::default() };
    let choice = choose(&[&features], &given, 3, &config).unwrap();
    assert_eq!((choice.n_repeats, choice.cells.len()), (1, 3));
    assert_eq!(choice.probabilities.len(), 360);
}

fn any_rows() -> impl Strategy<Value = (Vec<f32>, Vec<ClassId>)> {
    (vec(-2.0_f32..2.0, 60), vec((0_u16..3).prop_map(ClassId), 30))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn probabilities_of_a_row_sum_to_one((values, given) in any_rows()) {
        let features = Features::new(values, 2).unwrap();
        let choice = choose(&[&features], &given, 3, &ChoiceConfig::default()).unwrap();
        for row in choice.probabilities.chunks_exact(3) {
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert!(row.iter().all(|it| (0.0..=1.0).contains(it)));
        }
    }

    #[test]
    fn permuted_rows_give_permuted_probabilities(
        (values, given) in any_rows(),
        order in Just((0..30).collect::<Vec<usize>>()).prop_shuffle(),
    ) {
        let features = Features::new(values, 2).unwrap();
        let folds = Folds::deal(&given, 5, 1).unwrap();
        let rows = Labelled::new(&features, &given, 3).unwrap();
        let plain = out_of_fold(rows, &folds, EXACT).unwrap();
        let features = features.select(&order);
        let given: Vec<_> = order.iter().map(|row| given[*row]).collect();
        let folds = order.iter().map(|row| folds.of_rows()[*row]).collect();
        let rows = Labelled::new(&features, &given, 3).unwrap();
        let permuted = out_of_fold(rows, &Folds::new(folds, 5).unwrap(), EXACT).unwrap();
        for (place, row) in order.into_iter().enumerate() {
            for class in 0..3 {
                let (a, b) = (plain[row * 3 + class].exp(), permuted[place * 3 + class].exp());
                prop_assert!((a - b).abs() < 1e-3, "row {row}, class {class}: {a} {b}");
            }
        }
    }
}

#[test]
fn sparse_features_are_fitted_as_the_same_ones_written_out() {
    let texts: Vec<String> = (0..60)
        .map(|row| format!("word{} word{} {}", row % 3, row % 7, ["x", "y"][row % 2]))
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let sparse = crate::tf_idf::words(&texts, 3);
    let values = (0..60).flat_map(|row| sparse.row(row)).collect();
    let dense = Features::new(values, sparse.width()).unwrap();
    let given: Vec<_> = (0..60_u16).map(|row| ClassId(row % 3)).collect();
    let folds = Folds::deal(&given, 5, 1).unwrap();
    let [a, b] = [&sparse, &dense].map(|features| {
        let rows = Labelled::new(features, &given, 3).unwrap();
        out_of_fold(rows, &folds, RegressionConfig::default()).unwrap()
    });
    assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 2e-3), "{a:?} {b:?}");
    assert!(a.chunks(3).zip(&given).all(|(row, label)| row[label.index()] > -1.0));
}
