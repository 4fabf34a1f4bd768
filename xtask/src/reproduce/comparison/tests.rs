//! Verdicts and orders, each side of their bounds.

use std::path::PathBuf;

use super::super::cell::{Cell, Finished, Outcome};
use super::super::paper;
use super::super::plan::DataSet;
use super::super::result::RunResult;
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

/// A plan on one data set that the paper calls `sst5`, and a finished run of `lane` there.
fn scene() -> (Plan, Vec<(Cell, Outcome)>) {
    let data_set =
        DataSet { paper: Some("sst5".to_owned()), ..DataSet::new("own", PathBuf::new()) };
    let mut plan = Plan::example(&["lane", "aum"]);
    plan.data_sets = vec![data_set.clone()];
    let result = RunResult::of(&serde_json::json!({"best": {"test": {"accuracy": 0.5}}}));
    let cell = Cell { data_set, ..Cell::example("lane", 1) };
    (plan, vec![(cell, Ok(Finished { result, is_kept: false }))])
}

fn verdicts(plan: &Plan, outcomes: &[(Cell, Outcome)], number: u8) -> Vec<Verdict> {
    let places: Vec<_> =
        Place::all(plan, outcomes).into_iter().map(|it| (it, Contrasts::default())).collect();
    let published = paper::published().unwrap();
    of_table(plan, &places, &published, number).iter().map(|row| row.verdict).collect()
}

#[test]
fn published_cells_stand_beside_those_that_were_run() {
    let (plan, outcomes) = scene();
    // Table 3 has 53.1 ± 1.6 for lane on SST-5; of one seed, 50.0 is within 2 · √(1.6² + 1.6²).
    assert_eq!(verdicts(&plan, &outcomes, 3), [Verdict::Reproduced]);
    assert_eq!(verdicts(&plan, &outcomes, 2), []);
}

#[test]
fn a_table_wanted_whole_has_all_its_cells() {
    let (mut plan, outcomes) = scene();
    plan.paper_tables = vec![3, 6];
    let verdicts_of = |number| verdicts(&plan, &outcomes, number);
    let count = |all: &[Verdict], verdict| all.iter().filter(|it| **it == verdict).count();
    let third = verdicts_of(3);
    assert_eq!((third.len(), count(&third, Verdict::Reproduced)), (120, 1));
    assert_eq!(count(&third, Verdict::NotRun), 11);
    assert_eq!(count(&third, Verdict::NotAvailable), 108);
    assert_eq!(count(&verdicts_of(6), Verdict::NotRun), 11);
    assert_eq!(verdicts_of(2), []);
}

#[test]
fn other_kinds_of_noise_are_not_held_against_the_paper() {
    let (mut plan, outcomes) = scene();
    plan.noise_kind = "pair".to_owned();
    assert_eq!(verdicts(&plan, &outcomes, 3), []);
}
