//! Steps that no trainer made, for tests: batches with outputs written down, networks that are heads
//! alone, and a scorer with its answers ready.

use std::cell::RefCell;

use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_data::RowId;
use lane_metrics::ClassId;
use lane_metrics::weights::{MarginWeights, WeightConfig};
use lane_models::{Head, Network, Output, Pooling, TrainingStep};

use crate::config::Config;
use crate::error::TrainError;
use crate::method::{EpochPlan, EpochStart, Loss, Method, Scorer, Step, StepBatch};
use crate::networks::Networks;
use crate::setting::Setting;
use crate::transfer;

/// Classes of every made-up batch.
pub(crate) const N_CLASSES: usize = 3;
/// Width of every made-up embedding.
pub(crate) const WIDTH: usize = 2;

/// The settings of `method`, these on top.
pub(crate) fn config(method: &str, settings: &[&str]) -> Config {
    let mut all = vec![Setting::new("method", method), Setting::new("data.train", "rows.csv")];
    all.extend(settings.iter().map(|text| text.parse().unwrap()));
    Config::resolve(None, &all).unwrap()
}

/// What a step needs besides its batches.
pub(crate) struct Stage {
    pub(crate) networks: Networks,
    margins: MarginWeights,
    forward: TrainingStep,
}

impl Stage {
    /// Two networks, each a head without dropout.
    pub(crate) fn new() -> Self {
        let device = Device::flex().autodiff();
        let head = |seed| Head::init(WIDTH, N_CLASSES, 0.0, 0.5, seed, &device);
        let members = [1, 2].map(|seed| Network::new(None, head(seed), Pooling::Cls));
        Self {
            networks: Networks { members: members.into(), own: Vec::new() },
            margins: MarginWeights::new(1, WeightConfig::default()).unwrap(),
            forward: TrainingStep::new(7),
        }
    }

    /// The step of `batches` in epoch `epoch` of `epochs`, its first.
    pub(crate) fn step<'a>(
        &'a self,
        [epoch, epochs]: [u32; 2],
        trained: &'a [usize],
        batches: &'a [StepBatch],
    ) -> Step<'a> {
        Step {
            phase: 0,
            epoch,
            progress: f64::from(epoch) / f64::from(epochs),
            trained,
            seed: 11,
            batches,
            networks: &self.networks,
            margins: &self.margins,
            forward: &self.forward,
        }
    }
}

/// Logits and embeddings of all views, of which gradients can be asked.
pub(crate) fn output(logits: &[[f32; N_CLASSES]], embedding: &[[f32; WIDTH]]) -> Output {
    let device = Device::flex().autodiff();
    let logits = TensorData::new(logits.concat(), [logits.len(), N_CLASSES]);
    let embedding = TensorData::new(embedding.concat(), [embedding.len(), WIDTH]);
    Output {
        logits: Tensor::from_data(logits, &device).require_grad(),
        embedding: Tensor::from_data(embedding, &device).require_grad(),
    }
}

/// Rows 0, 1, … with these labels, and what each network said of all their views.
pub(crate) fn batch(labels: &[u16], outputs: &[Output]) -> StepBatch {
    batch_from(0, labels, outputs)
}

/// [`batch`] of the rows from `first` on.
pub(crate) fn batch_from(first: u32, labels: &[u16], outputs: &[Output]) -> StepBatch {
    let n_views = outputs[0].logits.dims()[0] / labels.len();
    let targets: Vec<i32> = labels.iter().map(|label| i32::from(*label)).collect();
    let targets = targets.repeat(n_views);
    let n_targets = targets.len();
    let device = Device::flex().autodiff();
    StepBatch {
        rows: (first..).take(labels.len()).map(RowId).collect(),
        labels: labels.iter().copied().map(ClassId).collect(),
        targets: Tensor::<1, Int>::from_data(TensorData::new(targets, [n_targets]), &device),
        n_views,
        outputs: outputs.iter().cloned().map(Some).collect(),
    }
}

/// A stream that had no rows.
pub(crate) fn empty_batch() -> StepBatch {
    StepBatch::empty(2, &Device::flex().autodiff())
}

/// A term of a loss by its name; the total is `loss`.
pub(crate) fn term(loss: &Loss, name: &str) -> f64 {
    let named = loss.terms.iter().find(|(term, _)| *term == name).map(|(_, term)| term);
    transfer::read_scalar(named.unwrap_or(&loss.total).clone().inner())
}

/// The logits that each network answers a scoring pass with, and who was asked.
pub(crate) struct Answers {
    logits: [Vec<f32>; 2],
    pub(crate) asked: RefCell<Vec<usize>>,
}

impl Answers {
    pub(crate) fn new(logits: [&[[f32; N_CLASSES]]; 2]) -> Self {
        Self { logits: logits.map(<[_]>::concat), asked: RefCell::default() }
    }
}

impl Scorer for Answers {
    fn logits(&self, network: usize, rows: &[RowId]) -> Result<Vec<f32>, TrainError> {
        self.asked.borrow_mut().push(network);
        let of_row = |row: &RowId| &self.logits[network][row.index() * N_CLASSES..][..N_CLASSES];
        Ok(rows.iter().flat_map(of_row).copied().collect())
    }
}

/// What `method` plans for epoch `epoch` of `epochs`.
pub(crate) fn plan(
    method: &mut dyn Method,
    [epoch, epochs]: [u32; 2],
    labels: &[u16],
    scorer: &Answers,
) -> EpochPlan {
    let labels: Vec<ClassId> = labels.iter().copied().map(ClassId).collect();
    let margins = MarginWeights::new(labels.len(), WeightConfig::default()).unwrap();
    let at = EpochStart {
        phase: 0,
        epoch,
        epochs,
        labels: &labels,
        n_classes: N_CLASSES,
        margins: &margins,
        scorer,
        seed: 1,
    };
    method.plan(&at).unwrap()
}

/// The rows of stream `stream` of each pass.
pub(crate) fn rows_of(plan: &EpochPlan, stream: usize) -> Vec<Vec<u32>> {
    let rows = |rows: &[RowId]| rows.iter().map(|row| row.0).collect();
    plan.passes.iter().map(|pass| rows(&pass.streams[stream].rows)).collect()
}
