//! What is resampled where, and that intervals are paired.

use super::super::resamples::N_RESAMPLES;
use super::*;

fn run(score: f64, by_rows: Option<RunScores>) -> Scored {
    Scored { scores: [Some(score); 3], by_rows }
}

/// Scores that go up and down over the resamples, by `offset` more than 0.5.
fn swinging(offset: f32) -> RunScores {
    (0..N_RESAMPLES).map(|b| [0.5 + offset + 0.001 * (b % 100) as f32; 3]).collect()
}

#[test]
fn what_two_methods_share_falls_out_of_their_difference() {
    let (method, reference) = (run(0.6, Some(swinging(0.1))), run(0.5, Some(swinging(0.0))));
    let contrast = contrast(&[[&method, &reference]], &seed_draws("a", 1)).unwrap();
    assert_eq!(contrast.basis, Basis::Rows);
    let difference = mean_difference(&[&contrast], Score::MacroF1).unwrap();
    let (low, high) = difference.interval.unwrap();
    assert!((low - 0.1).abs() < 1e-6 && (high - 0.1).abs() < 1e-6, "{difference:?}");
    assert_eq!(difference.sign(), Some(1.0));
}

#[test]
fn without_predictions_seeds_alone_are_resampled_and_one_seed_has_no_interval() {
    let (a, b, c) = (run(0.6, None), run(0.5, None), run(0.3, None));
    let draws = seed_draws("a", 2);
    let two = contrast(&[[&a, &b], [&a, &c]], &draws).unwrap();
    let difference = mean_difference(&[&two], Score::Accuracy).unwrap();
    let (low, high) = difference.interval.unwrap();
    assert!((difference.mean - 0.2).abs() < 1e-9);
    assert!((low - 0.1).abs() < 1e-6 && (high - 0.3).abs() < 1e-6, "{difference:?}");
    assert_eq!((difference.is_thin, difference.sign()), (true, None));
    let three = mean_difference(&[&two, &two, &two], Score::Accuracy).unwrap();
    assert_eq!((three.is_thin, three.sign()), (false, Some(1.0)));
    let one = contrast(&[[&a, &b]], &draws).unwrap();
    assert_eq!((two.basis, one.basis), (Basis::Seeds, Basis::Nothing));
    let difference = mean_difference(&[&one], Score::Accuracy).unwrap();
    assert_eq!((difference.interval, difference.sign()), (None, None));
}

#[test]
fn runs_with_and_without_predictions_are_compared_by_seeds() {
    let (with, without) = (run(0.6, Some(swinging(0.3))), run(0.5, None));
    let pairs = [[&with, &without], [&with, &without]];
    let contrast = contrast(&pairs, &seed_draws("a", 2)).unwrap();
    let (low, high) = mean_difference(&[&contrast], Score::Accuracy).unwrap().interval.unwrap();
    assert_eq!(contrast.basis, Basis::Seeds);
    assert!((low - 0.1).abs() < 1e-6 && (high - 0.1).abs() < 1e-6);
}

#[test]
fn a_mean_over_data_sets_has_a_narrower_interval_than_one_of_them() {
    let (method, reference) = (run(0.6, None), run(0.5, None));
    let (better, worse) = (run(0.7, None), run(0.4, None));
    let of_place = |place| {
        let pairs = [[&method, &reference], [&better, &reference], [&worse, &reference]];
        contrast(&pairs, &seed_draws(place, 3)).unwrap()
    };
    let contrasts: Vec<Contrast> = ["a", "b", "c", "d"].map(of_place).into();
    let width = |contrasts: &[&Contrast]| {
        let (low, high) = mean_difference(contrasts, Score::Accuracy).unwrap().interval.unwrap();
        high - low
    };
    let all: Vec<&Contrast> = contrasts.iter().collect();
    assert!(width(&all) < 0.7 * width(&all[..1]), "{} {}", width(&all), width(&all[..1]));
}

#[test]
fn a_score_that_a_run_does_not_have_has_no_difference() {
    let (method, reference) =
        (run(0.6, None), Scored { scores: [Some(0.5), None, None], by_rows: None });
    let contrast = contrast(&[[&method, &reference]], &seed_draws("a", 1)).unwrap();
    assert_eq!(mean_difference(&[&contrast], Score::WeightedF1), None);
    assert!(mean_difference(&[&contrast], Score::MicroF1).is_some());
}
