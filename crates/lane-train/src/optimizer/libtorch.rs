//! The step in libtorch's in-place operators: parameters, moments and the norm stay where they are.
//!
//! In tensor operations of burn (`device.rs`) every line of the update is a pass over memory with
//! a temporary. Here a parameter is taken in pieces that a core's second-level cache holds, and all
//! operators run over one piece before the next, so that memory is read and written once. The
//! gradient, which nobody needs afterwards, is the scratch space.
//!
//! Pieces are shared out by rayon and small enough that libtorch does not share them out again:
//! its threads meet after every operator, ten times a piece, which costs more than the operator
//! and, when another program wants the processor too, hundreds of times more. The norm is summed
//! over the same pieces in their order, so that it does not depend on the number of threads.
//!
//! libtorch's `addcmul_` comes without a factor in tch, so the second moment is kept as
//! `v/(1−β₂)`; the step undoes it.

use std::borrow::Cow;
use std::collections::HashMap;

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use lane_models::RowGradients;
use rayon::prelude::*;

use super::{
    BETA_1, BETA_2, Counts, EPSILON, Factors, Moment, NORM_EPSILON, Rates, StepForm, StepGradients,
};
use crate::transfer;

/// Elements of a piece: four rows of them are 256 KiB. Below 32768 libtorch stays on one thread.
const PIECE: i64 = 1 << 14;

/// Running means of every parameter's gradient and of its square.
#[derive(Default)]
pub(super) struct Moments(HashMap<ParamId, OfParameter>);

struct OfParameter {
    first: tch::Tensor,
    /// Divided by 1 − β₂.
    second: tch::Tensor,
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
        let mut gather = Gather { from: dense, rows, by_id: HashMap::new(), squares: 0.0 };
        module.visit(&mut gather);
        let norm = gather.squares.sqrt();
        let scale =
            if clip_norm > 0.0 { (clip_norm / (norm + NORM_EPSILON)).min(1.0) } else { 1.0 };
        Step { moments: self, gradients: gather.by_id, scale }
    }

    pub(super) fn counts(&self, id: ParamId) -> Option<Counts> {
        Some(Counts { n_steps: self.0.get(&id)?.n_steps, seen: None })
    }

    /// As it is kept, the second one divided by 1 − β₂.
    pub(super) fn moment(&self, id: ParamId, which: Moment) -> Option<Cow<'_, [f32]>> {
        let OfParameter { first, second, .. } = self.0.get(&id)?;
        let moment = if which == Moment::First { first } else { second };
        let flat = TchTensor::new(moment.view(-1).copy());
        Some(Cow::Owned(transfer::read(Tensor::<1>::from_primitive::<LibTorch>(flat))))
    }

    pub(super) fn restore(
        &mut self,
        id: ParamId,
        counts: &Counts,
        moments: [&[f32]; 2],
        device: &Device,
    ) {
        let [first, second] = moments.map(|values| {
            let data = TensorData::new(values.to_vec(), [values.len()]);
            primitive(Tensor::<1>::from_data(data, &device.clone().inner())).tensor
        });
        self.0.insert(id, OfParameter { first, second, n_steps: counts.n_steps });
    }
}

/// A step with the norm of all gradients known.
pub(super) struct Step<'a> {
    moments: &'a mut Moments,
    gradients: HashMap<ParamId, TchTensor>,
    /// Of the gradients, so that the joint norm keeps its limit.
    scale: f64,
}

impl StepForm for Step<'_> {
    type Gradient = TchTensor;

    fn take(&mut self, id: ParamId) -> Option<TchTensor> {
        self.gradients.remove(&id)
    }

    fn update<const D: usize>(
        &mut self,
        id: ParamId,
        gradient: TchTensor,
        value: Tensor<D>,
        rates: Rates,
    ) -> Tensor<D> {
        let value = writable(primitive(value));
        let gradient = writable(gradient);
        let moments = self.moments.0.entry(id).or_insert_with(|| {
            let [first, second] = [(); 2].map(|()| value.tensor.zeros_like());
            OfParameter { first, second, n_steps: 0 }
        });
        moments.n_steps += 1;
        let factors = Factors::new(rates, moments.n_steps);
        let rows = [&value.tensor, &gradient.tensor, &moments.first, &moments.second];
        let [values, gradients, first, second] = rows.map(pieces);
        let together = values.into_par_iter().zip(gradients).zip(first.into_par_iter().zip(second));
        together.for_each(|((value, gradient), (first, second))| {
            update_piece(value, gradient, first, second, factors, self.scale);
        });
        Tensor::from_primitive::<LibTorch>(value)
    }
}

