//! The training loop that every method runs in.
//!
//! Phases, epochs, passes and steps are walked here and nowhere else. A step is: gather the batch of
//! each stream → forward every network the plan names → read logits to the host once → averaged
//! margins and dynamics → the method's loss → backward → clip → AdamW.
//!
//! After every step the run is whole: it can be written down and gone on with from there
//! (`trainer/resume.rs`). So what a step needs is either in `Position` and the fields beside it, or
//! a function of them.

mod resume;
mod step;

use burn::module::Module;
use burn::tensor::Device;
use lane_data::seed;
use lane_metrics::ClassId;
use lane_metrics::weights::MarginWeights;

use crate::checkpoint::{Checkpoints, Opened, Position};
use crate::divergence::{Place, Watch, WayBack};
use crate::dynamics::Dynamics;
use crate::error::TrainError;
use crate::experiment::Experiment;
use crate::history::{EpochHeader, History};
use crate::method::{
    EpochPlan, EpochStart, Method, OwnParameters, Pass, Phase, PhaseStart, Scorer, Start,
};
use crate::networks::Networks;
use crate::optimizer::Optimizer;
use crate::progress::{Activity, Observer};
use crate::schedule::LinearSchedule;
use crate::step::{Drawn, MeanTerms};

/// A run under way.
pub struct Trainer<'a> {
    experiment: &'a Experiment,
    method: Box<dyn Method>,
    margins: MarginWeights,
    skip_epochs: u32,
    labels: Vec<ClassId>,
    device: Device,
    at: Position,
}

/// Where a run reports to.
pub struct Sinks<'a> {
    /// Scores by epoch.
    pub history: &'a mut History,
    /// What was seen of every row.
    pub dynamics: &'a mut Dynamics,
    /// What is kept on the way; nothing, and no stopping, where there are none.
    pub checkpoints: Option<&'a mut Checkpoints>,
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
    watch: Watch,
}

/// A phase that is about to begin, or to go on within the epoch of `plan`.
struct Begun {
    learner: Learner,
    plan: Option<EpochPlan>,
}

