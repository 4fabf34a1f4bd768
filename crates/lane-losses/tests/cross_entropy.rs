//! Cross-entropy, plain and weighted, against `fixtures/golden/base_ce.json` and `lane.json`.
//!
//! The golden values are f64; f32 carries seven digits, and a row is a handful of operations on
//! numbers near one, so values and gradients must agree to 1e-5 of the larger of value and one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use burn::tensor::{Device, Int, Tensor};
use lane_losses::cross_entropy;
use serde_json::Value;

fn golden(name: &str) -> Value {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden");
    serde_json::from_slice(&std::fs::read(format!("{dir}/{name}.json")).unwrap()).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(floats).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}

fn vector(value: &Value) -> Tensor<1> {
    Tensor::from_data(floats(value).as_slice(), &Device::flex().autodiff())
}

fn logits(value: &Value) -> Tensor<2> {
    let n = value.as_array().unwrap().len();
    let flat = vector(value);
    let [len] = flat.dims();
    flat.reshape([n, len / n]).require_grad()
}

fn labels(value: &Value) -> Tensor<1, Int> {
    vector(value).int()
}

fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[track_caller]
fn close(what: &str, ours: &[f32], theirs: &Value) {
    let theirs = floats(theirs);
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (our, their)) in ours.iter().zip(theirs).enumerate() {
        let tolerance = 1e-5 * their.abs().max(1.0);
        assert!((our - their).abs() <= tolerance, "{what}, entry {at}: {our}, expected {their}");
    }
}

#[test]
fn every_row_and_the_mean_are_golden() {
    let golden = golden("base_ce");
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]["ce"]);
    let (z, y) = (logits(&inputs["logits"]), labels(&inputs["y"]));
    let per_row = cross_entropy::per_row(z.clone(), y.clone());
    close("per row", &data(per_row), &expected["per_sample"]);
    close("mean", &data(cross_entropy::mean(z, y)), &expected["mean"]);
}

#[test]
fn the_gradient_of_the_sum_is_golden() {
    let golden = golden("base_ce");
    let z = logits(&golden["inputs"]["logits"]);
    let y = labels(&golden["inputs"]["y"]);
    let gradients = cross_entropy::per_row(z.clone(), y).sum().backward();
    let expected = &golden["expected"]["ce"]["grad_sum_wrt_logits"];
    close("gradient", &data(z.grad(&gradients).unwrap()), expected);
}

#[test]
fn weighted_values_and_gradients_are_golden_in_every_epoch_and_variant() {
    let golden = golden("lane");
    let inputs = &golden["inputs"];
    let epochs = golden["expected"]["per_epoch"].as_array().unwrap();
    assert_eq!(epochs.len(), 2);
    for (epoch, expected) in epochs.iter().enumerate() {
        for variant in ["lane", "lane_sim"] {
            let expected = &expected[variant];
            let z = logits(&inputs["logits_theta"][epoch]);
            let y = labels(&inputs["y"]);
            let loss = cross_entropy::weighted(z.clone(), y, vector(&expected["lambda_default"]));
            let what = format!("{variant}, epoch {epoch}");
            close(&what, &data(loss.clone()), &expected["wce_mean_over_batch"]);
            // The golden gradient is of the sum over the four rows.
            let gradient = z.grad(&(loss * 4.0).backward()).unwrap();
            close(&what, &data(gradient), &expected["grad_wce_sum_wrt_logits"]);
        }
    }
}

#[test]
fn weights_of_one_are_the_plain_mean_as_in_lane_alm() {
    let golden = golden("lane");
    let inputs = &golden["inputs"];
    let (z, y) = (logits(&inputs["logits_theta"][1]), labels(&inputs["y"]));
    let ones = Tensor::ones([4], &z.device());
    let weighted = cross_entropy::weighted(z.clone(), y.clone(), ones);
    close("sum", &data(weighted.clone() * 4.0), &golden["expected"]["lane_alm_wce_sum_epoch2"]);
    assert_eq!(data(weighted), data(cross_entropy::mean(z, y)));
}

#[test]
fn no_gradient_flows_into_the_weights() {
    let device = Device::flex().autodiff();
    let z = Tensor::<2>::from_data([[1.0_f32, 2.0]], &device).require_grad();
    let y = Tensor::<1, Int>::from_data([0_i32], &device);
    let weights = Tensor::<1>::from_data([0.5_f32], &device).require_grad();
    let gradients = cross_entropy::weighted(z.clone(), y, weights.clone()).backward();
    assert!(z.grad(&gradients).is_some());
    assert!(weights.grad(&gradients).is_none());
}

#[test]
fn a_batch_without_rows_costs_nothing() {
    let device = Device::flex();
    let z = Tensor::<2>::zeros([0, 3], &device);
    let y = Tensor::<1, Int>::zeros([0], &device);
    assert_eq!(data(cross_entropy::mean(z, y)), [0.0]);
}

#[test]
fn a_row_of_weight_zero_gets_no_gradient() {
    let device = Device::flex().autodiff();
    let z = Tensor::<2>::from_data([[1.0_f32, 2.0], [3.0, 0.0]], &device).require_grad();
    let y = Tensor::<1, Int>::from_data([0_i32, 1], &device);
    let weights = Tensor::<1>::from_data([0.0_f32, 1.0], &device);
    let gradients = cross_entropy::weighted(z.clone(), y, weights).backward();
    assert_eq!(data(z.grad(&gradients).unwrap())[..2], [0.0, 0.0]);
}

#[test]
fn certainty_about_the_wrong_class_is_large_but_finite() {
    let device = Device::flex().autodiff();
    let z = Tensor::<2>::from_data([[1e30_f32, -1e30], [-1e5, 1e5]], &device).require_grad();
    let y = Tensor::<1, Int>::from_data([1_i32, 1], &device);
    let per_row = cross_entropy::per_row(z.clone(), y);
    let gradients = per_row.clone().sum().backward();
    assert_eq!(data(per_row), [2e30, 0.0]);
    assert_eq!(data(z.grad(&gradients).unwrap()), [1.0, -1.0, 0.0, 0.0]);
}
