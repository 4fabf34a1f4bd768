//! The contrastive loss against `fixtures/golden/lane_lscl.json`: every variant, three batches.

use burn::tensor::{Device, Int, Tensor};
use lane_losses::label_aware_contrastive::{
    self, ContrastiveConfig, Denominator, OwnWeight, Reduction,
};
use serde_json::Value;

use crate::file::{close, data, floats, read};

const BATCHES: [&str; 3] = ["two_pairs", "singletons", "single_class"];

fn rows(values: &[f32]) -> Tensor<2> {
    let flat = Tensor::<1>::from_data(values, &Device::flex().autodiff());
    flat.reshape([4, -1]).require_grad()
}

fn ints(values: &[f32]) -> Tensor<1, Int> {
    Tensor::<1>::from_data(values, &Device::flex().autodiff()).int()
}

/// The configuration behind a key such as `norm=True,tau=0.3,denom=negatives,pos_weight=inside`.
fn configured(key: &str) -> Option<ContrastiveConfig> {
    let mut config = ContrastiveConfig::default();
    for field in key.split(',') {
        match field.split_once('=')? {
            ("norm", it) => config.normalize = it == "True",
            ("tau", it) => config.temperature = it.parse().ok()?,
            ("denom", "negatives") => config.denominator = Denominator::Negatives,
            ("denom", "all_others") => config.denominator = Denominator::AllOthers,
            ("pos_weight", "inside") => config.own_weight = OwnWeight::Inside,
            ("pos_weight", "outside") => config.own_weight = OwnWeight::Outside,
            _ => return None,
        }
    }
    Some(config)
}

#[test]
fn values_of_every_variant_are_golden() {
    let golden = read("lane_lscl");
    let (h, pi) = (floats(&golden["inputs"]["h"]), floats(&golden["inputs"]["pi_logits"]));
    for batch in BATCHES {
        let case = golden["expected"]["cases"][batch].as_object().unwrap();
        let y = floats(&case["y"]);
        let variants = case.iter().filter_map(|(key, it)| Some((key, configured(key)?, it)));
        let mut n_variants = 0;
        for (key, mut config, expected) in variants {
            n_variants += 1;
            let what = format!("{batch}, {key}");
            let anchors = label_aware_contrastive::anchors(rows(&h), rows(&pi), ints(&y), &config);
            close(&what, &data(anchors.terms), &floats(&expected["per_anchor"]));
            let per_anchor = expected["per_anchor"].as_array().unwrap();
            let valid: Vec<f32> =
                per_anchor.iter().map(|it| f32::from(u8::from(!it.is_null()))).collect();
            assert_eq!(data(anchors.valid), valid, "{what}");
            for (reduction, name) in [
                (Reduction::Sum, "sum"),
                (Reduction::BatchMean, "mean_over_batch"),
                (Reduction::ValidMean, "mean_over_valid"),
            ] {
                config.reduction = reduction;
                let loss = label_aware_contrastive::loss(rows(&h), rows(&pi), ints(&y), &config);
                close(&format!("{what}, {name}"), &data(loss), &floats(&expected[name]));
            }
        }
        assert_eq!(n_variants, 12);
    }
}

#[test]
fn gradients_on_embeddings_and_attached_logits_are_golden() {
    let golden = read("lane_lscl");
    let (h, pi) = (floats(&golden["inputs"]["h"]), floats(&golden["inputs"]["pi_logits"]));
    let config = ContrastiveConfig {
        reduction: Reduction::Sum,
        attach_auxiliary: true,
        ..ContrastiveConfig::default()
    };
    for batch in BATCHES {
        let case = &golden["expected"]["cases"][batch];
        let (h, pi) = (rows(&h), rows(&pi));
        let y = ints(&floats(&case["y"]));
        let loss = label_aware_contrastive::loss(h.clone(), pi.clone(), y, &config);
        let gradients = loss.backward();
        let on_h = data(h.grad(&gradients).unwrap());
        let on_pi = data(pi.grad(&gradients).unwrap());
        close(batch, &on_h, &floats(&case["grad_h_norm_tau0.3_negatives_inside_sum"]));
        close(batch, &on_pi, &floats(&case["grad_pi_logits_contrastive_only_attached"]));
    }
}

