//! How a store of weights behaves: what it refuses, what it counts, when it forgets.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::weights::{
    MarginWeights, NegativeStatistics, Quantity, Statistics, Threshold, Time, WeightConfig,
};
use lane_metrics::{ClassId, Logits, MetricsError, Probabilities, RawLogits, RowId};

/// Two rows of two classes, given label 0, that trail by `a` and `b`.
fn update(weights: &mut MarginWeights, a: f32, b: f32) {
    let logits = [0.0, a, 0.0, b];
    let rows = [RowId(0), RowId(1)];
    let (logits, auxiliary) = (Logits::new(&logits, 2), Probabilities::new(&[0.5; 4], 2));
    weights.update(&rows, &[ClassId(0); 2], logits.unwrap(), auxiliary.ok()).unwrap();
}

fn store(config: WeightConfig) -> MarginWeights {
    MarginWeights::new(2, config).unwrap()
}

#[track_caller]
fn refused(
    rows: &[u32],
    labels: &[u16],
    (logits, n_classes): (&[f32], usize),
    (auxiliary, n_auxiliary): (&[f32], usize),
    expected: &str,
) {
    let mut weights = store(WeightConfig::default());
    update(&mut weights, 1.0, 3.0);
    let before = weights.clone();
    let rows: Vec<_> = rows.iter().copied().map(RowId).collect();
    let labels: Vec<_> = labels.iter().copied().map(ClassId).collect();
    let logits = Logits::new(logits, n_classes).unwrap();
    let auxiliary = Probabilities::new(auxiliary, n_auxiliary).unwrap();
    let error = weights.update(&rows, &labels, logits, Some(auxiliary)).unwrap_err();
    assert_eq!(error.to_string(), expected);
    assert_eq!(weights, before, "a refused batch must leave no trace");
}

#[test]
fn a_batch_that_does_not_fit_is_refused_and_leaves_no_trace() {
    let z = ([0.0; 4].as_slice(), 2);
    let w = ([0.5; 4].as_slice(), 2);
    refused(&[0], &[0, 0], z, w, "1 row ids but 2 rows of logits");
    refused(&[0, 1], &[0], z, w, "1 labels but 2 rows of logits");
    refused(&[0, 1], &[0, 0], z, (&[0.5; 2], 2), "1 rows of probabilities but 2 rows of logits");
    refused(
        &[0, 1],
        &[0, 0],
        z,
        (&[0.5; 6], 3),
        "3 classes of probabilities but 2 classes of logits",
    );
    refused(&[0, 2], &[0, 0], z, w, "the row id at position 1 is 2, expected one under 2");
    refused(&[0, 1], &[0, 2], z, w, "the label at position 1 is 2, expected one under 2");
}

#[test]
fn a_rival_without_a_probability_is_refused_and_leaves_no_trace() {
    for bad in [f32::NAN, -0.5, 1.5] {
        let w = [0.5, 0.5, 0.5, bad];
        let expected = format!("the probability at row 1, column 1 is {bad}, expected 0 to 1");
        refused(&[0, 1], &[0, 0], (&[0.0, 1.0, 0.0, 1.0], 2), (&w, 2), &expected);
    }
}

#[test]
fn a_raw_logit_that_is_not_finite_is_refused_wherever_it_stands_and_leaves_no_trace() {
    for (n_classes, n_rows) in [(2, 5), (3, 4), (10, 7), (16, 4), (19, 5)] {
        let config = WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() };
        let mut weights = MarginWeights::new(n_rows, config).unwrap();
        let before = weights.clone();
        let rows: Vec<_> = (0..n_rows as u32).map(RowId).collect();
        let labels = vec![ClassId(1); n_rows];
        for at in 0..n_rows * n_classes {
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = vec![-1.0; n_rows * n_classes];
                values[at] = bad;
                let logits = RawLogits::new(&values, n_classes).unwrap();
                let error = weights.update(&rows, &labels, logits, None).unwrap_err();
                let (row, column) = (at / n_classes, at % n_classes);
                let place = format!("the logit at row {row}, column {column} is {bad}");
                assert_eq!(error.to_string(), place + ", expected a finite number");
                assert_eq!(weights, before);
            }
        }
        let values = vec![f32::MAX; n_rows * n_classes];
        let logits = RawLogits::new(&values, n_classes).unwrap();
        weights.update(&rows, &labels, logits, None).unwrap();
    }
}

