//! Every loss and its gradient against its formula in f64, from logits of 1e-6 to logits of 1e6.
//!
//! Tolerances. A value differs by at most 1e-5 of itself and 2e-6 of what the loss is made of. An
//! entry of a gradient differs by at most 1e-4 of the largest of its row and 1e-6 of the same:
//! `1 − p` in f32 knows no steps below 6e-8, so a row that is as good as learned has a gradient
//! right to that and not to seven digits of its own.

mod contrastive;

use burn::tensor::{Int, Tensor};
use lane_losses::active_negative::{self, AnlCeConfig};
use lane_losses::active_passive::ActivePassiveConfig;
use lane_losses::asymmetric_cross_entropy::{self, AgceConfig};
use lane_losses::blurry::BlurryConfig;
use lane_losses::cross_entropy;
use lane_losses::focal::FocalConfig;
use lane_losses::generalized_cross_entropy::GceConfig;
use lane_losses::noise_layer;
use lane_losses::normalized;
use lane_losses::peer::{self, PeerConfig};
use lane_losses::piecewise_zero::PiecewiseZeroConfig;
use lane_losses::robust::RobustLoss;
use lane_losses::semi_supervised::{self, MixedLoss};
use lane_losses::symmetric_cross_entropy::{self, SceConfig};
use proptest::prelude::*;

use crate::batch::{Batch, CLASSES, batches, data};
use crate::dual::{Dual, constant, log_softmax, log_sum_exp, sum, variables};

const SCALES: [f32; 5] = [1e-6, 1e-3, 1.0, 1e3, 1e6];

type PerRow = Box<dyn Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1>>;
type Formula = Box<dyn Fn(&[Dual], usize) -> Dual>;

/// A loss of a row of logits.
struct Case {
    name: &'static str,
    loss: PerRow,
    formula: Formula,
    /// What it is made of: the largest factor of a term.
    size: f64,
    /// Whether its gradient shrinks as logits grow, as a share of them does.
    is_share: bool,
}

fn case(
    name: &'static str,
    size: f64,
    loss: impl Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1> + 'static,
    formula: impl Fn(&[Dual], usize) -> Dual + 'static,
) -> Case {
    Case { name, loss: Box::new(loss), formula: Box::new(formula), size, is_share: false }
}

fn robust(
    name: &'static str,
    size: f64,
    loss: RobustLoss,
    formula: impl Fn(&[Dual], usize) -> Dual + 'static,
) -> Case {
    case(name, size, move |z, y| loss.per_row(z, y), formula)
}

/// ℓ.
fn ce(z: &[Dual], y: usize) -> Dual {
    -log_softmax(z)[y]
}

fn nce(z: &[Dual], y: usize) -> Dual {
    ce(z, y) / -sum(log_softmax(z))
}

/// `− (1 − p)^g log p` with the factor a constant.
fn focal_of(log_p: Dual, g: f64) -> Dual {
    -log_p * (-log_p).fallen().detached().pow(g)
}

fn nnce(z: &[Dual], y: usize) -> Dual {
    let short: Vec<Dual> = log_softmax(z)
        .iter()
        .map(|it| it.at_least(1e-7_f64.ln()) - constant(1e-7_f64.ln()))
        .collect();
    constant(1.0) - short[y] / sum(short.iter().copied())
}

fn nnfl(z: &[Dual], y: usize) -> Dual {
    let worst = -(1.0 - 1e-7_f64).sqrt() * 1e-7_f64.ln();
    let of =
        |it: &Dual| (constant(worst) - focal_of(it.at_least(1e-7_f64.ln()), 0.5)).at_least(0.0);
    let short: Vec<Dual> = log_softmax(z).iter().map(of).collect();
    constant(1.0) - short[y] / sum(short.iter().copied())
}

