//! The step in tensor operations: parameters, moments and the norm stay on their device.
//!
//! Nothing is read back, so that the host can queue the next step while the device works on this
//! one. Tensors are worked on as rows of numbers, `[n]`, which keeps moments of all ranks in one
//! table; a reshape of a contiguous tensor moves nothing.
//!
//! The norm is a sum in f32 here, by the device's own reduction, where `host.rs` sums in f64:
//! the two agree to about 1e-6 relative, and that only matters in steps that are clipped.

use std::borrow::Cow;
use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, IndexingUpdateOp, Int, Tensor, TensorData};
use lane_models::RowGradients;

use super::{
    BETA_1, BETA_2, Counts, EPSILON, Factors, Moment, NORM_EPSILON, Rates, StepForm, StepGradients,
};
use crate::transfer;

/// Running means of every parameter's gradient and of its square.
#[derive(Default)]
pub(super) struct Moments(HashMap<ParamId, OfParameter>);

struct OfParameter {
    first: Tensor<1>,
    second: Tensor<1>,
    n_steps: i32,
}

impl Moments {
    pub(super) fn begin<M: Module>(
        &mut self,
        module: &M,
        gradients: StepGradients,
        clip_norm: f64,
    ) -> Step<'_> {
        let StepGradients { dense, rows } = gradients;
        let mut gather = Gather { from: dense, rows, by_id: HashMap::new(), squares: None };
        module.visit(&mut gather);
        // `None` when nothing is clipped: without a limit, or without a gradient.
        let squares = gather.squares.filter(|_| clip_norm > 0.0);
        let scale = squares.map(|squares| {
            let norm = squares.sqrt().add_scalar(NORM_EPSILON); // [1]
            norm.recip().mul_scalar(clip_norm).clamp_max(1.0)
        });
        Step { moments: self, gradients: gather.by_id, scale }
    }

    pub(super) fn counts(&self, id: ParamId) -> Option<Counts> {
        Some(Counts { n_steps: self.0.get(&id)?.n_steps, seen: None })
    }

    pub(super) fn moment(&self, id: ParamId, which: Moment) -> Option<Cow<'_, [f32]>> {
        let OfParameter { first, second, .. } = self.0.get(&id)?;
        let moment = if which == Moment::First { first } else { second };
        Some(Cow::Owned(transfer::read(moment.clone())))
    }

    pub(super) fn restore(
        &mut self,
        id: ParamId,
        counts: &Counts,
        moments: [Vec<f32>; 2],
        device: &Device,
    ) {
        let [first, second] = moments.map(|values| {
            let n = values.len();
            Tensor::from_data(TensorData::new(values, [n]), &device.clone().inner())
        });
        self.0.insert(id, OfParameter { first, second, n_steps: counts.n_steps });
    }
}

/// A step with all gradients as rows on the device.
pub(super) struct Step<'a> {
    moments: &'a mut Moments,
    gradients: HashMap<ParamId, Tensor<1>>,
    /// Of the gradients, so that the joint norm keeps its limit; `[1]`.
    scale: Option<Tensor<1>>,
}

impl StepForm for Step<'_> {
    type Gradient = Tensor<1>;

    fn take(&mut self, id: ParamId) -> Option<Tensor<1>> {
        self.gradients.remove(&id)
    }

    fn update<const D: usize>(
        &mut self,
        id: ParamId,
        gradient: Tensor<1>,
        value: Tensor<D>,
        rates: Rates,
    ) -> Tensor<D> {
        let gradient = match &self.scale {
            Some(scale) => gradient * scale.clone(), // [n] · [1]
            None => gradient,
        };
        // Out of the table and in again, so that nothing else holds the moments while they are
        // worked on and the device may write in place.
        let old = self.moments.0.remove(&id);
        let n_steps = old.as_ref().map_or(0, |old| old.n_steps) + 1;
        let first = gradient.clone().mul_scalar(1.0 - BETA_1);
        let second = gradient.square().mul_scalar(1.0 - BETA_2);
        let (first, second) = match old {
            Some(old) => {
                (old.first.mul_scalar(BETA_1) + first, old.second.mul_scalar(BETA_2) + second)
            }
            None => (first, second),
        };
        let Factors { keep, rate, root_scale } = Factors::new(rates, n_steps);
        let root = second.clone().sqrt().mul_scalar(root_scale).add_scalar(EPSILON);
        let change = first.clone().mul_scalar(rate) / root;
        self.moments.0.insert(id, OfParameter { first, second, n_steps });
        let shape = value.shape();
        let [n] = change.dims();
        (value.reshape([n]).mul_scalar(keep) - change).reshape(shape)
    }
}

/// Takes gradients as rows of numbers, and adds up their squares.
struct Gather {
    from: GradientsParams,
    rows: Vec<RowGradients>,
    by_id: HashMap<ParamId, Tensor<1>>,
    squares: Option<Tensor<1>>,
}

impl Gather {
    /// The whole gradient of a parameter: what was given whole, and the rows.
    fn gradient<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) -> Option<Tensor<1>> {
        let whole = self.from.remove::<D>(parameter.id).map(|gradient| {
            let n = gradient.shape().num_elements();
            gradient.reshape([n])
        });
        let mine = self.rows.iter().filter(|rows| rows.parameter == parameter.id);
        mine.fold(whole, |sum, part| {
            let [n_rows, width] = part.gradient.dims();
            let n = parameter.shape().num_elements();
            let numbers: Vec<i32> = part.rows.iter().map(|&row| row.cast_signed()).collect();
            let device = part.gradient.device();
            let numbers = Tensor::<1, Int>::from_data(TensorData::new(numbers, [n_rows]), &device);
            let table = match sum {
                Some(sum) => sum.reshape([n / width, width]),
                None => Tensor::<2>::zeros([n / width, width], &device),
            };
            let add = IndexingUpdateOp::Add;
            Some(table.select_assign(0, numbers, part.gradient.clone(), add).reshape([n]))
        })
    }
}

impl ModuleVisitor for Gather {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradient(parameter) {
            let squares = gradient.clone().square().sum();
            self.squares = Some(match self.squares.take() {
                Some(sum) => sum + squares,
                None => squares,
            });
            self.by_id.insert(parameter.id, gradient);
        }
    }
}
