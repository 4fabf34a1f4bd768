//! The training loop that every method runs in.
//!
//! Phases, epochs, passes and steps are walked here and nowhere else. A step is: gather the batch of
//! each stream → forward every network the plan names → read logits to the host once → averaged
//! margins and dynamics → the method's loss → backward → clip → AdamW.

use burn::module::Module;
use burn::tensor::Device;
use lane_data::{RowId, seed};
use lane_metrics::ClassId;
use lane_metrics::weights::MarginWeights;

use crate::dynamics::Dynamics;
use crate::error::TrainError;
use crate::experiment::Experiment;
use crate::history::{EpochHeader, History};
use crate::method::{
    EpochPlan, EpochStart, MarginMode, MarginSource, Method, OwnParameters, Pass, Phase,
    PhaseStart, Scorer, Start, Step, StepBatch,
};
use crate::networks::Networks;
use crate::observe::{Place, name_rows, observe};
use crate::optimizer::{Optimizer, spoilt_parameter};
use crate::progress::{Activity, Observer};
use crate::schedule::LinearSchedule;
use crate::step::{Drawn, MeanTerms};
use crate::step_graph::StepGraph;
use crate::transfer::{self, HostOutputs};

/// A run under way.
pub struct Trainer<'a> {
    experiment: &'a Experiment,
    method: Box<dyn Method>,
    margins: MarginWeights,
    skip_epochs: u32,
    labels: Vec<ClassId>,
    device: Device,
    epochs_done: u32,
}

/// Where a run reports to.
pub struct Sinks<'a> {
    /// Scores by epoch.
    pub history: &'a mut History,
    /// What was seen of every row.
    pub dynamics: &'a mut Dynamics,
    /// Progress.
    pub observer: &'a mut dyn Observer,
}

/// What training leaves behind.
pub struct Trained {
    /// The networks of the best epoch.
    pub networks: Networks,
    /// The method, with its verdicts.
    pub method: Box<dyn Method>,
    /// Averaged margins.
    pub margins: MarginWeights,
}

/// What changes in a step.
struct Learner {
    networks: Networks,
    optimizer: Optimizer,
    terms: MeanTerms,
}

/// Where in a phase the trainer is.
struct Epoch<'a> {
    phase_index: usize,
    phase: &'a Phase,
    index: u32,
    schedule: LinearSchedule,
    n_steps: u64,
}

impl<'a> Trainer<'a> {
    /// A trainer with averages at zero.
    ///
    /// # Errors
    ///
    /// [`TrainError::Metrics`] if the weighting is out of range.
    pub fn new(experiment: &'a Experiment) -> Result<Self, TrainError> {
        let config = &experiment.config;
        let method = config.method.build(config, experiment.facts())?;
        Self::with_method(experiment, method)
    }

