//! The contrastive losses, whose gradients flow into embeddings and, where attached, into weights.

use burn::tensor::{Int, Tensor};
use lane_losses::label_aware_contrastive::{self, ContrastiveConfig};
use lane_losses::label_contrastive::{self, LabelContrastiveConfig};
use lane_losses::supervised_contrastive::{self, SupervisedContrastiveConfig};
use proptest::prelude::*;

use super::{SCALES, same_gradient, same_value, scaled};
use crate::batch::{CLASSES, WIDTH, batches, data};
use crate::dual::{Dual, constant, log_softmax, log_sum_exp, sum, variables};

/// The contrastive losses there are.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Contrast {
    /// Against all others, without weights.
    Supervised,
    /// As LANE prints it.
    LabelAware,
    /// That with a gradient on the auxiliary logits.
    Attached,
    /// Its ancestor: against all others, the own weight outside, with that gradient.
    Outside,
}

impl Contrast {
    fn loss(self, h: Tensor<2>, z: Tensor<2>, labels: Tensor<1, Int>) -> Tensor<1> {
        if self == Self::Supervised {
            return supervised_contrastive::loss(
                h,
                labels,
                &SupervisedContrastiveConfig::default(),
            );
        }
        if self == Self::Outside {
            return label_contrastive::loss(h, z, labels, &LabelContrastiveConfig::default());
        }
        let attach_auxiliary = self == Self::Attached;
        let config = ContrastiveConfig { attach_auxiliary, ..ContrastiveConfig::default() };
        label_aware_contrastive::loss(h, z, labels, &config)
    }

    /// The term of every anchor, of which the loss is the mean.
    fn terms(self, h: &[Dual], z: &[Dual], y: &[i32]) -> Vec<Dual> {
        let n = y.len();
        let unit: Vec<Vec<Dual>> = h
            .chunks(WIDTH)
            .map(|row| {
                let length = sum(row.iter().map(|it| *it * *it)).sqrt();
                row.iter().map(|it| *it / length).collect()
            })
            .collect();
        let log_w: Vec<Vec<Dual>> = z.chunks(CLASSES).map(log_softmax).collect();
        let against_all = matches!(self, Self::Supervised | Self::Outside);
        let term = |a: usize| {
            let similar = |b: usize| sum((0..WIDTH).map(|i| unit[a][i] * unit[b][i])) * (1.0 / 0.3);
            let weight = |b: usize| match self {
                Self::Supervised => constant(0.0),
                _ => log_w[a][y[b] as usize],
            };
            let positives: Vec<usize> = (0..n).filter(|&b| b != a && y[b] == y[a]).collect();
            let compared = |b: &usize| *b != a && (against_all || y[*b] != y[a]);
            let others: Vec<Dual> =
                (0..n).filter(compared).map(|b| similar(b) + weight(b)).collect();
            if positives.is_empty() || others.is_empty() {
                return constant(0.0);
            }
            let attraction =
                sum(positives.iter().map(|&b| similar(b))) * (1.0 / positives.len() as f64);
            let term = log_sum_exp(&others) - attraction;
            if self == Self::Outside { term * weight(a).exp() } else { term - weight(a) }
        };
        (0..n).map(term).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn contrastive_losses_and_their_gradients(batch in batches(1.0)) {
        for scale in SCALES {
            let batch = scaled(&batch, scale);
            let short = |row: &[f32; WIDTH]| row.iter().all(|it| it.abs() < 0.05 * scale);
            prop_assume!(!batch.embeddings.iter().any(short));
            let (flat_h, flat_z) = (batch.embeddings.concat(), batch.logits.concat());
            let none = usize::MAX;
            for kind in [Contrast::Supervised, Contrast::LabelAware, Contrast::Attached, Contrast::Outside] {
                let (h, z) = (batch.embeddings(), batch.logits());
                let loss = kind.loss(h.clone(), z.clone(), batch.labels());
                let gradients = loss.backward();
                let of_h = data(h.grad(&gradients).unwrap());
                let n = batch.labels.len() as f64;
                let terms = |in_h, in_z| {
                    kind.terms(&variables(&flat_h, in_h), &variables(&flat_z, in_z), &batch.labels)
                };
                let exact = |in_h, in_z| sum(terms(in_h, in_z)) * (1.0 / n);
                let what = format!("contrastive, {kind:?}, at {scale:e}");
                // Terms of either sign may all but cancel; each is right to its own size.
                let size = terms(none, none).iter().map(|it| it.value.abs()).sum::<f64>() / n;
                same_value(&what, loss.into_scalar(), exact(none, none).value, size.max(4.0));
                // In units of one over the length of an embedding, as a direction turns.
                let unit = |it: f64| it * f64::from(scale);
                let ours: Vec<f32> = of_h.iter().map(|it| unit(f64::from(*it)) as f32).collect();
                let slopes: Vec<f64> = (0..flat_h.len()).map(|at| unit(exact(at, none).slope)).collect();
                same_gradient(&what, &ours, &slopes, flat_h.len(), 2e-5);
                if matches!(kind, Contrast::Attached | Contrast::Outside) {
                    let ours = data(z.grad(&gradients).unwrap());
                    let slopes: Vec<f64> = (0..flat_z.len()).map(|at| exact(none, at).slope).collect();
                    same_gradient(&what, &ours, &slopes, flat_z.len(), 2e-5);
                }
            }
        }
    }
}
