//! Losses of logits and labels, row by row: cross-entropy and all its robust relatives.

use burn::tensor::{Int, Tensor};
use lane_losses::active_negative;
use lane_losses::active_passive::{self, ActivePassiveConfig};
use lane_losses::asymmetric_cross_entropy::{self, AgceConfig};
use lane_losses::blurry::BlurryConfig;
use lane_losses::cross_entropy;
use lane_losses::focal::FocalConfig;
use lane_losses::generalized_cross_entropy::GceConfig;
use lane_losses::normalized;
use lane_losses::piecewise_zero::PiecewiseZeroConfig;
use lane_losses::robust::{RobustKind, RobustLoss};
use lane_losses::symmetric_cross_entropy;
use proptest::prelude::*;

use crate::batch::{Batch, CLASSES, all_finite, batches, data, extreme_batches, near};

pub(crate) type PerRow = Box<dyn Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1>>;

fn blurry(gamma: f64, detach_weight: bool) -> RobustLoss {
    RobustLoss::Blurry(BlurryConfig { gamma, detach_weight })
}

fn focal(gamma: f64, detach_weight: bool) -> RobustLoss {
    RobustLoss::Focal(FocalConfig { gamma, detach_weight })
}

fn piecewise_zero(cutoff: f64) -> RobustLoss {
    RobustLoss::PiecewiseZero(PiecewiseZeroConfig { cutoff })
}

fn gce(q: f64) -> RobustLoss {
    RobustLoss::Gce(GceConfig { q })
}

/// Every loss with the settings of few and of many classes, the other gradients, and the edges.
fn robust() -> Vec<RobustLoss> {
    let defaults = RobustKind::ALL
        .into_iter()
        .flat_map(|kind| [4, 100].map(|n_classes| RobustLoss::for_classes(kind, n_classes)));
    let edges = [blurry(0.3, true), blurry(0.01, false), focal(0.5, false), focal(0.01, false)];
    defaults.chain(edges).chain([gce(1.0), gce(0.05), gce(1e-5), piecewise_zero(0.9)]).collect()
}

/// Those, and the losses that have no name of their own among them.
pub(crate) fn losses() -> Vec<(String, PerRow)> {
    let named = robust().into_iter().map(|loss| {
        let name = format!("{loss:?}");
        let per_row: PerRow = Box::new(move |z, y| loss.per_row(z, y));
        (name, per_row)
    });
    let agce = |a, q| -> PerRow {
        Box::new(move |z, y| asymmetric_cross_entropy::per_row(z, y, &AgceConfig { a, q }))
    };
    let pair = ActivePassiveConfig::default();
    let others: [(&str, PerRow); 9] = [
        ("rce", Box::new(symmetric_cross_entropy::rce)),
        ("nce", Box::new(normalized::nce)),
        ("nfl", Box::new(|z, y| normalized::nfl(z, y, 0.5))),
        ("nnce", Box::new(active_negative::nnce)),
        ("nnfl", Box::new(|z, y| active_negative::nnfl(z, y, 0.5))),
        ("nce+mae", Box::new(move |z, y| active_passive::nce_mae(z, y, &pair))),
        ("agce", agce(6.0, 1.5)),
        ("agce at its edge", agce(0.0, 0.5)),
        (
            "of unit logits",
            Box::new(|z, y| cross_entropy::per_row(cross_entropy::unit_logits(z), y)),
        ),
    ];
    named.chain(others.map(|(name, it)| (name.to_owned(), it))).collect()
}

/// Values, and the gradient of their sum.
fn slopes(
    per_row: impl Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1>,
    batch: &Batch,
) -> (Vec<f32>, Vec<f32>) {
    let z = batch.logits();
    let per_row = per_row(z.clone(), batch.labels());
    let gradients = per_row.clone().sum().backward();
    (data(per_row), data(z.grad(&gradients).unwrap()))
}

fn alike(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| near(a, b))
}

