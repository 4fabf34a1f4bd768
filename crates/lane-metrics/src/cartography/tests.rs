//! Data maps, and the faults of the authors' program that they do not have.

use super::*;

fn map_of(looks: &[(f64, bool)], config: MapConfig) -> Result<MapPoint, MetricsError> {
    let mut map = DataMap::new(1, config)?;
    for (epoch, &(p_label, correct)) in (0..).zip(looks) {
        map.record(RowId(0), epoch, Look { p_label, correct })?;
    }
    map.point(RowId(0)).ok_or(MetricsError::RowNeverSeen { row: 0 })
}

const CI: MapConfig = MapConfig { include_ci: true, burn_out: None };

#[test]
fn one_epoch_has_variability_zero_with_and_without_the_interval() {
    for config in [MapConfig::default(), CI] {
        let point = map_of(&[(0.25, true)], config).unwrap();
        assert_eq!(point.variability.to_bits(), 0.0_f64.to_bits());
        assert_eq!((point.correctness, point.forgetfulness), (1, 0));
    }
}

#[test]
fn forgetting_counts_falls_and_marks_a_row_that_was_never_correct() {
    let forgotten = |trend: &[bool]| {
        let looks: Vec<_> = trend.iter().map(|&correct| (0.5, correct)).collect();
        map_of(&looks, MapConfig::default()).unwrap().forgetfulness
    };
    assert_eq!(forgotten(&[true, false, false, true, false]), 2);
    assert_eq!(forgotten(&[false, true, true]), 0);
    assert_eq!(forgotten(&[false, false]), NEVER_CORRECT);
}

#[test]
fn epochs_past_the_burn_out_change_nothing() {
    let config = MapConfig { burn_out: Some(2), ..MapConfig::default() };
    let looks = [(0.2, true), (0.4, true), (0.9, false)];
    assert_eq!(map_of(&looks, config).unwrap(), map_of(&looks[..2], MapConfig::default()).unwrap());
    let refused = DataMap::new(1, MapConfig { burn_out: Some(0), ..MapConfig::default() });
    assert_eq!(refused.unwrap_err().to_string(), "`burn_out` is 0, expected at least 1 epoch");
}

#[test]
fn equal_probabilities_do_not_vary_however_many_epochs() {
    let looks = vec![(0.1, false); 1000];
    let point = map_of(&looks, CI).unwrap();
    assert!(point.variability < 1e-12 && (point.confidence - 0.1).abs() < 1e-12);
}

#[test]
fn a_row_seen_twice_in_an_epoch_or_backwards_is_refused_and_leaves_no_trace() {
    let mut map = DataMap::new(1, MapConfig::default()).unwrap();
    let look = Look { p_label: 0.5, correct: true };
    map.record(RowId(0), 3, look).unwrap();
    let before = map.clone();
    for epoch in [3, 1] {
        let error = map.record(RowId(0), epoch, look).unwrap_err();
        let expected =
            format!("row 0 was seen in epoch {epoch} after epoch 3, expected a later one");
        assert_eq!(error.to_string(), expected);
    }
    for p_label in [f64::NAN, -0.1, 1.1] {
        assert!(map.record(RowId(0), 4, Look { p_label, correct: true }).is_err());
    }
    assert!(map.record(RowId(1), 4, look).is_err());
    assert_eq!(map, before);
}

#[test]
fn rows_left_out_of_an_epoch_are_averaged_over_their_own_visits() {
    let mut map = DataMap::new(2, MapConfig::default()).unwrap();
    map.record(RowId(0), 0, Look { p_label: 0.2, correct: false }).unwrap();
    map.record(RowId(0), 2, Look { p_label: 0.4, correct: false }).unwrap();
    let point = map.point(RowId(0)).unwrap();
    assert!((point.confidence - 0.3).abs() < 1e-12 && point.n_epochs == 2);
    assert!(!map.is_complete());
    let error = map.points().unwrap_err();
    assert_eq!(error.to_string(), "row 1 was never seen, expected every row in at least one epoch");
}

#[test]
fn a_look_at_logits_breaks_ties_by_the_lowest_class_and_stands_large_numbers() {
    let look = |row: &[f32], label| Look::of_logits(row, ClassId(label)).unwrap();
    assert_eq!(look(&[1.0, 1.0], 0), Look { p_label: 0.5, correct: true });
    assert_eq!(look(&[1.0, 1.0], 1), Look { p_label: 0.5, correct: false });
    assert_eq!(look(&[3e38, -3e38], 1), Look { p_label: 0.0, correct: false });
    assert!(Look::of_logits(&[0.0, f32::NAN], ClassId(0)).is_err());
    assert!(Look::of_logits(&[0.0, 1.0], ClassId(2)).is_err());
}

fn points(confidences: &[f64]) -> Vec<MapPoint> {
    let point = |&confidence: &f64| MapPoint {
        confidence,
        variability: 0.0,
        correctness: 0,
        forgetfulness: 0,
        threshold_closeness: 0.0,
        n_epochs: 1,
    };
    confidences.iter().map(point).collect()
}

#[test]
fn exactly_the_fraction_rounded_down_is_kept_and_never_none() {
    let points = points(&[0.5; 100]);
    for (fraction, n) in
        [(0.3319, 33), (1.0 / 3.0, 33), (0.01, 1), (0.0, 1), (0.75, 75), (1.0, 100)]
    {
        for region in [Region::Easy, Region::Hard, Region::Ambiguous] {
            let kept = select(&points, region, fraction).unwrap();
            assert_eq!(kept, (0..n).map(RowId).collect::<Vec<_>>(), "{fraction} {region:?}");
        }
    }
}

#[test]
fn what_cannot_be_selected_from_is_refused() {
    let shown = |points: &[MapPoint], fraction| {
        select(points, Region::Easy, fraction).unwrap_err().to_string()
    };
    assert_eq!(shown(&[], 0.5), "expected at least 1 values, got 0");
    assert_eq!(shown(&points(&[0.5]), 1.5), "`fraction` is 1.5, expected a number in 0..=1");
    assert_eq!(
        shown(&points(&[0.5, f64::NAN]), 0.5),
        "the value at position 1 is NaN, expected a finite number"
    );
}
