//! One step: forward, what the averages and the dynamics see, loss, backward, update.

use burn::module::Module;
use lane_data::{RowId, seed};

use super::{Course, Learner, Sinks, Trainer};
use crate::checkpoint::Position;
use crate::dynamics::Dynamics;
use crate::error::TrainError;
use crate::method::{MarginMode, MarginSource, Pass, Step, StepBatch};
use crate::networks::Networks;
use crate::observe::{Place, name_rows, observe};
use crate::step::Drawn;
use crate::step_graph::StepGraph;
use crate::transfer::{self, HostOutputs};

impl Trainer<'_> {
    pub(super) fn step(
        &mut self,
        course: &Course<'_>,
        pass: &Pass,
        streams: &[Drawn<'_>],
        mut learner: Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<Learner, TrainError> {
        let Position { phase, epoch, pass: number, step, .. } = self.at;
        let mut graph = self.step_graph(number, step);
        let inputs = &self.experiment.train.inputs;
        let batches: Vec<StepBatch> = streams
            .iter()
            .map(|stream| stream.forward(step, pass, inputs, &learner.networks, &mut graph))
            .collect();
        for (batch, drawn) in batches.iter().zip(streams) {
            if drawn.stream.recorded && !batch.rows.is_empty() {
                self.record(batch, &learner.networks, sinks.dynamics)?;
            }
        }
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
        })?;
        drop(batches);
        learner.terms.add(&loss);
        if loss.is_constant() {
            return Ok(learner);
        }
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

    /// The logits that margins are taken from.
    fn read_margins(
        &self,
        batch: &StepBatch,
        networks: &Networks,
    ) -> Result<HostOutputs, TrainError> {
        let MarginSource { views, mode } = self.method.margin_source();
        let n_views = views.n(batch.n_views);
        let n = n_views * batch.rows.len();
        let auxiliary = self.method.auxiliary();
        if mode == MarginMode::Train {
            let auxiliary = auxiliary.map(|network| batch.output(network)).transpose()?;
            let auxiliary = auxiliary.map(|output| &output.logits);
            return Ok(transfer::read_step(&batch.output(0)?.logits, auxiliary, n));
        }
        let device = self.device.clone().inner();
        let gathered = self.experiment.train.inputs.gather(&batch.rows, n_views, &device);
        let networks = networks.valid();
        let logits = |network| networks.predict(network, gathered.input()).logits;
        Ok(transfer::read_step(&logits(0), auxiliary.map(logits).as_ref(), n))
    }

    /// Lets one batch into the averages and the dynamics.
    fn record(
        &mut self,
        batch: &StepBatch,
        networks: &Networks,
        dynamics: &mut Dynamics,
    ) -> Result<(), TrainError> {
        let host = self.read_margins(batch, networks)?;
        let averaged = self.skip_epochs <= self.at.epoch;
        let place = Place { epoch: self.at.overall_epoch, step: self.at.step + 1 };
        let id = |row: RowId| self.experiment.train.dataset.examples[row.index()].id.clone();
        observe(&mut self.margins, self.method.as_ref(), batch, &host, averaged, dynamics)
            .map_err(|error| name_rows(error, place, &host, &batch.rows, id))
    }
}
