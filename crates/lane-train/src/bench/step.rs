//! Training steps, timed one by one.
//!
//! A step is what the trainer does for one batch of method `base`: gather the batch → forward in
//! training mode → logits to the host → averaged margins → cross-entropy → backward → clip the joint
//! norm to 1 → AdamW.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::tensor::{Device, Int, Tensor, TensorData};
use lane_data::order::Bucketing;
use lane_data::{Columns, seed};
use lane_metrics::weights::{MarginWeights, Quantity, WeightConfig};
use lane_metrics::{ClassId, Logits};
use lane_models::{Kernels, Parts};
use serde::Serialize;

use super::batches::Batches;
use super::network::{self, Opened};
use super::{Shape, median, milliseconds};
use crate::device::DeviceName;
use crate::error::TrainError;
use crate::method::Loss;
use crate::networks::Networks;
use crate::optimizer::Optimizer;
use crate::record::peak_memory_bytes;
use crate::setting::within;
use crate::step_graph::StepGraph;
use crate::transfer;

const LR: f64 = 2e-5;
const WEIGHT_DECAY: f64 = 0.01;
const CLIP_NORM: f64 = 1.0;
/// Width of random rows, and the most of a real one, where none is asked for.
const WIDTH: usize = 64;
const MAX_LENGTH: usize = 128;

/// What `lane bench step` is asked for.
#[derive(Clone, Debug)]
pub struct StepRequest {
    /// Which network.
    pub network: NetworkRequest,
    /// Real texts; none = random ids.
    pub text: Option<TextRequest>,
    /// Rows of a step.
    pub batch_size: usize,
    /// Tokens of a random row (64 if absent), or the most of a real one (128 if absent).
    pub width: Option<usize>,
    /// Dropout everywhere; absent = the encoder's own, 0.1 for a shape.
    pub dropout: Option<f64>,
    /// Steps before the clock starts.
    pub warmup: usize,
    /// Steps timed.
    pub steps: usize,
    /// Where to compute.
    pub device: DeviceName,
    /// By which kernels.
    pub kernels: Kernels,
    /// Of weights, batches and dropout.
    pub seed: u64,
}

/// Which network is trained.
#[derive(Clone, Debug)]
pub enum NetworkRequest {
    /// Random weights.
    Shape(Shape),
    /// As `lane train --encoder` takes it.
    Encoder(String),
}

/// A labelled file and how its rows meet.
#[derive(Clone, Debug)]
pub struct TextRequest {
    /// The file.
    pub path: PathBuf,
    /// Its columns.
    pub columns: Columns,
    /// Whether rows of like length meet.
    pub bucketing: Bucketing,
}

/// One timed step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct TimedStep {
    /// Tokens, padding left out.
    pub n_tokens: u64,
    /// Padding beside them.
    pub n_padding: u64,
    /// The loss before the update.
    pub loss: f64,
    /// All of the step.
    pub ms: f64,
    /// Gathering, forward pass, loss, logits to the host.
    pub forward_ms: f64,
    /// Backward pass.
    pub backward_ms: f64,
    /// Clipping and AdamW.
    pub optimizer_ms: f64,
    /// Of the forward pass: the batch onto the device.
    pub gather_ms: f64,
    /// Of the forward pass: its logits to the host, and waiting for them.
    pub host_ms: f64,
    /// Of the forward pass: averaged margins and weights of its rows.
    pub metrics_ms: f64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepReport {
    /// The device.
    pub device: DeviceName,
    /// The kernels.
    pub kernels: Kernels,
    /// Worker threads.
    pub threads: usize,
    /// Name of the shape, or the encoder as given.
    pub network: String,
    /// Parameters, head included.
    pub n_parameters: usize,
    /// Rows of a step.
    pub batch_size: usize,
    /// Tokens of a random row, or the most of a real one.
    pub width: usize,
    /// Dropout of the hidden states.
    pub dropout: f64,
    /// Seed.
    pub seed: u64,
    /// Steps before those timed.
    pub warmup: usize,
    /// Median over steps.
    pub median_ms: f64,
    /// The fastest step.
    pub min_ms: f64,
    /// Median of the forward passes.
    pub forward_ms: f64,
    /// Median of the backward passes.
    pub backward_ms: f64,
    /// Median of the updates.
    pub optimizer_ms: f64,
    /// Median of bringing a batch onto the device.
    pub gather_ms: f64,
    /// Median of reading its logits.
    pub host_ms: f64,
    /// Median of averaging its margins.
    pub metrics_ms: f64,
    /// Of forward and backward pass, the mean time in each part of the fused kernels; all zero
    /// where they did not run.
    pub parts: Parts,
    /// Largest resident memory of the process, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// The timed steps.
    pub steps: Vec<TimedStep>,
    /// Row numbers of each batch of real texts, those of the warm-up too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<Vec<Vec<u32>>>,
}

