//! Gradients in parts against gradients in one piece, LANE's loss over 32 rows of 8 views included.

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_data::RowId;
use lane_metrics::weights::MarginWeights;
use lane_metrics::{ClassId, Logits};
use lane_models::{BertConfig, Kernels, Mode, Network, Pooling, TokenBatch};

use super::StepGraph;
use crate::config::Config;
use crate::inputs::Gathered;
use crate::method::{Method, Step, StepBatch};
use crate::methods::Facts;
use crate::methods::lane::Lane;
use crate::networks::Networks;
use crate::optimizer::StepGradients;
use crate::transfer;

const N_ROWS: usize = 32;
const N_VIEWS: usize = 8;
const N_CLASSES: usize = 5;
const WIDTH: usize = 9;
const SEED: u64 = 3;

fn device() -> Device {
    Device::flex().autodiff()
}

fn networks(kernels: Kernels) -> Networks {
    let config = BertConfig {
        num_hidden_layers: 2,
        hidden_dropout_prob: 0.1,
        attention_probs_dropout_prob: 0.1,
        ..BertConfig::tiny(60)
    };
    let member = |seed| {
        Network::init(&config, N_CLASSES, Pooling::Cls, seed, &device()).with_kernels(kernels)
    };
    Networks { members: vec![member(1), member(2)], own: Vec::new() }
}

/// Heads without an encoder, as they stand on embeddings.
fn heads() -> Networks {
    let members = networks(Kernels::Plain).members;
    let head = |network: Network| Network::new(None, network.head, Pooling::Cls);
    Networks { members: members.into_iter().map(head).collect(), own: Vec::new() }
}

fn tokens() -> Arc<Gathered> {
    let n = N_ROWS * N_VIEWS;
    let ids = (0..n * WIDTH).map(|at| i32::try_from((at * 31 + at / 7) % 55).unwrap()).collect();
    let lengths = (0..n).map(|text| (text * 5 % WIDTH + 1) as u32).collect();
    Arc::new(Gathered::Tokens(TokenBatch::new(ids, lengths, &device())))
}

fn features(width: usize) -> Arc<Gathered> {
    let n = N_ROWS * N_VIEWS;
    let values: Vec<f32> = (0..n * width).map(|at| (at * 37 % 101) as f32 / 50.0 - 1.0).collect();
    Arc::new(Gathered::Features(Tensor::from_data(TensorData::new(values, [n, width]), &device())))
}

fn labels() -> Vec<ClassId> {
    (0..N_ROWS).map(|row| ClassId((row % N_CLASSES) as u16)).collect()
}

fn rows() -> Vec<RowId> {
    (0..N_ROWS as u32).map(RowId).collect()
}

/// Averages of which some are below the mean of the negative ones, so that weights differ.
fn margins(method: &Lane) -> MarginWeights {
    let mut margins = MarginWeights::new(N_ROWS, method.weighting().0).unwrap();
    let logits: Vec<f32> =
        (0..N_ROWS * N_CLASSES).map(|at| (at * 29 % 17) as f32 / 4.0 - 2.0).collect();
    let of_auxiliary = vec![1.0 / N_CLASSES as f32; logits.len()];
    let of_auxiliary = lane_metrics::Probabilities::new(&of_auxiliary, N_CLASSES).unwrap();
    let logits = Logits::new(&logits, N_CLASSES).unwrap();
    margins.start_epoch();
    margins.update(&rows(), &labels(), logits, Some(of_auxiliary)).unwrap();
    margins
}

struct Found {
    loss: f64,
    gradients: BTreeMap<String, Vec<f32>>,
}

/// One step of LANE, at most `micro_batch` texts at a time.
fn step(
    networks: &Networks,
    inputs: &Arc<Gathered>,
    micro_batch: Option<usize>,
    trained: &[usize],
) -> Found {
    let config = Config::resolve(None, &["data.train=rows.csv".parse().unwrap()]).unwrap();
    let facts = Facts { n_rows: N_ROWS, n_classes: N_CLASSES };
    let mut method = Lane::new(&config, facts).unwrap();
    let mut graph = StepGraph::new(SEED, micro_batch);
    let targets: Vec<i32> = labels().iter().map(|it| i32::from(it.0)).collect();
    let targets = targets.repeat(N_VIEWS);
    let n = targets.len();
    let batch = StepBatch {
        rows: rows(),
        labels: labels(),
        targets: Tensor::<1, Int>::from_data(TensorData::new(targets, [n]), &device()),
        n_views: N_VIEWS,
        outputs: (0..2)
            .map(|network| Some(graph.run(networks, network, inputs, trained.contains(&network))))
            .collect(),
    };
    let margins = margins(&method);
    let loss = method
        .loss(&Step {
            phase: 0,
            epoch: 0,
            progress: 0.0,
            trained,
            seed: SEED,
            batches: &[batch],
            networks,
            margins: &margins,
            forward: graph.own(),
        })
        .unwrap();
    let gradients = graph.gradients(&loss, networks, trained);
    Found {
        loss: transfer::read_scalar(loss.total.inner()),
        gradients: by_path(networks, gradients),
    }
}

fn by_path(networks: &Networks, gradients: StepGradients) -> BTreeMap<String, Vec<f32>> {
    let mut collect = Collect { gradients, path: Vec::new(), found: BTreeMap::new() };
    networks.visit(&mut collect);
    collect.found
}