/// A contiguous tensor as views of its pieces.
fn pieces(tensor: &tch::Tensor) -> Vec<tch::Tensor> {
    tensor.view(-1).split(PIECE, 0)
}

fn sum_of_squares(tensor: &tch::Tensor) -> f64 {
    let of_piece = |piece: tch::Tensor| piece.norm().double_value(&[]).powi(2);
    pieces(&tensor.contiguous()).into_par_iter().map(of_piece).collect::<Vec<_>>().iter().sum()
}

/// The update of one piece; the gradient is overwritten.
fn update_piece(
    mut value: tch::Tensor,
    mut gradient: tch::Tensor,
    mut first: tch::Tensor,
    mut second: tch::Tensor,
    factors: Factors,
    scale: f64,
) {
    let Factors { keep, rate, root_scale } = factors;
    let second_share = f64::from(1.0 - BETA_2).sqrt() * f64::from(root_scale);
    if scale < 1.0 {
        let _ = gradient.g_mul_scalar_(scale);
    }
    let _ = first.lerp_(&gradient, f64::from(1.0 - BETA_1));
    let _ = second.g_mul_scalar_(f64::from(BETA_2));
    let _ = second.addcmul_(&gradient, &gradient);
    if keep < 1.0 {
        let _ = value.g_mul_scalar_(f64::from(keep));
    }
    if rate <= 0.0 {
        return;
    }
    // −(√v̂ + ε) / rate, so that the change is a quotient without a factor. The root is taken as
    // 1 / (1/√v), of zero too: libtorch's own is the one operator it shares out at any size.
    let mut divisor = second.rsqrt_out(&gradient);
    let _ = divisor.reciprocal_();
    let _ = divisor.g_mul_scalar_(-second_share / f64::from(rate));
    let _ = divisor.g_add_scalar_(-f64::from(EPSILON) / f64::from(rate));
    let _ = value.addcdiv_(&first, &divisor);
}

/// Contiguous, and nobody else's.
fn writable(tensor: TchTensor) -> TchTensor {
    if tensor.can_mut() && tensor.tensor.is_contiguous() {
        return tensor;
    }
    TchTensor::new(tensor.tensor.contiguous().copy())
}

fn primitive<const D: usize>(tensor: Tensor<D>) -> TchTensor {
    match tensor.try_into_primitive::<LibTorch>() {
        Ok(tensor) => tensor,
        Err(error) => panic!("a tensor on libtorch was expected: {error:?}"),
    }
}

/// Takes gradients, and adds up their squares.
struct Gather {
    from: GradientsParams,
    rows: Vec<RowGradients>,
    by_id: HashMap<ParamId, TchTensor>,
    squares: f64,
}

impl Gather {
    /// The whole gradient of a parameter: what was given whole, and the rows.
    fn gradient<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) -> Option<TchTensor> {
        let whole = self.from.remove::<D>(parameter.id).map(primitive);
        let mine = self.rows.iter().filter(|rows| rows.parameter == parameter.id);
        mine.fold(whole, |sum, part| {
            let numbers: Vec<i64> = part.rows.iter().map(|&row| i64::from(row)).collect();
            let sum = match sum {
                Some(sum) => sum.tensor,
                None => primitive(parameter.val().inner()).tensor.zeros_like(),
            };
            let added = primitive(part.gradient.clone()).tensor;
            Some(TchTensor::new(sum.index_add(0, &tch::Tensor::from_slice(&numbers), &added)))
        })
    }
}

impl ModuleVisitor for Gather {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradient(parameter) {
            self.squares += sum_of_squares(&gradient.tensor);
            self.by_id.insert(parameter.id, gradient);
        }
    }
}