impl StepRequest {
    pub(super) fn n_steps(&self) -> usize {
        self.warmup + self.steps
    }

    fn check(&self) -> Result<(), TrainError> {
        within("--batch-size", self.batch_size as f64, 1.0, 1e6)?;
        within("--steps", self.steps as f64, 1.0, 1e6)?;
        within("--warmup", self.warmup as f64, 0.0, 1e6)?;
        within("--width", self.width() as f64, 3.0, 1e6)?;
        within("--dropout", self.dropout.unwrap_or(0.0), 0.0, 0.99)?;
        match (&self.network, &self.text) {
            (NetworkRequest::Shape(shape), Some(_)) => Err(TrainError::setting(
                "--shape",
                shape.as_str(),
                "--encoder with --data: a shape has no tokenizer",
            )),
            _ => Ok(()),
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width.unwrap_or(if self.text.is_some() { MAX_LENGTH } else { WIDTH })
    }
}

/// Times training steps.
///
/// # Errors
///
/// Whatever is wrong with the request, the encoder or the data, before the first step;
/// [`TrainError::NotFinite`] if a loss is no number.
pub fn run(request: &StepRequest) -> Result<StepReport, TrainError> {
    request.check()?;
    let device = request.device.open()?.autodiff();
    let Opened { network, batches, dropout } = network::open(request, &device)?;
    let optimizer = Optimizer::new(WEIGHT_DECAY, CLIP_NORM)?;
    let by_aum = WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() };
    let margins = MarginWeights::new(batches.labels.len(), by_aum)?;
    let mut bench = Bench { request, batches, device, optimizer, margins };
    let n_parameters = network.num_params();
    let mut networks = Networks { members: vec![network], own: Vec::new() };
    let mut steps = Vec::with_capacity(request.steps);
    for step in 0..request.n_steps() {
        if step == request.warmup {
            Parts::start();
        }
        let timed;
        (networks, timed) = bench.step(networks, step)?;
        steps.extend((request.warmup <= step).then_some(timed));
    }
    let parts = Parts::read(request.steps);
    let of = |part: fn(&TimedStep) -> f64| median(steps.iter().map(part));
    Ok(StepReport {
        device: request.device,
        kernels: request.kernels,
        threads: rayon::current_num_threads(),
        network: match &request.network {
            NetworkRequest::Shape(shape) => shape.as_str().into(),
            NetworkRequest::Encoder(name) => name.clone(),
        },
        n_parameters,
        batch_size: request.batch_size,
        width: request.width(),
        dropout,
        seed: request.seed,
        warmup: request.warmup,
        median_ms: of(|step| step.ms),
        min_ms: steps.iter().map(|step| step.ms).fold(f64::INFINITY, f64::min),
        forward_ms: of(|step| step.forward_ms),
        backward_ms: of(|step| step.backward_ms),
        optimizer_ms: of(|step| step.optimizer_ms),
        gather_ms: of(|step| step.gather_ms),
        host_ms: of(|step| step.host_ms),
        metrics_ms: of(|step| step.metrics_ms),
        parts,
        peak_memory_bytes: peak_memory_bytes(),
        rows: request.text.is_some().then(|| bench.row_numbers()),
        steps,
    })
}

