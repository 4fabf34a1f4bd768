//! Verdicts and orders, each side of their bounds.

use super::super::score::Score;
use super::*;

fn paper(mean: Option<f64>, std: Option<f64>) -> Published {
    let (method, data_set) = ("aum".to_owned(), "sst5".to_owned());
    Published { table: 2, noise: 0.0, method, data_set, score: Score::Accuracy, mean, std }
}

fn ours(mean: f64, std: Option<f64>) -> Summary {
    Summary { mean, std, n: 3 }
}

#[test]
fn reproduced_means_within_twice_the_joint_spread() {
    // 2 · √(3² + 4²) = 10 points.
    let cell = paper(Some(50.0), Some(4.0));
    assert_eq!(verdict(Some(ours(0.5999, Some(0.03))), &cell), Verdict::Reproduced);
    assert_eq!(verdict(Some(ours(0.4001, Some(0.03))), &cell), Verdict::Reproduced);
    assert_eq!(verdict(Some(ours(0.6001, Some(0.03))), &cell), Verdict::NotReproduced);
}

#[test]
fn a_missing_spread_is_taken_from_the_other_side() {
    // 2 · √(1² + 1²) = 2.83 points.
    assert_eq!(verdict(Some(ours(0.52, None)), &paper(Some(50.0), Some(1.0))), Verdict::Reproduced);
    assert_eq!(
        verdict(Some(ours(0.53, Some(0.01))), &paper(Some(50.0), None)),
        Verdict::NotReproduced
    );
    assert_eq!(verdict(Some(ours(0.5, None)), &paper(Some(50.0), None)), Verdict::None);
}

#[test]
fn what_did_not_converge_or_was_not_run_has_no_verdict() {
    assert_eq!(verdict(Some(ours(0.5, Some(0.01))), &paper(None, None)), Verdict::None);
    assert_eq!(verdict(None, &paper(Some(50.0), Some(1.0))), Verdict::NotRun);
}

#[test]
fn an_order_is_judged_by_the_side_of_zero_the_interval_lies_on() {
    let ours =
        |low, high| Some(Difference { mean: 0.0, interval: Some((low, high)), is_thin: false });
    let none = Some(Difference { mean: 1.0, interval: None, is_thin: false });
    assert_eq!(Order::of(-2.0, ours(-0.03, -0.01)), Some(Order::Holds));
    assert_eq!(Order::of(-2.0, ours(0.01, 0.03)), Some(Order::Contradicted));
    assert_eq!(Order::of(-2.0, ours(-0.01, 0.03)), Some(Order::Undecided));
    assert_eq!(Order::of(-2.0, none), Some(Order::Undecided));
    assert_eq!(Order::of(0.0, ours(0.01, 0.03)), None);
    assert_eq!(Order::of(-2.0, None), None);
}
