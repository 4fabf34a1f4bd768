//! Training on libtorch against training on flex: ten steps of a small BERT, and the optimizer's
//! in-place form against the one on host memory.
//!
//! Compiled with feature `tch` only.
#![cfg(feature = "tch")]
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(deprecated, reason = "burn deprecates its libtorch backend; it stays while burn has it")]

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_losses::cross_entropy;
use lane_models::{BertConfig, Mode, Network, NetworkInput, Pooling, TokenBatch, TrainingStep};
use lane_train::optimizer::{Form, Optimizer, StepGradients};

fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().unwrap()
}

#[derive(Default)]
struct Values {
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Values {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.found.insert(self.path.join("."), data(parameter.val()));
    }
}

fn values<M: Module>(module: &M) -> BTreeMap<String, Vec<f32>> {
    let mut values = Values::default();
    module.visit(&mut values);
    values.found
}

/// To 1e-5 of the largest entry of each parameter; `but` names those that only rounding moves.
#[track_caller]
fn close(
    ours: &BTreeMap<String, Vec<f32>>,
    theirs: &BTreeMap<String, Vec<f32>>,
    but: impl Fn(&str) -> bool,
) {
    assert!(ours.keys().eq(theirs.keys()));
    for (name, ours) in ours.iter().filter(|(name, _)| !but(name)) {
        let theirs = &theirs[name];
        let largest = theirs.iter().fold(0.0_f32, |largest, it| largest.max(it.abs()));
        for (at, (our, their)) in ours.iter().zip(theirs).enumerate() {
            let gap = (our - their).abs();
            assert!(gap <= 1e-5 * largest, "{name}, entry {at}: {our}, flex {their}");
        }
    }
}

const N: usize = 6;
const WIDTH: usize = 11;

fn batch(padded: bool, device: &Device) -> TokenBatch {
    let ids = (0_i32..).map(|at| (at * at * 7 + 3 * at) % 90).take(N * WIDTH).collect();
    let width = WIDTH as u32;
    let lengths = (0..N as u32).map(|row| if padded { width - row } else { width }).collect();
    TokenBatch::new(ids, lengths, device)
}

/// Moves every value a little, as training has done to any pretrained network. Biases of exactly
/// zero would be told apart by what rounding makes of the smallest gradients.
struct Shake;

impl ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = parameter.consume();
        let (shape, device) = (tensor.dims(), tensor.device().inner());
        let moved = tensor.inner() + wave(shape, 0.0, &device).mul_scalar(0.05);
        Param::from_mapped_value(id, moved.autodiff().require_grad(), mapper)
    }
}

/// The parameters after ten steps with clipping and decay.
fn trained(device: &Device, dropout: f64, padded: bool) -> BTreeMap<String, Vec<f32>> {
    let device = device.clone().autodiff();
    let mut config = BertConfig::tiny(90);
    config.hidden_dropout_prob = dropout;
    config.attention_probs_dropout_prob = dropout;
    config.initializer_range = 0.1;
    let mut network = Network::init(&config, 3, Pooling::Mean, 11, &device).map(&mut Shake);
    let mut optimizer = Optimizer::new(0.01, 0.5).unwrap();
    let labels = Tensor::<1, Int>::from_data([0, 2, 1, 1, 0, 2], &device);
    for step in 0..10 {
        let training = TrainingStep::new(step);
        let input = batch(padded, &device);
        let output = network.forward(NetworkInput::Tokens(&input), Mode::Train(&training));
        let mut all = cross_entropy::mean(output.logits, labels.clone()).backward();
        let rows = training.take_row_gradients(&mut all);
        let gradients =
            StepGradients { dense: GradientsParams::from_module(&mut all, &network), rows };
        network = optimizer.step(network, gradients, 2e-5);
    }
    values(&network)
}

#[track_caller]
fn ten_steps_agree(dropout: f64, padded: bool) {
    let (ours, theirs) =
        (trained(&Device::libtorch(), dropout, padded), trained(&Device::flex(), dropout, padded));
    // The gradient of a key's bias is zero but for rounding, which AdamW blows up to full steps.
    close(&ours, &theirs, |name| name.ends_with("key.bias"));
}

