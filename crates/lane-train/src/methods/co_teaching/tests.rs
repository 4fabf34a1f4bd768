//! Choices, shares and losses of the golden file, and where their definitions end.

use burn::tensor::{Device, Int};
use lane_metrics::ClassId;
use serde_json::Value;

use super::*;
use crate::methods::staged::{self, Stage, output, term};

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../../fixtures/golden/coteaching.json")).unwrap()
}

fn method(epochs: u32, settings: &[&str]) -> CoTeaching {
    let epochs = format!("training.epochs={epochs}");
    let all = ["data.train=rows.csv", epochs.as_str()].into_iter().chain(settings.iter().copied());
    let all: Vec<_> = all.map(|text| text.parse().unwrap()).collect();
    let facts = Facts { n_rows: 4, n_classes: 3 };
    CoTeaching::new(&Config::resolve(None, &all).unwrap(), facts).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).unwrap()
}

fn losses(key: &str) -> Tensor<1> {
    let golden = golden();
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden["inputs"][key].clone()).unwrap();
    let device = Device::flex();
    let logits = Tensor::from_data(TensorData::new(rows.concat(), [4, 3]), &device);
    let labels = Tensor::<1, Int>::from_data([0_i32, 1, 2, 0], &device);
    lane_losses::cross_entropy::per_row(logits, labels)
}

fn batch() -> StepBatch {
    let mut batch = StepBatch::empty(2, &Device::flex());
    batch.rows = (0..4).map(RowId).collect();
    batch.labels = [0, 1, 2, 0].map(ClassId).to_vec();
    batch.n_views = 1;
    batch
}

#[test]
fn each_network_learns_what_the_other_finds_easiest() {
    let expected = &golden()["expected"];
    let [first, second] = [losses("logits1"), losses("logits2")];
    for (losses, key) in [(&first, "loss1"), (&second, "loss2")] {
        for (ours, theirs) in transfer::read(losses.clone()).iter().zip(numbers(&expected[key])) {
            assert!((f64::from(*ours) - theirs).abs() < 1e-6, "{key}: {ours} against {theirs}");
        }
    }
    for forgotten in [0.0, 0.25, 0.5, 0.9] {
        let expected = &expected[format!("forget={forgotten:?}")];
        let n = n_kept(4, forgotten);
        assert_eq!(expected["num_remember_guarded"], n, "{forgotten}");
        let chosen = [&first, &second].map(|it| lowest(&transfer::read(it.clone()), n));
        for (ours, key) in chosen.iter().zip(["sel1", "sel2"]) {
            let theirs: Vec<usize> = serde_json::from_value(expected[key].clone()).unwrap();
            assert_eq!(*ours, theirs, "{forgotten}: {key}");
        }
        for (losses, chosen, key) in
            [(&first, &chosen[1], "loss_net1_mean"), (&second, &chosen[0], "loss_net2_mean")]
        {
            let ours = transfer::read_scalar(mean_over(losses.clone(), chosen, &batch()));
            let theirs = expected[key].as_f64().unwrap();
            assert!((ours - theirs).abs() < 1e-6, "{forgotten}: {key} {ours} {theirs}");
        }
    }
}

#[test]
fn the_share_forgotten_rises_as_in_the_authors_code() {
    let expected = &golden()["expected"]["forget_rate_schedule"];
    for (key, epochs, rate, ramp, exponent) in [
        ("n=8,rate=0.2,Tk=5,c=1", 8, "0.2", 5, 1),
        ("n=6,rate=0.4,Tk=4,c=1", 6, "0.4", 4, 1),
        ("n=8,rate=0.2,Tk=5,c=2", 8, "0.2", 5, 2),
    ] {
        let settings = [
            format!("co_teaching.forget_rate={rate}"),
            format!("co_teaching.ramp_epochs={ramp}"),
            format!("co_teaching.exponent={exponent}"),
        ];
        let method = method(epochs, &settings.each_ref().map(String::as_str));
        let ours: Vec<f64> = (0..epochs).map(|epoch| method.forgotten(epoch)).collect();
        let theirs = numbers(&expected[key]);
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!((ours - theirs).abs() < 1e-12, "{key}: {ours} against {theirs}");
        }
    }
}

#[test]
fn a_batch_never_comes_to_nothing() {
    assert_eq!((n_kept(10, 0.9), n_kept(1, 0.99), n_kept(10, 0.7)), (1, 1, 3));
    let least: Vec<usize> = (1..=5).map(|n| n_kept(n, 0.95)).collect();
    assert_eq!(least, [1; 5]);
}

#[test]
fn a_whole_number_of_rows_is_not_lost_to_rounding() {
    for tenths in 0..10 {
        for tens in 1..=100 {
            let kept = n_kept(10 * tens, tenths as f64 / 10.0);
            assert_eq!(kept, (10 - tenths) * tens, "0.{tenths} of {}", 10 * tens);
        }
    }
}

