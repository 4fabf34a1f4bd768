//! The parts of one step: batches of a stream, and means of the loss.

use std::borrow::Cow;
use std::sync::Arc;

use crate::checkpoint::ensure;
use crate::error::TrainError;
use crate::experiment::Experiment;
use crate::inputs::Inputs;
use crate::method::{Loss, Pass, StepBatch, Stream};
use crate::networks::Networks;
use crate::step_graph::StepGraph;
use crate::transfer;
use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_data::{RowId, order, seed};
use lane_metrics::ClassId;
use serde::{Deserialize, Serialize};

/// A stream with the batches drawn from it for one epoch.
pub(crate) struct Drawn<'a> {
    pub(crate) stream: &'a Stream,
    pub(crate) batches: Vec<Vec<RowId>>,
    label_of: Vec<ClassId>,
    device: Device,
}

impl<'a> Drawn<'a> {
    /// Order and batches: a function of (seed, epoch, pass, stream) alone.
    pub(crate) fn new(
        experiment: &Experiment,
        stream: &'a Stream,
        [pass, index]: [usize; 2],
        epoch: u32,
    ) -> Self {
        let config = &experiment.config;
        let place = [pass as u64, index as u64];
        let seed =
            if place == [0, 0] { config.seed } else { seed::stream(config.seed, "stream", &place) };
        let mut label_of = vec![ClassId(0); experiment.train.dataset.n_rows()];
        for (row, label) in stream.rows.iter().zip(&stream.labels) {
            label_of[row.index()] = *label;
        }
        let training = &config.training;
        let lengths = &experiment.train.lengths;
        let batches = order::batches(
            lengths,
            &stream.rows,
            training.batch_size,
            seed,
            epoch,
            training.bucketing,
        );
        Self { stream, batches, label_of, device: experiment.device.clone().autodiff() }
    }

    /// The outputs of the networks on batch `step`, counted round and round.
    pub(crate) fn forward(
        &self,
        step: usize,
        pass: &Pass,
        inputs: &Inputs,
        networks: &Networks,
        graph: &mut StepGraph,
    ) -> StepBatch {
        let Some(rows) = self.batches.get(step % self.batches.len().max(1)).cloned() else {
            return StepBatch::empty(networks.members.len(), &self.device);
        };
        let labels: Vec<ClassId> = rows.iter().map(|row| self.label_of[row.index()]).collect();
        let n_views = inputs.n_views();
        let targets: Vec<i32> = labels.iter().map(|label| i32::from(label.0)).collect();
        let targets = targets.repeat(n_views);
        let n_targets = targets.len();
        let gathered = Arc::new(inputs.gather(&rows, n_views, &self.device));
        let outputs = (0..networks.members.len())
            .map(|network| {
                let runs = self.stream.networks.contains(network);
                let is_trained = pass.trained.contains(&network);
                runs.then(|| graph.run(networks, network, &gathered, is_trained))
            })
            .collect();
        let targets =
            Tensor::<1, Int>::from_data(TensorData::new(targets, [n_targets]), &self.device);
        StepBatch { rows, labels, targets, n_views, outputs }
    }
}

/// Loss terms averaged over the steps of an epoch, summed on the device and read once; steps without
/// rows to learn from are counted apart.
#[derive(Default)]
pub(crate) struct MeanTerms {
    sums: Vec<(Cow<'static, str>, Tensor<1>)>,
    n_steps: u32,
    n_skipped: u32,
    means: Vec<(Cow<'static, str>, f64)>,
}

/// The sums of an epoch under way, as a checkpoint keeps them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SavedTerms {
    sums: Vec<(String, f32)>,
    n_steps: u32,
    n_skipped: u32,
}

impl SavedTerms {
    /// What no run comes to, if there is such a thing.
    pub(crate) fn check(&self) -> Result<(), String> {
        ensure(self.n_steps < u32::MAX / 2, "count of steps", self.n_steps)?;
        ensure(self.n_skipped <= self.n_steps, "count of skipped steps", self.n_skipped)
    }
}

impl MeanTerms {
    /// What a checkpoint has to keep; the one reading of the sums before the epoch ends.
    pub(crate) fn saved(&self) -> SavedTerms {
        let read = |(name, sum): &(Cow<'static, str>, Tensor<1>)| {
            (name.to_string(), transfer::read_scalar(sum.clone()) as f32)
        };
        let sums = self.sums.iter().map(read).collect();
        SavedTerms { sums, n_steps: self.n_steps, n_skipped: self.n_skipped }
    }

    /// The sums that a checkpoint kept, on `device`.
    pub(crate) fn restored(saved: SavedTerms, device: &Device) -> Self {
        let SavedTerms { sums, n_steps, n_skipped } = saved;
        let sum = |(name, sum)| (Cow::Owned(name), Tensor::from_data([sum], device));
        let sums = sums.into_iter().map(sum).collect();
        Self { sums, n_steps, n_skipped, means: Vec::new() }
    }

    pub(crate) fn add(&mut self, loss: &Loss) {
        self.n_steps += 1;
        if loss.is_constant() {
            self.n_skipped += 1;
            return;
        }
        let total = std::iter::once(("loss", &loss.total));
        let all = total.chain(loss.terms.iter().map(|(name, term)| (*name, term)));
        for (at, (name, term)) in all.enumerate() {
            let term = term.clone().inner();
            match self.sums.get_mut(at) {
                Some((_, sum)) => *sum = sum.clone() + term,
                None => self.sums.push((name.into(), term)),
            }
        }
    }

    /// Reads the means, and refuses what is no number.
    pub(crate) fn read(&mut self, epoch: u32) -> Result<(), TrainError> {
        let n_taken = f64::from(self.n_steps.saturating_sub(self.n_skipped).max(1));
        let mean = |(name, sum)| (name, transfer::read_scalar(sum) / n_taken);
        self.means = self.sums.drain(..).map(mean).collect();
        if self.means.is_empty() {
            self.means.push(("loss".into(), 0.0));
        }
        if 0 < self.n_skipped {
            self.means.push(("skipped_steps".into(), f64::from(self.n_skipped)));
        }
        match self.means.iter().find(|(_, mean)| !mean.is_finite()) {
            Some((what, _)) => {
                // Each step's loss was a number: their sum is not.
                let (step, rows) = (self.n_steps as usize, "of the whole epoch".into());
                let what = format!("the sum of `{what}`").into();
                Err(TrainError::NotFinite { epoch, step, what, rows, way_back: None })
            }
            None => Ok(()),
        }
    }

    /// Steps of the epoch, skipped ones included.
    pub(crate) fn n_steps(&self) -> usize {
        self.n_steps as usize
    }

    /// The means, the total first, under `loss`.
    pub(crate) fn means(&self) -> &[(Cow<'static, str>, f64)] {
        &self.means
    }
}