#[test]
fn ten_steps_end_where_they_end_on_flex() {
    ten_steps_agree(0.0, false);
}

#[test]
fn ten_steps_over_padded_batches_end_where_they_end_on_flex() {
    ten_steps_agree(0.0, true);
}

#[test]
fn ten_steps_under_dropout_end_where_they_end_on_flex() {
    ten_steps_agree(0.1, true);
}

/// Larger than a piece of the optimizer, of a size no piece divides; and small ones.
#[derive(Module, Debug)]
struct Toy {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    late: Param<Tensor<1>>,
}

const SHAPE: [usize; 2] = [700, 1001];

fn wave<const D: usize>(shape: [usize; D], phase: f32, device: &Device) -> Tensor<D> {
    let n = shape.iter().product::<usize>();
    let values: Vec<f32> = (0..n).map(|at| (at as f32 * 0.37 + phase).sin()).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

impl Toy {
    fn new(device: &Device) -> Self {
        let device = device.clone().autodiff();
        Self {
            weight: Param::from_tensor(wave(SHAPE, 0.0, &device)),
            bias: Param::from_tensor(wave([SHAPE[1]], 1.0, &device)),
            late: Param::from_tensor(wave([5], 2.0, &device)),
        }
    }

    fn gradients(&self, step: u8, device: &Device) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        let phase = f32::from(step);
        // Transposed, as a gradient of a product may be.
        let of_weight = wave([SHAPE[1], SHAPE[0]], phase, device).transpose();
        gradients.register(self.weight.id, of_weight);
        gradients.register(self.bias.id, wave([SHAPE[1]], phase + 0.3, device).mul_scalar(1e-3));
        if step > 2 {
            gradients.register(self.late.id, wave([5], phase + 0.6, device));
        }
        gradients
    }
}

fn toy_after_steps(device: &Device, form: Form, clip: f64) -> BTreeMap<String, Vec<f32>> {
    let mut toy = Toy::new(device);
    let mut optimizer = Optimizer::new(0.1, clip).unwrap().with_form(form);
    for step in 0..6 {
        let gradients = toy.gradients(step, device);
        toy = optimizer.step(toy, gradients, 1e-3);
    }
    values(&toy)
}

#[test]
fn in_place_and_on_the_host_are_one_optimizer() {
    for clip in [0.0, 1.0, 1e9] {
        let ours = toy_after_steps(&Device::libtorch(), Form::LibTorch, clip);
        close(&ours, &toy_after_steps(&Device::flex(), Form::Host, clip), |_| false);
    }
}

#[test]
fn at_a_rate_of_zero_only_the_moments_move() {
    let device = Device::libtorch();
    let (toy, mut optimizer) = (Toy::new(&device), Optimizer::new(0.1, 1.0).unwrap());
    let before = values(&toy);
    let gradients = toy.gradients(0, &device);
    let toy = optimizer.step(toy, gradients, 0.0);
    assert_eq!(values(&toy), before);
    let gradients = toy.gradients(1, &device);
    let toy = optimizer.step(toy, gradients, 1e-3);
    let finite = |values: &Vec<f32>| values.iter().all(|value| value.is_finite());
    assert!(values(&toy).values().all(finite));
    assert_ne!(values(&toy), before);
}

#[test]
fn on_libtorch_the_in_place_form_is_the_default() {
    let device = Device::libtorch();
    let by_form = |form: Option<Form>| {
        let toy = Toy::new(&device);
        let optimizer = Optimizer::new(0.1, 1.0).unwrap();
        let mut optimizer = match form {
            Some(form) => optimizer.with_form(form),
            None => optimizer,
        };
        let gradients = toy.gradients(0, &device);
        values(&optimizer.step(toy, gradients, 1e-3))
    };
    assert_eq!(by_form(None), by_form(Some(Form::LibTorch)));
}

#[test]
fn a_copy_of_the_network_does_not_move_with_it() {
    let device = Device::libtorch();
    let toy = Toy::new(&device);
    let (copy, before) = (toy.clone(), values(&toy));
    let gradients = toy.gradients(0, &device);
    let moved = Optimizer::new(0.1, 1.0).unwrap().step(toy, gradients, 1e-3);
    assert_eq!(values(&copy), before);
    assert_ne!(values(&moved), before);
}
