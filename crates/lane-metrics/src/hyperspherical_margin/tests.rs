//! Slice weights and their annealed mean.

use super::*;

const MARGIN_ONLY: SliceConfig =
    SliceConfig { alpha: 10.0, beta: 2.0, top_rate: 0.01, parts: Parts::Margin };

#[test]
fn two_classes_are_refused_unless_only_the_margin_counts() {
    let error = of_row(&[0.2, 0.4], ClassId(0), &SliceConfig::default()).unwrap_err();
    assert_eq!(error.to_string(), "the spread of the rivals needs at least 3 classes, got 2");
    let weight = of_row(&[0.2, 0.4], ClassId(0), &MARGIN_ONLY).unwrap();
    assert!((weight - 1.0 / (1.0 + (-2.0_f64).exp())).abs() < 1e-12);
    let error = of_row(&[0.2], ClassId(0), &MARGIN_ONLY).unwrap_err();
    assert_eq!(error.to_string(), "expected at least 2 classes, got 1");
}

#[test]
fn rivals_that_are_equally_near_leave_the_second_part_whole() {
    let config = SliceConfig { parts: Parts::Rivals, ..SliceConfig::default() };
    assert!((of_row(&[0.9, 0.3, 0.3], ClassId(0), &config).unwrap() - 1.0).abs() < 1e-12);
    let one_nearer = of_row(&[0.9, 0.3, 0.4], ClassId(0), &config).unwrap();
    assert!((one_nearer - (-10.0_f64).exp()).abs() < 1e-12);
}

#[test]
fn the_whole_rate_looks_at_every_further_rival() {
    let config =
        SliceConfig { parts: Parts::Rivals, top_rate: 1.0, beta: 1.0, ..SliceConfig::default() };
    let weight = of_row(&[0.0, 0.5, 0.1, 0.3], ClassId(0), &config).unwrap();
    assert!((weight - (0.1_f64 - 0.4).exp()).abs() < 1e-12);
}

#[test]
fn large_factors_saturate_and_stay_numbers() {
    let config = SliceConfig { alpha: 1e6, beta: 1e6, ..SliceConfig::default() };
    for distances in [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [0.5, 0.5, 0.5]] {
        let weight = of_row(&distances, ClassId(0), &config).unwrap();
        assert!((0.0..=1.0).contains(&weight), "{distances:?}: {weight}");
    }
}

#[test]
fn a_batch_gives_what_its_rows_give() {
    let config = SliceConfig::default();
    let distances = [0.25, 0.5, 0.75, 0.5, 0.25, 0.125];
    let labels = [ClassId(0), ClassId(2)];
    let batch = of_batch(&distances, 3, &labels, &config).unwrap();
    for ((row, label), ours) in distances.chunks(3).zip(labels).zip(batch) {
        let row: Vec<f64> = row.iter().map(|&it| f64::from(it)).collect();
        assert_eq!(of_row(&row, label, &config).unwrap().to_bits(), ours.to_bits());
    }
}

#[test]
fn distances_that_cannot_be_meant_are_refused() {
    let config = SliceConfig::default();
    let shown = |distances: &[f32], labels: &[ClassId]| {
        of_batch(distances, 3, labels, &config).unwrap_err().to_string()
    };
    assert_eq!(shown(&[0.0; 4], &[ClassId(0)]), "4 values do not fill whole rows of 3 classes");
    assert_eq!(shown(&[0.0; 3], &[]), "0 labels but 1 rows of logits");
    assert!(shown(&[0.0; 3], &[ClassId(3)]).contains("expected one under 3"));
    assert!(shown(&[0.0, f32::NAN, 0.0], &[ClassId(0)]).contains("position 1 is NaN"));
    assert!(distance(&[1.0], &[1.0, 2.0]).is_err());
    for (alpha, top_rate) in [(-1.0, 0.1), (f64::NAN, 0.1), (1.0, 1.5)] {
        assert!(SliceConfig { alpha, top_rate, ..config }.validate(3).is_err());
    }
}

#[test]
fn a_vector_without_direction_lies_halfway_from_every_class() {
    assert!((distance(&[0.0, 0.0], &[3.0, 4.0]).unwrap() - 0.5).abs() < 1e-12);
    assert!(distance(&[1.0, 2.0], &[2.0, 4.0]).unwrap() < 1e-12);
}

#[test]
fn a_row_left_out_of_an_epoch_keeps_a_mean_of_its_own_epochs() {
    let mut weights = AnnealedWeights::new(2, 5).unwrap();
    weights.record(RowId(0), 3, 0.7).unwrap();
    assert!((weights.weight(RowId(0)).unwrap() - 0.7).abs() < 1e-12);
    assert_eq!((weights.weight(RowId(1)), weights.weight(RowId(2))), (None, None));
    assert_eq!(
        weights.record(RowId(0), 5, 0.7).unwrap_err().to_string(),
        "the epoch is 5, expected one under 5"
    );
    assert!(weights.record(RowId(2), 0, 0.7).is_err());
    assert!(weights.record(RowId(0), 0, f64::NAN).is_err());
    weights.reset();
    assert_eq!(weights.weight(RowId(0)), None);
}
