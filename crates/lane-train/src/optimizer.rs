//! AdamW as the reference implementations of BERT fine-tuning run it.
//!
//! ```text
//! g ← g · min(1, clip/(‖g‖₂ + 1e-6))            one norm over all parameters that have gradients
//! m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²
//! p ← p(1 − lr·decay) − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
//! β = (0.9, 0.999), ε = 1e-8; no decay on biases and layer norms
//! ```
//!
//! One pass over memory per parameter, in place and in parallel. burn's own AdamW takes about
//! fourteen passes with temporaries and clips each tensor by itself; on the head of a frozen encoder
//! it was most of a step. The pass works on host memory, which on device `flex` is the device's.
//!
//! The norm is summed in chunks of fixed size in a fixed order, so that it does not depend on the
//! number of threads. Loshchilov, Hutter: *Decoupled Weight Decay Regularization*, ICLR 2019.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use lane_models::NO_DECAY;
use rayon::prelude::*;

use crate::error::TrainError;
use crate::transfer;

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// Elements of one parallel task.
const CHUNK: usize = 1 << 15;

/// The optimizer of one phase.
pub struct Optimizer {
    undecayed: ParamGroup,
    weight_decay: f64,
    clip_norm: f64,
    moments: HashMap<ParamId, Moments>,
}

/// Running means of a parameter's gradient and of its square.
struct Moments {
    first: Vec<f32>,
    second: Vec<f32>,
    n_steps: i32,
}

impl Optimizer {
    /// AdamW with decoupled decay on weight matrices and embeddings; `clip_norm` 0 = no clipping.
    ///
    /// # Errors
    ///
    /// [`TrainError::Mismatch`] if the pattern of the undecayed parameters does not parse.
    pub fn new(weight_decay: f64, clip_norm: f64) -> Result<Self, TrainError> {
        let undecayed = ParamGroup::from_regex(NO_DECAY).map_err(|error| TrainError::Mismatch {
            found: format!("pattern `{NO_DECAY}`: {error:?}"),
            expected: "a regular expression".into(),
        })?;
        Ok(Self { undecayed, weight_decay, clip_norm, moments: HashMap::new() })
    }

    /// One step at rate `lr`; parameters without a gradient keep still.
    pub fn step<M: Module>(&mut self, module: M, gradients: GradientsParams, lr: f64) -> M {
        let mut host =
            HostGradients { from: gradients, by_id: HashMap::new(), squares: Vec::new() };
        module.visit(&mut host);
        let norm = host.squares.iter().sum::<f64>().sqrt();
        let scale = if self.clip_norm > 0.0 {
            (self.clip_norm / (norm + 1e-6)).min(1.0) as f32
        } else {
            1.0
        };
        module.map(&mut Update {
            optimizer: self,
            gradients: host.by_id,
            scale,
            lr,
            path: Vec::new(),
        })
    }

    fn update(&mut self, id: ParamId, values: &mut [f32], gradient: &[f32], rule: Rule) {
        let n = values.len();
        let moments = self.moments.entry(id).or_insert_with(|| Moments {
            first: vec![0.0; n],
            second: vec![0.0; n],
            n_steps: 0,
        });
        moments.n_steps += 1;
        let first_correction = 1.0 - f64::from(BETA_1).powi(moments.n_steps);
        let second_correction = (1.0 - f64::from(BETA_2).powi(moments.n_steps)).sqrt();
        let rate = (rule.lr / first_correction) as f32;
        let root_scale = (1.0 / second_correction) as f32;
        let keep = (1.0 - rule.lr * rule.weight_decay) as f32;
        let chunks = values
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(moments.first.par_chunks_mut(CHUNK).zip(moments.second.par_chunks_mut(CHUNK)));
        chunks.for_each(|((values, gradient), (first, second))| {
            for (((value, gradient), first), second) in
                values.iter_mut().zip(gradient).zip(first).zip(second)
            {
                let gradient = gradient * rule.scale;
                *first = BETA_1 * *first + (1.0 - BETA_1) * gradient;
                *second = BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient;
                *value = *value * keep - rate * *first / (second.sqrt() * root_scale + EPSILON);
            }
        });
    }
}

/// How one parameter is updated in one step.
#[derive(Clone, Copy)]
struct Rule {
    lr: f64,
    weight_decay: f64,
    /// Of the gradient, so that the joint norm keeps its limit.
    scale: f32,
}

/// Takes gradients to the host, with the sum of squares of each.
struct HostGradients {
    from: GradientsParams,
    by_id: HashMap<ParamId, Vec<f32>>,
    squares: Vec<f64>,
}

impl ModuleVisitor for HostGradients {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(parameter.id) {
            let gradient = transfer::read(gradient);
            self.squares.push(sum_of_squares(&gradient));
            self.by_id.insert(parameter.id, gradient);
        }
    }
}

fn sum_of_squares(values: &[f32]) -> f64 {
    let of_chunk =
        |chunk: &[f32]| chunk.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>();
    if values.len() <= CHUNK {
        return of_chunk(values);
    }
    values.par_chunks(CHUNK).map(of_chunk).collect::<Vec<_>>().iter().sum()
}

struct Update<'a> {
    optimizer: &'a mut Optimizer,
    gradients: HashMap<ParamId, Vec<f32>>,
    scale: f32,
    lr: f64,
    path: Vec<String>,
}

impl ModuleMapper for Update<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = parameter.consume();
        let Some(gradient) = self.gradients.remove(&id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let undecayed = self.optimizer.undecayed.matches(&id, Some(&self.path.join(".")));
        let weight_decay = if undecayed { 0.0 } else { self.optimizer.weight_decay };
        let (device, shape) = (tensor.device(), tensor.shape());
        let mut values = transfer::read(tensor.inner());
        let rule = Rule { lr: self.lr, weight_decay, scale: self.scale };
        self.optimizer.update(id, &mut values, &gradient, rule);
        let tensor = Tensor::from_data(TensorData::new(values, shape), &device).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}

/// The ids of all parameters of `module`.
pub fn parameter_ids<M: Module>(module: &M) -> Vec<ParamId> {
    let mut collect = Ids(Vec::new());
    module.visit(&mut collect);
    collect.0
}

struct Ids(Vec<ParamId>);

impl ModuleVisitor for Ids {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        self.0.push(parameter.id);
    }
}

/// The path of the first parameter that holds a value that is no number.
pub fn spoilt_parameter<M: Module>(module: &M) -> Option<String> {
    let mut search = Spoilt { path: Vec::new(), found: None };
    module.visit(&mut search);
    search.found
}

struct Spoilt {
    path: Vec<String>,
    found: Option<String>,
}

impl ModuleVisitor for Spoilt {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let finite = || transfer::read(parameter.val()).par_iter().all(|value| value.is_finite());
        if self.found.is_none() && !finite() {
            self.found = Some(self.path.join("."));
        }
    }
}
