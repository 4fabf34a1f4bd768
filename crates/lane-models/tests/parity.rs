//! Hidden states, logits, losses and gradients against PyTorch, on a small BERT with random
//! weights and a padded batch; `fixtures/golden/bert.py` made the numbers.
//!
//! Both sides start from the same f32 weights. The reference goes on in f64, so the tolerances
//! are what f32 rounding may cost here: 1e-5 on hidden states of about one, 1e-4 of the largest
//! entry on gradients. Every device of `LANE_TEST_DEVICES` is held to them.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "parity/devices.rs"]
mod devices;

use std::{collections::BTreeMap, path::PathBuf};

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Gradients, Int, Tensor, activation::log_softmax},
};
use devices::{Tested, tested};
use lane_models::{
    Head, Kernels, Mode, Network, NetworkInput, Pooling, TokenBatch, TrainingStep, pretrained,
};
use serde_json::Value;

fn golden() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden"))
}

fn expected() -> Value {
    let text = std::fs::read(golden().join("bert.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(floats).collect(),
        value => vec![value.as_f64().unwrap() as f32],
    }
}

fn ints(value: &Value) -> Vec<i32> {
    floats(value).into_iter().map(|it| it as i32).collect()
}

fn batch(expected: &Value, device: &Device) -> TokenBatch {
    let lengths = floats(&expected["mask"])
        .chunks(9)
        .map(|row| row.iter().filter(|&&it| it > 0.5).count() as u32)
        .collect();
    TokenBatch::new(ints(&expected["ids"]), lengths, device)
}

/// The fixture with either pooling: the same dense layer, which with means is no pooler.
fn network(pooling: Pooling, kernels: Kernels, device: &Device) -> Network {
    let loaded = pretrained::load_classifier(&golden().join("bert"), device).unwrap().network;
    Network::new(loaded.encoder, loaded.head, pooling).with_kernels(kernels)
}

fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[track_caller]
fn close(what: &str, ours: &[f32], theirs: &[f32], tolerance: f32) {
    assert_eq!(ours.len(), theirs.len(), "{what}: another number of entries");
    for (at, (our, their)) in ours.iter().zip(theirs).enumerate() {
        assert!((our - their).abs() <= tolerance, "{what}, entry {at}: {our}, expected {their}");
    }
}

fn cross_entropy(logits: Tensor<2>, labels: &Value) -> Tensor<1> {
    let labels = Tensor::<1, Int>::from_data(ints(labels).as_slice(), &logits.device());
    log_softmax(logits, 1).gather(1, labels.reshape([4, 1])).mean().neg()
}

/// Gradients by upstream name, in upstream's axis order.
struct Collect<'a> {
    gradients: &'a Gradients,
    pooling: Pooling,
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
        let path = self.path.join(".");
        let gradient = param.val().grad(self.gradients).unwrap();
        let linear = D == 2 && !path.contains("embeddings");
        let gradient = if linear { gradient.swap_dims(0, 1) } else { gradient };
        self.found.insert(pretrained::upstream_name(&path, self.pooling), data(gradient));
    }
}

fn check(pooling: Pooling) {
    for tested in tested() {
        for kernels in [Kernels::Plain, Kernels::Fused] {
            check_on(&tested, pooling, kernels);
        }
    }
}

fn check_on(tested: &Tested, pooling: Pooling, kernels: Kernels) {
    let expected = expected();
    let case = &expected[pooling.to_string()];
    let Tested { name, device, slack } = tested;
    let device = device.clone().autodiff();
    let network = network(pooling, kernels, &device);
    let batch = batch(&expected, &device);
    let output = network.forward(NetworkInput::Tokens(&batch), Mode::Evaluate);
    let what = |what: &str| format!("{what} on {name}, {kernels:?}");
    let tolerance = 1e-5 * slack;
    close(&what("logits"), &data(output.logits.clone()), &floats(&case["logits"]), tolerance);
    let loss = cross_entropy(output.logits, &expected["labels"]);
    close(&what("loss"), &data(loss.clone()), &floats(&case["loss"]), tolerance);

    let gradients = loss.backward();
    let found = BTreeMap::new();
    let mut collect = Collect { gradients: &gradients, pooling, path: Vec::new(), found };
    network.visit(&mut collect);
    let theirs = case["gradients"].as_object().unwrap();
    assert_eq!(collect.found.len(), theirs.len());
    for (parameter, ours) in &collect.found {
        let theirs = floats(&theirs[parameter]);
        let largest = theirs.iter().fold(0.0_f32, |largest, it| largest.max(it.abs()));
        // The gradient of a key's bias is zero but for rounding: it moves all scores of a row alike.
        close(&what(parameter), ours, &theirs, slack * (1e-4 * largest).max(1e-7));
    }
}

