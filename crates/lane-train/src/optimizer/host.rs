//! The step on host memory: one pass per parameter, in place and in parallel.
//!
//! A gradient of some rows of an embedding gives the step its whole gradient would: rows that have
//! none are moved by their moments, and rows that never had one have no moments and only decay.
//!
//! The norm is summed in chunks of fixed size in a fixed order, so that it does not depend on the
//! number of threads.

use std::borrow::Cow;
use std::collections::HashMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use lane_kernels::adamw;
use lane_models::RowGradients;
use rayon::prelude::*;

use super::{
    BETA_1, BETA_2, Counts, EPSILON, Factors, Moment, NORM_EPSILON, Rates, StepForm, StepGradients,
};
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
    /// Which rows ever had a gradient; `None` once all may have.
    seen: Option<Vec<bool>>,
}

/// The gradient of one parameter.
pub(super) enum Gradient {
    Whole(Vec<f32>),
    /// Of some rows, each `width` long.
    Rows(Rows),
}

/// Rows of a gradient, each once, and their values.
#[derive(Default)]
pub(super) struct Rows {
    numbers: Vec<u32>,
    values: Vec<f32>,
    width: usize,
}

impl Rows {
    fn add(&mut self, part: RowGradients) {
        let [_, width] = part.gradient.dims();
        let values = transfer::read(part.gradient);
        if self.numbers.is_empty() {
            *self = Self { numbers: part.rows, values, width };
            return;
        }
        let mut place: HashMap<u32, usize> = self.numbers.iter().copied().zip(0..).collect();
        for (row, values) in part.rows.into_iter().zip(values.chunks_exact(width)) {
            let at = *place.entry(row).or_insert(self.numbers.len());
            if at == self.numbers.len() {
                self.numbers.push(row);
                self.values.extend_from_slice(values);
            } else {
                add_to(&mut self.values[at * width..][..width], values);
            }
        }
    }

    fn iter(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let numbers = self.numbers.iter().map(|&row| row as usize);
        numbers.zip(self.values.chunks_exact(self.width))
    }

    /// The values of each row of a table of `n_rows`, where there are any.
    fn by_number(&self, n_rows: usize) -> Vec<Option<&[f32]>> {
        let mut all = vec![None; n_rows];
        self.iter().for_each(|(row, values)| all[row] = Some(values));
        all
    }
}

fn add_to(sum: &mut [f32], values: &[f32]) {
    sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

impl Moments {
    pub(super) fn begin<M: Module>(
        &mut self,
        module: &M,
        gradients: StepGradients,
        clip_norm: f64,
    ) -> Step<'_> {
        let mut rows: HashMap<ParamId, Rows> = HashMap::new();
        for part in gradients.rows {
            rows.entry(part.parameter).or_default().add(part);
        }
        let from = gradients.dense;
        let mut gather = Gather { from, rows, by_id: HashMap::new(), squares: Vec::new() };
        module.visit(&mut gather);
        let norm = gather.squares.iter().sum::<f64>().sqrt();
        let scale =
            if clip_norm > 0.0 { (clip_norm / (norm + NORM_EPSILON)).min(1.0) as f32 } else { 1.0 };
        Step { moments: self, gradients: gather.by_id, scale }
    }

    pub(super) fn counts(&self, id: ParamId) -> Option<Counts> {
        let OfParameter { n_steps, seen, .. } = self.0.get(&id)?;
        Some(Counts { n_steps: *n_steps, seen: seen.clone() })
    }

    pub(super) fn moment(&self, id: ParamId, which: Moment) -> Option<Cow<'_, [f32]>> {
        let OfParameter { first, second, .. } = self.0.get(&id)?;
        Some(Cow::Borrowed(if which == Moment::First { first } else { second }))
    }

    pub(super) fn restore(&mut self, id: ParamId, counts: Counts, moments: [Vec<f32>; 2]) {
        let ([first, second], Counts { n_steps, seen }) = (moments, counts);
        self.0.insert(id, OfParameter { first, second, n_steps, seen });
    }

    /// The moments of a parameter of `n` values, and how far this step moves it.
    fn of(
        &mut self,
        id: ParamId,
        n: usize,
        rates: Rates,
        scale: f32,
    ) -> (&mut OfParameter, adamw::Factors<f32>) {
        let moments = self.0.entry(id).or_insert_with(|| OfParameter {
            first: vec![0.0; n],
            second: vec![0.0; n],
            n_steps: 0,
            seen: Some(Vec::new()),
        });
        moments.n_steps += 1;
        let Factors { keep, rate, root_scale } = Factors::new(rates, moments.n_steps);
        let betas = [BETA_1, BETA_2];
        let by = adamw::Factors { scale, betas, keep, rate, root_scale, epsilon: EPSILON };
        (moments, by)
    }
}