/// What stays the same from step to step, and the optimizer.
struct Bench<'a> {
    request: &'a StepRequest,
    batches: Batches,
    device: Device,
    optimizer: Optimizer,
    margins: MarginWeights,
}

/// Parts of a forward pass that are not the network's.
struct Laps {
    gather: Duration,
    host: Duration,
    metrics: Duration,
}

impl Bench<'_> {
    fn step(
        &mut self,
        networks: Networks,
        step: usize,
    ) -> Result<(Networks, TimedStep), TrainError> {
        let start = Instant::now();
        let place = [1, 0, step as u64];
        let seed = seed::stream(self.request.seed, "dropout", &place);
        let mut graph = StepGraph::new(seed, None);
        let (loss, laps) = self.forward(&networks, step, &mut graph)?;
        let forward = start.elapsed();
        let gradients = graph.gradients(&loss, &networks, &[0]);
        let backward = start.elapsed();
        let networks = self.optimizer.step(networks, gradients, LR);
        // Nothing left in a queue: the step is over when the device says so.
        self.device.sync().map_err(|error| TrainError::Mismatch {
            found: format!("a device that failed: {error:?}"),
            expected: "one that finishes its work".into(),
        })?;
        let whole = start.elapsed();
        let loss = transfer::read_scalar(loss.total.inner());
        if !loss.is_finite() {
            let rows = "of this batch".into();
            return Err(TrainError::NotFinite {
                epoch: 1,
                step: step + 1,
                what: "the loss".into(),
                rows,
                way_back: None,
            });
        }
        let (n_tokens, n_padding) = self.batches.tokens_and_padding(step);
        let timed = TimedStep {
            n_tokens,
            n_padding,
            loss,
            ms: milliseconds(whole),
            forward_ms: milliseconds(forward),
            backward_ms: milliseconds(backward.saturating_sub(forward)),
            optimizer_ms: milliseconds(whole.saturating_sub(backward)),
            gather_ms: milliseconds(laps.gather),
            host_ms: milliseconds(laps.host),
            metrics_ms: milliseconds(laps.metrics),
        };
        Ok((networks, timed))
    }

    /// The loss of a batch; on the way its logits cross to the host and into averaged margins, as in
    /// a run.
    fn forward(
        &mut self,
        networks: &Networks,
        step: usize,
        graph: &mut StepGraph,
    ) -> Result<(Loss, Laps), TrainError> {
        let rows = &self.batches.by_step[step];
        let start = Instant::now();
        let gathered = Arc::new(self.batches.inputs.gather(rows, 1, &self.device));
        let gather = start.elapsed();
        let output = graph.run(networks, 0, &gathered, true);
        let forwarded = start.elapsed();
        let host = transfer::read_step(&output.logits, None, rows.len());
        let read = start.elapsed();
        let labels: Vec<ClassId> =
            rows.iter().map(|row| self.batches.labels[row.index()]).collect();
        let logits = Logits::new(&host.logits, host.n_classes)?;
        self.margins.update(rows, &labels, logits, None)?;
        let averaged = start.elapsed();
        let targets: Vec<i32> = labels.iter().map(|label| i32::from(label.0)).collect();
        let targets =
            Tensor::<1, Int>::from_data(TensorData::new(targets, [rows.len()]), &self.device);
        let total = lane_losses::cross_entropy::mean(output.logits, targets);
        let (host, metrics) = (read.saturating_sub(forwarded), averaged.saturating_sub(read));
        Ok((Loss { total, terms: Vec::new() }, Laps { gather, host, metrics }))
    }

    fn row_numbers(&self) -> Vec<Vec<u32>> {
        let of_batch = |rows: &Vec<lane_data::RowId>| rows.iter().map(|row| row.0).collect();
        self.batches.by_step.iter().map(of_batch).collect()
    }
}