#[test]
fn weights_by_alm_need_an_auxiliary_network_and_weights_by_aum_do_not() {
    let logits = Logits::new(&[0.0, 1.0], 2).unwrap();
    let by = |quantity| {
        let mut weights = store(WeightConfig { quantity, ..WeightConfig::default() });
        weights.update(&[RowId(0)], &[ClassId(0)], logits, None).map(|()| weights)
    };
    assert_eq!(by(Quantity::Alm), Err(MetricsError::AuxiliaryMissing));
    let weights = by(Quantity::Aum).unwrap();
    assert_eq!(weights.averages().aum(RowId(0)), Some(-1.0));
    assert_eq!(weights.averages().alm(RowId(0)), None);
}

#[test]
fn a_row_never_visited_or_unknown_weighs_1() {
    let mut weights = MarginWeights::new(3, WeightConfig::default()).unwrap();
    update(&mut weights, 1.0, 3.0);
    assert_eq!(Some(weights.weight(RowId(2))), Some(1.0));
    assert_eq!(Some(weights.weight(RowId(99))), Some(1.0));
    let mut out = vec![5.0; 7];
    weights.weights_of(&[RowId(1), RowId(2)], &mut out);
    assert_eq!(out, [(-0.5_f32).exp(), 1.0]);
}

#[test]
fn an_empty_batch_changes_no_weight() {
    let mut weights = store(WeightConfig::default());
    update(&mut weights, 1.0, 3.0);
    let before = weights.statistics();
    let (logits, auxiliary) = (Logits::new(&[], 2), Probabilities::new(&[], 2));
    weights.update(&[], &[], logits.unwrap(), auxiliary.ok()).unwrap();
    assert_eq!(weights.statistics(), before);
}

#[test]
fn a_row_that_occurs_twice_in_a_batch_is_visited_twice() {
    let mut weights = store(WeightConfig::default());
    let logits = Logits::new(&[0.0, 1.0, 0.0, 3.0], 2).unwrap();
    let auxiliary = Probabilities::new(&[0.5; 4], 2).ok();
    weights.update(&[RowId(1); 2], &[ClassId(0); 2], logits, auxiliary).unwrap();
    assert_eq!(weights.averages().count(RowId(1)), 2);
    assert_eq!(weights.averages().alm(RowId(1)), Some(-4.0));
    assert_eq!(weights.statistics(), NegativeStatistics { n: 1, mean: -4.0, variance: 0.0 });
}

#[test]
fn the_floor_is_counted_where_it_binds() {
    let mut weights = store(WeightConfig { weight_floor_probability: 0.3, ..Default::default() });
    let logits = Logits::new(&[0.0, 1.0, 0.0, -1.0], 2).unwrap();
    let auxiliary = Probabilities::new(&[0.9, 0.1, 0.9, 0.1], 2).ok();
    let rows = [RowId(0), RowId(1)];
    weights.update(&rows, &[ClassId(0); 2], logits, auxiliary).unwrap();
    assert_eq!(weights.floor_hits(), 1); // the second row leads and is not divided
    assert!((weights.averages().alm(RowId(0)).unwrap() + 1.0 / 0.3).abs() < 1e-6);
}

