//! `robust_losses.json`, `blurry_loss.json` and `piecewise_zero_loss.json`: every case, its mean,
//! and the gradient of its sum.

use burn::tensor::{Int, Tensor};
use lane_losses::active_negative::{self, AnlCeConfig, AnlFlConfig};
use lane_losses::active_passive::{self, ActivePassiveConfig};
use lane_losses::asymmetric_cross_entropy::{self, AgceConfig};
use lane_losses::blurry::{self, BlurryConfig};
use lane_losses::focal::FocalConfig;
use lane_losses::generalized_cross_entropy::GceConfig;
use lane_losses::piecewise_zero::PiecewiseZeroConfig;
use lane_losses::robust::{RobustKind, RobustLoss};
use lane_losses::symmetric_cross_entropy::{self, SceConfig};
use lane_losses::{mean_absolute_error, normalized};
use serde_json::Value;

use crate::file::{agree, close, data, labels, read, rows};

type PerRow = Box<dyn Fn(Tensor<2>, Tensor<1, Int>) -> Tensor<1>>;

/// The case of one chosen by name, and its mean as that type takes it.
fn robust(loss: RobustLoss) -> PerRow {
    Box::new(move |z, y| loss.per_row(z, y))
}

fn blurry(gamma: f64, detach_weight: bool) -> PerRow {
    robust(RobustLoss::Blurry(BlurryConfig { gamma, detach_weight }))
}

fn piecewise_zero(cutoff: f64) -> PerRow {
    robust(RobustLoss::PiecewiseZero(PiecewiseZeroConfig { cutoff }))
}

fn focal(gamma: f64, detach_weight: bool) -> PerRow {
    robust(RobustLoss::Focal(FocalConfig { gamma, detach_weight }))
}

/// The loss behind a key of the files; none for keys that hold something else.
fn case(key: &str) -> Option<PerRow> {
    let pair = |alpha, beta| ActivePassiveConfig { alpha, beta };
    let (few, many) = (3, 100);
    Some(match key {
        "ce" => robust(RobustLoss::CrossEntropy),
        "focal_gamma2_detached" => robust(RobustLoss::for_classes(RobustKind::Focal, few)),
        "focal_gamma2_full_gradient" => focal(2.0, false),
        "focal_gamma0.5_detached" => focal(0.5, true),
        "gce_q0.7" => robust(RobustLoss::for_classes(RobustKind::Gce, few)),
        "gce_q0.1" => robust(RobustLoss::Gce(GceConfig { q: 0.1 })),
        "mae" => Box::new(mean_absolute_error::per_row),
        "rce" => Box::new(symmetric_cross_entropy::rce),
        "sce_a0.1_b1.0" => robust(RobustLoss::for_classes(RobustKind::Sce, few)),
        "sce_a6_b0.1" => robust(RobustLoss::for_classes(RobustKind::Sce, many)),
        "nce" => Box::new(normalized::nce),
        "nce+rce_a1_b1" => robust(RobustLoss::for_classes(RobustKind::NceRce, few)),
        "nce+rce_a10_b0.1" => robust(RobustLoss::for_classes(RobustKind::NceRce, many)),
        "nce+mae_a1_b1" => Box::new(move |z, y| active_passive::nce_mae(z, y, &pair(1.0, 1.0))),
        "nfl_gamma0.5" => Box::new(|z, y| normalized::nfl(z, y, 0.5)),
        "nnce" => Box::new(active_negative::nnce),
        "nnfl_gamma0.5" => Box::new(|z, y| active_negative::nnfl(z, y, 0.5)),
        "anl_ce_a5_b5_no_l1" => robust(RobustLoss::for_classes(RobustKind::AnlCe, few)),
        "anl_fl_a5_b5_no_l1" => robust(RobustLoss::for_classes(RobustKind::AnlFl, few)),
        "agce_a6_q1.5" => {
            Box::new(|z, y| asymmetric_cross_entropy::per_row(z, y, &AgceConfig::default()))
        }
        "blurry_gamma0.5_full_gradient" => blurry(0.5, false),
        "blurry_gamma0.5_detached" => blurry(0.5, true),
        "blurry_gamma0.1_full_gradient" => {
            robust(RobustLoss::for_classes(RobustKind::Blurry, many))
        }
        "blurry_gamma0" => blurry(0.0, false),
        "pz_c0.05" => piecewise_zero(0.05),
        "pz_c0.2" => piecewise_zero(0.2),
        "pz_c0.5" => piecewise_zero(0.5),
        "pz_c0" => piecewise_zero(0.0),
        _ => return None,
    })
}

