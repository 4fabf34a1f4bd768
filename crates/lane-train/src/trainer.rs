//! The training loop that every method runs in.
//!
//! Phases, epochs, passes and steps are walked here and nowhere else. A step is: gather the batch of
//! each stream → forward every network the plan names → read logits to the host once → averaged
//! margins and dynamics → the method's loss → backward → clip → AdamW.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_data::{RowId, order, seed};
use lane_metrics::ClassId;
use lane_metrics::weights::MarginWeights;
use lane_models::{DropoutStream, Mode};

use crate::dynamics::Dynamics;
use crate::error::TrainError;
use crate::evaluate::TrainScorer;
use crate::experiment::Experiment;
use crate::history::History;
use crate::method::{EpochStart, Loss, Method, Pass, Phase, Start, Step, StepBatch, Stream};
use crate::networks::Networks;
use crate::observe::observe;
use crate::optimizer::Optimizer;
use crate::progress::{Activity, Observer};
use crate::schedule::LinearSchedule;
use crate::transfer;

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

/// What training leaves behind.
pub struct Trained {
    /// The networks of the best epoch.
    pub networks: Networks,
    /// The method, with its verdicts.
    pub method: Box<dyn Method>,
    /// Averaged margins.
    pub margins: MarginWeights,
}

impl<'a> Trainer<'a> {
    /// A trainer with averages at zero.
    ///
    /// # Errors
    ///
    /// [`TrainError::Metrics`] if the weighting is out of range.
    pub fn new(experiment: &'a Experiment) -> Result<Self, TrainError> {
        let config = &experiment.config;
        let labels = experiment.train.labels();
        let method = config.method.build(config, labels.len());
        let (weighting, skip_epochs) = method.weighting();
        Ok(Self {
            experiment,
            margins: MarginWeights::new(labels.len(), weighting)?,
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
    pub fn run(
        mut self,
        history: &mut History,
        dynamics: &mut Dynamics,
        observer: &mut dyn Observer,
    ) -> Result<Trained, TrainError> {
        let phases = self.method.phases();
        let mut networks = None;
        for (index, phase) in phases.iter().enumerate() {
            let begun = match (phase.start, networks.take()) {
                (Start::Continue, Some(carried)) => carried,
                _ => self.fresh(index, phase)?,
            };
            let last = index + 1 == phases.len();
            networks = Some(self.run_phase(index, phase, begun, last, history, dynamics, observer)?);
        }
        let networks = history.take_best().or(networks).ok_or_else(|| TrainError::Mismatch {
            found: "a method without phases".into(),
            expected: "at least one".into(),
        })?;
        Ok(Trained { networks, method: self.method, margins: self.margins })
    }

    fn fresh(&mut self, index: usize, phase: &Phase) -> Result<Networks, TrainError> {
        self.margins.reset();
        let n_classes = self.experiment.labels().len() + phase.extra_classes;
        let seed = seed::stream(self.experiment.config.seed, "phase", &[index as u64]);
        Networks::fresh(&self.experiment.encoder, phase.n_networks, n_classes, seed, &self.device)
    }

    #[expect(clippy::too_many_arguments, reason = "one private call site; a struct would only rename the arguments")]
    fn run_phase(
        &mut self,
        index: usize,
        phase: &Phase,
        mut networks: Networks,
        last: bool,
        history: &mut History,
        dynamics: &mut Dynamics,
        observer: &mut dyn Observer,
    ) -> Result<Networks, TrainError> {
        let training = &self.experiment.config.training;
        let mut optimizer = Optimizer::new(training.weight_decay, training.clip_norm)?;
        let steps_per_epoch = self.labels.len().div_ceil(training.batch_size) as u64;
        let total = steps_per_epoch * u64::from(phase.epochs);
        let schedule = LinearSchedule {
            base: self.experiment.config.lr(),
            warmup: (training.warmup * total as f64) as u64,
            total,
            constant: phase.constant_lr,
        };
        for epoch in 0..phase.epochs {
            self.epochs_done += 1;
            let activity = Activity::Training { epoch: epoch + 1, epochs: phase.epochs, phase: phase.name };
            let at = Epoch { phase: index, epoch, phase_epochs: phase.epochs, n_networks: phase.n_networks, schedule, steps_per_epoch };
            let loss;
            (networks, loss) = self.run_epoch(&at, networks, &mut optimizer, dynamics, observer, &activity)?;
            dynamics.end_epoch(self.epochs_done)?;
            let snapshot = networks.valid();
            let done = history.end_epoch(self.experiment, &snapshot, &self.margins, &at.header(self.epochs_done, phase, last), &loss, observer)?;
            if done {
                break;
            }
        }
        Ok(networks.valid())
    }

    fn run_epoch(
        &mut self,
        at: &Epoch,
        mut networks: Networks,
        optimizer: &mut Optimizer,
        dynamics: &mut Dynamics,
        observer: &mut dyn Observer,
        activity: &Activity,
    ) -> Result<(Networks, MeanTerms), TrainError> {
        self.margins.start_epoch();
        let scorer = TrainScorer {
            networks: networks.valid(),
            inputs: &self.experiment.train.inputs,
            batch_size: self.experiment.config.training.scoring_batch_size,
            device: &self.experiment.device,
        };
        let plan = self.method.plan(&EpochStart {
            phase: at.phase,
            epoch: at.epoch,
            epochs: at.phase_epochs,
            labels: &self.labels,
            n_classes: self.experiment.labels().len(),
            margins: &self.margins,
            scorer: &scorer,
            seed: self.experiment.config.seed,
        })?;
        drop(scorer);
        let n_rows: usize = plan.passes.iter().filter_map(|pass| pass.streams.first()).map(|stream| stream.rows.len()).sum();
        observer.begin(activity, n_rows as u64);
        let mut terms = MeanTerms::default();
        for (number, pass) in plan.passes.iter().enumerate() {
            networks = self.run_pass(at, number, pass, networks, optimizer, dynamics, observer, &mut terms)?;
        }
        observer.end();
        terms.check(at.epoch + 1)?;
        Ok((networks, terms))
    }

    #[expect(clippy::too_many_arguments, reason = "one private call site; a struct would only rename the arguments")]
    fn run_pass(
        &mut self,
        at: &Epoch,
        number: usize,
        pass: &Pass,
        mut networks: Networks,
        optimizer: &mut Optimizer,
        dynamics: &mut Dynamics,
        observer: &mut dyn Observer,
        terms: &mut MeanTerms,
    ) -> Result<Networks, TrainError> {
        let streams: Vec<Drawn<'_>> =
            pass.streams.iter().enumerate().map(|(index, stream)| self.draw(stream, number, index)).collect();
        let n_steps = streams.first().map_or(0, |stream| stream.batches.len());
        for step in 0..n_steps {
            let dropout_seed = [u64::from(self.epochs_done), number as u64, step as u64];
            let dropout = DropoutStream::new(seed::stream(self.experiment.config.seed, "dropout", &dropout_seed));
            let batches: Vec<StepBatch> = streams
                .iter()
                .map(|stream| self.forward(stream, step, pass, at.n_networks, &networks, &dropout))
                .collect();
            for (batch, stream) in batches.iter().zip(&streams) {
                if stream.stream.recorded && !batch.rows.is_empty() {
                    self.record(at, step, batch, dynamics)?;
                }
            }
            let progress = (f64::from(at.epoch) + step as f64 / n_steps as f64) / f64::from(at.phase_epochs);
            let loss = self.method.loss(&Step {
                phase: at.phase,
                epoch: at.epoch,
                progress,
                batches: &batches,
                networks: &networks,
                margins: &self.margins,
                dropout: &dropout,
            })?;
            observer.advance(batches.first().map_or(0, |batch| batch.rows.len() as u64));
            drop(batches);
            terms.add(&loss);
            let gradients = trained_gradients(&loss, &networks, &pass.trained);
            let lr = at.schedule.at(u64::from(at.epoch) * at.steps_per_epoch + (step as u64 * at.steps_per_epoch) / n_steps as u64);
            networks = optimizer.step(networks, gradients, lr);
        }
        Ok(networks)
    }

    /// The order and batches of one stream: a function of (seed, epoch, pass, stream) alone.
    fn draw<'s>(&self, stream: &'s Stream, pass: usize, index: usize) -> Drawn<'s> {
        let config = &self.experiment.config;
        let seed = if (pass, index) == (0, 0) {
            config.seed
        } else {
            seed::stream(config.seed, "stream", &[pass as u64, index as u64])
        };
        let mut label_of = self.labels.clone();
        for (row, label) in stream.rows.iter().zip(&stream.labels) {
            label_of[row.index()] = *label;
        }
        let batches = order::batches(
            &self.experiment.train.lengths,
            &stream.rows,
            config.training.batch_size,
            seed,
            self.epochs_done,
            config.training.bucketing,
        );
        Drawn { stream, label_of, batches }
    }

    fn forward(
        &self,
        drawn: &Drawn<'_>,
        step: usize,
        pass: &Pass,
        n_networks: usize,
        networks: &Networks,
        dropout: &DropoutStream,
    ) -> StepBatch {
        let inputs = &self.experiment.train.inputs;
        let rows = match drawn.batches.len() {
            0 => return StepBatch::empty(n_networks, &self.device),
            n_batches => drawn.batches[step % n_batches].clone(),
        };
        let labels: Vec<ClassId> = rows.iter().map(|row| drawn.label_of[row.index()]).collect();
        let n_views = inputs.n_views();
        let targets: Vec<i32> = labels.iter().map(|label| i32::from(label.0)).collect::<Vec<_>>().repeat(n_views);
        let n_targets = targets.len();
        let gathered = inputs.gather(&rows, n_views, &self.device);
        let outputs = (0..n_networks)
            .map(|network| {
                let mode = if pass.trained.contains(&network) { Mode::Train(dropout) } else { Mode::Evaluate };
                drawn.stream.networks.contains(network).then(|| networks.members[network].forward(gathered.input(), mode))
            })
            .collect();
        let targets = Tensor::<1, Int>::from_data(TensorData::new(targets, [n_targets]), &self.device);
        StepBatch { rows, labels, targets, n_views, outputs }
    }

    /// Lets one batch into the averages and the dynamics.
    fn record(&mut self, at: &Epoch, step: usize, batch: &StepBatch, dynamics: &mut Dynamics) -> Result<(), TrainError> {
        let auxiliary = self.method.auxiliary().map(|network| batch.output(network)).transpose()?;
        let host = transfer::read_step(&batch.output(0)?.logits, auxiliary.map(|output| &output.logits), batch.rows.len());
        let averaged = at.epoch >= self.skip_epochs;
        let ids = |row: RowId| self.experiment.train.dataset.examples[row.index()].id.clone();
        let place = crate::observe::Place { epoch: self.epochs_done, step: step + 1 };
        observe(&mut self.margins, self.method.as_ref(), batch, &host, averaged, dynamics)
            .map_err(|error| crate::observe::name_rows(error, place, &host, &batch.rows, ids))
    }
}

/// Gradients of the networks the pass trains; the others keep still.
fn trained_gradients(loss: &Loss, networks: &Networks, trained: &[usize]) -> GradientsParams {
    let mut all = loss.total.backward();
    if trained.len() == networks.members.len() {
        return GradientsParams::from_module(&mut all, networks);
    }
    let ids: Vec<_> = trained.iter().flat_map(|&network| crate::optimizer::parameter_ids(&networks.members[network])).collect();
    GradientsParams::from_params(&mut all, networks, &ids)
}

struct Drawn<'a> {
    stream: &'a Stream,
    label_of: Vec<ClassId>,
    batches: Vec<Vec<RowId>>,
}

