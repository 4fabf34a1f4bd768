//! Thresholds, their rules, and runs put together.

use super::*;

#[track_caller]
fn close(ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-12, "ours {ours}, theirs {theirs}");
}

#[test]
fn percentiles_lie_between_two_values() {
    let values = [3.0, 1.0, 2.0, 4.0];
    for (percent, expected) in [(0.0, 1.0), (50.0, 2.5), (100.0, 4.0), (90.0, 3.7)] {
        close(percentile(&values, percent).unwrap(), expected);
    }
    close(percentile(&[7.0], 99.0).unwrap(), 7.0);
}

#[test]
fn with_fewer_than_100_threshold_samples_the_count_rule_means_below_their_highest() {
    let thresholds: Vec<f64> = (0..99).map(f64::from).collect();
    let flags = Rule::Count(0.01).flags(&thresholds, &[97.5, 98.0, 98.5]).unwrap();
    assert_eq!(flags, [true, false, false]);
}

#[test]
fn the_percentile_rule_takes_its_limit_in_and_the_fixed_one_too() {
    assert_eq!(Rule::Percentile(100.0).flags(&[0.0, 1.0], &[1.0, 1.1]).unwrap(), [true, false]);
    assert_eq!(Rule::Fixed(-1.0).flags(&[], &[-1.0, -0.9]).unwrap(), [true, false]);
}

#[test]
fn rules_out_of_range_and_values_that_are_no_numbers_are_refused() {
    let shown = |rule: Rule, thresholds: &[f64], aums: &[f64]| {
        rule.flags(thresholds, aums).unwrap_err().to_string()
    };
    let rule = Rule::default();
    assert_eq!(shown(rule, &[], &[0.0]), "expected at least 1 values, got 0");
    assert_eq!(
        shown(rule, &[0.0, f64::NAN], &[0.0]),
        "the value at position 1 is NaN, expected a finite number"
    );
    assert!(shown(rule, &[0.0], &[f64::INFINITY]).contains("position 0 is inf"));
    assert_eq!(
        shown(Rule::Percentile(101.0), &[0.0], &[]),
        "`percentile` is 101, expected a number in 0..=100"
    );
    assert!(shown(Rule::Count(-0.1), &[0.0], &[]).starts_with("`count` is -0.1"));
    assert!(shown(Rule::Fixed(f64::NAN), &[], &[]).starts_with("`threshold` is NaN"));
}

#[test]
fn a_run_has_at_least_one_threshold_sample() {
    assert_eq!((SampleCount::Paper.of(1000, 10), SampleCount::Code.of(1000, 10)), (90, 100));
    assert_eq!((SampleCount::Paper.of(3, 10), SampleCount::Code.of(0, 0)), (1, 1));
}

#[test]
fn sets_cut_from_a_random_order_are_disjoint() {
    let order = [4, 0, 3, 1, 2].map(RowId);
    let sets = disjoint_sets(&order, 2, 2).unwrap();
    assert_eq!(sets, [[RowId(0), RowId(4)], [RowId(1), RowId(3)]]);
    assert_eq!(
        disjoint_sets(&order, 2, 3).unwrap_err().to_string(),
        "2 disjoint sets of 3 rows need 6 rows, got 5"
    );
    assert_eq!(
        disjoint_sets(&[RowId(1), RowId(1)], 1, 1).unwrap_err().to_string(),
        "row 1 stands in the order more than once"
    );
}

fn run(flagged: [u8; 3], ordinary: [u8; 3]) -> ThresholdRun {
    let truth = |list: [u8; 3]| list.iter().map(|&it| it == 1).collect();
    ThresholdRun { flagged: truth(flagged), ordinary: truth(ordinary) }
}

#[test]
fn a_row_goes_only_if_every_run_that_judged_it_flagged_it() {
    let runs = [run([1, 1, 1], [1, 1, 0]), run([1, 0, 1], [1, 1, 0])];
    assert_eq!(keep(&runs).unwrap(), [false, true, true]);
    assert_eq!(keep(&runs[..1]).unwrap(), [false, false, true]);
    assert!(keep(&[]).is_err());
    let short = ThresholdRun { flagged: vec![true], ordinary: vec![true] };
    let error = keep(&[runs[0].clone(), short]).unwrap_err();
    assert_eq!(error.to_string(), "1 rows of a run but 3 rows of the first");
}

#[test]
fn a_class_that_lost_all_its_rows_keeps_the_one_with_the_highest_margin() {
    let labels = [0, 0, 1, 1, 0].map(ClassId);
    let mut kept = [false, true, false, false, true];
    let aums = [0.0, 1.0, -3.0, -2.0, 1.0];
    let rescued = rescue_lost_classes(&mut kept, &labels, &aums, 3).unwrap();
    assert_eq!(rescued, [(ClassId(1), RowId(3))]);
    assert_eq!(kept, [false, true, false, true, true]);
    assert!(rescue_lost_classes(&mut kept, &labels[..2], &aums, 3).is_err());
    assert!(rescue_lost_classes(&mut kept, &labels, &aums, 1).is_err());
}
