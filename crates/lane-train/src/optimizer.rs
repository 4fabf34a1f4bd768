//! AdamW as the reference implementations of BERT fine-tuning run it.
//!
//! ```text
//! m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²,  p ← p(1 − lr·decay) − lr·m̂/(√v̂ + ε)
//! β = (0.9, 0.999), ε = 1e-8; no decay on biases and layer norms
//! g ← g · min(1, clip/(‖g‖₂ + 1e-6))       one norm over all parameters
//! ```

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamWConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::Tensor;
use lane_models::NO_DECAY;

use crate::error::TrainError;

/// The optimizer of one phase.
pub struct Optimizer {
    inner: ModuleOptimizer,
    clip_norm: f64,
}

impl Optimizer {
    /// AdamW with decoupled decay on weight matrices and embeddings only.
    ///
    /// # Errors
    ///
    /// [`TrainError::Mismatch`] if burn does not take the pattern of the undecayed parameters.
    pub fn new(weight_decay: f64, clip_norm: f64) -> Result<Self, TrainError> {
        let adamw = |decay: f64| AdamWConfig::new().with_epsilon(1e-8).with_weight_decay(decay as f32);
        let undecayed = ParamGroup::from_regex(NO_DECAY).map_err(|error| TrainError::Mismatch {
            found: format!("pattern `{NO_DECAY}`: {error:?}"),
            expected: "a regular expression".into(),
        })?;
        let inner = adamw(weight_decay).init().with_group(undecayed, adamw(0.0).build(), None);
        Ok(Self { inner, clip_norm })
    }

    /// One step at rate `lr`.
    pub fn step<M: Module>(&mut self, module: M, mut gradients: GradientsParams, lr: f64) -> M {
        if self.clip_norm > 0.0 {
            gradients = clip(&module, gradients, self.clip_norm);
        }
        self.inner.step(lr, module, gradients)
    }
}

/// Scales all gradients so that their joint norm is at most `limit`, on the device.
pub fn clip<M: Module>(module: &M, gradients: GradientsParams, limit: f64) -> GradientsParams {
    let mut norm = SquaredNorm { gradients: &gradients, sum: None };
    module.visit(&mut norm);
    let Some(sum) = norm.sum else { return gradients };
    let coefficient = (sum.sqrt().add_scalar(1e-6).recip() * limit).clamp_max(1.0);
    let mut scale = Scale { gradients, coefficient };
    module.visit(&mut scale);
    scale.gradients
}

struct SquaredNorm<'a> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<1>>,
}

impl ModuleVisitor for SquaredNorm<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(parameter.id) {
            let square = gradient.square().sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

struct Scale {
    gradients: GradientsParams,
    coefficient: Tensor<1>,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(parameter.id) {
            let scaled = gradient * self.coefficient.clone().reshape([1; D]);
            self.gradients.register(parameter.id, scaled);
        }
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