struct Epoch {
    phase: usize,
    epoch: u32,
    phase_epochs: u32,
    n_networks: usize,
    schedule: LinearSchedule,
    steps_per_epoch: u64,
}

impl Epoch {
    fn header(&self, epoch: u32, phase: &Phase, last: bool) -> crate::history::EpochHeader {
        crate::history::EpochHeader { epoch, phase: phase.name, epochs: self.phase_epochs, may_be_best: last }
    }
}

/// Loss terms averaged over the steps of an epoch, summed on the device and read once.
#[derive(Default)]
pub struct MeanTerms {
    sums: Vec<(&'static str, Tensor<1>)>,
    n_steps: u32,
    means: Vec<(&'static str, f64)>,
}

impl MeanTerms {
    fn add(&mut self, loss: &Loss) {
        let total = std::iter::once(("loss", &loss.total));
        let all = total.chain(loss.terms.iter().map(|(name, term)| (*name, term)));
        self.n_steps += 1;
        for (at, (name, term)) in all.enumerate() {
            let term = term.clone().inner();
            match self.sums.get_mut(at) {
                Some((_, sum)) => *sum = sum.clone() + term,
                None => self.sums.push((name, term)),
            }
        }
    }

    fn check(&mut self, epoch: u32) -> Result<(), TrainError> {
        let n_steps = f64::from(self.n_steps.max(1));
        self.means = self.sums.drain(..).map(|(name, sum)| (name, transfer::read_scalar(sum) / n_steps)).collect();
        match self.means.iter().find(|(_, mean)| !mean.is_finite()) {
            Some((name, _)) => {
                Err(TrainError::NotFinite { epoch, step: self.n_steps as usize, what: name, rows: "of this epoch".into() })
            }
            None => Ok(()),
        }
    }

    /// The means, the total first, under `loss`.
    pub fn means(&self) -> &[(&'static str, f64)] {
        &self.means
    }
}
