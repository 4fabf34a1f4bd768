//! What a method is: phases, a plan for each epoch, and a loss for each step.
//!
//! The trainer owns batches, forward passes, the one crossing from device to host, optimizers,
//! schedules, evaluation and logs. A method only says
//!
//! - which *phases* there are ([`Method::phases`]): how many networks, over how many classes, begun
//!   afresh or carried on, for how many epochs;
//! - what it takes from the phase before, and which parameters of its own the next one trains
//!   ([`Method::begin`]);
//! - which rows, with which labels, go to which networks in an epoch ([`Method::plan`]), where it may
//!   ask for a pass that scores the whole set ([`Scorer`]);
//! - how network outputs become a loss ([`Method::loss`]);
//! - what it gathers on the way, so that it can be stopped and resumed ([`Method::memory`]);
//! - how suspicious each row is in the end ([`Method::verdicts`]).

mod margin_source;
mod memory;
mod own_parameters;

use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_data::RowId;
use lane_metrics::ClassId;
use lane_metrics::cartography::DataMap;
use lane_metrics::weights::{MarginWeights, Quantity, WeightConfig};
use lane_models::{Output, TrainingStep};
use serde::{Deserialize, Serialize};

pub use self::margin_source::{MarginMode, MarginSource, MarginViews};
pub use self::memory::Remembered;
pub use self::own_parameters::{Matrix, OwnParameters};
use crate::error::TrainError;
use crate::networks::Networks;

/// One stage of training.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// Its name in logs.
    pub name: &'static str,
    /// Passes over its rows.
    pub epochs: u32,
    /// Networks trained in it.
    pub n_networks: usize,
    /// Classes beyond those of the data (threshold samples need one).
    pub extra_classes: usize,
    /// Whether it begins with fresh networks or carries on.
    pub start: Start,
    /// Constant learning rate instead of decay to zero.
    pub constant_lr: bool,
    /// Whether the classifier's logits have a bias; without, it stays zero.
    pub head_bias: bool,
}

impl Phase {
    /// The only phase of a method that trains `n_networks` once.
    pub fn only(epochs: u32, n_networks: usize) -> Self {
        Self {
            name: "train",
            epochs,
            n_networks,
            extra_classes: 0,
            start: Start::Fresh,
            constant_lr: false,
            head_bias: true,
        }
    }
}

/// How a phase begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The pretrained encoder and new heads; averaged margins start over.
    Fresh,
    /// The networks the phase before left.
    Continue,
}

/// What a method may look at before a phase begins.
pub struct PhaseStart<'a> {
    /// Index of the phase.
    pub phase: usize,
    /// The given labels, by row.
    pub labels: &'a [ClassId],
    /// Classes of the data.
    pub n_classes: usize,
    /// Averaged margins as the phase before left them; empty before the first.
    pub margins: &'a MarginWeights,
    /// Training dynamics of the phase before; empty before the first.
    pub map: &'a DataMap,
    /// Width of a sentence embedding.
    pub embedding_width: usize,
    /// Scores rows with the networks the phase before left; none before the first.
    pub scorer: Option<&'a dyn Scorer>,
    /// The run's seed.
    pub seed: u64,
}

/// What the networks are shown in one epoch: passes, one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochPlan {
    /// Each pass runs through its first stream once.
    pub passes: Vec<Pass>,
}

impl EpochPlan {
    /// All rows with their given labels, through every network at once.
    pub fn plain(labels: &[ClassId], n_networks: usize) -> Self {
        Self::one(Stream::all(labels), n_networks)
    }

    /// One stream through networks `0..n_networks`.
    pub fn one(stream: Stream, n_networks: usize) -> Self {
        Self { passes: vec![Pass { streams: vec![stream], trained: (0..n_networks).collect() }] }
    }
}

/// A run through one or more streams in step, updating some of the networks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    /// Step `s` draws one batch of each; the first sets the number of steps, shorter ones start over,
    /// and one without rows gives an empty batch each time.
    pub streams: Vec<Stream>,
    /// Networks that get gradients; the others run without dropout and are not updated.
    pub trained: Vec<usize>,
}

