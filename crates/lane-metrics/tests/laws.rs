//! What must hold whatever the numbers: laws of margins, weights and scores.
//!
//! Logits are drawn on a grid of 1/64, where sums are exact in f32: a law that says "unchanged"
//! is then held to the bit.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::averages::Visit;
use lane_metrics::classification::ConfusionCounts;
use lane_metrics::mixture::{self, MixtureConfig};
use lane_metrics::weights::{
    self, MarginWeights, NegativeStatistics, Quantity, Sigma, Statistics, Threshold, Time,
    VarianceOf, WeightConfig,
};
use lane_metrics::{
    ClassId, Logits, Probabilities, RowId, detection, label_aware, margin, softmax,
};
use proptest::collection::vec;
use proptest::prelude::*;

const N_CLASSES: usize = 4;

/// One epoch: rows in the order they come, in batches of `batch`.
#[derive(Clone, Debug)]
struct Epoch {
    order: Vec<u32>,
    batch: usize,
    logits: Vec<f32>,
    auxiliary: Vec<f32>,
}

/// A run over `labels.len()` rows.
#[derive(Clone, Debug)]
struct Run {
    labels: Vec<ClassId>,
    epochs: Vec<Epoch>,
}

fn grid(n: usize) -> impl Strategy<Value = Vec<f32>> {
    vec((-512_i16..512).prop_map(|it| f32::from(it) / 64.0), n)
}

fn run() -> impl Strategy<Value = Run> {
    (1_usize..12).prop_flat_map(|n_rows| {
        let n = n_rows * N_CLASSES;
        let order = Just((0..n_rows as u32).collect::<Vec<_>>()).prop_shuffle();
        let epoch = (order, 1..=n_rows, grid(n), grid(n)).prop_map(|(order, batch, z, z_pi)| {
            let auxiliary = softmax::of_logits(Logits::new(&z_pi, N_CLASSES).unwrap());
            Epoch { order, batch, logits: z, auxiliary }
        });
        let labels = vec((0..N_CLASSES as u16).prop_map(ClassId), n_rows);
        (labels, vec(epoch, 1..4)).prop_map(|(labels, epochs)| Run { labels, epochs })
    })
}

impl Run {
    fn start(&self, config: &WeightConfig) -> MarginWeights {
        MarginWeights::new(self.labels.len(), config.clone()).unwrap()
    }

    fn epoch(
        &self,
        weights: &mut MarginWeights,
        epoch: &Epoch,
        mut seen: impl FnMut(&MarginWeights, &[RowId]),
    ) {
        weights.start_epoch();
        for order in epoch.order.chunks(epoch.batch) {
            let rows: Vec<_> = order.iter().copied().map(RowId).collect();
            let labels: Vec<_> = rows.iter().map(|row| self.labels[row.index()]).collect();
            let pick = |values: &[f32]| -> Vec<f32> {
                let of_row = |row: &RowId| values[row.index() * N_CLASSES..][..N_CLASSES].to_vec();
                rows.iter().flat_map(of_row).collect()
            };
            let (z, w) = (pick(&epoch.logits), pick(&epoch.auxiliary));
            let logits = Logits::new(&z, N_CLASSES).unwrap();
            let auxiliary = Probabilities::new(&w, N_CLASSES).ok();
            weights.update(&rows, &labels, logits, auxiliary).unwrap();
            seen(weights, &rows);
        }
    }

    fn finish(&self, config: &WeightConfig) -> MarginWeights {
        let mut weights = self.start(config);
        for epoch in &self.epochs {
            self.epoch(&mut weights, epoch, |_, _| ());
        }
        weights
    }

    fn rows(&self) -> impl Iterator<Item = RowId> + Clone {
        (0..self.labels.len() as u32).map(RowId)
    }

    fn alm(&self, weights: &MarginWeights) -> Vec<f64> {
        self.rows().filter_map(|row| weights.averages().alm(row)).collect()
    }

    fn weights(&self, weights: &MarginWeights) -> Vec<f64> {
        self.rows().map(|row| weights.weight(row)).collect()
    }

    fn map_logits(&self, map: impl Fn(f32) -> f32) -> Self {
        let mut mapped = self.clone();
        for value in mapped.epochs.iter_mut().flat_map(|it| &mut it.logits) {
            *value = map(*value);
        }
        mapped
    }
}