struct Collect {
    gradients: StepGradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl Collect {
    /// Rows of an embedding spread over a table of `n` zeros; none where no row has a gradient.
    fn of_rows(&self, parameter: ParamId, n: usize) -> Option<Vec<f32>> {
        let parts: Vec<_> =
            self.gradients.rows.iter().filter(|part| part.parameter == parameter).collect();
        let mut whole = vec![0.0; n];
        for part in &parts {
            let [_, width] = part.gradient.dims();
            let values = transfer::read(part.gradient.clone());
            for (row, values) in part.rows.iter().zip(values.chunks(width)) {
                let place = &mut whole[*row as usize * width..][..width];
                place.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        (!parts.is_empty()).then_some(whole)
    }
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let n = parameter.val().shape().num_elements();
        let whole = self.gradients.dense.remove::<D>(parameter.id).map(transfer::read);
        if let Some(values) = whole.or_else(|| self.of_rows(parameter.id, n)) {
            self.found.insert(self.path.join("."), values);
        }
    }
}

fn norm(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

/// Every parameter to 1e-5 of its gradient; of one whose gradient cancels (the keys' bias), of the
/// whole gradient.
#[track_caller]
fn same(ours: &Found, theirs: &Found) {
    assert!((ours.loss - theirs.loss).abs() < 1e-5 * theirs.loss.abs());
    let names = |found: &Found| found.gradients.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(ours), names(theirs));
    let whole = norm(theirs.gradients.values().flatten().copied());
    for (name, expected) in &theirs.gradients {
        let found = &ours.gradients[name];
        let apart = norm(found.iter().zip(expected).map(|(a, b)| a - b));
        let scale = norm(expected.iter().copied());
        assert!(
            apart <= 1e-5 * scale.max(1e-3 * whole),
            "{name}: {apart:e} apart, {scale:e} long, the whole {whole:e}"
        );
    }
}

#[test]
fn gradient_in_parts_is_that_of_the_whole_batch_with_eight_views_and_dropout() {
    for kernels in [Kernels::Fused, Kernels::Plain] {
        let (networks, inputs) = (networks(kernels), tokens());
        let whole = step(&networks, &inputs, None, &[0, 1]);
        assert!(whole.loss > 0.0);
        for micro_batch in [7, 48, 255] {
            same(&step(&networks, &inputs, Some(micro_batch), &[0, 1]), &whole);
        }
    }
}

#[test]
fn parts_as_large_as_the_batch_are_the_batch() {
    let (networks, inputs) = (networks(Kernels::Fused), tokens());
    let whole = step(&networks, &inputs, None, &[0, 1]);
    let one_part = step(&networks, &inputs, Some(N_ROWS * N_VIEWS), &[0, 1]);
    assert_eq!(whole.gradients, one_part.gradients);
}

#[test]
fn heads_on_embeddings_have_the_same_gradient_in_parts() {
    let networks = heads();
    let inputs = features(BertConfig::tiny(60).hidden_size);
    let whole = step(&networks, &inputs, None, &[0, 1]);
    same(&step(&networks, &inputs, Some(50), &[0, 1]), &whole);
}

#[test]
fn networks_that_are_not_trained_have_no_gradient_in_parts_or_whole() {
    let (networks, inputs) = (networks(Kernels::Fused), tokens());
    for micro_batch in [None, Some(40)] {
        let found = step(&networks, &inputs, micro_batch, &[0]);
        assert!(found.gradients.keys().all(|name| name.starts_with("members.0.")));
        assert!(!found.gradients.is_empty());
    }
}

#[test]
fn outputs_that_the_loss_ignores_leave_no_gradient_behind() {
    let (networks, inputs) = (networks(Kernels::Fused), tokens());
    let mut graph = StepGraph::new(SEED, Some(40));
    let used = graph.run(&networks, 0, &inputs, true);
    graph.run(&networks, 1, &inputs, true);
    let loss = crate::method::Loss { total: used.logits.sum(), terms: Vec::new() };
    let gradients = by_path(&networks, graph.gradients(&loss, &networks, &[0, 1]));
    assert!(gradients.keys().all(|name| name.starts_with("members.0.")));
    assert!(gradients.contains_key("members.0.head.classifier.bias"));
}

/// A pass of the method's own through a network adds to what its outputs say.
#[test]
fn gradient_of_a_pass_of_the_methods_own_is_added() {
    let (networks, inputs) = (networks(Kernels::Fused), tokens());
    let run = |micro_batch| {
        let mut graph = StepGraph::new(SEED, micro_batch);
        let output = graph.run(&networks, 0, &inputs, true);
        let mixed = output.embedding.clone().flip([0]) + output.embedding;
        let logits = networks.members[0].classify(mixed, Mode::Train(graph.own()));
        let total = (logits.clone() * logits).mean() + output.logits.powi_scalar(2).mean();
        let loss = crate::method::Loss { total, terms: Vec::new() };
        let gradients = by_path(&networks, graph.gradients(&loss, &networks, &[0, 1]));
        Found { loss: transfer::read_scalar(loss.total.inner()), gradients }
    };
    same(&run(Some(30)), &run(None));
}
