//! One step: forward, what the averages and the dynamics see, loss, backward, update.

use burn::module::Module;
use burn::tensor::Tensor;
use lane_data::{RowId, seed};

use super::{Course, Learner, Sinks, Trainer};
use crate::checkpoint::Position;
use crate::divergence::{Fault, Place, behind};
use crate::dynamics::Dynamics;
use crate::error::TrainError;
use crate::method::{MarginMode, MarginSource, Pass, Step, StepBatch};
use crate::networks::Networks;
use crate::observe::{name_rows, observe};
use crate::optimizer::spoilt_parameter;
use crate::step::Drawn;
use crate::step_graph::StepGraph;
use crate::transfer::{HostOutputs, read_step_with};

impl Trainer<'_> {
    pub(super) fn step(
        &mut self,
        course: &Course<'_>,
        pass: &Pass,
        streams: &[Drawn<'_>],
        mut learner: Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<Learner, TrainError> {
        let Position { phase, epoch, overall_epoch, pass: number, step, .. } = self.at;
        let place = Place { epoch: overall_epoch, step: learner.terms.n_steps() + 1 };
        let mut graph = self.step_graph(number, step);
        let inputs = &self.experiment.train.inputs;
        let batches: Vec<StepBatch> = streams
            .iter()
            .map(|stream| stream.forward(step, pass, inputs, &learner.networks, &mut graph))
            .collect();
        for (batch, drawn) in batches.iter().zip(streams) {
            if drawn.stream.recorded && !batch.rows.is_empty() {
                self.record(place, batch, &mut learner, sinks.dynamics)?;
            }
        }
        learner.watch.settle_if_many().map_err(|fault| self.diverged(&fault))?;
        let n_steps = streams[0].batches.len();
        let share = step as f64 / n_steps as f64;
        let loss = self.method.loss(&Step {
            phase,
            epoch,
            progress: (f64::from(epoch) + share) / f64::from(course.phase.epochs),
            trained: &pass.trained,
            seed: self.step_seed("method", number, step),
            batches: &batches,
            networks: &learner.networks,
            margins: &self.margins,
            forward: graph.own(),
        });
        let auxiliary = self.method.auxiliary();
        let loss = loss.map_err(|error| {
            let fault = behind(&error, place, &batches, auxiliary);
            fault.map_or(error, |fault| self.diverged(&fault))
        })?;
        learner.terms.add(&loss);
        if loss.is_constant() {
            return Ok(learner);
        }
        learner.watch.add(place, &batches, &loss, auxiliary);
        drop(batches);
        let gradients = graph.gradients(&loss, &learner.networks, &pass.trained);
        let done = (step as u64 * course.n_steps) / n_steps as u64;
        let lr = course.schedule.at(u64::from(epoch) * course.n_steps + done);
        learner.networks = learner.optimizer.step(learner.networks, gradients, lr);
        Ok(learner)
    }

    /// Dropout of one step: a function of (seed, epoch, pass, step) alone.
    fn step_graph(&self, pass: usize, step: usize) -> StepGraph {
        let micro_batch = self.experiment.config.training.micro_batch;
        StepGraph::new(self.step_seed("dropout", pass, step), micro_batch)
    }

    fn step_seed(&self, stream: &str, pass: usize, step: usize) -> u64 {
        let place = [u64::from(self.at.overall_epoch), pass as u64, step as u64];
        seed::stream(self.experiment.config.seed, stream, &place)
    }

    /// The logits that margins are taken from, and `more` on the same crossing.
    fn read_margins(
        &self,
        batch: &StepBatch,
        networks: &Networks,
        more: Vec<Tensor<1>>,
    ) -> Result<(HostOutputs, Vec<f32>), TrainError> {
        let MarginSource { views, mode } = self.method.margin_source();
        let n_views = views.n(batch.n_views);
        let n = n_views * batch.rows.len();
        let auxiliary = self.method.auxiliary();
        if mode == MarginMode::Train {
            let auxiliary = auxiliary.map(|network| batch.output(network)).transpose()?;
            let auxiliary = auxiliary.map(|output| &output.logits);
            return Ok(read_step_with(&batch.output(0)?.logits, auxiliary, n, more));
        }
        let device = self.device.clone().inner();
        let gathered = self.experiment.train.inputs.gather(&batch.rows, n_views, &device);
        let networks = networks.valid();
        let logits = |network| networks.predict(network, gathered.input()).logits;
        Ok(read_step_with(&logits(0), auxiliary.map(logits).as_ref(), n, more))
    }

    /// Lets one batch into the averages and the dynamics.
    fn record(
        &mut self,
        place: Place,
        batch: &StepBatch,
        learner: &mut Learner,
        dynamics: &mut Dynamics,
    ) -> Result<(), TrainError> {
        let losses = learner.watch.totals();
        let (host, losses) = self.read_margins(batch, &learner.networks, losses)?;
        // The step before is told first: what it left shows in these logits too.
        learner.watch.judge(&losses).map_err(|fault| self.diverged(&fault))?;
        let averaged = self.skip_epochs <= self.at.epoch;
        let id = |row: RowId| self.experiment.train.dataset.examples[row.index()].id.clone();
        observe(&mut self.margins, self.method.as_ref(), batch, &host, averaged, dynamics)
            .map_err(|error| name_rows(error, place, &host, &batch.rows, id))
    }

    /// Refuses networks that the last step left without numbers.
    pub(super) fn check_parameters(&self, learner: &Learner) -> Result<(), TrainError> {
        match spoilt_parameter(&learner.networks) {
            Some(parameter) => {
                let fault = learner.watch.parameter(&parameter, self.at.overall_epoch);
                Err(self.diverged(&fault))
            }
            None => Ok(()),
        }
    }

    /// A fault, told with the ids of its rows.
    pub(super) fn diverged(&self, fault: &Fault) -> TrainError {
        let examples = &self.experiment.train.dataset.examples;
        TrainError::diverged(fault, |row| examples[row.index()].id.clone())
    }
}