#[test]
fn the_attached_gradient_is_the_mass_of_the_negatives_less_the_label() {
    let golden = read("lane_lscl");
    let case = &golden["expected"]["cases"]["two_pairs"];
    let pi = rows(&floats(&golden["inputs"]["pi_logits"]));
    let y = floats(&case["y"]);
    let config = ContrastiveConfig {
        reduction: Reduction::Sum,
        attach_auxiliary: true,
        ..ContrastiveConfig::default()
    };
    let h = rows(&floats(&golden["inputs"]["h"]));
    let loss = label_aware_contrastive::loss(h, pi.clone(), ints(&y), &config);
    let gradient = data(pi.grad(&loss.backward()).unwrap());
    let mut expected = floats(&case["closed_form_Q"]);
    let labels = case["y"].as_array().unwrap().iter().filter_map(Value::as_u64);
    for (row, label) in labels.enumerate() {
        expected[3 * row + label as usize] -= 1.0;
    }
    close("closed form", &gradient, &expected);
}

#[test]
fn detached_logits_get_no_gradient_and_leave_that_on_embeddings_alone() {
    let golden = read("lane_lscl");
    let y = floats(&golden["expected"]["cases"]["two_pairs"]["y"]);
    let gradients = |attach_auxiliary| {
        let h = rows(&floats(&golden["inputs"]["h"]));
        let pi = rows(&floats(&golden["inputs"]["pi_logits"]));
        let config = ContrastiveConfig { attach_auxiliary, ..ContrastiveConfig::default() };
        let loss = label_aware_contrastive::loss(h.clone(), pi.clone(), ints(&y), &config);
        let gradients = loss.backward();
        (data(h.grad(&gradients).unwrap()), pi.grad(&gradients).is_some())
    };
    let ((detached, on_pi), (attached, on_attached_pi)) = (gradients(false), gradients(true));
    assert!(!on_pi && on_attached_pi);
    assert_eq!(detached, attached);
}

#[test]
fn raw_embeddings_make_the_printed_loss_unbounded_and_unit_length_does_not() {
    let golden = read("lane_lscl");
    let pi = floats(&golden["inputs"]["pi_logits"]);
    let h = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0];
    for case in golden["expected"]["unboundedness"]["scale_h"].as_array().unwrap() {
        let scaled = h.map(|x: f32| x * case["scale"].as_f64().unwrap() as f32);
        let of = |normalize, temperature| {
            let reduction = Reduction::Sum;
            let config =
                ContrastiveConfig { normalize, temperature, reduction, ..Default::default() };
            let y = ints(&[0.0, 0.0, 1.0, 1.0]);
            data(label_aware_contrastive::loss(rows(&scaled), rows(&pi), y, &config))
        };
        close("raw", &of(false, 1.0), &floats(&case["lscl_sum_literal"]));
        close("unit length", &of(true, 0.3), &floats(&case["lscl_sum_norm_tau0.3"]));
    }
}

#[test]
fn certainty_of_the_auxiliary_network_makes_the_printed_loss_fall_without_end() {
    let golden = read("lane_lscl");
    let h = floats(&golden["inputs"]["h"]);
    for case in golden["expected"]["unboundedness"]["scale_pi_gap"].as_array().unwrap() {
        let gap = case["gap"].as_f64().unwrap() as f32;
        let mut pi = [0.0; 12];
        for (row, label) in [0, 0, 1, 1].into_iter().enumerate() {
            pi[3 * row + label] = gap;
        }
        let of = |denominator| {
            let reduction = Reduction::Sum;
            let config = ContrastiveConfig { denominator, reduction, ..Default::default() };
            let y = ints(&[0.0, 0.0, 1.0, 1.0]);
            data(label_aware_contrastive::loss(rows(&h), rows(&pi), y, &config))
        };
        close("negatives", &of(Denominator::Negatives), &floats(&case["negatives_only"]));
        close("all others", &of(Denominator::AllOthers), &floats(&case["all_others"]));
    }
}

#[test]
fn a_config_is_read_by_the_names_of_its_options() {
    let text = r#"{"temperature": 1.0, "denominator": "all-others", "own_weight": "outside",
                   "reduction": "valid-mean", "normalize": false, "attach_auxiliary": true}"#;
    let config: ContrastiveConfig = serde_json::from_str(text).unwrap();
    assert_eq!(config.denominator, Denominator::AllOthers);
    assert_eq!(config.own_weight, OwnWeight::Outside);
    assert_eq!(config.reduction, Reduction::ValidMean);
    let again = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<ContrastiveConfig>(&again).unwrap(), config);
    let message = serde_json::from_str::<ContrastiveConfig>(r#"{"tau": 1.0}"#).unwrap_err();
    assert!(message.to_string().starts_with("unknown field `tau`, expected one of `temperature`"));
}