fn config() -> impl Strategy<Value = WeightConfig> {
    let threshold = prop_oneof![
        2 => Just(Threshold::Estimated),
        1 => (-3.0..1.0, 0.1..4.0).prop_map(|(mean, sigma)| Threshold::Fixed { mean, sigma }),
    ];
    let statistics = prop_oneof![
        3 => Just(Statistics::Running),
        1 => Just(Statistics::Batch),
        1 => Just(Statistics::EpochFrozen),
        1 => Just(Statistics::VisitsWelford),
    ];
    let parts = (
        prop_oneof![Just(Quantity::Alm), Just(Quantity::Aum)],
        threshold,
        statistics,
        prop_oneof![Just(Sigma::Variance), Just(Sigma::Literal)],
        prop_oneof![Just(VarianceOf::Negatives), Just(VarianceOf::BelowMean)],
        prop_oneof![Just(Time::Visits), Just(Time::GlobalStep)],
    );
    parts
        .prop_map(|(quantity, threshold, statistics, sigma, variance, time)| WeightConfig {
            quantity,
            threshold,
            statistics,
            sigma,
            variance,
            time,
            ..WeightConfig::default()
        })
        .prop_filter("a pair without a meaning", |it| it.validate().is_ok())
}

fn close(ours: f64, exact: f64) -> bool {
    (ours - exact).abs() <= 1e-9 * exact.abs().max(1e-3)
}

#[track_caller]
fn same(ours: NegativeStatistics, exact: NegativeStatistics) {
    assert_eq!(ours.n, exact.n);
    assert!(close(ours.mean, exact.mean), "{ours:?}, exactly {exact:?}");
    assert!(close(ours.variance, exact.variance), "{ours:?}, exactly {exact:?}");
}

