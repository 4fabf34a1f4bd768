//! Ten steps of AdamW with fused kernels against ten with burn's plain operations.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData, activation::log_softmax};
use lane_models::{
    BertConfig, Kernels, Mode, Network, NetworkInput, Pooling, TokenBatch, TrainingStep,
};
use lane_train::optimizer::{Optimizer, StepGradients};
use lane_train::transfer;

const N: usize = 7;
const WIDTH: usize = 15;
const CLASSES: usize = 3;

/// Other words in every step, so that rows of the embedding come, go and stay away.
fn batch(step: usize, device: &Device) -> TokenBatch {
    let id = |at: usize| (at * 31 + step * 17) % 23 + 5 * (step % 3);
    let ids = (0..N * WIDTH).map(|at| i32::try_from(id(at)).unwrap()).collect();
    let lengths = (0..N).map(|row| (2 * row + step) % WIDTH + 1).map(|it| it as u32).collect();
    TokenBatch::new(ids, lengths, device)
}

/// Losses, and the parameters in the end.
fn ten_steps(kernels: Kernels, pooling: Pooling, dropout: f64) -> (Vec<f64>, Parameters) {
    let device = Device::flex().autodiff();
    let config = BertConfig {
        num_hidden_layers: 2,
        hidden_dropout_prob: dropout,
        attention_probs_dropout_prob: dropout,
        ..BertConfig::tiny(60)
    };
    let mut network = Network::init(&config, CLASSES, pooling, 5, &device).with_kernels(kernels);
    let mut optimizer = Optimizer::new(0.01, 1.0).unwrap();
    let mut losses = Vec::new();
    for step in 0..10 {
        let forward = TrainingStep::new(step as u64);
        let batch = batch(step, &device);
        let output = network.forward(NetworkInput::Tokens(&batch), Mode::Train(&forward));
        let labels: Vec<i32> = (0..3).cycle().take(N).collect();
        let labels = Tensor::<2, Int>::from_data(TensorData::new(labels, [N, 1]), &device);
        let loss = log_softmax(output.logits, 1).gather(1, labels).mean().neg();
        losses.push(transfer::read_scalar(loss.clone().inner()));
        let mut gradients = loss.backward();
        let rows = forward.take_row_gradients(&mut gradients);
        assert_eq!(rows.is_empty(), kernels == Kernels::Plain);
        let dense = GradientsParams::from_module(&mut gradients, &network);
        network = optimizer.step(network, StepGradients { dense, rows }, 1e-4);
    }
    let mut parameters = Parameters::default();
    network.visit(&mut parameters);
    (losses, parameters)
}

#[derive(Default)]
struct Parameters {
    path: Vec<String>,
    values: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Parameters {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.values.insert(self.path.join("."), transfer::read(parameter.val().inner()));
    }
}

#[test]
fn ten_steps_end_in_the_same_parameters() {
    for (pooling, dropout) in [(Pooling::Cls, 0.0), (Pooling::Cls, 0.1), (Pooling::Mean, 0.1)] {
        let (our_losses, ours) = ten_steps(Kernels::Fused, pooling, dropout);
        let (their_losses, theirs) = ten_steps(Kernels::Plain, pooling, dropout);
        for (ours, theirs) in our_losses.iter().zip(&their_losses) {
            assert!((ours - theirs).abs() < 1e-5 * theirs, "loss {ours}, expected {theirs}");
        }
        for (path, theirs) in &theirs.values {
            // A key's bias moves all scores of a row alike: its gradient is rounding, which AdamW
            // scales up to whole steps, and nothing else depends on it.
            if path.ends_with("key.bias") {
                continue;
            }
            let largest = theirs.iter().fold(0.0_f32, |largest, it| largest.max(it.abs()));
            for (at, (ours, theirs)) in ours.values[path].iter().zip(theirs).enumerate() {
                let off = (ours - theirs).abs() / largest;
                assert!(off < 1e-5, "{path}, entry {at}: {ours}, expected {theirs} ({off:e})");
            }
        }
    }
}
