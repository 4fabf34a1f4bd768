//! What must hold of data maps, thresholds and hyperspherical weights whatever the numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::cartography::{DataMap, Look, MapConfig, Region, select};
use lane_metrics::hyperspherical_margin::{self, AnnealedWeights, Parts, SliceConfig};
use lane_metrics::threshold_samples::{Rule, percentile};
use lane_metrics::{ClassId, RowId};
use proptest::collection::vec;
use proptest::prelude::*;

fn close(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= 1e-12 + 1e-9 * theirs.abs()
}

fn looks() -> impl Strategy<Value = Vec<(f64, bool)>> {
    vec((0.0..=1.0_f64, any::<bool>()), 1..20)
}

fn map_of(rows: &[Vec<(f64, bool)>], config: MapConfig) -> DataMap {
    let mut map = DataMap::new(rows.len(), config).unwrap();
    for (row, looks) in (0..).zip(rows) {
        for (epoch, &(p_label, correct)) in (0..).zip(looks) {
            map.record(RowId(row), epoch, Look { p_label, correct }).unwrap();
        }
    }
    map
}

proptest! {
    #[test]
    fn a_map_kept_as_rows_come_by_is_the_map_of_all_values(
        looks in looks(),
        include_ci: bool,
        burn_out in proptest::option::of(1..20_u32),
    ) {
        let config = MapConfig { include_ci, burn_out };
        let point = map_of(std::slice::from_ref(&looks), config).point(RowId(0)).unwrap();
        let counted = &looks[..looks.len().min(burn_out.map_or(looks.len(), |it| it as usize))];
        let n = counted.len() as f64;
        let mean = counted.iter().map(|(p, _)| p).sum::<f64>() / n;
        let variance = counted.iter().map(|(p, _)| (p - mean).powi(2)).sum::<f64>() / n;
        let widened = if include_ci && n > 1.0 { variance * variance / (n - 1.0) } else { 0.0 };
        prop_assert!(close(point.confidence, mean));
        prop_assert!((point.variability.powi(2) - variance - widened).abs() < 1e-12);
        prop_assert_eq!(point.correctness as usize, counted.iter().filter(|it| it.1).count());
        let falls = counted.windows(2).filter(|pair| pair[0].1 && !pair[1].1).count();
        let expected = if point.correctness == 0 { 1000 } else { falls };
        prop_assert_eq!(point.forgetfulness as usize, expected);
        prop_assert!((0.0..=0.25).contains(&point.threshold_closeness));
    }

    #[test]
    fn easy_and_hard_rows_are_on_the_two_sides_of_the_others(
        rows in vec(looks(), 1..30),
        fraction in 0.0..=1.0_f64,
    ) {
        let points = map_of(&rows, MapConfig::default()).points().unwrap();
        let chosen = |region| select(&points, region, fraction).unwrap();
        let n_kept = (fraction * rows.len() as f64).floor().max(1.0);
        for (region, sign) in [(Region::Easy, 1.0), (Region::Hard, -1.0)] {
            let kept = chosen(region);
            prop_assert!(close(kept.len() as f64, n_kept) && kept.is_sorted());
            let worst = kept.iter().map(|row| sign * points[row.index()].confidence);
            let worst = worst.fold(f64::INFINITY, f64::min);
            for (row, point) in (0..).zip(&points).filter(|(row, _)| !kept.contains(&RowId(*row))) {
                prop_assert!(sign * point.confidence <= worst, "{row}");
            }
        }
        prop_assert!(close(chosen(Region::Ambiguous).len() as f64, n_kept));
    }

    #[test]
    fn a_higher_percentile_never_unflags_a_row(
        thresholds in vec(-50.0..50.0_f64, 1..40),
        aums in vec(-50.0..50.0_f64, 1..40),
        low in 0.0..=100.0_f64,
        high in 0.0..=100.0_f64,
    ) {
        let (low, high) = (low.min(high), low.max(high));
        prop_assert!(percentile(&thresholds, low).unwrap() <= percentile(&thresholds, high).unwrap());
        let flags = |percent| Rule::Percentile(percent).flags(&thresholds, &aums).unwrap();
        prop_assert!(flags(low).iter().zip(flags(high)).all(|(low, high)| *low <= high));
        let highest = thresholds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let below: Vec<bool> = aums.iter().map(|aum| *aum < highest).collect();
        prop_assert_eq!(Rule::Count(0.0).flags(&thresholds, &aums).unwrap(), below);
    }

    #[test]
    fn hyperspherical_weights_lie_in_0_to_1_and_their_mean_between_the_slices(
        distances in vec(vec(0.0..=1.0_f64, 4), 1..12),
        alpha in 0.0..1000.0_f64,
        top_rate in 0.0..=1.0_f64,
    ) {
        let config = SliceConfig { alpha, top_rate, parts: Parts::Both, ..SliceConfig::default() };
        let mut weights = AnnealedWeights::new(1, distances.len() as u32).unwrap();
        let mut slices = Vec::new();
        for (epoch, row) in (0..).zip(&distances) {
            let slice = hyperspherical_margin::of_row(row, ClassId(1), &config).unwrap();
            prop_assert!((0.0..=1.0).contains(&slice), "{slice}");
            weights.record(RowId(0), epoch, slice).unwrap();
            slices.push(slice);
        }
        let lowest = slices.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = slices.iter().copied().fold(0.0, f64::max);
        let mean = weights.weight(RowId(0)).unwrap();
        prop_assert!(lowest - 1e-12 <= mean && mean <= highest + 1e-12, "{mean}");
    }
}
