//! What lane-metrics makes of the same looks while they stream by.

use lane_metrics::averages::{MarginAverages, Visit};
use lane_metrics::cartography::{self, DataMap, MapConfig};
use lane_metrics::{ClassId, RowId};
use lane_rescore::{Epochs, Score, rescore};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{Look, Place, check_order, columns, ranking, write};

/// Looks at up to 20 rows in up to 9 epochs, in any order, none twice.
fn looks() -> impl Strategy<Value = Vec<Look>> {
    let values =
        (-50.0..50.0_f32, proptest::option::of(-80.0..80.0_f32), 0.0..=1.0_f32, 0..3_u16, 0..3_u16);
    vec((0..20_u32, 1..10_u32, values), 1..150)
        .prop_map(|looks| {
            let look = |(row, epoch, (margin, aware, p_label, label, predicted))| Look {
                row,
                epoch,
                label,
                margin,
                aware,
                p_label,
                predicted,
                weight: p_label * 0.5,
            };
            let mut looks: Vec<Look> = looks.into_iter().map(look).collect();
            looks.sort_by_key(|look| (look.row, look.epoch));
            looks.dedup_by_key(|look| (look.row, look.epoch));
            looks
        })
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scores_are_those_of_streaming_averages_to_the_bit(
        looks in looks(), cut in 0..150_usize, include_ci: bool, first in 0..4_u32,
        score in proptest::sample::select(Score::ALL.to_vec()),
    ) {
        let place = Place::new();
        let (left, right) = looks.split_at(cut.min(looks.len()));
        write(&place.path("left.parquet"), columns(left), None);
        write(&place.path("right.parquet"), columns(right), None);
        let mut request = place.request(score);
        request.epochs = Some(Epochs { first, last: 8 });
        request.include_ci = include_ci;

        let mut counted: Vec<Look> = looks.clone();
        counted.retain(|look| (first..=8).contains(&look.epoch));
        counted.sort_by_key(|look| look.epoch);
        prop_assume!(!counted.is_empty());
        let mut margins = MarginAverages::new(20).unwrap();
        let mut map = DataMap::new(20, MapConfig { include_ci, burn_out: None }).unwrap();
        for look in &counted {
            let (row, rival) = (RowId(look.row), None::<ClassId>);
            let (margin, label_aware_margin) = (look.margin, look.aware);
            margins.record(&Visit { row, margin, rival, label_aware_margin }).unwrap();
            let (p_label, correct) = (f64::from(look.p_label), look.predicted == look.label);
            map.record(row, look.epoch, cartography::Look { p_label, correct }).unwrap();
        }

        rescore(&request).unwrap();
        let ranked = ranking(&request.out);
        check_order(&ranked, score);
        prop_assert_eq!(ranked.len(), margins.n_visited());
        for line in ranked {
            let row = RowId(line.row);
            let point = map.point(row).unwrap();
            prop_assert_eq!((Some(line.aum), line.alm), (margins.aum(row), margins.alm(row)));
            prop_assert_eq!((line.confidence, line.variability), (point.confidence, point.variability));
            prop_assert_eq!((line.correctness, line.forgetting), (point.correctness, point.forgetfulness));
            let of_row = || counted.iter().filter(|look| look.row == line.row);
            let last = of_row().next_back().unwrap();
            prop_assert_eq!((line.label, line.weight), (last.label, last.weight));
            prop_assert_eq!(line.epochs, point.n_epochs);
            let loss: f64 = of_row().map(|look| -f64::from(look.p_label.max(f32::from_bits(1))).ln()).sum();
            prop_assert!((line.loss - loss / f64::from(line.epochs)).abs() <= 1e-12 * loss.abs().max(1.0));
        }
    }
}