impl Pass {
    /// Trains `network` on labelled rows, which it alone is run on, and beside them on the rest, which
    /// every network is run on; recorded in the pass of network 0.
    pub fn in_parts(network: usize, labelled: &[bool], labels: &[ClassId]) -> Self {
        let part = |wanted: bool| -> Stream {
            let rows = (0..).map(RowId).zip(labelled).filter(|(_, is)| **is == wanted);
            let stream = Stream::of(rows.map(|(row, _)| row).collect(), labels);
            Stream { recorded: network == 0, ..stream }
        };
        let first = Stream { networks: Networked::Only(vec![network]), ..part(true) };
        Self { streams: vec![first, part(false)], trained: vec![network] }
    }
}

/// Rows with labels, in an order the trainer draws.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Which rows.
    pub rows: Vec<RowId>,
    /// The label to learn of each of [`rows`](Self::rows), possibly not the given one.
    pub labels: Vec<ClassId>,
    /// Networks run on this stream.
    pub networks: Networked,
    /// Whether its margins enter the averages and the dynamics.
    pub recorded: bool,
}

impl Stream {
    /// Every row with its given label, recorded.
    pub fn all(labels: &[ClassId]) -> Self {
        Self::of((0..labels.len() as u32).map(RowId).collect(), labels)
    }

    /// Some rows, recorded, with their labels out of those of the whole set.
    pub fn of(rows: Vec<RowId>, labels: &[ClassId]) -> Self {
        let labels = rows.iter().map(|row| labels[row.index()]).collect();
        Self { rows, labels, networks: Networked::All, recorded: true }
    }
}

/// Which networks run on a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Networked {
    /// Every network of the phase.
    All,
    /// These.
    Only(Vec<usize>),
}

impl Networked {
    /// Whether `network` is among them.
    pub fn contains(&self, network: usize) -> bool {
        match self {
            Self::All => true,
            Self::Only(list) => list.contains(&network),
        }
    }
}

/// What a method may look at when it plans an epoch.
pub struct EpochStart<'a> {
    /// Index of the phase.
    pub phase: usize,
    /// Epoch within the phase, from 0.
    pub epoch: u32,
    /// Epochs of the phase.
    pub epochs: u32,
    /// The given labels, by row.
    pub labels: &'a [ClassId],
    /// Classes of the data.
    pub n_classes: usize,
    /// Averaged margins so far.
    pub margins: &'a MarginWeights,
    /// Scores rows with the networks as they stand.
    pub scorer: &'a dyn Scorer,
    /// The run's seed.
    pub seed: u64,
}

/// Scores training rows with the present networks, dropout off.
pub trait Scorer {
    /// Logits of `network` on the original view of `rows`, row-major `[rows, classes]`.
    ///
    /// # Errors
    ///
    /// [`TrainError::LogitsNotFinite`] where they are not finite.
    fn logits(&self, network: usize, rows: &[RowId]) -> Result<Vec<f32>, TrainError>;
}

/// One step: what the networks said of one batch of each stream.
pub struct Step<'a> {
    /// Index of the phase.
    pub phase: usize,
    /// Epoch within the phase, from 0.
    pub epoch: u32,
    /// Share of the phase's steps done, in 0..1.
    pub progress: f64,
    /// The networks this pass trains.
    pub trained: &'a [usize],
    /// For random numbers of a method's own: a function of the run's seed and the step's place.
    pub seed: u64,
    /// One batch of each stream of the pass.
    pub batches: &'a [StepBatch],
    /// The networks, for passes of a method's own (mixup).
    pub networks: &'a Networks,
    /// Averaged margins; this step's are already in.
    pub margins: &'a MarginWeights,
    /// For forward passes of a method's own.
    pub forward: &'a TrainingStep,
}

/// A batch of one stream with the outputs of the networks run on it.
pub struct StepBatch {
    /// The rows, shape `[B]`.
    pub rows: Vec<RowId>,
    /// Labels to learn, shape `[B]`.
    pub labels: Vec<ClassId>,
    /// Labels of all views, shape `[V·B]`: view by view, rows in the same order within each.
    pub targets: Tensor<1, Int>,
    /// Views of each row.
    pub n_views: usize,
    /// Outputs by network, logits `[V·B, C]`, embeddings `[V·B, d]`; none where it did not run.
    pub outputs: Vec<Option<Output>>,
}

impl StepBatch {
    /// The batch of a stream without rows: no network ran.
    pub(crate) fn empty(n_networks: usize, device: &Device) -> Self {
        Self {
            rows: Vec::new(),
            labels: Vec::new(),
            targets: Tensor::from_data(TensorData::new(Vec::<i32>::new(), [0]), device),
            n_views: 0,
            outputs: vec![None; n_networks],
        }
    }