#[test]
fn hidden_states_are_those_of_pytorch() {
    let expected = expected();
    for Tested { name, device, slack } in tested() {
        for kernels in [Kernels::Plain, Kernels::Fused] {
            let encoder = network(Pooling::Cls, kernels, &device).encoder.unwrap();
            let batch = batch(&expected, &device);
            let states = encoder.forward(&batch, Mode::Evaluate);
            assert_eq!(states.dims(), [4, 9, 12]);
            let (ours, theirs) = (data(states), floats(&expected["last_hidden_state"]));
            let what = format!("hidden on {name}, {kernels:?}");
            for (text, &length) in batch.lengths().iter().enumerate() {
                let tokens = text * 9 * 12..(text * 9 + length as usize) * 12;
                close(&what, &ours[tokens.clone()], &theirs[tokens], 1e-5 * slack);
            }
        }
    }
}

#[test]
fn logits_and_gradients_with_cls_pooling_are_those_of_pytorch() {
    check(Pooling::Cls);
}

#[test]
fn logits_and_gradients_with_mean_pooling_are_those_of_our_upstream_class() {
    check(Pooling::Mean);
}

#[test]
fn an_encoder_with_its_pooler_under_a_head_is_the_upstream_classifier() {
    let (expected, device) = (expected(), Device::flex());
    let loaded = pretrained::load_encoder(&golden().join("bert"), &device).unwrap();
    assert_eq!(loaded.report.unused, ["classifier.bias", "classifier.weight"]);
    assert_eq!(loaded.report.missing, Vec::<String>::new());
    assert_eq!(loaded.report.matched.len(), 2 * 16 + 5 + 2);
    let head = Head::init(12, 3, 0.1, 0.02, 1, &device).with_dense(loaded.pooler.unwrap());
    let network = Network::new(Some(loaded.encoder), head, Pooling::Cls);
    let ours = network.forward(NetworkInput::Tokens(&batch(&expected, &device)), Mode::Evaluate);
    let reference = self::network(Pooling::Cls, Kernels::Plain, &device);
    let theirs =
        reference.forward(NetworkInput::Tokens(&batch(&expected, &device)), Mode::Evaluate);
    close("embedding", &data(ours.embedding.clone()), &data(theirs.embedding), 1e-5);
    let pooled = network.head.hidden(ours.embedding);
    let logits = data(reference.head.classify(pooled, Mode::Evaluate));
    close("logits", &logits, &floats(&expected["cls"]["logits"]), 1e-5);
}

#[test]
fn training_without_dropout_is_evaluation() {
    // The fixture drops 10 %, so another stream of masks must show, and no stream must not.
    let expected = expected();
    for Tested { name, device, .. } in tested() {
        for kernels in [Kernels::Plain, Kernels::Fused] {
            let network = network(Pooling::Cls, kernels, &device);
            let batch = batch(&expected, &device);
            let logits = |mode| data(network.forward(NetworkInput::Tokens(&batch), mode).logits);
            let [one, same, other] = [1, 1, 2].map(TrainingStep::new);
            assert_eq!(logits(Mode::Train(&one)), logits(Mode::Train(&same)), "{name}");
            assert_ne!(logits(Mode::Train(&one)), logits(Mode::Train(&other)), "{name}");
            assert_ne!(logits(Mode::Train(&other)), logits(Mode::Evaluate), "{name}");
        }
    }
}
