//! The encoder on libtorch against the plain operations on flex: outputs and every gradient, with
//! and without padding and dropout, to 1e-5 of the largest entry of each tensor.
//!
//! Compiled with feature `tch` only.
#![cfg(feature = "tch")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(deprecated, reason = "burn deprecates its libtorch backend; it stays while burn has it")]

use std::collections::BTreeMap;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Gradients, Int, Tensor, activation::log_softmax},
};
use lane_models::{
    BertConfig, Kernels, Mode, Network, NetworkInput, Pooling, TokenBatch, TrainingStep,
};

const N: usize = 5;
const WIDTH: usize = 13;
const N_CLASSES: usize = 3;

fn config(dropout: f64) -> BertConfig {
    let mut config = BertConfig::tiny(90);
    config.hidden_dropout_prob = dropout;
    config.attention_probs_dropout_prob = dropout;
    config.classifier_dropout = Some(dropout);
    // Wider than the default, so that activations and gradients are not all near zero.
    config.initializer_range = 0.15;
    config
}

/// On flex by the plain operations, on libtorch by its own.
fn network(dropout: f64, pooling: Pooling, device: &Device) -> Network {
    let kernels =
        if device.clone().inner() == Device::flex() { Kernels::Plain } else { Kernels::Fused };
    Network::init(&config(dropout), N_CLASSES, pooling, 11, device).with_kernels(kernels)
}

fn batch(padded: bool, device: &Device) -> TokenBatch {
    let ids = (0_i32..).map(|at| (at * at * 7 + 3 * at) % 90).take(N * WIDTH).collect();
    let width = WIDTH as u32;
    let lengths = if padded { vec![width, 4, 1, 2, 9] } else { vec![width; N] };
    TokenBatch::new(ids, lengths, device)
}

fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().unwrap()
}

/// Gradients by path.
struct Collect<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.gradients).unwrap();
        self.found.insert(self.path.join("."), data(gradient));
    }
}

/// Logits, embedding and gradients of one step, by name.
fn step(
    device: &Device,
    [dropout, padded]: [bool; 2],
    pooling: Pooling,
    backward: impl FnOnce(Tensor<1>) -> Gradients,
) -> BTreeMap<String, Vec<f32>> {
    let device = device.clone().autodiff();
    let network = network(if dropout { 0.3 } else { 0.0 }, pooling, &device);
    let training = TrainingStep::new(5);
    let input = batch(padded, &device);
    let output = network.forward(NetworkInput::Tokens(&input), Mode::Train(&training));
    let labels = Tensor::<1, Int>::from_data([0, 2, 1, 1, 0], &device);
    let losses = log_softmax(output.logits.clone(), 1).gather(1, labels.reshape([N, 1]));
    // A second use of the embedding, as the contrastive losses make of it.
    let spread = output.embedding.clone().powi_scalar(2).mean();
    let gradients = backward(losses.mean().neg() + spread);
    let mut collect = Collect { gradients: &gradients, path: Vec::new(), found: BTreeMap::new() };
    network.visit(&mut collect);
    let mut all = collect.found;
    all.insert("logits".into(), data(output.logits));
    all.insert("embedding".into(), data(output.embedding));
    all
}

#[track_caller]
fn close(ours: &BTreeMap<String, Vec<f32>>, theirs: &BTreeMap<String, Vec<f32>>) {
    assert!(ours.keys().eq(theirs.keys()));
    for (name, ours) in ours {
        let theirs = &theirs[name];
        let largest = theirs.iter().fold(0.0_f32, |largest, it| largest.max(it.abs()));
        // The gradient of a key's bias is zero but for rounding: it moves all scores of a row alike.
        let tolerance = if name.ends_with("key.bias") { 1e-7 } else { 1e-5 * largest };
        assert!(name.ends_with("key.bias") || largest > 0.0, "{name} is zero");
        for (at, (our, their)) in ours.iter().zip(theirs).enumerate() {
            assert!((our - their).abs() <= tolerance, "{name}, entry {at}: {our}, flex {their}");
        }
    }
}

fn both_agree(dropout: bool, padded: bool) {
    for pooling in [Pooling::Cls, Pooling::Mean] {
        let run = |device| step(&device, [dropout, padded], pooling, |loss| loss.backward());
        close(&run(Device::libtorch()), &run(Device::flex()));
    }
}

#[test]
fn outputs_and_gradients_are_those_of_flex() {
    both_agree(false, false);
}

#[test]
fn outputs_and_gradients_of_a_padded_batch_are_those_of_flex() {
    both_agree(false, true);
}

#[test]
fn outputs_and_gradients_under_dropout_are_those_of_flex() {
    both_agree(true, false);
}

#[test]
fn outputs_and_gradients_of_a_padded_batch_under_dropout_are_those_of_flex() {
    both_agree(true, true);
}

#[test]
fn states_of_every_token_are_those_of_flex() {
    for padded in [false, true] {
        let states = |device: &Device| {
            let encoder = network(0.0, Pooling::Cls, device).encoder.unwrap();
            let states = encoder.forward(&batch(padded, device), Mode::Evaluate);
            assert_eq!(states.dims(), [N, WIDTH, config(0.0).hidden_size]);
            data(states)
        };
        let flex = states(&Device::flex());
        for (our, their) in states(&Device::libtorch()).iter().zip(&flex) {
            assert!((our - their).abs() <= 1e-5, "{our}, flex {their}");
        }
    }
}

#[test]
fn a_caller_that_switched_gradients_off_in_libtorch_changes_nothing() {
    let free = step(&Device::libtorch(), [true, true], Pooling::Cls, |loss| loss.backward());
    let guarded = tch::no_grad(|| {
        step(&Device::libtorch(), [true, true], Pooling::Cls, |loss| loss.backward())
    });
    assert_eq!(free, guarded);
}

#[test]
fn the_backward_pass_may_run_on_another_thread() {
    let here = step(&Device::libtorch(), [true, true], Pooling::Cls, |loss| loss.backward());
    let there = step(&Device::libtorch(), [true, true], Pooling::Cls, |loss| {
        std::thread::spawn(move || loss.backward()).join().unwrap()
    });
    assert_eq!(here, there);
}

#[test]
fn evaluation_is_that_of_flex_with_gradients_and_without() {
    let logits = |device: &Device| {
        let network = network(0.3, Pooling::Mean, device);
        data(network.forward(NetworkInput::Tokens(&batch(true, device)), Mode::Evaluate).logits)
    };
    let flex = logits(&Device::flex());
    for device in [Device::libtorch(), Device::libtorch().autodiff()] {
        for (our, their) in logits(&device).iter().zip(&flex) {
            assert!((our - their).abs() <= 1e-5, "{our}, flex {their}");
        }
    }
}