#[expect(clippy::too_many_lines, reason = "a list, one entry a loss")]
fn cases() -> Vec<Case> {
    let mae = |z: &[Dual], y| ce(z, y).fallen();
    let rce = move |z: &[Dual], y| mae(z, y) * -(1e-4_f64.ln());
    let blurry = |gamma, detach_weight| RobustLoss::Blurry(BlurryConfig { gamma, detach_weight });
    let weight = |z: &[Dual], y| (-ce(z, y).at_most(-(1e-30_f64.ln())) * 0.3).exp();
    let focal = |gamma, detach_weight| RobustLoss::Focal(FocalConfig { gamma, detach_weight });
    let gce = |q: f64| {
        move |z: &[Dual], y: usize| (ce(z, y).at_most(-(1e-7_f64.ln())) * q).fallen() * (1.0 / q)
    };
    let share = |case: Case| Case { is_share: true, ..case };
    vec![
        case("cross-entropy", 1.0, cross_entropy::per_row, ce),
        robust("blurry", 1.0, blurry(0.3, false), move |z, y| weight(z, y) * ce(z, y)),
        robust("blurry, detached", 1.0, blurry(0.3, true), move |z, y| {
            weight(z, y).detached() * ce(z, y)
        }),
        robust(
            "piecewise zero",
            1.0,
            RobustLoss::PiecewiseZero(PiecewiseZeroConfig::default()),
            |z, y| {
                let loss = ce(z, y);
                if loss.value > -(0.2_f64.ln()) { constant(0.0) } else { loss }
            },
        ),
        robust("focal, detached", 1.0, focal(2.0, true), |z, y| focal_of(log_softmax(z)[y], 2.0)),
        robust("focal", 1.0, focal(2.0, false), |z, y| {
            ce(z, y).fallen().at_least(1e-7).pow(2.0) * ce(z, y)
        }),
        robust("gce", 1.5, RobustLoss::Gce(GceConfig { q: 0.7 }), gce(0.7)),
        robust("gce of a small q", 20.0, RobustLoss::Gce(GceConfig { q: 0.05 }), gce(0.05)),
        robust("mae", 1.0, RobustLoss::Mae, mae),
        case("rce", 10.0, symmetric_cross_entropy::rce, rce),
        robust("sce", 10.0, RobustLoss::Sce(SceConfig::default()), move |z, y| {
            ce(z, y) * 0.1 + rce(z, y)
        }),
        share(case("nce", 1.0, normalized::nce, nce)),
        share(case(
            "nfl",
            1.0,
            |z, y| normalized::nfl(z, y, 0.5),
            |z, y| {
                let of: Vec<Dual> = log_softmax(z).iter().map(|it| focal_of(*it, 0.5)).collect();
                of[y] / sum(of.iter().copied())
            },
        )),
        robust("nce+rce", 10.0, RobustLoss::NceRce(ActivePassiveConfig::default()), move |z, y| {
            nce(z, y) + rce(z, y)
        }),
        case("nnce", 1.0, active_negative::nnce, nnce),
        case("nnfl", 1.0, |z, y| active_negative::nnfl(z, y, 0.5), nnfl),
        robust("anl-ce", 10.0, RobustLoss::AnlCe(AnlCeConfig::default()), |z, y| {
            nce(z, y) * 5.0 + nnce(z, y) * 5.0
        }),
        case(
            "agce",
            30.0,
            |z, y| asymmetric_cross_entropy::per_row(z, y, &AgceConfig::default()),
            |z, y| {
                let p = (-ce(z, y).at_most(-(1e-7_f64.ln()))).exp();
                (constant(7.0).pow(1.5) - (p + constant(6.0)).pow(1.5)) * (1.0 / 1.5)
            },
        ),
        case(
            "peer",
            10.0,
            |z, y| peer::per_row(z, y, &PeerConfig::default()),
            |z, y| -((-ce(z, y)).exp() + constant(1e-5)).ln(),
        ),
        case(
            "of unit logits",
            4.0,
            |z, y| cross_entropy::per_row(cross_entropy::unit_logits(z), y),
            |z, y| {
                let length = sum(z.iter().map(|it| *it * *it)).sqrt();
                ce(&z.iter().map(|it| *it / length).collect::<Vec<_>>(), y)
            },
        ),
        case("noise layer", 2.0, with_noise, |z, y| {
            let given = |j: usize| (if j == y { 0.8 } else { 0.2 / 3.0_f64 }).ln();
            let both: Vec<Dual> =
                log_softmax(z).iter().enumerate().map(|(j, it)| *it + constant(given(j))).collect();
            -log_sum_exp(&both).at_least(1e-12_f64.ln())
        }),
        case("soft labels", 1.0, with_soft_labels, |z, y| {
            let share = |k: usize| if k == y { 0.7 } else { 0.1 };
            -sum(log_softmax(z).iter().enumerate().map(|(k, it)| *it * share(k)))
        }),
    ]
}

fn with_noise(z: Tensor<2>, y: Tensor<1, Int>) -> Tensor<1> {
    let b: Vec<f32> = noise_layer::from_rate(CLASSES, 0.2).iter().map(|it| *it as f32).collect();
    let b = Tensor::<1>::from_data(b.as_slice(), &z.device()).reshape([CLASSES, CLASSES]);
    noise_layer::per_row(z, y, b)
}

fn with_soft_labels(z: Tensor<2>, y: Tensor<1, Int>) -> Tensor<1> {
    let targets = semi_supervised::one_hot(y, CLASSES) * 0.6 + 0.1;
    cross_entropy::soft(z, targets)
}

fn scaled(batch: &Batch, scale: f32) -> Batch {
    let mut scaled = batch.clone();
    scaled.logits.iter_mut().flatten().for_each(|it| *it *= scale);
    scaled.embeddings.iter_mut().flatten().for_each(|it| *it *= scale);
    scaled
}

/// Checks a gradient, row by row, against a formula of all its entries.
#[track_caller]
fn same_gradient(what: &str, ours: &[f32], exact: &[f64], width: usize, floor: f64) {
    assert_eq!(ours.len(), exact.len(), "{what}");
    for (ours, exact) in ours.chunks(width).zip(exact.chunks(width)) {
        let largest = exact.iter().map(|it| it.abs()).fold(0.0, f64::max);
        for (a, b) in ours.iter().zip(exact) {
            let difference = (f64::from(*a) - b).abs();
            assert!(difference <= 1e-4 * largest + floor, "{what}: {ours:?} for {exact:?}");
        }
    }
}

