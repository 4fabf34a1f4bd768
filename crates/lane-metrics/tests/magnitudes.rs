//! Every metric of f32 logits against the plain formula in f64, from logits of 1e-6 to logits of 1e6.
//!
//! The references are written as the formulas read, from the very f32 values that were handed in,
//! so what differs is rounding inside the crate. Tolerances are relative, and stated at each.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

use lane_metrics::cartography::Look;
use lane_metrics::confident_learning::{LabeledRows, scores};
use lane_metrics::hyperspherical_margin;
use lane_metrics::mixture::{self, MixtureConfig};
use lane_metrics::weights::{MarginWeights, WeightConfig};
use lane_metrics::{
    ClassId, Logits, Probabilities, RowId, detection, label_aware, margin, softmax, summary,
};
use proptest::collection::vec;
use proptest::prelude::*;

const SCALES: [f32; 5] = [1e-6, 1e-3, 1.0, 1e3, 1e6];
const N_CLASSES: usize = 4;
/// One rounding to f32 is 6e-8; margin, quotient and result take one each.
const F32: f64 = 2e-7;
const FLOOR: f32 = label_aware::DEFAULT_FLOOR;

#[derive(Clone, Debug)]
struct Batch {
    labels: Vec<ClassId>,
    /// Row-major, within −1..1.
    theta: Vec<f32>,
    pi: Vec<f32>,
}

fn batch() -> impl Strategy<Value = Batch> {
    (2_usize..10).prop_flat_map(|n_rows| {
        let values = || vec(-1.0_f32..1.0, n_rows * N_CLASSES);
        let labels = vec((0..N_CLASSES as u16).prop_map(ClassId), n_rows);
        (labels, values(), values()).prop_map(|(labels, theta, pi)| Batch { labels, theta, pi })
    })
}

impl Batch {
    fn scaled(&self, scale: f32) -> Self {
        let times = |values: &[f32]| values.iter().map(|it| it * scale).collect();
        Self { labels: self.labels.clone(), theta: times(&self.theta), pi: times(&self.pi) }
    }

    fn theta(&self) -> Logits<'_> {
        Logits::new(&self.theta, N_CLASSES).unwrap()
    }

    fn pi(&self) -> Logits<'_> {
        Logits::new(&self.pi, N_CLASSES).unwrap()
    }
}

fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&it| f64::from(it)).collect()
}

