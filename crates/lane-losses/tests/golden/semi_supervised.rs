//! `dividemix.json`: refined and guessed labels, and the loss of a mixed batch.

use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_losses::cross_entropy;
use lane_losses::semi_supervised::{self, MixedLoss};
use lane_losses::supervised_contrastive::{self, SupervisedContrastiveConfig};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../fixtures/golden/dividemix.json")).unwrap()
}

fn numbers(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(numbers).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}

fn matrix(value: &Value) -> Tensor<2> {
    let n = value.as_array().unwrap().len();
    let values = numbers(value);
    let shape = [n, values.len() / n];
    Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff())
}

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().unwrap()
}

#[track_caller]
fn close(ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert!((ours - theirs).abs() < 1e-5 * theirs.abs().max(1.0), "{ours} against {theirs}");
    }
}

/// Mean over the first axis of `[v, n, c]`.
fn mean_of_views(views: &Value) -> Tensor<2> {
    let views: Vec<Tensor<2>> = views.as_array().unwrap().iter().map(matrix).collect();
    let n = views.len();
    views.into_iter().reduce(|sum, view| sum + view).unwrap() / n as f32
}

fn refined() -> Tensor<2> {
    let golden = golden();
    let inputs = &golden["inputs"];
    let predicted = mean_of_views(&inputs["pred_x_views"]);
    let device = predicted.device();
    let labels = Tensor::<1, Int>::from_data([0_i32, 2], &device);
    let weights = Tensor::<1>::from_data(numbers(&inputs["w_x"]).as_slice(), &device);
    semi_supervised::refined(labels, weights, predicted)
}

fn guessed() -> Tensor<2> {
    mean_of_views(&golden()["inputs"]["pred_u_net1v1_net1v2_net2v1_net2v2"])
}

#[test]
fn labels_are_refined_and_sharpened() {
    let expected = &golden()["expected"]["label_refinement"];
    close(&read(refined()), &numbers(&expected["refined"]));
    close(&read(semi_supervised::sharpened(refined(), 0.5)), &numbers(&expected["sharpened"]));
}

#[test]
fn labels_are_guessed_by_both_networks() {
    let expected = &golden()["expected"]["co_guess"];
    close(&read(guessed()), &numbers(&expected["mean_pred"]));
    close(&read(semi_supervised::sharpened(guessed(), 0.5)), &numbers(&expected["sharpened"]));
}

#[test]
fn the_loss_of_a_mixed_batch_and_its_gradient() {
    let golden = golden();
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]["mix"]);
    let order: Vec<i32> = serde_json::from_value(inputs["perm"].clone()).unwrap();
    let embeddings = matrix(&inputs["embeddings"]).require_grad();
    let labelled = semi_supervised::sharpened(refined(), 0.5);
    let unlabelled = semi_supervised::sharpened(guessed(), 0.5);
    let targets = Tensor::cat(vec![labelled.clone(), labelled, unlabelled.clone(), unlabelled], 0);
    let lambda = inputs["lambda_used"].as_f64().unwrap();
    let targets = semi_supervised::mixed(targets, &order, lambda);
    close(&read(targets.clone()), &numbers(&expected["mixed_target"]));
    let bias = Tensor::<1>::from_data(numbers(&inputs["b"]).as_slice(), &embeddings.device());
    let logits = semi_supervised::mixed(embeddings.clone(), &order, lambda)
        .matmul(matrix(&inputs["W"]))
        + bias.unsqueeze();
    close(&read(logits.clone()), &numbers(&expected["logits"]));

    let loss = MixedLoss::of(logits, targets, 4);
    let weight = semi_supervised::ramped(25.0, 2.0, 16.0);
    assert!((weight - expected["lambda_u"].as_f64().unwrap()).abs() < 1e-12);
    let total = loss.total(weight);
    for (ours, key) in [(loss.labelled, "Lx"), (loss.unlabelled, "Lu"), (loss.balance, "penalty")] {
        close(&read(ours), &numbers(&expected[key]));
    }
    close(&read(total.clone()), &numbers(&expected["total"]));
    let gradient = embeddings.grad(&total.backward()).unwrap();
    close(&read(gradient), &numbers(&expected["grad_embeddings"]));
}

#[test]
fn embeddings_mixed_by_label_cost_what_disc_makes_of_them() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../fixtures/golden/disc.json")).unwrap();
    let inputs = &golden["inputs"];
    let order: Vec<i32> = serde_json::from_value(inputs["perm"].clone()).unwrap();
    let lambda = inputs["lambda"].as_f64().unwrap();
    let embeddings = matrix(&inputs["emb"]);
    let device = embeddings.device();
    let labels = Tensor::<1, Int>::from_data([0_i32, 1, 0, 2], &device);
    let targets = semi_supervised::mixed(semi_supervised::one_hot(labels, 3), &order, lambda);
    let bias = Tensor::<1>::from_data(numbers(&inputs["b"]).as_slice(), &device);
    let mixed = semi_supervised::mixed(embeddings, &order, lambda);
    let logits = mixed.matmul(matrix(&inputs["W"])) + bias.unsqueeze();
    let loss = cross_entropy::over_rows(cross_entropy::soft(logits, targets));
    close(&read(loss), &numbers(&golden["expected"]["embedding_mixup_loss"]));
}