impl OfParameter {
    fn update(&mut self, values: &mut [f32], gradient: &[f32], by: adamw::Factors<f32>) {
        self.seen = None;
        let chunks = values
            .par_chunks_mut(CHUNK)
            .zip(gradient.par_chunks(CHUNK))
            .zip(self.first.par_chunks_mut(CHUNK).zip(self.second.par_chunks_mut(CHUNK)));
        chunks.for_each(|((values, gradient), (first, second))| {
            adamw::step(values, gradient, (first, second), by);
        });
    }

    fn update_rows(&mut self, values: &mut [f32], gradient: &Rows, by: adamw::Factors<f32>) {
        let width = gradient.width;
        let gradients = gradient.by_number(values.len() / width);
        if let Some(seen) = &mut self.seen {
            seen.resize(gradients.len(), false);
            gradient.iter().for_each(|(row, _)| seen[row] = true);
        }
        let seen = self.seen.as_deref();
        let n_rows = (CHUNK / width).max(1);
        let chunks = values
            .par_chunks_mut(n_rows * width)
            .zip(self.first.par_chunks_mut(n_rows * width))
            .zip(self.second.par_chunks_mut(n_rows * width))
            .enumerate();
        chunks.for_each(|(chunk, ((values, first), second))| {
            let rows = values.chunks_exact_mut(width).zip(first.chunks_exact_mut(width));
            let rows = rows.zip(second.chunks_exact_mut(width)).zip(chunk * n_rows..);
            for (((values, first), second), row) in rows {
                match gradients[row] {
                    Some(gradient) => adamw::step(values, gradient, (first, second), by),
                    None if seen.is_some_and(|seen| !seen[row]) => adamw::decay(values, by.keep),
                    None => adamw::coast(values, (first, second), by),
                }
            }
        });
    }
}

/// A step with all gradients on the host.
pub(super) struct Step<'a> {
    moments: &'a mut Moments,
    gradients: HashMap<ParamId, Gradient>,
    /// Of the gradients, so that the joint norm keeps its limit.
    scale: f32,
}

impl StepForm for Step<'_> {
    type Gradient = Gradient;

    fn take(&mut self, id: ParamId) -> Option<Gradient> {
        self.gradients.remove(&id)
    }

    fn update<const D: usize>(
        &mut self,
        id: ParamId,
        gradient: Gradient,
        value: Tensor<D>,
        rates: Rates,
    ) -> Tensor<D> {
        let (device, shape) = (value.device(), value.shape());
        let mut values = transfer::read(value);
        let (moments, by) = self.moments.of(id, values.len(), rates, self.scale);
        match gradient {
            Gradient::Whole(gradient) => {
                moments.update(&mut values, &gradient, by);
                lane_kernels::recycle(gradient);
            }
            Gradient::Rows(rows) => moments.update_rows(&mut values, &rows, by),
        }
        Tensor::from_data(TensorData::new(values, shape), &device)
    }
}

/// Takes gradients to the host, with the sum of squares of each.
struct Gather {
    from: GradientsParams,
    rows: HashMap<ParamId, Rows>,
    by_id: HashMap<ParamId, Gradient>,
    squares: Vec<f64>,
}

impl ModuleVisitor for Gather {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let whole = self.from.remove::<D>(parameter.id).map(transfer::read);
        let gradient = match (whole, self.rows.remove(&parameter.id)) {
            (None, None) => return,
            (Some(whole), None) => Gradient::Whole(whole),
            (None, Some(rows)) => Gradient::Rows(rows),
            (Some(mut whole), Some(rows)) => {
                let width = rows.width;
                rows.iter()
                    .for_each(|(row, values)| add_to(&mut whole[row * width..][..width], values));
                Gradient::Whole(whole)
            }
        };
        let (Gradient::Whole(values) | Gradient::Rows(Rows { values, .. })) = &gradient;
        self.squares.push(sum_of_squares(values));
        self.by_id.insert(parameter.id, gradient);
    }
}

fn sum_of_squares(values: &[f32]) -> f64 {
    let of_chunk = |chunk: &[f32]| {
        let mut total = 0.0;
        adamw::add_squares(chunk, &mut total);
        total
    };
    if values.len() <= CHUNK {
        return of_chunk(values);
    }
    values.par_chunks(CHUNK).map(of_chunk).collect::<Vec<_>>().iter().sum()
}
