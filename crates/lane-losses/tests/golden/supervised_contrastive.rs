//! `scl.json`: three batches at three temperatures, and the sum with cross-entropy.

use burn::tensor::Tensor;
use lane_losses::cross_entropy;
use lane_losses::supervised_contrastive::{self, Reduction, SupervisedContrastiveConfig};
use serde_json::Value;

use crate::file::{agree, data, labels, read, rows};

/// Batches and their labels, as the script that made the file has them.
fn batches() -> [(&'static str, Value); 3] {
    [("two_pairs", [0, 0, 1, 1]), ("singletons", [0, 0, 1, 2]), ("triple", [0, 0, 0, 1])]
        .map(|(name, y)| (name, Value::from(y.to_vec())))
}

fn at(temperature: f64, reduction: Reduction) -> SupervisedContrastiveConfig {
    SupervisedContrastiveConfig { temperature, reduction }
}

#[test]
fn values_and_gradients_are_golden_at_every_temperature() {
    let golden = read("scl");
    for (batch, y) in batches() {
        for temperature in [0.07, 0.3, 0.5] {
            let what = format!("{batch}, tau {temperature}");
            let expected = &golden["expected"][batch][format!("tau={temperature}")];
            let h = rows(&golden["inputs"]["h"]);
            let sum = at(temperature, Reduction::Sum);
            let anchors = supervised_contrastive::anchors(h.clone(), labels(&y), &sum);
            agree(&what, anchors.terms, &expected["per_anchor"]);
            for (reduction, name) in [
                (Reduction::Sum, "sum"),
                (Reduction::BatchMean, "mean_over_batch"),
                (Reduction::ValidMean, "mean_over_valid"),
            ] {
                let config = at(temperature, reduction);
                let loss = supervised_contrastive::loss(h.clone(), labels(&y), &config);
                agree(&format!("{what}, {name}"), loss, &expected[name]);
            }
            let loss = supervised_contrastive::loss(h.clone(), labels(&y), &sum);
            let gradient: Tensor<2> = h.grad(&loss.backward()).unwrap();
            agree(&what, gradient, &expected["grad_h_sum"]);
        }
    }
}

#[test]
fn the_sum_with_cross_entropy_is_golden() {
    let golden = read("scl");
    for (batch, y) in batches() {
        let expected = &golden["expected"][batch];
        let plain = cross_entropy::mean(rows(&golden["inputs"]["logits"]), labels(&y));
        agree(batch, plain.clone(), &expected["ce_mean"]);
        let h = rows(&golden["inputs"]["h"]);
        let config = SupervisedContrastiveConfig::default();
        let contrastive = supervised_contrastive::loss(h, labels(&y), &config);
        agree(batch, plain * 0.1 + contrastive * 0.9, &expected["total_lambda0.9_tau0.3"]);
    }
}

#[test]
fn a_label_that_occurs_once_costs_nothing_and_has_no_gradient() {
    let golden = read("scl");
    let h = rows(&golden["inputs"]["h"]);
    let y = labels(&Value::from(vec![0, 1, 2, 3]));
    let config = SupervisedContrastiveConfig::default();
    let loss = supervised_contrastive::loss(h.clone(), y, &config);
    let gradients = loss.backward();
    assert_eq!(data(loss), [0.0]);
    assert_eq!(data(h.grad(&gradients).unwrap()), [0.0; 12]);
}