#[test]
fn short_last_batches_keep_the_whole_part_of_their_share() {
    let kept: Vec<usize> = (1..=5).map(|n| n_kept(n, 0.2)).collect();
    assert_eq!(kept, [1, 1, 2, 3, 4]);
}

#[test]
fn with_nothing_to_forget_every_row_is_kept() {
    assert!((1..=257).all(|n| n_kept(n, 0.0) == n));
    let mut method = method(2, &["co_teaching.forget_rate=0"]);
    let batches = [golden_batch()];
    let loss = method.loss(&Stage::new().step([1, 2], &NETWORKS, &batches)).unwrap();
    let expected = &golden()["expected"]["forget=0.0"];
    for (ours, key) in [("first", "loss_net1_mean"), ("second", "loss_net2_mean")] {
        let (ours, theirs) = (term(&loss, ours), expected[key].as_f64().unwrap());
        assert!((ours - theirs).abs() < 1e-6, "{key}: {ours} against {theirs}");
    }
    assert_eq!(method.kept, [[true; 2]; 4]);
}

#[test]
fn to_forget_everything_is_refused() {
    for rate in ["1", "1.5", "-0.1", "nan"] {
        let config = staged::config("co-teaching", &[&format!("co_teaching.forget_rate={rate}")]);
        let error = CoTeaching::new(&config, Facts { n_rows: 4, n_classes: 3 }).unwrap_err();
        assert!(error.is_usage(), "{error}");
        let text = error.to_string();
        assert!(text.contains("`co_teaching.forget_rate`") && text.contains("below 1"), "{text}");
    }
}

/// The rows of the golden file as a batch of the trainer's.
fn golden_batch() -> StepBatch {
    let rows = |key: &str| -> Vec<[f32; 3]> {
        serde_json::from_value(golden()["inputs"][key].clone()).unwrap()
    };
    let said = |key: &str| output(&rows(key), &[[0.0; 2]; 4]);
    staged::batch(&[0, 1, 2, 0], &[said("logits1"), said("logits2")])
}

/// Rows of which the logits of each network have a gradient.
fn moved_by(batch: &StepBatch, loss: &Loss) -> [Vec<bool>; 2] {
    let gradients = loss.total.backward();
    NETWORKS.map(|network| {
        let logits = &batch.output(network).unwrap().logits;
        let gradient = transfer::read(logits.grad(&gradients).unwrap());
        gradient.chunks_exact(3).map(|row| row.iter().any(|it| *it != 0.0)).collect()
    })
}

#[test]
fn each_network_is_moved_by_the_choice_of_the_other_alone() {
    let settings = ["co_teaching.forget_rate=0.5", "co_teaching.ramp_epochs=1"];
    let mut method = method(2, &settings);
    let batches = [golden_batch()];
    let loss = method.loss(&Stage::new().step([1, 2], &NETWORKS, &batches)).unwrap();
    // Network 1 finds rows 2 and 0 easiest, network 2 rows 2 and 1.
    let moved = moved_by(&batches[0], &loss);
    assert_eq!(moved, [[false, true, true, false], [true, false, true, false]]);
    assert_eq!(method.kept, [[true, false], [false, true], [true, true], [false, false]]);
    let expected = &golden()["expected"]["forget=0.5"];
    assert!((term(&loss, "first") - expected["loss_net1_mean"].as_f64().unwrap()).abs() < 1e-6);
    assert!((term(&loss, "second") - expected["loss_net2_mean"].as_f64().unwrap()).abs() < 1e-6);
}

#[test]
fn rows_are_chosen_by_the_text_and_learnt_in_all_views() {
    let settings = ["co_teaching.forget_rate=0.5", "co_teaching.ramp_epochs=1"];
    let mut method = method(2, &settings);
    // The second view, alone, would choose the other row.
    let said = || output(&[[9.0, 0.0, 0.0], [0.0; 3], [0.0; 3], [9.0, 0.0, 0.0]], &[[0.0; 2]; 4]);
    let batches = [staged::batch(&[0, 0], &[said(), said()])];
    let loss = method.loss(&Stage::new().step([1, 2], &NETWORKS, &batches)).unwrap();
    assert_eq!(method.kept[..2], [[true; 2], [false; 2]]);
    assert_eq!(moved_by(&batches[0], &loss), [[true, false, true, false]; 2]);
}

#[test]
fn the_first_epoch_forgets_nothing_and_those_after_the_ramp_all() {
    assert!(method(1, &[]).forgotten(0).abs() < 1e-12);
    let method = method(5, &[]);
    let all: Vec<f64> = (0..5).map(|epoch| method.forgotten(epoch)).collect();
    assert!(all[0].abs() < 1e-12 && all.is_sorted(), "{all:?}");
    assert!((all[2] - 0.2).abs() < 1e-12 && (all[4] - 0.2).abs() < 1e-12, "{all:?}");
}