    /// The output of `network`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Mismatch`] if the plan did not run that network on this stream.
    pub fn output(&self, network: usize) -> Result<&Output, TrainError> {
        self.outputs.get(network).and_then(Option::as_ref).ok_or_else(|| TrainError::Mismatch {
            found: format!("a loss that reads network {network}, which did not run"),
            expected: "a plan that runs it".into(),
        })
    }
}

/// A scalar to minimise, and the terms it was made of.
pub struct Loss {
    /// The sum, shape `[1]`.
    pub total: Tensor<1>,
    /// Terms by name, for the log.
    pub terms: Vec<(&'static str, Tensor<1>)>,
}

impl Loss {
    /// Nothing to learn from. The step is skipped, since weight decay and old momentum would still
    /// move the networks, and counted.
    pub fn none(device: &Device) -> Self {
        Self { total: Tensor::zeros([1], device), terms: Vec::new() }
    }

    /// Whether it depends on nothing that is trained, as [`none`](Self::none) does.
    pub fn is_constant(&self) -> bool {
        !self.total.is_tracked()
    }
}

/// What a method thinks of one training row in the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// How likely the label is wrong: higher is worse, comparable within one run only.
    pub suspicion: f64,
    /// The weight of its cross-entropy, in 0..=1.
    pub weight: f64,
    /// Whether the method itself would call the label wrong.
    pub flagged: bool,
    /// Why the method left the row, or its label, out of training, where it did.
    pub removed: Option<&'static str>,
    /// The label the method itself would give, where it has an opinion of its own.
    pub suggested: Option<ClassId>,
}

impl Verdict {
    /// Suspicion alone: full weight, no flag.
    pub fn of(suspicion: f64) -> Self {
        Self { suspicion, weight: 1.0, flagged: false, removed: None, suggested: None }
    }
}

/// A way to train on noisy labels.
pub trait Method {
    /// Its stages, in order.
    fn phases(&self) -> Vec<Phase>;

    /// How averaged margins become weights, and how many first epochs they leave out.
    ///
    /// By default from AUM, which needs no auxiliary network, and only to be looked at.
    fn weighting(&self) -> (WeightConfig, u32) {
        (WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() }, 0)
    }

    /// The network whose softmax divides the margin (Eq. 3), if the method has one.
    fn auxiliary(&self) -> Option<usize> {
        None
    }

    /// Which outputs a row's margins are taken from.
    fn margin_source(&self) -> MarginSource {
        MarginSource::default()
    }

    /// Looks at what the phase before left, and says which parameters of its own the next one trains.
    ///
    /// `note` takes what the user should know.
    ///
    /// # Errors
    ///
    /// Whatever scoring the set runs into.
    fn begin(
        &mut self,
        _at: &PhaseStart<'_>,
        _note: &mut dyn FnMut(&str),
    ) -> Result<OwnParameters, TrainError> {
        Ok(OwnParameters::default())
    }

    /// What the next epoch shows the networks.
    ///
    /// # Errors
    ///
    /// Whatever scoring the set runs into.
    fn plan(&mut self, at: &EpochStart<'_>) -> Result<EpochPlan, TrainError> {
        let n_networks = self.phases().get(at.phase).map_or(1, |phase| phase.n_networks);
        Ok(EpochPlan::plain(at.labels, n_networks))
    }

    /// The loss of one step.
    ///
    /// # Errors
    ///
    /// Logits or rows that the arithmetic refuses.
    fn loss(&mut self, step: &Step<'_>) -> Result<Loss, TrainError>;

    /// The weight a row's cross-entropy has now, for the dynamics.
    fn weight(&self, _row: RowId, _margins: &MarginWeights) -> f64 {
        1.0
    }

    /// What it has gathered since it was built, in a fixed order; none by default.
    ///
    /// A checkpoint writes it down and a resumed run reads it back, into a method built anew from the
    /// same configuration. What [`plan`](Self::plan) and [`loss`](Self::loss) change belongs here; what
    /// is a function of the configuration does not.
    fn memory(&mut self) -> Vec<&mut dyn Remembered> {
        Vec::new()
    }

    /// How many networks predict together, the first ones: their logits are added up.
    fn n_predictors(&self) -> usize {
        1
    }

    /// The verdict on every row, in row order.
    fn verdicts(&self, margins: &MarginWeights) -> Vec<Verdict>;
}
