//! Embeddings of a frozen encoder, computed once and kept on disk.
//!
//! A cache entry is one view of one split: a safetensors file named by a hash over everything that
//! the numbers depend on (weights, tokenizer, maximum length, pooling, the texts in their order, and the
//! device if it is not `flex`).
//! A file that does not read back whole is computed again.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use lane_models::BertEncoder;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};

use crate::config::{ModelConfig, ViewConfig};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{by_length, rows_at_once};
use crate::inputs::{Gathered, Inputs, make_view};
use crate::progress::{Activity, Observer};
use crate::run_folder::write_atomically;
use crate::transfer;

const TENSOR: &str = "embeddings";

/// Where embeddings are kept: `LANE_CACHE`, else `XDG_CACHE_HOME/lane`, else `~/.cache/lane`.
pub fn cache_folder() -> Option<PathBuf> {
    let of =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    of("LANE_CACHE")
        .or_else(|| of("XDG_CACHE_HOME").map(|home| home.join("lane")))
        .or_else(|| of("HOME").map(|home| home.join(".cache").join("lane")))
}

/// Embeds texts with one frozen encoder, through the cache.
pub struct Embedder<'a> {
    /// The encoder and its tokenizer.
    pub encoder: &'a Encoder,
    /// Pooling and maximum length.
    pub settings: &'a ModelConfig,
    /// Rows of one batch.
    pub batch_size: usize,
    /// Where to compute.
    pub device: &'a Device,
    /// Where to keep them; none = nowhere.
    pub cache: Option<PathBuf>,
}

impl Embedder<'_> {
    /// Embeddings of all views of `texts`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`] if a text cannot be tokenized, [`TrainError::Model`] if the weights
    /// cannot be read, [`TrainError::Io`] if the cache cannot be written.
    pub fn embed(
        &self,
        texts: &[&str],
        views: &ViewConfig,
        run_seed: u64,
        split: &'static str,
        observer: &mut dyn Observer,
    ) -> Result<Inputs, TrainError> {
        let width = self.encoder.config.hidden_size;
        let mut module = None;
        let mut embedded = Vec::new();
        for (kind, number) in views.kinds.iter().zip(0..) {
            let made = make_view(texts, *kind, views, run_seed, number);
            let made: Vec<&str> = made.iter().map(AsRef::as_ref).collect();
            let path = self
                .cache
                .as_ref()
                .map(|folder| folder.join(format!("{}.safetensors", self.key(&made))));
            if let Some(cached) =
                path.as_deref().and_then(|path| read_cached(path, made.len(), width))
            {
                embedded.push(cached);
                continue;
            }
            if module.is_none() {
                module = Some(self.encoder.load(self.device)?);
            }
            let Some(encoder) = &module else { continue };
            observer.begin(&Activity::Embedding { split }, made.len() as u64);
            let values = self.compute(encoder, &made, observer)?;
            observer.end();
            if let Some(path) = path {
                write_cached(&path, &values, width)?;
            }
            embedded.push(values);
        }
        Ok(Inputs::Features { views: embedded, width })
    }

    /// Embeddings of `texts`, row-major, in their order; without the cache.
    pub(crate) fn compute(
        &self,
        encoder: &BertEncoder,
        texts: &[&str],
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, TrainError> {
        let width = self.encoder.config.hidden_size;
        let ids = self.encoder.tokenizer.encode(texts, self.settings.max_length)?;
        let inputs = Inputs::Tokens { views: vec![ids], pad_id: self.encoder.tokenizer.pad_id() };
        let mut values = vec![0.0; texts.len() * width];
        for rows in by_length(&inputs.lengths(), rows_at_once(self.batch_size, self.device)) {
            if let Gathered::Tokens(batch) = inputs.gather(&rows, 1, self.device) {
                let embedded = transfer::read(encoder.embed(&batch, self.settings.pooling()));
                for (row, embedding) in rows.iter().zip(embedded.chunks_exact(width)) {
                    values[row.index() * width..][..width].copy_from_slice(embedding);
                }
            }
            observer.advance(rows.len() as u64);
        }
        Ok(values)
    }

    fn key(&self, texts: &[&str]) -> String {
        let mut hasher = Sha256::new();
        let settings = format!(
            "1\0{}\0{}\0{:?}\0",
            self.encoder.tokenizer.fingerprint(),
            self.settings.max_length,
            self.settings.pooling()
        );
        hasher.update(self.encoder.fingerprint.as_bytes());
        hasher.update(settings.as_bytes());
        let device = self.device.clone().inner();
        if device != Device::flex() {
            hasher.update(format!("{device:?}\0"));
        }
        for text in texts {
            hasher.update((text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        crate::hex(&hasher.finalize())
    }
}

fn read_cached(path: &Path, n_rows: usize, width: usize) -> Option<Vec<f32>> {
    let bytes = std::fs::read(path).ok()?;
    let file = SafeTensors::deserialize(&bytes).ok()?;
    let tensor = file.tensor(TENSOR).ok()?;
    if tensor.dtype() != Dtype::F32 || tensor.shape() != [n_rows, width] {
        return None;
    }
    let values: Vec<f32> = tensor
        .data()
        .chunks_exact(4)
        .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
        .collect();
    values.iter().all(|value| value.is_finite()).then_some(values)
}

fn write_cached(path: &Path, values: &[f32], width: usize) -> Result<(), TrainError> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(TrainError::io("create", folder))?;
    }
    let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let invalid = |error: safetensors::SafeTensorError| std::io::Error::other(error.to_string());
    let view = TensorView::new(Dtype::F32, vec![values.len() / width, width], &bytes)
        .map_err(invalid)
        .map_err(TrainError::io("write", path))?;
    let file = safetensors::serialize([(TENSOR, view)], None)
        .map_err(invalid)
        .map_err(TrainError::io("write", path))?;
    write_atomically(path, &file)
}
