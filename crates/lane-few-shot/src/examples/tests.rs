//! Laws of drawing examples.

use std::collections::BTreeSet;

use lane_data::{Example, LabelSet};
use proptest::prelude::*;

use super::*;

/// `n_rows` rows of classes 0, 1, 2 by turns, the first `n_rare` of a fourth class; `spoiled` rows
/// have a wrong given label beside the gold one.
fn dataset(n_rows: usize, n_rare: usize, spoiled: &[usize]) -> Dataset {
    let examples = (0..n_rows).map(|row| {
        let truth = ClassId(if row < n_rare { 3 } else { (row % 3) as u16 });
        let label = if spoiled.contains(&row) { ClassId((truth.0 + 1) % 4) } else { truth };
        Example { id: row.to_string(), text: format!("text {row}"), label, gold: Some(truth) }
    });
    Dataset {
        examples: examples.collect(),
        labels: LabelSet::from_names(["a", "b", "c", "d"]).unwrap(),
        warnings: Vec::new(),
        sha256: String::new(),
        has_gold: true,
        path: "train.csv".into(),
    }
}

fn config(shots: usize, sampling: Sampling, wrong_share: Option<f64>) -> ExampleConfig {
    ExampleConfig { shots, sampling, wrong_share }
}

fn rows_of(shots: &[Shot]) -> BTreeSet<RowId> {
    shots.iter().map(|shot| shot.row).collect()
}

#[test]
fn every_run_draws_other_rows_and_the_same_ones_again() {
    let train = dataset(1000, 10, &[]);
    let config = config(100, Sampling::Uniform, Some(0.2));
    let runs: Vec<_> = (1..=20).map(|run| draw(&train, &config, 1, run).unwrap()).collect();
    for (at, run) in runs.iter().enumerate() {
        assert_eq!(run, &draw(&train, &config, 1, at as u32 + 1).unwrap());
        for other in &runs[..at] {
            assert_ne!(rows_of(run), rows_of(other));
        }
    }
    assert_ne!(runs[0], draw(&train, &config, 2, 1).unwrap());
}

#[test]
fn the_order_is_that_of_no_file() {
    let shots = draw(&dataset(1000, 10, &[]), &config(100, Sampling::Uniform, None), 1, 1).unwrap();
    assert!(!shots.is_sorted_by_key(|shot| shot.row));
}

#[test]
fn wrong_labels_are_spread_over_the_other_classes() {
    let train = dataset(3000, 30, &[]);
    let mut counts = [[0_u32; 4]; 4];
    for run in 0..40 {
        let config = config(100, Sampling::Uniform, Some(1.0));
        for shot in draw(&train, &config, 1, run).unwrap() {
            counts[shot.truth.index()][shot.shown.index()] += 1;
        }
    }
    // About 1,320 rows of each frequent class, a third of them to each of the three others.
    for (truth, counts) in counts[..3].iter().enumerate() {
        assert_eq!(counts[truth], 0);
        let spread = (0..4).filter(|shown| *shown != truth).map(|shown| counts[shown]);
        assert!(spread.clone().all(|count| (370..510).contains(&count)), "{counts:?}");
    }
}

#[test]
fn given_labels_are_shown_as_they_are() {
    let train = dataset(50, 5, &[3, 30, 31]);
    let shots = draw(&train, &config(50, Sampling::Uniform, None), 1, 1).unwrap();
    let wrong: BTreeSet<_> =
        shots.iter().filter(|shot| shot.is_wrong()).map(|shot| shot.row.0).collect();
    assert_eq!(wrong, [3, 30, 31].into());
}

#[test]
fn a_rare_class_is_used_up_and_leaves_its_places_to_the_others() {
    let train = dataset(300, 4, &[]);
    let shots = draw(&train, &config(100, Sampling::Stratified, Some(0.2)), 1, 1).unwrap();
    let mut counts = [0; 4];
    for shot in &shots {
        counts[shot.truth.index()] += 1;
    }
    assert_eq!((counts[3], rows_of(&shots).len()), (4, 100));
    assert!(counts[..3].iter().all(|count| *count == 32), "{counts:?}");
}

#[test]
fn more_shots_than_rows_are_refused() {
    let error = draw(&dataset(9, 1, &[]), &config(10, Sampling::Uniform, None), 1, 1).unwrap_err();
    assert!(error.is_usage());
    assert_eq!(
        error.to_string(),
        "`shots` is 10, expected at most the 9 rows of the training file"
    );
}

proptest! {
    #[test]
    fn exactly_that_share_rounded_down_is_wrong_and_no_row_comes_twice(
        shots in 0_usize..200,
        percent in 0_u32..=100,
        stratified: bool,
        seed: u64,
    ) {
        let train = dataset(200, 7, &[]);
        let sampling = if stratified { Sampling::Stratified } else { Sampling::Uniform };
        let config = config(shots, sampling, Some(f64::from(percent) / 100.0));
        let drawn = draw(&train, &config, seed, 1).unwrap();
        prop_assert_eq!(drawn.len(), shots);
        prop_assert_eq!(rows_of(&drawn).len(), shots);
        let n_wrong = drawn.iter().filter(|shot| shot.is_wrong()).count();
        prop_assert_eq!(n_wrong, shots * percent as usize / 100);
    }

    #[test]
    fn classes_of_a_stratified_sample_differ_by_one_at_most(shots in 0_usize..90, seed: u64) {
        let train = dataset(200, 50, &[]);
        let drawn = draw(&train, &config(shots, Sampling::Stratified, None), seed, 1).unwrap();
        let mut counts = [0_usize; 4];
        for shot in &drawn {
            counts[shot.truth.index()] += 1;
        }
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        prop_assert!(most - least <= 1, "{:?}", counts);
    }
}