proptest! {
    #[test]
    fn a_weight_lies_between_the_samuelson_bound_and_1(run in run()) {
        let weights = run.finish(&WeightConfig::default());
        let n = weights.statistics().n;
        let least = (-(n.saturating_sub(1) as f64) / 2.0).exp();
        for weight in run.weights(&weights) {
            prop_assert!(least * (1.0 - 1e-9) <= weight && weight <= 1.0, "{weight}, n = {n}");
        }
    }

    #[test]
    fn a_weight_is_never_outside_0_to_1(run in run(), config in config()) {
        for weight in run.weights(&run.finish(&config)) {
            prop_assert!((0.0..=1.0).contains(&weight), "{weight}");
        }
    }

    #[test]
    fn a_weight_does_not_fall_as_the_average_rises(
        mut averages in vec(-20.0..20.0_f64, 2..20),
        config in config(),
    ) {
        let all = NegativeStatistics::of_values(averages.iter().copied());
        let statistics = match config.variance {
            VarianceOf::Negatives => all,
            VarianceOf::BelowMean => all.below_mean(averages.iter().copied()),
        };
        averages.sort_by(f64::total_cmp);
        let of = |&it: &f64| weights::of_average(it, statistics, &config);
        prop_assert!(averages.is_sorted_by_key(of));
    }

    #[test]
    fn adding_a_constant_to_all_logits_changes_nothing(
        run in run(), config in config(), constant in -64_i16..64,
    ) {
        let moved = run.map_logits(|it| it + f32::from(constant) / 8.0);
        prop_assert_eq!(run.finish(&config), moved.finish(&config));
    }

    #[test]
    fn multiplying_the_logits_leaves_default_weights_unchanged(run in run(), power in -3..4_i32) {
        // By powers of two nothing is rounded, and the weights are the same to the last bits.
        let scaled = run.map_logits(|it| it * 2.0_f32.powi(power));
        let config = WeightConfig::default();
        let (ours, scaled) = (run.finish(&config), scaled.finish(&config));
        for (ours, scaled) in run.weights(&ours).into_iter().zip(run.weights(&scaled)) {
            prop_assert!((ours - scaled).abs() < 1e-9, "{ours}, scaled {scaled}");
        }
    }

    #[test]
    fn multiplying_by_any_factor_does_so_where_there_is_a_spread(
        run in run(), factor in 0.1..10.0_f32,
    ) {
        let config = WeightConfig::default();
        let plain = run.finish(&config);
        let NegativeStatistics { mean, variance, .. } = plain.statistics();
        if variance <= 1e-4 * mean * mean {
            return Ok(());
        }
        let scaled = run.map_logits(|it| it * factor).finish(&config);
        for (ours, scaled) in run.weights(&plain).into_iter().zip(run.weights(&scaled)) {
            prop_assert!((ours - scaled).abs() < 1e-3, "{ours}, scaled {scaled}");
        }
    }

    #[test]
    fn permuting_batches_leaves_the_averages_at_the_end_of_an_epoch_unchanged(
        run in run(), seed in any::<u64>(), batch in 1_usize..12,
    ) {
        let mut permuted = run.clone();
        for epoch in &mut permuted.epochs {
            let n = epoch.order.len();
            epoch.order.rotate_left(seed as usize % n);
            epoch.order.reverse();
            epoch.batch = batch;
        }
        let config = WeightConfig::default();
        let (ours, permuted) = (run.finish(&config), permuted.finish(&config));
        prop_assert_eq!(ours.averages(), permuted.averages());
        same(ours.statistics(), permuted.statistics());
    }

    #[test]
    fn running_statistics_equal_a_recomputation_after_every_batch(run in run()) {
        let mut weights = run.start(&WeightConfig::default());
        for epoch in &run.epochs {
            run.epoch(&mut weights, epoch, |weights, _| {
                let exact = NegativeStatistics::of_values(run.alm(weights).into_iter());
                same(weights.statistics(), exact);
            });
        }
    }

    #[test]
    fn the_running_part_below_the_mean_equals_a_recomputation(run in run()) {
        let variance = VarianceOf::BelowMean;
        let mut weights = run.start(&WeightConfig { variance, ..WeightConfig::default() });
        for epoch in &run.epochs {
            run.epoch(&mut weights, epoch, |weights, _| {
                let alm = run.alm(weights).into_iter();
                let all = NegativeStatistics::of_values(alm.clone());
                same_below_mean(all, weights, alm);
            });
        }
    }

    #[test]
    fn batch_statistics_are_those_of_the_batch(run in run()) {
        let statistics = Statistics::Batch;
        let mut weights = run.start(&WeightConfig { statistics, ..WeightConfig::default() });
        for epoch in &run.epochs {
            run.epoch(&mut weights, epoch, |weights, rows| {
                let alm = rows.iter().filter_map(|&row| weights.averages().alm(row));
                same(weights.statistics(), NegativeStatistics::of_values(alm));
            });
        }
    }

    #[test]
    fn a_step_that_visits_every_row_makes_step_and_visit_the_same(run in run()) {
        let mut whole = run.clone();
        whole.epochs.iter_mut().for_each(|epoch| epoch.batch = epoch.order.len());
        let by = |time| whole.finish(&WeightConfig { time, ..WeightConfig::default() });
        let (by_visit, by_step) = (by(Time::Visits), by(Time::GlobalStep));
        same(by_step.statistics(), by_visit.statistics());
    }

    #[test]
    fn a_label_aware_margin_keeps_the_sign_and_never_shrinks(
        row in grid(N_CLASSES), label in 0..N_CLASSES as u16, w in 0.0..=1.0_f32,
    ) {
        let margin = margin::of_row(&row, ClassId(label)).unwrap();
        let label_aware = label_aware::of_margin(margin, w, 1e-6);
        prop_assert!(margin.value >= 0.0 || label_aware <= margin.value);
        prop_assert!(margin.value < 0.0 || label_aware.to_bits() == margin.value.to_bits());
    }

    #[test]
    fn visits_report_what_the_averages_take_in(run in run()) {
        let mut weights = run.start(&WeightConfig::default());
        let mut averages = lane_metrics::averages::MarginAverages::new(run.labels.len()).unwrap();
        let rows: Vec<_> = run.rows().collect();
        for epoch in &run.epochs {
            let logits = Logits::new(&epoch.logits, N_CLASSES).unwrap();
            let auxiliary = Probabilities::new(&epoch.auxiliary, N_CLASSES).ok();
            let record = |_, visit: &Visit| averages.record(visit).unwrap();
            weights.update_with(&rows, &run.labels, logits, auxiliary, record).unwrap();
            let margins = margin::of_batch(logits, &run.labels).unwrap();
            for (row, margin) in rows.iter().zip(margins) {
                prop_assert!(averages.count(*row) > 0, "{margin:?}");
            }
        }
        prop_assert_eq!(weights.averages(), &averages);
    }

    #[test]
    fn f1_is_accuracy_when_pooled_and_all_scores_lie_in_0_to_1(pairs in vec((0_u16..5, 0_u16..5), 1..40)) {
        let (truth, predicted): (Vec<_>, Vec<_>) =
            pairs.iter().map(|&(a, b)| (ClassId(a), ClassId(b))).unzip();
        let scores = ConfusionCounts::new(&truth, &predicted, 6).unwrap().scores();
        prop_assert!(close(scores.micro_f1, scores.accuracy));
        prop_assert!(scores.macro_f1_declared <= scores.macro_f1);
        for score in [scores.accuracy, scores.macro_f1, scores.weighted_f1, scores.balanced_accuracy] {
            prop_assert!((0.0..=1.0 + 1e-12).contains(&score), "{scores:?}");
        }
    }

    #[test]
    fn renaming_the_classes_changes_no_score(
        pairs in vec((0_u16..5, 0_u16..5), 1..40), names in Just([0_u16, 1, 2, 3, 4]).prop_shuffle(),
    ) {
        let scores = |name: &dyn Fn(u16) -> ClassId| {
            let (truth, predicted): (Vec<_>, Vec<_>) =
                pairs.iter().map(|&(a, b)| (name(a), name(b))).unzip();
            ConfusionCounts::new(&truth, &predicted, 5).unwrap().scores()
        };
        let (plain, renamed) = (scores(&ClassId), scores(&|it| ClassId(names[usize::from(it)])));
        prop_assert!(close(renamed.accuracy, plain.accuracy));
        prop_assert!(close(renamed.macro_f1, plain.macro_f1));
        prop_assert!(close(renamed.weighted_f1, plain.weighted_f1));
        prop_assert!(close(renamed.balanced_accuracy, plain.balanced_accuracy));
    }

    #[test]
    fn auroc_turns_round_with_the_scores_and_ignores_their_scale(
        rows in vec((-5_i8..5, any::<bool>()), 2..40),
    ) {
        let wrong: Vec<_> = rows.iter().map(|row| row.1).collect();
        let auroc = |map: &dyn Fn(f64) -> f64| {
            let scores: Vec<_> = rows.iter().map(|row| map(f64::from(row.0))).collect();
            detection::auroc(&scores, &wrong).unwrap()
        };
        let plain = auroc(&|it| it);
        prop_assert_eq!(plain.is_none(), wrong.iter().all(|&it| it) || !wrong.contains(&true));
        prop_assert_eq!(auroc(&f64::exp), plain);
        if let (Some(plain), Some(turned)) = (plain, auroc(&|it| -it)) {
            prop_assert!((plain + turned - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_perfect_ranking_scores_1_and_any_ranking_beats_the_worst(
        rows in vec((-5_i8..5, any::<bool>()), 2..40),
    ) {
        let wrong: Vec<_> = rows.iter().map(|row| row.1).collect();
        let perfect: Vec<_> = wrong.iter().map(|&it| f64::from(u8::from(it))).collect();
        let scores: Vec<_> = rows.iter().map(|row| f64::from(row.0)).collect();
        if let Some(best) = detection::average_precision(&perfect, &wrong).unwrap() {
            let worst: Vec<_> = perfect.iter().map(|it| -it).collect();
            let worst = detection::average_precision(&worst, &wrong).unwrap().unwrap();
            let ours = detection::average_precision(&scores, &wrong).unwrap().unwrap();
            prop_assert!(close(best, 1.0));
            // Tied wrong rows at the very end score their share; nothing scores 0.
            prop_assert!(0.0 < ours && ours <= 1.0 + 1e-12 && worst <= 1.0, "{ours}, {worst}");
        }
    }

    #[test]
    fn posteriors_are_probabilities_that_add_up_to_1(values in vec(-50.0..50.0_f64, 2..40)) {
        prop_assume!(values.iter().any(|it| it.to_bits() != values[0].to_bits()));
        let mixture = mixture::fit(&values, &MixtureConfig::default()).unwrap();
        prop_assert!(mixture.means[0] <= mixture.means[1]);
        prop_assert!((mixture.proportions.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        for value in values {
            let (lower, upper) = (mixture.posterior_lower(value), mixture.posterior_upper(value));
            prop_assert!((0.0..=1.0).contains(&upper) && (lower + upper - 1.0).abs() < 1e-9);
        }
    }
}

/// Where the mean falls on a value, rounding decides whether that value is below it; so the exact
/// mean is taken from the store.
fn same_below_mean(
    all: NegativeStatistics,
    weights: &MarginWeights,
    alm: impl Iterator<Item = f64>,
) {
    let ours = weights.statistics();
    assert!(close(ours.mean, all.mean));
    same(ours, NegativeStatistics { mean: ours.mean, ..all }.below_mean(alm));
}