#[test]
fn the_weight_of_the_unlabelled_rises_after_the_warm_up() {
    let expected = &golden()["expected"]["lambda_u_schedule_epoch_minus_warmup"];
    for (epochs, weight) in expected.as_object().unwrap() {
        let ours = semi_supervised::ramped(25.0, epochs.parse().unwrap(), 16.0);
        assert!((ours - weight.as_f64().unwrap()).abs() < 1e-12, "{epochs}");
    }
    assert!((semi_supervised::ramped(3.0, 0.0, 0.0) - 3.0).abs() < 1e-12);
}

#[test]
fn certainty_is_penalised() {
    let logits = Tensor::<2>::from_data([[2.0_f32, 0.5, -1.0], [0.2, -0.3, 0.7]], &Device::flex());
    let expected = &golden()["expected"]["confidence_penalty_asym_warmup"];
    close(&read(semi_supervised::confidence_penalty(logits)), &numbers(expected));
}

#[test]
fn a_part_without_rows_costs_nothing() {
    let logits = Tensor::<2>::from_data([[2.0_f32, 0.5, -1.0]], &Device::flex());
    let targets = Tensor::<2>::from_data([[1.0_f32, 0.0, 0.0]], &Device::flex());
    let all_labelled = MixedLoss::of(logits.clone(), targets.clone(), 1);
    assert_eq!(read(all_labelled.unlabelled), [0.0]);
    let none_labelled = MixedLoss::of(logits.clone(), targets.clone(), 0);
    assert_eq!(read(none_labelled.labelled), [0.0]);
    let none = MixedLoss::of(logits.slice([0..0, 0..3]), targets.slice([0..0, 0..3]), 0);
    assert_eq!(read(none.total(1.0)), [0.0]);
}

#[test]
fn two_views_of_a_row_as_its_only_positives_make_simclr() {
    let golden: Value =
        serde_json::from_str(include_str!("../../../../fixtures/golden/unicon.json")).unwrap();
    let inputs = &golden["inputs"];
    let views = Tensor::cat(vec![matrix(&inputs["proj_view1"]), matrix(&inputs["proj_view2"])], 0)
        .detach()
        .require_grad();
    let ids = Tensor::<1, Int>::from_data([0_i32, 1, 0, 1], &views.device());
    let temperature = inputs["simclr_tau"].as_f64().unwrap();
    let config = SupervisedContrastiveConfig { temperature, ..Default::default() };
    let loss = supervised_contrastive::loss(views.clone(), ids, &config);
    close(&read(loss.clone()), &numbers(&golden["expected"]["simclr"]));
    let gradient = views.grad(&loss.backward()).unwrap();
    close(&read(gradient), &numbers(&golden["expected"]["simclr_grad"]));
}

#[test]
fn a_class_that_nobody_predicts_costs_the_clamp_and_no_infinity() {
    let logits =
        Tensor::<2>::from_data([[300.0_f32, 0.0, 0.0], [300.0, 0.0, 0.0]], &Device::flex());
    let logits = Tensor::from_inner(logits).require_grad();
    let targets = Tensor::from_inner(Tensor::<2>::from_data(
        [[1.0_f32, 0.0, 0.0], [0.0, 1.0, 0.0]],
        &Device::flex(),
    ));
    let loss = MixedLoss::of(logits.clone(), targets, 1);
    // Two of three classes at 1e-12, one at 1.
    close(&read(loss.balance.clone()), &[(2.0 * 1e12_f32.ln() - 3.0 * 3.0_f32.ln()) / 3.0]);
    let gradient = logits.grad(&loss.total(1.0).backward()).unwrap();
    assert!(read(gradient).iter().all(|it| it.is_finite()));
}

#[test]
fn sharpening_a_certain_label_at_any_temperature_leaves_it() {
    let certain =
        Tensor::<2>::from_data([[0.0_f32, 1.0, 0.0], [1e-30, 1e-38, 1.0]], &Device::flex());
    for temperature in [1e-3, 0.5, 1.0] {
        let sharp = read(semi_supervised::sharpened(certain.clone(), temperature));
        close(&sharp, &[0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    }
}

#[test]
fn labels_are_refined_from_all_of_the_given_one_to_none_of_it() {
    let predicted = Tensor::<2>::from_data([[0.2_f32, 0.8], [0.2, 0.8]], &Device::flex());
    let labels = Tensor::<1, Int>::from_data([0_i32, 0], &predicted.device());
    let weights = Tensor::<1>::from_data([1.0_f32, 0.0], &predicted.device());
    close(&read(semi_supervised::refined(labels, weights, predicted)), &[1.0, 0.0, 0.2, 0.8]);
}