/// What stays the same through a phase.
struct Course<'a> {
    phase: &'a Phase,
    schedule: LinearSchedule,
    /// Of an epoch, as the schedule counts it.
    n_steps: u64,
    is_last: bool,
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
            at: Position::default(),
        })
    }

    /// Runs every phase of the method.
    ///
    /// # Errors
    ///
    /// [`TrainError::NotFinite`] when training diverges, [`TrainError::Io`] when the run folder
    /// cannot be written.
    pub fn run(self, sinks: &mut Sinks<'_>) -> Result<Trained, TrainError> {
        self.run_from(None, sinks)
    }

    /// Runs what is left of the phases after a checkpoint.
    ///
    /// # Errors
    ///
    /// As [`Self::run`]; [`TrainError::Checkpoint`] if it is of another run.
    pub(crate) fn resume(
        mut self,
        from: Opened,
        sinks: &mut Sinks<'_>,
    ) -> Result<Trained, TrainError> {
        let begun = self.restore(from, sinks)?;
        self.run_from(Some(begun), sinks)
    }

    fn run_from(self, begun: Option<Begun>, sinks: &mut Sinks<'_>) -> Result<Trained, TrainError> {
        let lr = self.experiment.config.lr();
        self.run_phases(begun, sinks).map_err(|error| {
            error.with_way_back(|| {
                let checkpoints = sinks.checkpoints.as_deref()?;
                let (run, checkpoint) = (checkpoints.run().into(), checkpoints.last());
                Some(WayBack { run, checkpoint, lr })
            })
        })
    }

    fn run_phases(
        mut self,
        mut begun: Option<Begun>,
        sinks: &mut Sinks<'_>,
    ) -> Result<Trained, TrainError> {
        let phases = self.method.phases();
        let mut networks = None;
        for (index, phase) in phases.iter().enumerate().skip(self.at.phase) {
            let is_last = index + 1 == phases.len();
            let begun = match begun.take() {
                Some(begun) => begun,
                None => self.enter(index, phase, networks.take(), sinks)?,
            };
            networks = Some(self.run_phase(phase, is_last, begun, sinks)?);
        }
        let networks =
            sinks.history.take_best().or(networks).ok_or_else(|| TrainError::Mismatch {
                found: "a method without phases".into(),
                expected: "at least one".into(),
            })?;
        Ok(Trained { networks, method: self.method, margins: self.margins })
    }

    /// Makes a phase ready, with the networks that the phase before left.
    fn enter(
        &mut self,
        index: usize,
        phase: &Phase,
        networks: Option<Networks>,
        sinks: &mut Sinks<'_>,
    ) -> Result<Begun, TrainError> {
        self.at = Position { phase: index, epoch: 0, pass: 0, step: 0, ..self.at };
        let own = self.begin(index, networks.as_ref(), sinks)?;
        let networks = match (phase.start, networks) {
            (Start::Continue, Some(carried)) => carried,
            _ => self.fresh(index, phase, sinks.dynamics)?,
        };
        let networks = networks.with_own(&own.matrices, &self.device);
        let optimizer = self.optimizer(own.lr_factor)?;
        let (terms, watch) = (MeanTerms::default(), Watch::default());
        let learner = Learner { networks, optimizer, terms, watch };
        Ok(Begun { learner, plan: None })
    }

    fn optimizer(&self, own_factor: f64) -> Result<Optimizer, TrainError> {
        let training = &self.experiment.config.training;
        let optimizer = Optimizer::new(training.weight_decay, training.clip_norm)?;
        Ok(optimizer.with_own_factor(own_factor))
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
        self.networks(index, phase)
    }

    fn networks(&self, index: usize, phase: &Phase) -> Result<Networks, TrainError> {
        let n_classes = self.experiment.labels().len();
        let seed = seed::stream(self.experiment.config.seed, "phase", &[index as u64]);
        Networks::fresh(&self.experiment.encoder, phase, n_classes, seed, &self.device)
    }

    /// Trains through the epochs of a phase; returns the networks of the last.
    fn run_phase(
        &mut self,
        phase: &Phase,
        is_last: bool,
        begun: Begun,
        sinks: &mut Sinks<'_>,
    ) -> Result<Networks, TrainError> {
        let batch_size = self.experiment.config.training.batch_size;
        let n_steps = self.labels.len().div_ceil(batch_size) as u64;
        let schedule = self.schedule(phase, n_steps);
        let course = Course { phase, schedule, n_steps, is_last };
        let Begun { mut learner, mut plan } = begun;
        for epoch in self.at.epoch..phase.epochs {
            let plan = match plan.take() {
                Some(plan) => plan,
                None => self.begin_epoch(epoch, &course, &mut learner)?,
            };
            learner = self.run_epoch(&course, &plan, learner, sinks)?;
            if self.end_epoch(&course, &learner, sinks)? {
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

    fn begin_epoch(
        &mut self,
        epoch: u32,
        course: &Course<'_>,
        learner: &mut Learner,
    ) -> Result<EpochPlan, TrainError> {
        let overall_epoch = self.at.overall_epoch + 1;
        self.at = Position { epoch, overall_epoch, pass: 0, step: 0, ..self.at };
        self.margins.start_epoch();
        learner.terms = MeanTerms::default();
        let plan = self.method.plan(&EpochStart {
            phase: self.at.phase,
            epoch,
            epochs: course.phase.epochs,
            labels: &self.labels,
            n_classes: self.experiment.labels().len(),
            margins: &self.margins,
            scorer: &self.experiment.scorer(learner.networks.valid()),
            seed: self.experiment.config.seed,
        });
        plan.map_err(|error| error.in_training(Place { epoch: overall_epoch, step: 0 }))
    }

    fn run_epoch(
        &mut self,
        course: &Course<'_>,
        plan: &EpochPlan,
        mut learner: Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<Learner, TrainError> {
        let n_rows =
            |pass: &Pass| pass.streams.first().map_or(0, |stream| stream.rows.len() as u64);
        let Phase { name: phase, epochs, .. } = *course.phase;
        let activity = Activity::Training { epoch: self.at.epoch + 1, epochs, phase };
        sinks.observer.begin(&activity, plan.passes.iter().map(n_rows).sum());
        sinks.observer.advance(plan.passes[..self.at.pass].iter().map(n_rows).sum());
        for number in self.at.pass..plan.passes.len() {
            learner = self.run_pass(course, plan, number, learner, sinks)?;
        }
        sinks.observer.end();
        learner.watch.settle().map_err(|fault| self.diverged(&fault))?;
        learner.terms.read(self.at.overall_epoch)?;
        Ok(learner)
    }

    /// Scores the networks and writes the epoch down; true = stop early.
    fn end_epoch(
        &mut self,
        course: &Course<'_>,
        learner: &Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<bool, TrainError> {
        let epoch = self.at.overall_epoch;
        sinks.dynamics.end_epoch(epoch)?;
        let header = EpochHeader {
            epoch,
            phase: course.phase.name,
            epochs: course.phase.epochs,
            may_be_best: course.is_last,
            n_predictors: self.method.n_predictors(),
            terms: &learner.terms,
        };
        let snapshot = learner.networks.valid();
        // A step is checked by the logits of the next one; the last of an epoch has none.
        self.check_parameters(learner)?;
        let Sinks { history, observer, .. } = sinks;
        let place = Place { epoch, step: learner.terms.n_steps() };
        history
            .end_epoch(self.experiment, &snapshot, &self.margins, &header, *observer)
            .map_err(|error| error.in_training(place))
    }

    fn run_pass(
        &mut self,
        course: &Course<'_>,
        plan: &EpochPlan,
        number: usize,
        mut learner: Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<Learner, TrainError> {
        let epoch = self.at.overall_epoch;
        let pass = &plan.passes[number];
        let draw = |(index, stream)| Drawn::new(self.experiment, stream, [number, index], epoch);
        let streams: Vec<Drawn<'_>> = pass.streams.iter().enumerate().map(draw).collect();
        let n_steps = streams.first().map_or(0, |stream| stream.batches.len());
        for step in 0..n_steps {
            if self.at.step <= step {
                learner = self.step(course, pass, &streams, learner, sinks)?;
                (self.at.step, self.at.n_steps) = (step + 1, self.at.n_steps + 1);
            }
            sinks.observer.advance(streams[0].batches[step].len() as u64);
            if self.at.step == step + 1 {
                self.keep(plan, &mut learner, sinks)?;
            }
        }
        (self.at.pass, self.at.step) = (number + 1, 0);
        Ok(learner)
    }
}

#[cfg(test)]
mod tests;
