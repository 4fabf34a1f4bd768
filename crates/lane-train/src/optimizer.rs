//! AdamW as the reference implementations of BERT fine-tuning run it.
//!
//! ```text
//! g ← g · min(1, clip/(‖g‖₂ + 1e-6))            one norm over all parameters that have gradients
//! m ← β₁m + (1−β₁)g,  v ← β₂v + (1−β₂)g²
//! p ← p(1 − lr·decay) − lr · (m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
//! β = (0.9, 0.999), ε = 1e-8; no decay on biases and layer norms
//! ```
//!
//! There are three forms of the same step. `host.rs` is one pass over memory per parameter; it serves
//! device `flex`, whose memory is the host's. `device.rs` is written in tensor operations and serves
//! the others, where a parameter that crossed to the host and back would cost more than the
//! step; of libtorch's own operators there is one for that device, `libtorch.rs`. burn's own AdamW
//! clips each tensor by itself, so it is none of them.
//!
//! Loshchilov, Hutter: *Decoupled Weight Decay Regularization*, ICLR 2019.

mod device;
mod host;
#[cfg(feature = "tch")]
#[expect(deprecated, reason = "burn deprecates its libtorch backend; it stays while burn has it")]
mod libtorch;
mod saved;
mod search;

use burn::module::{Module, ModuleMapper, Param, ParamGroup, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
use lane_models::{NO_DECAY, RowGradients};

use crate::error::TrainError;

pub(crate) use saved::{Counts, Moment};
pub use search::{parameter_ids, spoilt_parameter};

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// Added to the norm of the gradients, as in the reference implementation.
const NORM_EPSILON: f64 = 1e-6;

/// Where a step is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One pass over host memory: for devices whose memory is the host's.
    Host,
    /// Tensor operations that leave everything on its device.
    Device,
    /// libtorch's operators, in place: for its own tensors only.
    #[cfg(feature = "tch")]
    LibTorch,
}

impl Form {
    /// The form that `device` is served best by.
    fn of(device: &Device) -> Self {
        #[cfg(feature = "tch")]
        if lane_models::libtorch::is_libtorch(device) {
            return Self::LibTorch;
        }
        if device.clone().inner() == Device::flex() { Self::Host } else { Self::Device }
    }
}

/// The gradients of one step.
pub struct StepGradients {
    /// Whole parameters.
    pub dense: GradientsParams,
    /// Rows of embeddings; the other rows of such a parameter have a gradient of zero, and are
    /// decayed and moved by their moments as if it had been given.
    pub rows: Vec<RowGradients>,
}

impl From<GradientsParams> for StepGradients {
    fn from(dense: GradientsParams) -> Self {
        Self { dense, rows: Vec::new() }
    }
}

/// The optimizer of one phase.
pub struct Optimizer {
    undecayed: ParamGroup,
    weight_decay: f64,
    clip_norm: f64,
    own_factor: f64,
    form: Option<Form>,
    on_host: host::Moments,
    on_device: device::Moments,
    #[cfg(feature = "tch")]
    on_libtorch: libtorch::Moments,
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
        Ok(Self {
            undecayed,
            weight_decay,
            clip_norm,
            own_factor: 1.0,
            form: None,
            on_host: host::Moments::default(),
            on_device: device::Moments::default(),
            #[cfg(feature = "tch")]
            on_libtorch: libtorch::Moments::default(),
        })
    }

    /// Multiplies the rate of a method's own parameters ([`Networks::own`](crate::networks::Networks)).
    #[must_use]
    pub fn with_own_factor(self, own_factor: f64) -> Self {
        Self { own_factor, ..self }
    }

    /// Takes this form on every device, where otherwise the device decides.
    #[must_use]
    pub fn with_form(self, form: Form) -> Self {
        Self { form: Some(form), ..self }
    }

    /// One step at rate `lr`; parameters without a gradient keep still.
    pub fn step<M: Module>(
        &mut self,
        module: M,
        gradients: impl Into<StepGradients>,
        lr: f64,
    ) -> M {
        let gradients = gradients.into();
        let form = self.form.or_else(|| search::device(&module).as_ref().map(Form::of));
        let Self { undecayed, weight_decay, clip_norm, .. } = self;
        let group =
            Group { undecayed, weight_decay: *weight_decay, lr, own_lr: lr * self.own_factor };
        match form {
            Some(Form::Host) => {
                let step = self.on_host.begin(&module, gradients, *clip_norm);
                group.apply(module, step)
            }
            Some(Form::Device) => {
                let step = self.on_device.begin(&module, gradients, *clip_norm);
                group.apply(module, step)
            }
            #[cfg(feature = "tch")]
            Some(Form::LibTorch) => {
                let step = self.on_libtorch.begin(&module, gradients, *clip_norm);
                group.apply(module, step)
            }
            None => module,
        }
    }
}