#[track_caller]
fn same_value(what: &str, ours: f32, exact: f64, size: f64) {
    let difference = (f64::from(ours) - exact).abs();
    assert!(difference <= 1e-5 * exact.abs() + 2e-6 * size, "{what}: {ours} for {exact}");
}

/// Values and gradient of a formula over all logits of a batch; `formula` takes the row and its number.
fn by_rows(batch: &Batch, formula: &dyn Fn(&[Dual], usize) -> Dual) -> (Vec<f64>, Vec<f64>) {
    let values = batch.logits.iter().zip(&batch.labels).map(|(row, label)| {
        formula(&variables(row, CLASSES), usize::try_from(*label).unwrap()).value
    });
    let slopes = batch.logits.iter().zip(&batch.labels).flat_map(|(row, label)| {
        let label = usize::try_from(*label).unwrap();
        (0..CLASSES).map(move |k| formula(&variables(row, k), label).slope)
    });
    (values.collect(), slopes.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn losses_of_a_row_and_their_gradients(batch in batches(1.0)) {
        for scale in SCALES {
            let batch = scaled(&batch, scale);
            // A row whose probability sits on a cutoff may fall on either side of it.
            let losses = by_rows(&batch, &ce).0;
            let edges = [-(0.2_f64.ln()), -(1e-7_f64.ln()), -(1e-30_f64.ln()), -(1e-12_f64.ln())];
            prop_assume!(losses.iter().all(|it| edges.iter().all(|edge| (it - edge).abs() > 1e-4)));
            for Case { name, loss, formula, size, is_share } in cases() {
                let z = batch.logits();
                let per_row = loss(z.clone(), batch.labels());
                let gradient = data(z.grad(&per_row.clone().sum().backward()).unwrap());
                let (values, slopes) = by_rows(&batch, &formula);
                let what = format!("{name} at {scale:e}");
                for (ours, exact) in data(per_row).into_iter().zip(values) {
                    same_value(&what, ours, exact, size);
                }
                let shrinks = if is_share { f64::from(scale).max(1.0) } else { 1.0 };
                same_gradient(&what, &gradient, &slopes, CLASSES, 1e-6 * size / shrinks);
            }
        }
    }

    #[test]
    fn losses_of_a_mixed_batch_and_their_gradients(batch in batches(1.0)) {
        for scale in SCALES {
            let batch = scaled(&batch, scale);
            let n = batch.labels.len();
            let n_labelled = n / 2;
            let z = batch.logits();
            let targets = semi_supervised::one_hot(batch.labels(), CLASSES) * 0.6 + 0.1;
            let parts = MixedLoss::of(z.clone(), targets, n_labelled);
            let loss = parts.total(2.0) + semi_supervised::confidence_penalty(z.clone());
            let gradient = data(z.grad(&loss.backward()).unwrap());
            let flat = batch.logits.concat();
            let exact = |chosen| mixed(&variables(&flat, chosen), &batch.labels, n_labelled);
            let what = format!("mixed at {scale:e}");
            same_value(&what, loss.into_scalar(), exact(flat.len()).value, 4.0);
            let slopes: Vec<f64> = (0..flat.len()).map(|at| exact(at).slope).collect();
            same_gradient(&what, &gradient, &slopes, flat.len(), 2e-6);
        }
    }
}

/// `L_x + 2 L_u + L_reg`, and the penalty of certainty.
fn mixed(z: &[Dual], labels: &[i32], n_labelled: usize) -> Dual {
    let n = labels.len();
    let log_p: Vec<Vec<Dual>> = z.chunks(CLASSES).map(log_softmax).collect();
    let target = |row: usize, k: usize| if labels[row] == k as i32 { 0.7 } else { 0.1 };
    let cells =
        |rows: std::ops::Range<usize>| rows.flat_map(|row| (0..CLASSES).map(move |k| (row, k)));
    let labelled = sum(cells(0..n_labelled).map(|(row, k)| -log_p[row][k] * target(row, k)));
    let square = |(row, k): (usize, usize)| {
        let off = log_p[row][k].exp() - constant(target(row, k));
        off * off
    };
    let unlabelled = sum(cells(n_labelled..n).map(square));
    let even = 1.0 / CLASSES as f64;
    let balance = sum((0..CLASSES).map(|k| {
        let mean = sum((0..n).map(|row| log_p[row][k].exp())) * (1.0 / n as f64);
        (constant(even.ln()) - mean.at_least(1e-12).ln()) * even
    }));
    let penalty = sum(cells(0..n).map(|(row, k)| log_p[row][k].exp() * log_p[row][k]));
    labelled * (1.0 / n_labelled.max(1) as f64)
        + unlabelled * (2.0 / ((n - n_labelled).max(1) * CLASSES) as f64)
        + balance
        + penalty * (1.0 / n as f64)
}
