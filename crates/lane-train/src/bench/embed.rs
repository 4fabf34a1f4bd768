//! Texts to embeddings with a frozen encoder, timed from the first letter to the last number.

use std::path::PathBuf;
use std::time::Instant;

use lane_data::Columns;
use lane_models::{BertEncoder, Kernels, Pooling};
use serde::Serialize;

use super::{batches, milliseconds};
use crate::config::ModelConfig;
use crate::device::DeviceName;
use crate::embeddings::Embedder;
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::progress::Silent;
use crate::record::peak_memory_bytes;
use crate::setting::within;

/// Texts embedded before the clock starts.
const N_WARMUP: usize = 64;

/// What `lane bench embed` is asked for.
#[derive(Clone, Debug)]
pub struct EmbedRequest {
    /// A pretrained encoder, as `lane train --encoder` takes it.
    pub encoder: String,
    /// The files, one after the other.
    pub data: Vec<PathBuf>,
    /// Their columns.
    pub columns: Columns,
    /// The most texts.
    pub max_rows: usize,
    /// Word pieces kept of a text.
    pub max_length: usize,
    /// How token vectors become one.
    pub pooling: Pooling,
    /// Rows of one batch.
    pub batch_size: usize,
    /// Where to compute.
    pub device: DeviceName,
    /// By which kernels.
    pub kernels: Kernels,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EmbedReport {
    /// The device.
    pub device: DeviceName,
    /// Worker threads.
    pub threads: usize,
    /// The encoder, as given.
    pub encoder: String,
    /// Texts embedded.
    pub n_rows: usize,
    /// Their tokens, padding left out.
    pub n_tokens: u64,
    /// Word pieces kept of a text.
    pub max_length: usize,
    /// Rows of one batch.
    pub batch_size: usize,
    /// How token vectors became one.
    pub pooling: Pooling,
    /// Tokenizing and embedding all texts.
    pub ms: f64,
    /// The share of tokenizing alone, measured afterwards.
    pub tokenizing_ms: f64,
    /// Texts a second.
    pub texts_per_second: f64,
    /// Tokens a second.
    pub tokens_per_second: f64,
    /// Largest resident memory of the process, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    /// To compare with another program's.
    pub checksum: Checksum,
}

/// A few numbers that another program must find too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Checksum {
    /// Mean of all entries of all embeddings.
    pub mean: f64,
    /// The first four entries of the first text's embedding.
    pub first: Vec<f32>,
}

impl EmbedRequest {
    fn check(&self) -> Result<(), TrainError> {
        within("--max-rows", self.max_rows as f64, 1.0, f64::from(u32::MAX))?;
        within("--max-length", self.max_length as f64, 3.0, 1e6)?;
        within("--batch-size", self.batch_size as f64, 1.0, 1e6)?;
        if self.encoder == "tiny" {
            let expected = "a pretrained encoder; `tiny` knows nothing yet";
            return Err(TrainError::setting("--encoder", "tiny", expected));
        }
        Ok(())
    }
}

/// The pooling of that name.
///
/// # Errors
///
/// [`TrainError::Setting`] for a name that is none.
pub fn pooling(name: &str) -> Result<Pooling, TrainError> {
    name.parse().map_err(|_| TrainError::setting("--pooling", name, "cls or mean"))
}

/// Times the embedding of texts.
///
/// # Errors
///
/// Whatever is wrong with the request, the encoder or the data.
pub fn run(request: &EmbedRequest) -> Result<EmbedReport, TrainError> {
    request.check()?;
    let texts = batches::texts(&request.data, &request.columns, request.max_rows)?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let settings = ModelConfig {
        encoder: request.encoder.clone(),
        freeze_encoder: true,
        pooling: Some(request.pooling),
        max_length: request.max_length,
        kernels: request.kernels,
        ..ModelConfig::default()
    };
    let encoder = Encoder::open(&settings, texts.iter().copied())?;
    let device = request.device.open()?;
    let embedder = Embedder {
        encoder: &encoder,
        settings: &settings,
        batch_size: request.batch_size,
        device: &device,
        cache: None,
    };
    let module = encoder.load(&device)?;
    embedder.compute(&module, &texts[..texts.len().min(N_WARMUP)], &mut Silent)?;
    timed(request, &embedder, &module, &texts)
}

fn timed(
    request: &EmbedRequest,
    embedder: &Embedder<'_>,
    module: &BertEncoder,
    texts: &[&str],
) -> Result<EmbedReport, TrainError> {
    let start = Instant::now();
    let values = embedder.compute(module, texts, &mut Silent)?;
    let taken = start.elapsed();
    let peak_memory_bytes = peak_memory_bytes();
    let start = Instant::now();
    let ids = embedder.encoder.tokenizer.encode(texts, request.max_length)?;
    let tokenizing = start.elapsed();
    let n_tokens: u64 = ids.iter().map(|ids| ids.len() as u64).sum();
    Ok(EmbedReport {
        device: request.device,
        threads: rayon::current_num_threads(),
        encoder: request.encoder.clone(),
        n_rows: texts.len(),
        n_tokens,
        max_length: request.max_length,
        batch_size: request.batch_size,
        pooling: request.pooling,
        ms: milliseconds(taken),
        tokenizing_ms: milliseconds(tokenizing),
        texts_per_second: texts.len() as f64 / taken.as_secs_f64(),
        tokens_per_second: n_tokens as f64 / taken.as_secs_f64(),
        peak_memory_bytes,
        checksum: Checksum::of(&values),
    })
}

impl Checksum {
    fn of(values: &[f32]) -> Self {
        let sum: f64 = values.iter().copied().map(f64::from).sum();
        let first = values.iter().copied().take(4).collect();
        Self { mean: sum / values.len().max(1) as f64, first }
    }
}