/// A step under way, after the gradients are gathered and their norm is known.
trait StepForm {
    type Gradient;

    /// The gradient of a parameter, if it has one in this step.
    fn take(&mut self, id: ParamId) -> Option<Self::Gradient>;

    /// The value of a parameter after the step.
    fn update<const D: usize>(
        &mut self,
        id: ParamId,
        gradient: Self::Gradient,
        value: Tensor<D>,
        rates: Rates,
    ) -> Tensor<D>;
}

/// What a step does to one parameter besides what the gradient says.
#[derive(Clone, Copy)]
struct Rates {
    lr: f64,
    weight_decay: f64,
}

/// The factors of one parameter's update, with the corrections for the moments' start at zero.
#[derive(Clone, Copy)]
struct Factors {
    /// Of the old value.
    keep: f32,
    /// Of the first moment.
    rate: f32,
    /// Of the root of the second moment.
    root_scale: f32,
}

impl Factors {
    /// For the `n_steps`-th step in which the parameter has a gradient, counted from 1.
    fn new(rates: Rates, n_steps: i32) -> Self {
        let first_correction = 1.0 - f64::from(BETA_1).powi(n_steps);
        let second_correction = (1.0 - f64::from(BETA_2).powi(n_steps)).sqrt();
        Self {
            keep: (1.0 - rates.lr * rates.weight_decay) as f32,
            rate: (rates.lr / first_correction) as f32,
            root_scale: (1.0 / second_correction) as f32,
        }
    }
}

/// Which parameters decay, and how fast all learn.
struct Group<'a> {
    undecayed: &'a ParamGroup,
    weight_decay: f64,
    lr: f64,
    own_lr: f64,
}

impl Group<'_> {
    /// Parameters of a method's own have a rate of their own and no decay.
    fn rates(&self, id: ParamId, path: &[String]) -> Rates {
        if path.first().is_some_and(|name| name == "own") {
            return Rates { lr: self.own_lr, weight_decay: 0.0 };
        }
        let undecayed = self.undecayed.matches(&id, Some(&path.join(".")));
        Rates { lr: self.lr, weight_decay: if undecayed { 0.0 } else { self.weight_decay } }
    }

    fn apply<M: Module>(self, module: M, step: impl StepForm) -> M {
        module.map(&mut Update { group: self, step, path: Vec::new() })
    }
}

struct Update<'a, S> {
    group: Group<'a>,
    step: S,
    path: Vec<String>,
}

impl<S: StepForm> ModuleMapper for Update<'_, S> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, tensor, mapper) = parameter.consume();
        let Some(gradient) = self.step.take(id) else {
            return Param::from_mapped_value(id, tensor, mapper);
        };
        let rates = self.group.rates(id, &self.path);
        let learns = tensor.is_autodiff();
        let tensor = self.step.update(id, gradient, tensor.inner(), rates);
        let tensor = if learns { tensor.autodiff().require_grad() } else { tensor };
        Param::from_mapped_value(id, tensor, mapper)
    }
}
