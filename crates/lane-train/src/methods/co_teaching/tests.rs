//! Choices, shares and losses of the golden file, and where their definitions end.

use burn::tensor::{Device, Int};
use lane_metrics::ClassId;
use serde_json::Value;

use super::*;

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
}

#[test]
fn the_first_epoch_forgets_nothing_and_those_after_the_ramp_all() {
    assert!(method(1, &[]).forgotten(0).abs() < 1e-12);
    let method = method(5, &[]);
    let all: Vec<f64> = (0..5).map(|epoch| method.forgotten(epoch)).collect();
    assert!(all[0].abs() < 1e-12 && all.is_sorted(), "{all:?}");
    assert!((all[2] - 0.2).abs() < 1e-12 && (all[4] - 0.2).abs() < 1e-12, "{all:?}");
}
