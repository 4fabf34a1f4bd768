//! `noise_layer.json`: both starts of the simple model with gradients on both sides, and the
//! complex model.

use burn::tensor::{Tensor, TensorData};
use lane_losses::{cross_entropy, noise_layer};
use serde_json::Value;

use crate::file::{agree, close, data, floats, labels, read, rows, vector};

/// The start of `b` under its name in the file, row after row.
fn starts(inputs: &Value) -> [(&'static str, Vec<f64>); 2] {
    let rate = inputs["eps"].as_f64().unwrap();
    let counts: Vec<f64> = inputs["confusion_pred_row_noisy_col"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap().iter().map(|it| it.as_f64().unwrap()))
        .collect();
    [
        ("init_eps0.2", noise_layer::from_rate(3, rate)),
        ("init_confusion", noise_layer::from_confusion(&counts, 3, rate)),
    ]
}

fn square(values: &[f64]) -> Tensor<2> {
    let device = vector(&Value::from(vec![0])).device();
    let values: Vec<f32> = values.iter().map(|&it| it as f32).collect();
    Tensor::from_data(TensorData::new(values, [3, 3]), &device).require_grad()
}

#[test]
fn both_starts_their_losses_and_gradients_are_golden() {
    let golden = read("noise_layer");
    let inputs = &golden["inputs"];
    for (name, start) in starts(inputs) {
        let expected = &golden["expected"][name];
        for (our, their) in start.iter().zip(floats(&expected["b"])) {
            assert!((our - f64::from(their)).abs() < 1e-6, "{name}: {our}, expected {their}");
        }
        let (z, b) = (rows(&inputs["logits"]), square(&start));
        let per_row = noise_layer::per_row(z.clone(), labels(&inputs["y"]), b.clone());
        agree(name, per_row.clone(), &expected["nll"]);
        agree(name, per_row.clone().mean(), &expected["nll_mean"]);
        let gradients = per_row.sum().backward();
        agree(name, z.grad(&gradients).unwrap(), &expected["grad_logits_sum"]);
        agree(name, b.grad(&gradients).unwrap(), &expected["grad_b_sum"]);
    }
}

#[test]
fn probabilities_of_given_labels_are_golden_in_both_models() {
    let golden = read("noise_layer");
    let inputs = &golden["inputs"];
    let [(name, start), _] = starts(inputs);
    let u = vector(&inputs["U"]).reshape([3, 3, 2]);
    for label in 0..3 {
        let y = || labels(&Value::from(vec![label; 4]));
        let column = |it: &Value| -> Vec<f32> {
            it.as_array().unwrap().iter().map(|row| floats(row)[label]).collect()
        };
        let z = || rows(&inputs["logits"]);
        let simple = noise_layer::per_row(z(), y(), square(&start));
        let probability = data(simple.neg().exp());
        close(name, &probability, &column(&golden["expected"][name]["noisy_probs"]));
        let h = rows(&inputs["hidden"]);
        let matrices = noise_layer::transition_of(h, u.clone(), square(&start));
        let complex = noise_layer::per_row_with(z(), y(), matrices);
        let probability = data(complex.neg().exp());
        close(
            "complex",
            &probability,
            &column(&golden["expected"]["complex_model"]["noisy_probs"]),
        );
    }
}

#[test]
fn the_complex_model_is_golden_and_learns_all_its_parts() {
    let golden = read("noise_layer");
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]["complex_model"]);
    let [(_, start), _] = starts(inputs);
    let (z, h, b) = (rows(&inputs["logits"]), rows(&inputs["hidden"]), square(&start));
    let u = vector(&inputs["U"]).reshape([3, 3, 2]).require_grad();
    let matrices = noise_layer::transition_of(h.clone(), u.clone(), b.clone());
    let per_row = noise_layer::per_row_with(z.clone(), labels(&inputs["y"]), matrices);
    agree("per row", per_row.clone(), &expected["nll"]);
    agree("mean", per_row.clone().mean(), &expected["nll_mean"]);
    let gradients = per_row.sum().backward();
    assert!(z.grad(&gradients).is_some() && h.grad(&gradients).is_some());
    assert!(b.grad(&gradients).is_some() && u.grad(&gradients).is_some());
}

#[test]
fn the_mix_with_plain_cross_entropy_is_golden() {
    let golden = read("noise_layer");
    let inputs = &golden["inputs"];
    let [(_, start), _] = starts(inputs);
    let (z, y) = (rows(&inputs["logits"]), labels(&inputs["y"]));
    let noisy = noise_layer::per_row(z.clone(), y.clone(), square(&start)).mean();
    let mixed = (noisy + cross_entropy::mean(z, y)) * 0.5;
    agree("mix", mixed, &golden["expected"]["mixed_loss_beta0.5"]);
}

#[test]
fn a_class_never_predicted_takes_the_row_of_the_assumed_rate() {
    let start = noise_layer::from_confusion(&[0.0, 0.0, 1.0, 3.0], 2, 0.2);
    let assumed = noise_layer::from_rate(2, 0.2);
    assert_eq!(start[..2], assumed[..2]);
    assert!((start[3] - 0.75_f64.ln()).abs() < 1e-7);
}

#[test]
fn no_noise_at_all_is_still_a_finite_start() {
    assert!(noise_layer::from_rate(3, 0.0).iter().all(|it| it.is_finite()));
    assert!(noise_layer::from_rate(3, 1.0).iter().all(|it| it.is_finite()));
    assert_eq!(noise_layer::from_rate(1, 0.2).len(), 1);
}
