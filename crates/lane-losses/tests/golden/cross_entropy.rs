//! Cross-entropy, plain, weighted and of unit logits, against `base_ce.json`, `lane.json` and `hmw.json`.

use burn::tensor::{Device, Int, Tensor};
use lane_losses::cross_entropy;

use crate::file::{agree, close, data, labels, read, rows, vector};

#[test]
fn every_row_and_the_mean_are_golden() {
    let golden = read("base_ce");
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]["ce"]);
    let (z, y) = (rows(&inputs["logits"]), labels(&inputs["y"]));
    let per_row = cross_entropy::per_row(z.clone(), y.clone());
    agree("per row", per_row, &expected["per_sample"]);
    agree("mean", cross_entropy::mean(z, y), &expected["mean"]);
}

#[test]
fn the_gradient_of_the_sum_is_golden() {
    let golden = read("base_ce");
    let z = rows(&golden["inputs"]["logits"]);
    let y = labels(&golden["inputs"]["y"]);
    let gradients = cross_entropy::per_row(z.clone(), y).sum().backward();
    let expected = &golden["expected"]["ce"]["grad_sum_wrt_logits"];
    agree("gradient", z.grad(&gradients).unwrap(), expected);
}

#[test]
fn weighted_values_and_gradients_are_golden_in_every_epoch_and_variant() {
    let golden = read("lane");
    let inputs = &golden["inputs"];
    let epochs = golden["expected"]["per_epoch"].as_array().unwrap();
    assert_eq!(epochs.len(), 2);
    for (epoch, expected) in epochs.iter().enumerate() {
        for variant in ["lane", "lane_sim"] {
            let expected = &expected[variant];
            let z = rows(&inputs["logits_theta"][epoch]);
            let y = labels(&inputs["y"]);
            let loss = cross_entropy::weighted(z.clone(), y, vector(&expected["lambda_default"]));
            let what = format!("{variant}, epoch {epoch}");
            agree(&what, loss.clone(), &expected["wce_mean_over_batch"]);
            // The golden gradient is of the sum over the four rows.
            let gradient = z.grad(&(loss * 4.0).backward()).unwrap();
            agree(&what, gradient, &expected["grad_wce_sum_wrt_logits"]);
        }
    }
}

#[test]
fn weights_of_one_are_the_plain_mean_as_in_lane_alm() {
    let golden = read("lane");
    let inputs = &golden["inputs"];
    let (z, y) = (rows(&inputs["logits_theta"][1]), labels(&inputs["y"]));
    let ones = Tensor::ones([4], &z.device());
    let weighted = cross_entropy::weighted(z.clone(), y.clone(), ones);
    agree("sum", weighted.clone() * 4.0, &golden["expected"]["lane_alm_wce_sum_epoch2"]);
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

#[test]
fn the_weighted_loss_of_unit_logits_is_golden() {
    let golden = read("hmw");
    let inputs = &golden["inputs"];
    for case in ["alpha=100.0,beta=100.0", "alpha=10.0,beta=2.0"] {
        let expected = &golden["expected"][case];
        let features = rows(&inputs["features"][1]);
        let z = features.matmul(rows(&inputs["class_weight_rows"]).transpose());
        let weights = || vector(&expected["final_weight_epoch1"]);
        let y = || labels(&inputs["y"]);
        let unit = cross_entropy::unit_logits(z.clone());
        let author = cross_entropy::weighted(unit, y(), weights());
        agree(case, author, &expected["loss_mean_weighted_logitnorm(author)"]);
        let plain = cross_entropy::weighted(z.clone(), y(), weights());
        agree(case, plain, &expected["loss_mean_weighted_plain"]);
        agree(case, cross_entropy::mean(z, y()), &expected["loss_warmup_plain"]);
    }
}

#[test]
fn soft_labels_that_are_certain_give_plain_cross_entropy_and_its_gradient() {
    let golden = read("base_ce");
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]["ce"]);
    let z = rows(&inputs["logits"]);
    let targets = labels(&inputs["y"]).one_hot::<2>(3).float().require_grad();
    let per_row = cross_entropy::soft(z.clone(), targets.clone());
    agree("per row", per_row.clone(), &expected["per_sample"]);
    let gradients = per_row.sum().backward();
    agree("gradient", z.grad(&gradients).unwrap(), &expected["grad_sum_wrt_logits"]);
    assert!(targets.grad(&gradients).is_none());
}

#[test]
fn halves_of_two_labels_cost_the_mean_of_both() {
    let golden = read("base_ce");
    let z = || rows(&golden["inputs"]["logits"]);
    let device = z().device();
    let halves = Tensor::<2>::from_data([[0.5_f32, 0.0, 0.5]; 4], &device);
    let of =
        |label: i32| cross_entropy::per_row(z(), Tensor::<1, Int>::from_data([label; 4], &device));
    close("halves", &data(cross_entropy::soft(z(), halves)), &data((of(0) + of(2)) * 0.5));
}

#[test]
fn logits_of_zero_keep_no_direction_and_a_finite_gradient() {
    let device = Device::flex().autodiff();
    let z = Tensor::<2>::zeros([1, 3], &device).require_grad();
    let y = Tensor::<1, Int>::from_data([0_i32], &device);
    let loss = cross_entropy::mean(cross_entropy::unit_logits(z.clone()), y);
    let gradients = loss.backward();
    assert!(data(z.grad(&gradients).unwrap()).iter().all(|it| it.is_finite()));
}