/// `e^{z_k} / Σ e^{z_s}`, every exponent less the largest.
fn probabilities(row: &[f32]) -> Vec<f64> {
    let row = wide(row);
    let largest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = row.iter().map(|z| (z - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|it| it / sum).collect()
}

fn exact_margin(row: &[f32], label: ClassId) -> (f64, usize) {
    let row = wide(row);
    let others = (0..row.len()).filter(|k| *k != label.index());
    let rival = others.reduce(|best, k| if row[k] > row[best] { k } else { best }).unwrap();
    (row[label.index()] - row[rival], rival)
}

fn exact_label_aware(batch: &Batch, at: usize) -> f64 {
    let (m, rival) = exact_margin(batch.theta().row(at), batch.labels[at]);
    let w = probabilities(batch.pi().row(at))[rival];
    if m < 0.0 { m / w.max(f64::from(FLOOR)) } else { m }
}

#[track_caller]
fn close(what: &str, ours: f64, exact: f64, relative: f64) {
    // Below 1e-40 an f32 has no digits left.
    assert!((ours - exact).abs() <= relative * exact.abs() + 1e-40, "{what}: {ours}, {exact}");
}

proptest! {
    #[test]
    fn margins_and_label_aware_margins(batch in batch()) {
        for scale in SCALES {
            let batch = batch.scaled(scale);
            let margins = margin::of_batch(batch.theta(), &batch.labels).unwrap();
            let auxiliary = softmax::of_logits(batch.pi());
            for (at, margin) in margins.into_iter().enumerate() {
                let (m, rival) = exact_margin(batch.theta().row(at), batch.labels[at]);
                close("margin", margin.value.into(), m, 6e-8);
                prop_assert_eq!(margin.rival.index(), rival);
                let exact = exact_label_aware(&batch, at);
                let row = batch.pi().row(at);
                close("from logits", label_aware::of_logits(margin, row, FLOOR).into(), exact, F32);
                let w = auxiliary[at * N_CLASSES + rival];
                close("from w", label_aware::of_margin(margin, w, FLOOR).into(), exact, F32);
            }
        }
    }

    #[test]
    fn softmax_log_sum_exp_and_the_probability_of_a_label(batch in batch()) {
        for scale in SCALES {
            let batch = batch.scaled(scale);
            let ours = softmax::of_logits(batch.theta());
            for (at, row) in batch.theta().rows().enumerate() {
                let exact = probabilities(row);
                for (k, exact) in exact.iter().enumerate() {
                    close("softmax", ours[at * N_CLASSES + k].into(), *exact, 1e-7);
                    let class = ClassId(k as u16);
                    let p = Look::of_logits(row, class).unwrap().p_label;
                    close("p_label", p, *exact, 1e-9);
                    let inverse = label_aware::inverse_probability(row, class);
                    // Where p has underflowed its inverse still has a value, or none in f64.
                    if *exact > 1e-300 { close("1/p", inverse * exact, 1.0, 1e-9); }
                    prop_assert!(inverse >= 1.0 - 1e-9);
                }
                let largest = f64::from(row.iter().copied().fold(f32::NEG_INFINITY, f32::max));
                let p_of_largest = exact.iter().copied().fold(0.0, f64::max);
                close("log-sum-exp", softmax::log_sum_exp(row), largest - p_of_largest.ln(), 1e-12);
            }
        }
    }

    #[test]
    fn averages_and_weights(batch in batch(), other in batch()) {
        for scale in SCALES {
            // Two epochs over as many rows as both batches have.
            let n = batch.labels.len().min(other.labels.len());
            let epochs = [batch.scaled(scale), other.scaled(scale)];
            let rows: Vec<_> = (0..n as u32).map(RowId).collect();
            let mut weights = MarginWeights::new(n, WeightConfig::default()).unwrap();
            for epoch in &epochs {
                weights.start_epoch();
                let (z, w) = (&epoch.theta[..n * N_CLASSES], softmax::of_logits(epoch.pi()));
                let auxiliary = Probabilities::new(&w[..n * N_CLASSES], N_CLASSES).ok();
                let logits = Logits::new(z, N_CLASSES).unwrap();
                weights.update(&rows, &epoch.labels[..n], logits, auxiliary).unwrap();
            }
            for (at, row) in rows.iter().enumerate() {
                let of_epoch = epochs.each_ref().map(|it| exact_label_aware(it, at));
                let size = of_epoch.iter().map(|it| it.abs()).fold(0.0, f64::max);
                let alm = weights.averages().alm(*row).unwrap();
                let exact = f64::midpoint(of_epoch[0], of_epoch[1]);
                prop_assert!((alm - exact).abs() <= F32 * size, "{alm}, {exact}");
            }
            check_weights(&weights, &rows);
        }
    }

    #[test]
    fn rankings_of_averages_at_any_scale(batch in batch(), wrong in vec(any::<bool>(), 2..10)) {
        for scale in SCALES {
            let batch = batch.scaled(scale);
            let n = batch.labels.len().min(wrong.len());
            let suspicion: Vec<f64> = (0..n).map(|at| -exact_label_aware(&batch, at)).collect();
            let wrong = &wrong[..n];
            let ours = detection::auroc(&suspicion, wrong).unwrap();
            let exact = exact_auroc(&suspicion, wrong);
            prop_assert_eq!(ours.is_none(), exact.is_none());
            if let (Some(ours), Some(exact)) = (ours, exact) {
                close("AUROC", ours, exact, 1e-12);
            }
            let ours = detection::average_precision(&suspicion, wrong).unwrap();
            if let (Some(ours), Some(exact)) = (ours, exact_average_precision(&suspicion, wrong)) {
                close("AP", ours, exact, 1e-12);
            }
        }
    }

    #[test]
    fn scores_of_confident_learning(batch in batch()) {
        for scale in SCALES {
            let batch = batch.scaled(scale);
            let p: Vec<f64> = batch.theta().rows().flat_map(probabilities).collect();
            let rows = LabeledRows::new(&p, &batch.labels, N_CLASSES).unwrap();
            let confidence = scores::self_confidence(rows);
            let margins = scores::normalized_margin(rows);
            let entropies = scores::confidence_weighted_entropy(rows);
            for (at, (row, label)) in rows.iter().enumerate() {
                let own = row[label.index()];
                let rivals = row.iter().enumerate().filter(|it| it.0 != label.index());
                let rival = rivals.map(|it| *it.1).fold(0.0, f64::max);
                close("self-confidence", confidence[at], own.min(1.0), 1e-15);
                close("normalized margin", margins[at], f64::midpoint(own - rival, 1.0), 1e-15);
                let terms = row.iter().filter(|p| **p > 0.0).map(|p| -p * p.ln());
                let entropy = terms.sum::<f64>() / (N_CLASSES as f64).ln();
                let ratio = entropy.max(0.0) / own.max(1e-6);
                let exact = (ratio + 1.0).ln() / ratio.max(1e-6);
                prop_assert!((entropies[at] - exact).abs() < 1e-9, "{} {exact}", entropies[at]);
            }
        }
    }

    #[test]
    fn distances_from_class_rows(batch in batch()) {
        for scale in SCALES {
            let batch = batch.scaled(scale);
            let (f, w) = (wide(batch.theta().row(0)), wide(batch.pi().row(1)));
            let ours = hyperspherical_margin::distance(&f, &w).unwrap();
            // In units of the scale, so that the reference knows no floor.
            let scale = f64::from(scale);
            let dot = |a: &[f64], b: &[f64]| -> f64 {
                a.iter().zip(b).map(|(a, b)| (a / scale) * (b / scale)).sum()
            };
            let lengths = dot(&f, &f).sqrt() * dot(&w, &w).sqrt();
            prop_assume!(lengths > 1e-3);
            prop_assert!((ours - (1.0 - dot(&f, &w) / lengths) / 2.0).abs() < 1e-9, "{ours}");
        }
    }

    #[test]
    fn mixtures_and_summaries_know_no_unit(batch in batch()) {
        let values: Vec<f64> = batch.theta.iter().map(|&it| f64::from(it)).collect();
        let plain = mixture::fit(&values, &MixtureConfig::default()).unwrap();
        let exact_mean = values.iter().sum::<f64>() / values.len() as f64;
        for scale in SCALES.map(f64::from) {
            let scaled: Vec<f64> = values.iter().map(|it| it * scale).collect();
            let fitted = mixture::fit(&scaled, &MixtureConfig::default()).unwrap();
            for (value, scaled) in values.iter().zip(&scaled) {
                let (ours, exact) = (fitted.posterior_upper(*scaled), plain.posterior_upper(*value));
                prop_assert!((ours - exact).abs() < 1e-6, "{ours}, {exact} at {scale}");
            }
            let summary = summary::of_values(&scaled).unwrap();
            let squares: f64 = values.iter().map(|it| (it - exact_mean).powi(2)).sum();
            let std = (squares / (values.len() - 1) as f64).sqrt();
            close("deviation", summary.std.unwrap(), std * scale, 1e-9);
            prop_assert!((summary.mean - exact_mean * scale).abs() <= 1e-14 * scale);
        }
    }
}

/// λ of every row from the averages in the store, as Eq. 4 to 6 read.
#[track_caller]
fn check_weights(weights: &MarginWeights, rows: &[RowId]) {
    let alm: Vec<f64> = rows.iter().filter_map(|row| weights.averages().alm(*row)).collect();
    let negative: Vec<f64> = alm.iter().copied().filter(|it| *it < 0.0).collect();
    let n = negative.len() as f64;
    let mean = negative.iter().sum::<f64>() / n;
    let variance = negative.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n;
    if negative.len() < 2 || variance < 1e-12 * mean * mean {
        return; // no spread to speak of: rounding decides who is below the mean
    }
    close("mean", weights.statistics().mean, mean, 1e-12);
    close("variance", weights.statistics().variance, variance, 1e-6);
    for (row, alm) in rows.iter().zip(&alm) {
        let below = *alm < 0.0 && *alm < mean;
        let exact = if below { (-(alm - mean).powi(2) / (2.0 * variance)).exp() } else { 1.0 };
        let ours = weights.weight(*row);
        let at_the_mean = (alm - mean).abs() < 1e-9 * mean.abs();
        assert!(at_the_mean || (ours - exact).abs() < 1e-6, "{ours}, {exact} of {alm}");
    }
}

/// Every pair of a wrong and a right row.
fn exact_auroc(scores: &[f64], wrong: &[bool]) -> Option<f64> {
    let of = |kind| scores.iter().zip(wrong).filter(move |it| *it.1 == kind).map(|it| *it.0);
    let pairs = of(true).flat_map(|a| of(false).map(move |b| (a, b)));
    let won = pairs.map(|(a, b)| if a > b { 1.0 } else { f64::from(u8::from(a >= b)) / 2.0 });
    let won: Vec<f64> = won.collect();
    (!won.is_empty()).then(|| won.iter().sum::<f64>() / won.len() as f64)
}

/// Precision at each distinct score, by the recall that it adds.
fn exact_average_precision(scores: &[f64], wrong: &[bool]) -> Option<f64> {
    let n_wrong = wrong.iter().filter(|it| **it).count();
    if n_wrong == 0 || n_wrong == wrong.len() {
        return None;
    }
    let mut thresholds = scores.to_vec();
    thresholds.sort_by(|a, b| b.total_cmp(a));
    thresholds.dedup();
    let (mut area, mut recall) = (0.0, 0.0);
    for threshold in thresholds {
        let taken = scores.iter().zip(wrong).filter(|it| *it.0 >= threshold);
        let (n_taken, n_hit) =
            taken.fold((0.0, 0.0), |(n, hit), it| (n + 1.0, hit + f64::from(u8::from(*it.1))));
        area += (n_hit / n_wrong as f64 - recall) * n_hit / n_taken;
        recall = n_hit / n_wrong as f64;
    }
    Some(area)
}

#[test]
fn a_posterior_far_outside_the_values_fitted_is_a_probability() {
    for range in [1e-300, 1e-200, 1e-6, 1e6, 1e300] {
        let values = [0.0, 0.1 * range, 0.9 * range, range];
        let mixture = mixture::fit(&values, &MixtureConfig::default()).unwrap();
        for value in [-1e308, -1.0, 0.0, 1.0, 1e308] {
            let (lower, upper) = (mixture.posterior_lower(value), mixture.posterior_upper(value));
            assert!((0.0..=1.0).contains(&upper), "{upper} of {value} in {range}");
            assert!((lower + upper - 1.0).abs() < 1e-9, "{lower} {upper}");
        }
    }
    let values = [-1.7e308, -1.6e308, 1.6e308, 1.7e308];
    let mixture = mixture::fit(&values, &MixtureConfig::default()).unwrap();
    assert!(mixture.posterior_upper(1.7e308) > 0.99, "{mixture:?}");
}
