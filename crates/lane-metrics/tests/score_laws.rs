//! What must hold of scores, mixtures, maps and summaries whatever the numbers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::classification::{ClassScores, ConfusionCounts};
use lane_metrics::confident_learning::{self, LabeledRows, scores};
use lane_metrics::hyperspherical_margin::{self, AnnealedWeights, Parts, SliceConfig};
use lane_metrics::mixture::{self, MixtureConfig};
use lane_metrics::threshold_samples::{
    Rule, SampleCount, ThresholdRun, disjoint_sets, keep, percentile, rescue_lost_classes,
};
use lane_metrics::{ClassId, RowId, detection, summary};
use proptest::collection::vec;
use proptest::prelude::*;

type Pairs = Vec<(u16, u16)>;

fn pairs() -> impl Strategy<Value = Pairs> {
    vec((0_u16..5, 0_u16..5), 1..40)
}

fn counts(pairs: &[(u16, u16)]) -> ConfusionCounts {
    let (truth, predicted): (Vec<_>, Vec<_>) =
        pairs.iter().map(|&(a, b)| (ClassId(a), ClassId(b))).unzip();
    ConfusionCounts::new(&truth, &predicted, 5).unwrap()
}

/// Scores, which rows are wrong, which are flagged.
fn suspicions() -> impl Strategy<Value = Vec<(f64, bool, bool)>> {
    vec(((-8_i8..8).prop_map(f64::from), any::<bool>(), any::<bool>()), 2..40)
}