#[test]
fn frozen_statistics_are_those_of_the_epoch_before() {
    let statistics = Statistics::EpochFrozen;
    let mut weights = store(WeightConfig { statistics, ..WeightConfig::default() });
    weights.start_epoch();
    update(&mut weights, 1.0, 3.0);
    assert_eq!(weights.statistics(), NegativeStatistics::default());
    assert_eq!(Some(weights.weight(RowId(1))), Some(1.0));
    weights.start_epoch();
    let frozen = NegativeStatistics { n: 2, mean: -4.0, variance: 4.0 };
    assert_eq!(weights.statistics(), frozen);
    update(&mut weights, 5.0, 7.0);
    assert_eq!(weights.statistics(), frozen);
    assert_eq!(weights.averages().alm(RowId(1)), Some(-10.0));
    assert_eq!(Some(weights.weight(RowId(1))), Some((-36.0_f64 / 8.0).exp()));
}

#[test]
fn statistics_over_visits_keep_every_average_ever_seen() {
    let statistics = Statistics::VisitsWelford;
    let mut weights = store(WeightConfig { statistics, ..WeightConfig::default() });
    update(&mut weights, 1.0, 3.0); // ALM −2 and −6
    weights.start_epoch();
    update(&mut weights, 3.0, 5.0); // ALM −4 and −8
    assert_eq!(weights.statistics(), NegativeStatistics { n: 4, mean: -5.0, variance: 5.0 });
}

#[test]
fn under_a_fixed_threshold_nothing_is_estimated() {
    let threshold = Threshold::Fixed { mean: -1.0, sigma: 2.0 };
    let mut weights = store(WeightConfig { threshold, ..WeightConfig::default() });
    update(&mut weights, 0.25, 1.5); // ALM −0.5 and −3
    assert_eq!(weights.statistics(), NegativeStatistics::default());
    assert_eq!(Some(weights.weight(RowId(0))), Some(1.0));
    assert_eq!(Some(weights.weight(RowId(1))), Some((-0.5_f64).exp()));
}

#[test]
fn by_global_step_a_row_seen_rarely_is_pulled_towards_0() {
    let time = Time::GlobalStep;
    let mut weights = store(WeightConfig { time, ..WeightConfig::default() });
    update(&mut weights, 1.0, 3.0); // sums −2 and −6
    let logits = Logits::new(&[0.0, 1.0], 2).unwrap();
    let auxiliary = Probabilities::new(&[0.5; 2], 2).ok();
    weights.update(&[RowId(0)], &[ClassId(0)], logits, auxiliary).unwrap();
    let by_step = NegativeStatistics { n: 2, mean: -2.5, variance: 0.25 };
    assert_eq!(weights.statistics(), by_step); // (−2 − 2)/2 and −6/2
    assert_eq!(weights.averages().alm(RowId(1)), Some(-6.0)); // the averages themselves by visits
}

#[test]
fn a_reset_store_is_a_new_one() {
    let mut weights = store(WeightConfig::default());
    update(&mut weights, 1.0, 3.0);
    weights.reset();
    assert_eq!(weights, store(WeightConfig::default()));
}

#[test]
fn a_store_read_back_is_the_store_written() {
    let mut weights = store(WeightConfig::default());
    update(&mut weights, 1.0, 3.0);
    let text = serde_json::to_string(&weights).unwrap();
    assert_eq!(serde_json::from_str::<MarginWeights>(&text).unwrap(), weights);
}

#[test]
fn huge_margins_stay_numbers_and_pass_on() {
    let mut weights = store(WeightConfig::default());
    for (a, b) in [(3e38, 1.0), (3e38, 3.0)] {
        update(&mut weights, a, b);
        assert!(weights.statistics().variance.is_finite());
    }
    // The huge average left N: what it left of the sums must not show.
    for _ in 0..3 {
        update(&mut weights, -3e38, 1.0);
    }
    assert_eq!(weights.statistics().n, 1);
    assert_eq!(Some(weights.statistics().mean), weights.averages().alm(RowId(1)));
}
