//! The step on host memory: one pass per parameter, in place and in parallel.
//!
//! The norm is summed in chunks of fixed size in a fixed order, so that it does not depend on the
//! number of threads.

use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::{BETA_1, BETA_2, EPSILON, Factors, NORM_EPSILON, Rates, StepForm};
use crate::transfer;

/// Elements of one parallel task.
const CHUNK: usize = 1 << 15;

/// Running means of every parameter's gradient and of its square.
#[derive(Default)]
pub(super) struct Moments(HashMap<ParamId, OfParameter>);

struct OfParameter {
    first: Vec<f32>,
    second: Vec<f32>,
    n_steps: i32,
}

impl Moments {
    pub(super) fn begin<M: Module>(
        &mut self,
        module: &M,
        gradients: GradientsParams,
        clip_norm: f64,
    ) -> Step<'_> {
        let mut gather = Gather { from: gradients, by_id: HashMap::new(), squares: Vec::new() };
        module.visit(&mut gather);
        let norm = gather.squares.iter().sum::<f64>().sqrt();
        let scale =
            if clip_norm > 0.0 { (clip_norm / (norm + NORM_EPSILON)).min(1.0) as f32 } else { 1.0 };
        Step { moments: self, gradients: gather.by_id, scale }
    }

    fn update(
        &mut self,
        id: ParamId,
        values: &mut [f32],
        gradient: &[f32],
        rates: Rates,
        scale: f32,
    ) {
        let n = values.len();
        let moments = self.0.entry(id).or_insert_with(|| OfParameter {
            first: vec![0.0; n],
            second: vec![0.0; n],
            n_steps: 0,
        });
        moments.n_steps += 1;
        let Factors { keep, rate, root_scale } = Factors::new(rates, moments.n_steps);
        let chunks = values
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(moments.first.par_chunks_mut(CHUNK).zip(moments.second.par_chunks_mut(CHUNK)));
        chunks.for_each(|((values, gradient), (first, second))| {
            for (((value, gradient), first), second) in
                values.iter_mut().zip(gradient).zip(first).zip(second)
            {
                let gradient = gradient * scale;
                *first = BETA_1 * *first + (1.0 - BETA_1) * gradient;
                *second = BETA_2 * *second + (1.0 - BETA_2) * gradient * gradient;
                *value = *value * keep - rate * *first / (second.sqrt() * root_scale + EPSILON);
            }
        });
    }
}

/// A step with all gradients on the host.
pub(super) struct Step<'a> {
    moments: &'a mut Moments,
    gradients: HashMap<ParamId, Vec<f32>>,
    /// Of the gradients, so that the joint norm keeps its limit.
    scale: f32,
}

impl StepForm for Step<'_> {
    type Gradient = Vec<f32>;

    fn take(&mut self, id: ParamId) -> Option<Vec<f32>> {
        self.gradients.remove(&id)
    }

    fn update<const D: usize>(
        &mut self,
        id: ParamId,
        gradient: Vec<f32>,
        value: Tensor<D>,
        rates: Rates,
    ) -> Tensor<D> {
        let (device, shape) = (value.device(), value.shape());
        let mut values = transfer::read(value);
        self.moments.update(id, &mut values, &gradient, rates, self.scale);
        Tensor::from_data(TensorData::new(values, shape), &device)
    }
}

/// Takes gradients to the host, with the sum of squares of each.
struct Gather {
    from: GradientsParams,
    by_id: HashMap<ParamId, Vec<f32>>,
    squares: Vec<f64>,
}

impl ModuleVisitor for Gather {
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