fn detect(rows: &[(f64, bool, bool)]) -> detection::Detection {
    let scores: Vec<_> = rows.iter().map(|it| it.0).collect();
    let wrong: Vec<_> = rows.iter().map(|it| it.1).collect();
    let flagged: Vec<_> = rows.iter().map(|it| it.2).collect();
    detection::of_scores(&scores, &wrong, &flagged).unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

proptest! {
    #[test]
    fn exchanging_truth_and_prediction_exchanges_precision_and_recall(pairs in pairs()) {
        let turned: Pairs = pairs.iter().map(|it| (it.1, it.0)).collect();
        for (plain, turned) in counts(&pairs).per_class().iter().zip(counts(&turned).per_class()) {
            prop_assert!(near(plain.precision, turned.recall) && near(plain.recall, turned.precision));
            prop_assert!(near(plain.f1, turned.f1));
            let ClassScores { precision, recall, f1, .. } = *plain;
            let harmonic = if f1 > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
            prop_assert!(near(f1, harmonic), "{plain:?}");
        }
        let (plain, turned) = (counts(&pairs).scores(), counts(&turned).scores());
        prop_assert!(near(plain.accuracy, turned.accuracy) && near(plain.macro_f1, turned.macro_f1));
    }

    #[test]
    fn predicting_the_truth_scores_1_and_a_mistake_lowers_every_score(pairs in pairs(), at in 0_usize..40) {
        let right: Pairs = pairs.iter().map(|it| (it.0, it.0)).collect();
        let perfect = counts(&right).scores();
        let of = |it: lane_metrics::classification::Scores| {
            [it.accuracy, it.micro_f1, it.macro_f1, it.weighted_f1, it.balanced_accuracy]
        };
        prop_assert!(of(perfect).iter().all(|it| near(*it, 1.0)), "{perfect:?}");
        let mut worse = right.clone();
        let at = at % worse.len();
        worse[at].1 = (worse[at].1 + 1) % 5;
        let worse = of(counts(&worse).scores());
        prop_assert!(worse.iter().all(|it| *it < 1.0 - 1e-9), "{worse:?}");
    }

    #[test]
    fn counts_of_two_parts_add_up_and_rows_may_come_in_any_order(pairs in pairs(), cut in 0_usize..40) {
        let (first, last) = pairs.split_at(cut.min(pairs.len()));
        let (whole, first, last) = (counts(&pairs), counts(first), counts(last));
        for ((whole, first), last) in whole.rows().flatten().zip(first.rows().flatten()).zip(last.rows().flatten()) {
            prop_assert_eq!(*whole, first + last);
        }
        prop_assert_eq!(whole.n_rows(), pairs.len() as u64);
        let mut turned = pairs.clone();
        turned.rotate_left(cut % pairs.len());
        turned.reverse();
        prop_assert_eq!(counts(&turned), whole);
    }

    #[test]
    fn detection_lies_in_0_to_1_and_rows_may_come_in_any_order(rows in suspicions(), cut in 0_usize..40) {
        let found = detect(&rows);
        let flat = [found.precision, found.recall, found.f1, found.balanced_accuracy];
        let ranked = [found.auroc, found.average_precision];
        for score in flat.into_iter().chain(ranked.into_iter().flatten()) {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&score), "{found:?}");
        }
        let sum = found.precision + found.recall;
        let harmonic = if sum > 0.0 { 2.0 * found.precision * found.recall / sum } else { 0.0 };
        prop_assert!(near(found.f1, harmonic));
        let mut turned = rows.clone();
        turned.rotate_left(cut % rows.len());
        turned.reverse();
        prop_assert_eq!(detect(&turned), found);
    }

    #[test]
    fn a_ranking_by_the_truth_scores_1_and_by_its_opposite_0(rows in suspicions()) {
        prop_assume!(rows.iter().any(|it| it.1) && rows.iter().any(|it| !it.1));
        // Any order within the two kinds, so long as no wrong row falls below a right one.
        let by = |sign: f64| -> Vec<_> {
            let score = |it: &(f64, bool, bool)| sign * (it.0 + if it.1 { 100.0 } else { 0.0 });
            rows.iter().map(|it| (score(it), it.1, it.1)).collect()
        };
        let best = detect(&by(1.0));
        prop_assert!(near(best.auroc.unwrap(), 1.0) && near(best.average_precision.unwrap(), 1.0));
        prop_assert!(near(best.f1, 1.0) && near(best.balanced_accuracy, 1.0));
        let worst = detect(&by(-1.0));
        prop_assert!(worst.auroc.unwrap().abs() < 1e-12);
        prop_assert!(worst.average_precision < best.average_precision);
    }

    #[test]
    fn lifting_a_wrong_row_never_lowers_the_ranking(rows in suspicions(), at in 0_usize..40, by in 0.5..20.0_f64) {
        let mut lifted = rows.clone();
        let at = at % rows.len();
        prop_assume!(rows[at].1 && rows.iter().any(|it| !it.1));
        lifted[at].0 += by;
        let (before, after) = (detect(&rows), detect(&lifted));
        prop_assert!(before.auroc.unwrap() <= after.auroc.unwrap() + 1e-12);
        // Not so for AP: between distinct scores it is blind to order within a tie.
        let far = { lifted[at].0 = 1e6; detect(&lifted) };
        prop_assert!(after.auroc.unwrap() <= far.auroc.unwrap() + 1e-12);
    }

    #[test]
    fn average_precision_by_any_rising_map_of_the_scores_is_the_same(rows in suspicions()) {
        let mapped: Vec<_> = rows.iter().map(|it| (it.0.exp(), it.1, it.2)).collect();
        prop_assert_eq!(detect(&mapped), detect(&rows));
    }

    #[test]
    fn a_mixture_knows_neither_order_nor_origin_nor_unit_and_turns_with_its_values(
        values in vec((-200_i16..200).prop_map(|it| f64::from(it) / 8.0), 3..40),
        power in -10_i32..10, origin in -64_i16..64,
    ) {
        prop_assume!(values.iter().any(|it| (it - values[0]).abs() > 0.0));
        let fit = |values: &[f64]| mixture::fit(values, &MixtureConfig::default()).unwrap();
        let plain = fit(&values);
        prop_assert!(plain.means.iter().all(|it| (-1e-9..=1.0 + 1e-9).contains(it)), "{plain:?}");
        prop_assert!(plain.variances.iter().all(|it| *it >= 5e-4), "{plain:?}");
        let map = |it: f64| it * 2_f64.powi(power) + f64::from(origin);
        let mapped = fit(&values.iter().map(|it| map(*it)).collect::<Vec<_>>());
        let reversed = fit(&values.iter().rev().copied().collect::<Vec<_>>());
        for value in &values {
            let upper = plain.posterior_upper(*value);
            prop_assert!((mapped.posterior_upper(map(*value)) - upper).abs() < 1e-6);
            prop_assert!((reversed.posterior_upper(*value) - upper).abs() < 1e-6);
        }
        // Upside down the kinds change places, unless a value sits on the middle of the range.
        let middle = f64::midpoint(plain.minimum, plain.maximum);
        if values.iter().all(|it| (it - middle).abs() > 1e-9) {
            let turned = fit(&values.iter().map(|it| -it).collect::<Vec<_>>());
            for value in &values {
                prop_assert!((turned.posterior_lower(-value) - plain.posterior_upper(*value)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_summary_moves_with_its_values_and_stretches_with_them(
        values in vec(-100.0..100.0_f64, 2..30), by in -100.0..100.0_f64, factor in -10.0..10.0_f64,
    ) {
        let of = |map: &dyn Fn(f64) -> f64| {
            summary::of_values(&values.iter().map(|it| map(*it)).collect::<Vec<_>>()).unwrap()
        };
        let (plain, moved, scaled) = (of(&|it| it), of(&|it| it + by), of(&|it| it * factor));
        let std = plain.std.unwrap();
        prop_assert!(near(moved.mean, plain.mean + by) && near(moved.std.unwrap(), std));
        prop_assert!((scaled.mean - plain.mean * factor).abs() < 1e-9);
        prop_assert!((scaled.std.unwrap() - std * factor.abs()).abs() < 1e-9);
        let (low, high) = (values.iter().copied().fold(f64::INFINITY, f64::min), values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        prop_assert!(low - 1e-9 <= plain.mean && plain.mean <= high + 1e-9);
        prop_assert!(std <= (high - low) / std::f64::consts::SQRT_2 * (values.len() as f64 / (values.len() - 1) as f64).sqrt() + 1e-9);
    }

    #[test]
    fn adjusting_by_equal_thresholds_only_brings_rows_back_to_a_sum_of_1(
        rows in vec((1_u32..20, 1_u32..20), 2..20),
    ) {
        // Two classes, each row there in both its orders: the thresholds are then the same.
        let both = rows.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]);
        let p: Vec<f64> = both.flat_map(|(a, b)| [a, b].map(|it| f64::from(it) / f64::from(a + b))).collect();
        let labels: Vec<_> = rows.iter().flat_map(|_| [ClassId(0), ClassId(1)]).collect();
        let rows = LabeledRows::new(&p, &labels, 2).unwrap();
        let joint = confident_learning::estimate(rows).unwrap();
        let thresholds = joint.thresholds();
        prop_assert!(near(thresholds.values()[0], thresholds.values()[1]));
        let adjusted = scores::adjusted_self_confidence(rows, thresholds).unwrap();
        for (ours, plain) in adjusted.iter().zip(scores::self_confidence(rows)) {
            prop_assert!(near(*ours, plain), "{ours} for {plain}");
        }
        let adjusted = scores::adjusted_normalized_margin(rows, thresholds).unwrap();
        for (ours, plain) in adjusted.iter().zip(scores::normalized_margin(rows)) {
            prop_assert!(near(*ours, plain), "{ours} for {plain}");
        }
    }

    #[test]
    fn flagged_rows_are_ranked_once_each_and_the_lowest_score_first(
        rows in vec((any::<bool>(), (-8_i8..8).prop_map(f64::from)), 1..40),
    ) {
        let (flagged, by): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let ranked = confident_learning::ranked(&flagged, &by).unwrap();
        let in_order = ranked.is_sorted_by(|a, b| {
            let (of_a, of_b) = (by[a.index()], by[b.index()]);
            of_a < of_b || (of_a <= of_b && a < b)
        });
        prop_assert!(in_order, "{ranked:?}");
        prop_assert_eq!(ranked.len(), flagged.iter().filter(|it| **it).count());
        prop_assert!(ranked.iter().all(|row| flagged[row.index()]));
    }

    #[test]
    fn the_distance_from_a_class_knows_no_length_and_turns_with_the_vector(
        f in vec(-4.0..4.0_f64, 5), w in vec(-4.0..4.0_f64, 5), length in 0.01..100.0_f64,
    ) {
        let norm = |it: &[f64]| it.iter().map(|it| it * it).sum::<f64>().sqrt();
        prop_assume!(norm(&f) > 0.1 && norm(&w) > 0.1);
        let distance = |a: &[f64], b: &[f64]| hyperspherical_margin::distance(a, b).unwrap();
        let scaled: Vec<_> = f.iter().map(|it| it * length).collect();
        let turned: Vec<_> = f.iter().map(|it| -it).collect();
        let plain = distance(&f, &w);
        prop_assert!((0.0..=1.0).contains(&plain));
        prop_assert!(near(distance(&scaled, &w), plain) && near(distance(&w, &f), plain));
        prop_assert!(near(distance(&turned, &w), 1.0 - plain));
        prop_assert!(distance(&f, &scaled) < 1e-9 && distance(&f, &turned) > 1.0 - 1e-9);
    }

    #[test]
    fn the_nearer_its_class_the_heavier_a_row_and_the_rivals_may_change_places(
        row in vec(0.0..=1.0_f64, 5), nearer in 0.0..1.0_f64, turn in 0_usize..4,
    ) {
        let of = |row: &[f64], parts| {
            let config = SliceConfig { alpha: 5.0, beta: 5.0, top_rate: 0.7, parts };
            hyperspherical_margin::of_row(row, ClassId(0), &config).unwrap()
        };
        let mut near_row = row.clone();
        near_row[0] *= nearer;
        let mut turned = row.clone();
        turned[1..].rotate_left(turn);
        for parts in [Parts::Both, Parts::Margin, Parts::Rivals] {
            prop_assert!(of(&near_row, parts) >= of(&row, parts) - 1e-12, "{parts:?}");
            prop_assert!(near(of(&turned, parts), of(&row, parts)));
        }
        prop_assert!(near(of(&row, Parts::Both), f64::midpoint(of(&row, Parts::Margin), of(&row, Parts::Rivals))));
        if row[0] > 0.01 && nearer < 0.9 {
            prop_assert!(of(&near_row, Parts::Margin) > of(&row, Parts::Margin));
        }
    }

    #[test]
    fn an_early_slice_counts_for_more_than_a_late_one(early in 0_u32..10, gap in 1_u32..10, left in 1_u32..5) {
        let late = early + gap;
        let n_epochs = late + left;
        let after = |ones: u32| {
            let mut weights = AnnealedWeights::new(1, n_epochs).unwrap();
            for epoch in [early, late] {
                weights.record(RowId(0), epoch, f64::from(u8::from(epoch == ones))).unwrap();
            }
            weights.weight(RowId(0)).unwrap()
        };
        prop_assert!(after(early) > 0.5 && near(after(early) + after(late), 1.0));
    }

    #[test]
    fn threshold_sets_are_disjoint_and_rows_flagged_everywhere_alone_are_removed(
        n_rows in 4_usize..60, n_sets in 1_usize..4, seed in any::<u32>(), flags in vec(any::<bool>(), 60),
    ) {
        let n_each = SampleCount::Paper.of(n_rows, n_sets + 1);
        prop_assert!(n_each >= 1 && n_each <= SampleCount::Code.of(n_rows, n_sets + 1));
        let order: Vec<_> = (0..n_rows as u32).map(|it| RowId((it + seed % 7919) % n_rows as u32)).collect();
        let sets = disjoint_sets(&order, n_sets, n_each).unwrap();
        let mut all = sets.concat();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len(), n_sets * n_each);
        let runs: Vec<_> = sets.iter().enumerate().map(|(run, set)| ThresholdRun {
            flagged: (0..n_rows).map(|row| flags[(row + run) % 60]).collect(),
            ordinary: (0..n_rows as u32).map(|row| !set.contains(&RowId(row))).collect(),
        }).collect();
        let kept = keep(&runs).unwrap();
        for (row, kept) in kept.iter().enumerate() {
            let mut judged = runs.iter().filter(|run| run.ordinary[row]).map(|run| run.flagged[row]);
            let cleared = judged.clone().any(|flag| !flag);
            prop_assert_eq!(*kept, cleared || judged.next().is_none());
        }
    }

    #[test]
    fn percentiles_and_fixed_limits_move_with_the_averages(
        thresholds in vec((-100_i16..100).prop_map(f64::from), 1..30),
        aums in vec((-100_i16..100).prop_map(f64::from), 1..30),
        by in -50_i16..50, percent in 0_u8..=100,
    ) {
        let (by, percent) = (f64::from(by), f64::from(percent));
        let moved = |list: &[f64]| list.iter().map(|it| it + by).collect::<Vec<_>>();
        let plain = percentile(&thresholds, percent).unwrap();
        prop_assert!(near(percentile(&moved(&thresholds), percent).unwrap(), plain + by));
        let low = thresholds.iter().copied().fold(f64::INFINITY, f64::min);
        let high = thresholds.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!((low..=high).contains(&plain));
        // Whole percentiles of whole numbers may round between two; a limit between them may not.
        let limit = plain.floor() + 0.5;
        let of = |limit, aums: &[f64]| Rule::Fixed(limit).flags(&thresholds, aums).unwrap();
        prop_assert_eq!(of(limit, &aums), of(limit + by, &moved(&aums)));
        let by_count = |t: &[f64], a: &[f64]| Rule::Count(percent / 100.0).flags(t, a).unwrap();
        prop_assert_eq!(by_count(&thresholds, &aums), by_count(&moved(&thresholds), &moved(&aums)));
    }

    #[test]
    fn after_a_rescue_every_class_has_a_row_and_nobody_else_came_back(
        rows in vec((0_u16..5, any::<bool>(), -9_i8..9), 1..40),
    ) {
        let labels: Vec<_> = rows.iter().map(|it| ClassId(it.0)).collect();
        let aums: Vec<_> = rows.iter().map(|it| f64::from(it.2)).collect();
        let before: Vec<_> = rows.iter().map(|it| it.1).collect();
        let mut after = before.clone();
        let rescued = rescue_lost_classes(&mut after, &labels, &aums, 5).unwrap();
        for label in &labels {
            prop_assert!(labels.iter().zip(&after).any(|(it, kept)| it == label && *kept));
        }
        let back: Vec<_> = (0..rows.len()).filter(|row| after[*row] != before[*row]).collect();
        let mut expected: Vec<_> = rescued.iter().map(|it| it.1.index()).collect();
        expected.sort_unstable();
        prop_assert_eq!(back, expected);
        for (class, row) in rescued {
            let of_class = labels.iter().zip(&aums).filter(|(label, _)| **label == class);
            prop_assert!(of_class.clone().all(|(_, aum)| *aum <= aums[row.index()]));
        }
    }
}