proptest! {
    #[test]
    fn cross_entropy_is_finite_and_never_negative(batch in batches(1e30)) {
        let z = batch.logits();
        let per_row = cross_entropy::per_row(z.clone(), batch.labels());
        let gradients = per_row.clone().sum().backward();
        prop_assert!(all_finite(z.grad(&gradients)));
        for loss in data(per_row) {
            prop_assert!(loss.is_finite() && loss >= 0.0, "{loss}");
        }
    }

    #[test]
    fn every_loss_is_finite_and_never_negative_and_so_its_gradient_is_finite(batch in extreme_batches()) {
        for (name, per_row) in losses() {
            let (values, gradient) = slopes(per_row, &batch);
            prop_assert!(gradient.iter().all(|it| it.is_finite()), "{name}: {gradient:?}");
            prop_assert!(values.iter().all(|&it| it.is_finite() && it >= 0.0), "{name}: {values:?}");
        }
    }

    #[test]
    fn the_gradient_of_a_row_sums_to_nothing(batch in batches(10.0)) {
        // Which is to say that a constant added to its logits changes nothing.
        for (name, per_row) in losses().into_iter().filter(|it| it.0 != "of unit logits") {
            let (_, gradient) = slopes(per_row, &batch);
            for row in gradient.chunks(CLASSES) {
                prop_assert!(row.iter().sum::<f32>().abs() < 1e-4, "{name}: {row:?}");
            }
        }
    }

    #[test]
    fn a_constant_added_to_every_logit_changes_nothing(
        batch in batches(10.0), constant in -3200_i16..3200,
    ) {
        // On a grid that f32 adds on without rounding, so that no row crosses a cutoff by it.
        let mut batch = batch;
        batch.logits.iter_mut().flatten().for_each(|it| *it = (*it * 64.0).round() / 64.0);
        let constant = f32::from(constant) / 64.0;
        for (name, per_row) in losses().into_iter().filter(|it| it.0 != "of unit logits") {
            let plain = data(per_row(batch.logits(), batch.labels()));
            let moved = data(per_row(batch.logits() + constant, batch.labels()));
            prop_assert!(alike(&plain, &moved), "{name}: {plain:?} became {moved:?}");
        }
    }

    #[test]
    fn at_its_limit_a_loss_is_cross_entropy(batch in batches(3.0)) {
        let plain = slopes(cross_entropy::per_row, &batch);
        let limits =
            [blurry(0.0, false), focal(0.0, false), focal(0.0, true), piecewise_zero(0.0), gce(0.0), gce(1e-5)];
        for loss in limits {
            let (values, gradient) = slopes(|z, y| loss.per_row(z, y), &batch);
            prop_assert!(alike(&plain.0, &values), "{loss:?}: {values:?} for {:?}", plain.0);
            prop_assert!(alike(&plain.1, &gradient), "{loss:?}: {gradient:?} for {:?}", plain.1);
        }
    }

    #[test]
    fn between_its_ends_generalized_cross_entropy_is_smooth_where_the_formula_changes(batch in batches(5.0)) {
        let of = |q| slopes(move |z, y| gce(q).per_row(z, y), &batch);
        let (below, above) = (of(0.099_999_9), of(0.1));
        prop_assert!(alike(&below.0, &above.0) && alike(&below.1, &above.1));
    }

    #[test]
    fn the_blurry_loss_pushes_exactly_where_the_label_is_less_likely_than_its_turn(
        batch in batches(6.0), gamma in 0.1_f64..1.0,
    ) {
        let (loss, gradient) = slopes(|z, y| blurry(gamma, false).per_row(z, y), &batch);
        let plain = data(cross_entropy::per_row(batch.logits(), batch.labels()));
        for (row, (&label, plain)) in batch.labels.iter().zip(plain).enumerate() {
            let beyond = f64::from(plain) * gamma - 1.0;
            if beyond.abs() < 1e-3 { continue; }
            let slope = gradient[row * CLASSES + usize::try_from(label).unwrap()];
            prop_assert!((slope > 0.0) == (beyond > 0.0), "{slope} at {plain}");
        }
        let largest = 1.0 / (std::f64::consts::E * gamma);
        prop_assert!(loss.iter().all(|&it| f64::from(it) <= largest + 1e-5));
    }

    #[test]
    fn rows_below_the_cutoff_cost_nothing_and_get_no_gradient(batch in batches(0.2)) {
        // Four classes within 0.4 of each other: no probability reaches 0.4.
        let (values, gradient) = slopes(|z, y| piecewise_zero(0.4).per_row(z, y), &batch);
        prop_assert!(values.iter().chain(&gradient).all(|it| it.abs() <= 0.0));
        let mean = piecewise_zero(0.4).mean(batch.logits(), batch.labels()).into_scalar::<f32>();
        prop_assert!(mean.abs() <= 0.0);
    }
}

#[test]
fn a_probability_equal_to_the_cutoff_counts() {
    let batch = Batch { embeddings: vec![], logits: vec![[2.5; 4]], labels: vec![1] };
    let (values, gradient) = slopes(|z, y| piecewise_zero(0.25).per_row(z, y), &batch);
    assert!((values[0] - 4.0_f32.ln()).abs() < 1e-6);
    assert!((gradient[1] + 0.75).abs() < 1e-6);
}

#[test]
fn a_batch_without_rows_costs_nothing() {
    let batch = Batch { embeddings: vec![], logits: vec![], labels: vec![] };
    for loss in robust() {
        let mean = loss.mean(batch.logits(), batch.labels()).into_scalar::<f32>();
        assert!(mean.abs() <= 0.0, "{loss:?}: {mean}");
    }
}

#[test]
fn with_a_single_class_every_loss_is_nothing_and_finite() {
    let device = Batch { embeddings: vec![], logits: vec![], labels: vec![] }.labels().device();
    for (name, per_row) in losses() {
        let z = Tensor::<2>::from_data([[3.0_f32], [-1e4]], &device).require_grad();
        let per_row = per_row(z.clone(), Tensor::from_data([0_i32, 0], &device));
        let gradients = per_row.clone().sum().backward();
        assert!(data(per_row.clone()).iter().all(|it| it.abs() < 1e-6), "{name}: {per_row}");
        assert!(all_finite(z.grad(&gradients)), "{name}");
    }
}