    /// A trainer of a method that the configuration does not name.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn with_method(
        experiment: &'a Experiment,
        method: Box<dyn Method>,
    ) -> Result<Self, TrainError> {
        let labels = experiment.train.labels();
        let (weighting, skip_epochs) = method.weighting();
        let n_views = experiment.train.inputs.n_views();
        let n_averages = method.margin_source().views.n_averages(labels.len(), n_views);
        Ok(Self {
            experiment,
            margins: MarginWeights::new(n_averages, weighting)?,
            method,
            skip_epochs,
            labels,
            device: experiment.device.clone().autodiff(),
            epochs_done: 0,
        })
    }

    /// Runs every phase of the method.
    ///
    /// # Errors
    ///
    /// [`TrainError::NotFinite`] when training diverges, [`TrainError::Io`] when the run folder
    /// cannot be written.
    pub fn run(mut self, sinks: &mut Sinks<'_>) -> Result<Trained, TrainError> {
        let phases = self.method.phases();
        let mut networks = None;
        for (index, phase) in phases.iter().enumerate() {
            let own = self.begin(index, networks.as_ref(), sinks)?;
            let begun = match (phase.start, networks.take()) {
                (Start::Continue, Some(carried)) => carried,
                _ => self.fresh(index, phase, sinks.dynamics)?,
            };
            let begun = begun.with_own(&own.matrices, &self.device);
            let training = &self.experiment.config.training;
            let optimizer = Optimizer::new(training.weight_decay, training.clip_norm)?
                .with_own_factor(own.lr_factor);
            let learner = Learner { networks: begun, optimizer, terms: MeanTerms::default() };
            let is_last = index + 1 == phases.len();
            networks = Some(self.run_phase(index, phase, learner, is_last, sinks)?);
        }
        let networks =
            sinks.history.take_best().or(networks).ok_or_else(|| TrainError::Mismatch {
                found: "a method without phases".into(),
                expected: "at least one".into(),
            })?;
        Ok(Trained { networks, method: self.method, margins: self.margins })
    }

    /// Shows the method what the phase before left.
    fn begin(
        &mut self,
        phase: usize,
        networks: Option<&Networks>,
        sinks: &mut Sinks<'_>,
    ) -> Result<OwnParameters, TrainError> {
        let scorer = networks.map(|networks| self.experiment.scorer(networks.valid()));
        let at = PhaseStart {
            phase,
            labels: &self.labels,
            n_classes: self.experiment.labels().len(),
            embedding_width: self.experiment.encoder.config.hidden_size,
            margins: &self.margins,
            map: sinks.dynamics.map(),
            scorer: scorer.as_ref().map(|scorer| scorer as &dyn Scorer),
            seed: self.experiment.config.seed,
        };
        self.method.begin(&at, &mut |note| sinks.observer.note(note))
    }

    fn fresh(
        &mut self,
        index: usize,
        phase: &Phase,
        dynamics: &mut Dynamics,
    ) -> Result<Networks, TrainError> {
        self.margins.reset();
        dynamics.reset_map();
        let n_classes = self.experiment.labels().len();
        let seed = seed::stream(self.experiment.config.seed, "phase", &[index as u64]);
        Networks::fresh(&self.experiment.encoder, phase, n_classes, seed, &self.device)
    }

    /// Trains through the epochs of a phase; returns the networks of the last.
    fn run_phase(
        &mut self,
        phase_index: usize,
        phase: &Phase,
        mut learner: Learner,
        is_last: bool,
        sinks: &mut Sinks<'_>,
    ) -> Result<Networks, TrainError> {
        let batch_size = self.experiment.config.training.batch_size;
        let n_steps = self.labels.len().div_ceil(batch_size) as u64;
        let schedule = self.schedule(phase, n_steps);
        for index in 0..phase.epochs {
            self.epochs_done += 1;
            let at = Epoch { phase_index, phase, index, schedule, n_steps };
            learner = self.run_epoch(&at, learner, sinks)?;
            sinks.dynamics.end_epoch(self.epochs_done)?;
            let header = EpochHeader {
                epoch: self.epochs_done,
                phase: phase.name,
                epochs: phase.epochs,
                may_be_best: is_last,
                n_predictors: self.method.n_predictors(),
                terms: &learner.terms,
            };
            let snapshot = learner.networks.valid();
            // A step is checked by the logits of the next one; the last of an epoch has none.
            if let Some(parameter) = spoilt_parameter(&snapshot) {
                let (epoch, step) = (self.epochs_done, learner.terms.n_steps());
                let rows = format!("of the last batch (parameter {parameter})");
                return Err(TrainError::NotFinite { epoch, step, what: "a parameter", rows });
            }
            let stop = sinks.history.end_epoch(
                self.experiment,
                &snapshot,
                &self.margins,
                &header,
                sinks.observer,
            )?;
            if stop {
                break;
            }
        }
        Ok(learner.networks)
    }

    fn schedule(&self, phase: &Phase, steps_per_epoch: u64) -> LinearSchedule {
        let config = &self.experiment.config;
        let total = steps_per_epoch * u64::from(phase.epochs);
        // In 0..1 by the configuration's check, so that the product is a count of steps.
        #[expect(clippy::cast_sign_loss, reason = "both factors are at least 0")]
        let warmup = (config.training.warmup * total as f64) as u64;
        LinearSchedule { base: config.lr(), warmup, total, constant: phase.constant_lr }
    }

    fn run_epoch(
        &mut self,
        at: &Epoch<'_>,
        mut learner: Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<Learner, TrainError> {
        self.margins.start_epoch();
        learner.terms = MeanTerms::default();
        let plan = self.plan(at, &learner.networks)?;
        let first_streams = plan.passes.iter().filter_map(|pass| pass.streams.first());
        let n_rows: usize = first_streams.map(|stream| stream.rows.len()).sum();
        let phase = at.phase;
        let activity =
            Activity::Training { epoch: at.index + 1, epochs: phase.epochs, phase: phase.name };
        sinks.observer.begin(&activity, n_rows as u64);
        for (number, pass) in plan.passes.iter().enumerate() {
            learner = self.run_pass(at, number, pass, learner, sinks)?;
        }
        sinks.observer.end();
        learner.terms.read(self.epochs_done)?;
        Ok(learner)
    }

    fn plan(&mut self, at: &Epoch<'_>, networks: &Networks) -> Result<EpochPlan, TrainError> {
        self.method.plan(&EpochStart {
            phase: at.phase_index,
            epoch: at.index,
            epochs: at.phase.epochs,
            labels: &self.labels,
            n_classes: self.experiment.labels().len(),
            margins: &self.margins,
            scorer: &self.experiment.scorer(networks.valid()),
            seed: self.experiment.config.seed,
        })
    }

    fn run_pass(
        &mut self,
        at: &Epoch<'_>,
        number: usize,
        pass: &Pass,
        mut learner: Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<Learner, TrainError> {
        let draw = |(index, stream)| {
            Drawn::new(self.experiment, stream, [number, index], self.epochs_done)
        };
        let streams: Vec<Drawn<'_>> = pass.streams.iter().enumerate().map(draw).collect();
        let n_steps = streams.first().map_or(0, |stream| stream.batches.len());
        for step in 0..n_steps {
            let mut graph = self.step_graph(number, step);
            let inputs = &self.experiment.train.inputs;
            let batches: Vec<StepBatch> = streams
                .iter()
                .map(|stream| stream.forward(step, pass, inputs, &learner.networks, &mut graph))
                .collect();
            for (batch, drawn) in batches.iter().zip(&streams) {
                if drawn.stream.recorded && !batch.rows.is_empty() {
                    self.record(at, step, batch, &learner.networks, sinks.dynamics)?;
                }
            }
            let share = step as f64 / n_steps as f64;
            let loss = self.method.loss(&Step {
                phase: at.phase_index,
                epoch: at.index,
                progress: (f64::from(at.index) + share) / f64::from(at.phase.epochs),
                trained: &pass.trained,
                seed: self.step_seed("method", number, step),
                batches: &batches,
                networks: &learner.networks,
                margins: &self.margins,
                forward: graph.own(),
            })?;
            sinks.observer.advance(batches.first().map_or(0, |batch| batch.rows.len() as u64));
            drop(batches);
            learner.terms.add(&loss);
            if loss.is_constant() {
                continue;
            }
            let gradients = graph.gradients(&loss, &learner.networks, &pass.trained);
            let done = (step as u64 * at.n_steps) / n_steps as u64;
            let lr = at.schedule.at(u64::from(at.index) * at.n_steps + done);
            learner.networks = learner.optimizer.step(learner.networks, gradients, lr);
        }
        Ok(learner)
    }

    /// Dropout of one step: a function of (seed, epoch, pass, step) alone.
    fn step_graph(&self, pass: usize, step: usize) -> StepGraph {
        let micro_batch = self.experiment.config.training.micro_batch;
        StepGraph::new(self.step_seed("dropout", pass, step), micro_batch)
    }

    fn step_seed(&self, stream: &str, pass: usize, step: usize) -> u64 {
        let place = [u64::from(self.epochs_done), pass as u64, step as u64];
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
        at: &Epoch<'_>,
        step: usize,
        batch: &StepBatch,
        networks: &Networks,
        dynamics: &mut Dynamics,
    ) -> Result<(), TrainError> {
        let host = self.read_margins(batch, networks)?;
        let averaged = self.skip_epochs <= at.index;
        let place = Place { epoch: self.epochs_done, step: step + 1 };
        let id = |row: RowId| self.experiment.train.dataset.examples[row.index()].id.clone();
        observe(&mut self.margins, self.method.as_ref(), batch, &host, averaged, dynamics)
            .map_err(|error| name_rows(error, place, &host, &batch.rows, id))
    }
}

#[cfg(test)]
mod tests;