/// Checks every case of a file and says how many there were.
fn check(name: &str) -> usize {
    let golden = read(name);
    let inputs = &golden["inputs"];
    let expected = golden["expected"].as_object().unwrap();
    let is_loss = |it: &Value| it.get("per_sample").is_some();
    for (key, expected) in expected.iter().filter(|(_, it)| is_loss(it)) {
        let (z, y) = (rows(&inputs["logits"]), labels(&inputs["y"]));
        let per_row = case(key).unwrap_or_else(|| panic!("no loss for {key}"))(z.clone(), y);
        agree(key, per_row.clone(), &expected["per_sample"]);
        agree(key, per_row.clone().mean(), &expected["mean"]);
        let gradients = per_row.sum().backward();
        agree(key, z.grad(&gradients).unwrap(), &expected["grad_sum_wrt_logits"]);
    }
    expected.values().filter(|it| is_loss(it)).count()
}

#[test]
fn robust_losses_and_their_gradients_are_golden() {
    assert_eq!(check("robust_losses"), 28);
}

#[test]
fn the_blurry_loss_and_its_gradients_are_golden() {
    assert_eq!(check("blurry_loss"), 5);
}

#[test]
fn the_piecewise_zero_loss_and_its_gradients_are_golden() {
    assert_eq!(check("piecewise_zero_loss"), 5);
}

#[test]
fn the_mean_divides_by_the_rows_a_loss_ignores_too() {
    let golden = read("piecewise_zero_loss");
    let (z, y) = (rows(&golden["inputs"]["logits"]), labels(&golden["inputs"]["y"]));
    let loss = RobustLoss::PiecewiseZero(PiecewiseZeroConfig { cutoff: 0.2 });
    agree("mean", loss.mean(z, y), &golden["expected"]["pz_c0.2"]["mean"]);
}

/// Logits of two classes that give the first one probability `p`.
fn odds(p: f64) -> (Tensor<2>, Tensor<1, Int>) {
    let logits = Value::from(vec![vec![(p / (1.0 - p)).ln(), 0.0]]);
    (rows(&logits), labels(&Value::from(vec![0])))
}

#[test]
fn the_full_gradient_of_the_blurry_loss_turns_where_it_should() {
    let golden = read("blurry_loss");
    let turns = golden["expected"]["blurry_turning_point_p=exp(-1/gamma)"].as_object().unwrap();
    assert_eq!(turns.len(), 6);
    for (gamma, turn) in turns {
        let (gamma, turn) = (gamma.parse::<f64>().unwrap(), turn.as_f64().unwrap());
        let slope = |p: f64, detach_weight| {
            let (z, y) = odds(p);
            let config = BlurryConfig { gamma, detach_weight };
            let gradients = blurry::per_row(z.clone(), y, &config).backward();
            data(z.grad(&gradients).unwrap())[0]
        };
        assert!(slope(turn * 1.01, false) < 0.0, "gamma {gamma}: above, the label is pulled");
        assert!(slope(turn * 0.99, false) > 0.0, "gamma {gamma}: below, it is pushed away");
        assert!(slope(turn * 0.99, true) < 0.0, "gamma {gamma}: a constant weight never pushes");
    }
}

#[test]
fn the_blurry_loss_of_a_nearly_impossible_label_is_golden() {
    let golden = read("blurry_loss");
    let (z, y) = odds(1e-8);
    let config = BlurryConfig { gamma: 0.5, detach_weight: false };
    let value = golden["expected"]["blurry_value_at_p_1e-8_gamma0.5"].as_f64().unwrap();
    close("value", &data(blurry::per_row(z, y, &config)), &[value as f32]);
}

#[test]
fn cross_entropy_comes_first_for_as_many_epochs_as_the_delay() {
    let golden = read("robust_losses");
    let loss = RobustLoss::for_classes(RobustKind::AnlCe, 3);
    let expected = golden["expected"]["delay_schedule_delay2_epochs5"].as_array().unwrap();
    for (epoch, expected) in (0..).zip(expected) {
        let plain = *loss.in_epoch(epoch, 2) == RobustLoss::CrossEntropy;
        assert_eq!(if plain { "ce" } else { "robust" }, expected, "epoch {epoch}");
    }
}

#[test]
fn weights_follow_the_number_of_classes() {
    let of = |kind, n_classes| RobustLoss::for_classes(kind, n_classes);
    let sce = |alpha, beta| RobustLoss::Sce(SceConfig { alpha, beta });
    assert_eq!(of(RobustKind::Sce, 20), sce(0.1, 1.0));
    assert_eq!(of(RobustKind::Sce, 21), sce(6.0, 0.1));
    let anl = AnlCeConfig { alpha: 10.0, beta: 1.0 };
    assert_eq!(of(RobustKind::AnlCe, 77), RobustLoss::AnlCe(anl));
    let anl = AnlFlConfig { alpha: 10.0, beta: 1.0, gamma: 0.5 };
    assert_eq!(of(RobustKind::AnlFl, 77), RobustLoss::AnlFl(anl));
}
