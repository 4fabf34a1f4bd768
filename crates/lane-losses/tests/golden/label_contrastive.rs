//! `lcl.json`: two batches, both places of the weight, gradients on both networks.

use lane_losses::cross_entropy;
use lane_losses::label_aware_contrastive;
use lane_losses::label_contrastive::{self, LabelContrastiveConfig, OwnWeight, Reduction};
use serde_json::Value;

use crate::file::{agree, labels, read, rows};

/// Batches and their labels, as the script that made the file has them.
fn batches() -> [(&'static str, Value); 2] {
    [("two_pairs", [0, 0, 1, 1]), ("singletons", [0, 0, 1, 2])]
        .map(|(name, y)| (name, Value::from(y.to_vec())))
}

#[test]
fn values_and_gradients_on_both_networks_are_golden() {
    let golden = read("lcl");
    let inputs = &golden["inputs"];
    for (batch, y) in batches() {
        for (own_weight, name) in [(OwnWeight::Outside, "code"), (OwnWeight::Inside, "paper_eq3")] {
            let what = format!("{batch}, {name}");
            let expected = &golden["expected"][batch][name];
            let (h, z) = (rows(&inputs["h"]), rows(&inputs["logits_helper"]));
            let mean = LabelContrastiveConfig { own_weight, ..Default::default() };
            let sum = LabelContrastiveConfig { reduction: Reduction::Sum, ..mean.clone() };
            let anchors =
                label_aware_contrastive::anchors(h.clone(), z.clone(), labels(&y), &(&mean).into());
            agree(&what, anchors.terms, &expected["per_anchor"]);
            let loss = label_contrastive::loss(h.clone(), z.clone(), labels(&y), &mean);
            agree(&what, loss, &expected["mean_over_batch"]);
            let loss = label_contrastive::loss(h.clone(), z.clone(), labels(&y), &sum);
            agree(&what, loss.clone(), &expected["sum"]);
            let gradients = loss.backward();
            agree(&what, h.grad(&gradients).unwrap(), &expected["grad_h_sum"]);
            agree(&what, z.grad(&gradients).unwrap(), &expected["grad_helper_logits_sum"]);
        }
    }
}

#[test]
fn the_sum_with_both_cross_entropies_is_golden() {
    let golden = read("lcl");
    let inputs = &golden["inputs"];
    for (batch, y) in batches() {
        let expected = &golden["expected"][batch];
        let main = cross_entropy::mean(rows(&inputs["logits_main"]), labels(&y));
        let helper = cross_entropy::mean(rows(&inputs["logits_helper"]), labels(&y));
        agree(batch, main.clone(), &expected["ce_main_mean"]);
        agree(batch, helper.clone(), &expected["ce_helper_mean"]);
        let (h, z) = (rows(&inputs["h"]), rows(&inputs["logits_helper"]));
        let config = LabelContrastiveConfig::default();
        let contrastive = label_contrastive::loss(h, z, labels(&y), &config);
        agree(batch, (main + helper + contrastive) * 0.5, &expected["total_lambda0.5_code"]);
    }
}

#[test]
fn a_helper_that_is_not_attached_gets_no_gradient() {
    let golden = read("lcl");
    let (h, z) = (rows(&golden["inputs"]["h"]), rows(&golden["inputs"]["logits_helper"]));
    let y = labels(&Value::from(vec![0, 0, 1, 1]));
    let config = LabelContrastiveConfig { attach_helper: false, ..Default::default() };
    let loss = label_contrastive::loss(h.clone(), z.clone(), y, &config);
    let gradients = loss.backward();
    assert!(h.grad(&gradients).is_some() && z.grad(&gradients).is_none());
}
