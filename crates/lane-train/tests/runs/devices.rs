//! Every device of `LANE_TEST_DEVICES` (a list such as `flex,wgpu`; `flex` alone without it) that
//! this build and this machine have, against `flex`.

use std::io::Write;

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};
use lane_models::{BertConfig, Mode, Network, NetworkInput, Pooling, TokenBatch};
use lane_train::MethodName;
use lane_train::device::{DeviceName, survey};
use lane_train::optimizer::{Optimizer, spoilt_parameter};
use lane_train::transfer;

use crate::support::Corpus;

struct Tested {
    name: DeviceName,
    device: Device,
    /// Whether products are those of f32.
    exact: bool,
}

fn tested() -> Vec<Tested> {
    let names = std::env::var("LANE_TEST_DEVICES").unwrap_or_else(|_| "flex".into());
    let offers = survey();
    let mut all = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        let name: DeviceName = name.parse().unwrap();
        match name.open() {
            Ok(device) => {
                let offer = offers.iter().find(|offer| offer.name == name.to_string()).unwrap();
                all.push(Tested { name, device, exact: offer.exact == Some(true) });
            }
            Err(why) => {
                // Past the capture of passing tests: what was not tested must be seen.
                let mut seen = std::io::stderr().lock();
                writeln!(seen, "skipped on {name}: {why}").unwrap();
            }
        }
    }
    all
}

const N: usize = 6;
const WIDTH: usize = 12;
const CLASSES: usize = 3;

/// Six texts of two to twelve tokens.
fn batch(device: &Device) -> TokenBatch {
    let place = || (0..N).flat_map(|row| (0..WIDTH).map(move |at| (row, at)));
    let within = |row: usize, at: usize| at < 2 * (row + 1);
    let id =
        |(row, at): (usize, usize)| if within(row, at) { 1 + (7 * row + 5 * at) % 49 } else { 0 };
    let ids: Vec<i32> = place().map(|place| i32::try_from(id(place)).unwrap()).collect();
    TokenBatch::new(ids, (1..=N as u32).map(|row| 2 * row).collect(), device)
}

fn network(device: &Device) -> Network {
    let config = BertConfig { num_hidden_layers: 2, ..BertConfig::tiny(50) };
    Network::init(&config, CLASSES, Pooling::Cls, 5, device)
}

fn loss(network: &Network, batch: &TokenBatch) -> Tensor<1> {
    let labels: Vec<i32> = (0..3).cycle().take(N).collect();
    let logits = network.forward(NetworkInput::Tokens(batch), Mode::Evaluate).logits;
    let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [N, 1]), &logits.device());
    log_softmax(logits, 1).gather(1, labels).mean().neg()
}

/// The loss before each of ten steps, clipped and decayed, and after the last.
fn losses(device: &Device) -> Vec<f64> {
    let device = device.clone().autodiff();
    let (mut network, batch) = (network(&device), batch(&device));
    let mut optimizer = Optimizer::new(0.01, 1.0).unwrap();
    let mut losses = Vec::new();
    for step in 0..10 {
        let loss = loss(&network, &batch);
        losses.push(transfer::read_scalar(loss.clone().inner()));
        let gradients = GradientsParams::from_grads(loss.backward(), &network);
        network = optimizer.step(network, gradients, 1e-3 * f64::from(10 - step) / 10.0);
    }
    losses.push(transfer::read_scalar(loss(&network, &batch).inner()));
    losses
}

#[test]
fn ten_steps_of_the_optimizer_give_the_losses_of_flex() {
    let theirs = losses(&Device::flex());
    assert!(theirs[10] < 0.8 * theirs[0], "nothing was learned: {theirs:?}");
    for Tested { name, device, exact } in tested() {
        let tolerance = if exact { 1e-5 } else { 1e-2 };
        for (step, (ours, theirs)) in losses(&device).iter().zip(&theirs).enumerate() {
            let gap = (ours - theirs).abs() / theirs;
            assert!(gap < tolerance, "step {step} on {name}: {ours}, on flex {theirs}");
        }
    }
}

/// Puts a value into the first entry of one parameter.
struct Spoil<'a> {
    path: Vec<String>,
    at: &'a str,
    value: f32,
}

impl ModuleMapper for Spoil<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.path.join(".") != self.at {
            return parameter;
        }
        parameter.map(|tensor| {
            let (device, shape) = (tensor.device(), tensor.shape());
            let mut values = transfer::read(tensor);
            values[0] = self.value;
            Tensor::from_data(TensorData::new(values, shape), &device)
        })
    }
}

#[test]
fn a_value_that_is_no_number_is_found_in_its_parameter() {
    for Tested { name, device, .. } in tested() {
        assert_eq!(spoilt_parameter(&network(&device)), None, "{name}");
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let at = "encoder.layers.1.attention.key.bias";
            let network = network(&device).map(&mut Spoil { path: Vec::new(), at, value });
            assert_eq!(spoilt_parameter(&network).as_deref(), Some(at), "{value} on {name}");
        }
        let at = "encoder.embeddings.word_embeddings.weight";
        let large = Spoil { path: Vec::new(), at, value: f32::MAX };
        assert_eq!(spoilt_parameter(&network(&device).map(&mut { large })), None, "{name}");
    }
}

#[test]
fn a_run_comes_near_that_of_flex_and_twice_to_the_same_bytes() {
    let corpus = Corpus::new();
    let settings = |device: &str| format!("device={device}");
    let run = |name: &str, device: &str| {
        corpus.run(name, corpus.config(MethodName::LANE, &[&settings(device)])).unwrap()
    };
    let last_loss =
        |run: &crate::support::Run| run.metrics("train").last().unwrap()["loss"].as_f64();
    let theirs = last_loss(&run("flex", "flex")).unwrap();
    for (at, Tested { name, .. }) in tested().into_iter().enumerate() {
        let [first, second] =
            ["first", "second"].map(|turn| run(&format!("{at}-{turn}"), &name.to_string()));
        for file in ["config.toml", "metrics.jsonl", "labels.csv", "model/model.safetensors"] {
            assert!(first.bytes(file) == second.bytes(file), "{file} twice on {name}");
        }
        // Other dropout masks, so not the same numbers.
        let ours = last_loss(&first).unwrap();
        assert!((ours - theirs).abs() < 0.1 * theirs, "on {name} {ours}, on flex {theirs}");
        let record: serde_json::Value =
            serde_json::from_slice(&first.bytes("record.json")).unwrap();
        assert_eq!(record["device"], name.to_string());
    }
}
