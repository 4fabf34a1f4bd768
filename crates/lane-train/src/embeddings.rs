//! Embeddings of a frozen encoder, computed once and kept on disk.
//!
//! A cache entry is one view of one split: a safetensors file named by a hash over everything that
//! the numbers depend on: weights, tokenizer, maximum length, pooling, the view's texts in their order,
//! what decides its word pieces (seed and strength of SwitchOut), and the device if it is not `flex`.
//! Seed, operator, strength and thesaurus of a view decide its texts and are in the key through them.
//! A file that does not read back whole is computed again.

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor};
use lane_data::RowId;
use lane_models::{BertEncoder, Pooling, TokenBatch};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};

use crate::config::ModelConfig;
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::evaluate::{by_length, rows_at_once};
use crate::inputs::{Gathered, Inputs};
use crate::progress::{Activity, Observer};
use crate::run_folder::write_atomically;
use crate::transfer;
use crate::views::Views;

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
        views: &Views,
        split: &'static str,
        observer: &mut dyn Observer,
    ) -> Result<Inputs, TrainError> {
        let width = self.encoder.config.hidden_size;
        let mut module = None;
        let mut embedded = Vec::new();
        for number in 0..views.kinds().len() {
            let made = views.texts(number, texts)?;
            let made: Vec<&str> = made.iter().map(AsRef::as_ref).collect();
            let path = self.cache.as_ref().map(|folder| {
                folder.join(format!("{}.safetensors", self.key(&made, views, number)))
            });
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
            let (tokenizer, max_length) = (&self.encoder.tokenizer, self.settings.max_length);
            let ids = views.tokenize(number, &made, tokenizer, max_length)?;
            let values = self.compute_ids(encoder, ids, observer);
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
        let ids = self.encoder.tokenizer.encode(texts, self.settings.max_length)?;
        Ok(self.compute_ids(encoder, ids, observer))
    }

    fn compute_ids(
        &self,
        encoder: &BertEncoder,
        ids: Vec<Vec<u32>>,
        observer: &mut dyn Observer,
    ) -> Vec<f32> {
        let width = self.encoder.config.hidden_size;
        let mut values = vec![0.0; ids.len() * width];
        let embed = |batch: &TokenBatch| encoder.embed(batch, self.settings.pooling());
        self.each_row(ids, embed, observer, |row, embedding| {
            values[row.index() * width..][..width].copy_from_slice(embedding);
        });
        values
    }

    /// Means over the tokens of three hidden states of `texts`: the last, the middle and that of the
    /// embeddings, each row-major `[texts, width]`. All come from one pass and are kept in the cache;
    /// the last is what a frozen encoder with mean pooling gives.
    ///
    /// # Errors
    ///
    /// As [`embed`](Self::embed).
    pub fn state_means(
        &self,
        texts: &[&str],
        observer: &mut dyn Observer,
    ) -> Result<[Vec<f32>; 3], TrainError> {
        let width = self.encoder.config.hidden_size;
        let n_layers = self.encoder.config.num_hidden_layers;
        let states = [n_layers, n_layers / 2, 0];
        let plain = Views::plain();
        let path = |state: usize| {
            let reading = if state == n_layers {
                format!("{:?}", Pooling::Mean)
            } else {
                format!("mean of state {state}")
            };
            let key = self.key_of(&reading, texts, &plain, 0);
            self.cache.as_ref().map(|folder| folder.join(format!("{key}.safetensors")))
        };
        let paths = states.map(path);
        let read = |path: &Option<PathBuf>| read_cached(path.as_deref()?, texts.len(), width);
        if let [Some(last), Some(middle), Some(first)] = paths.each_ref().map(read) {
            return Ok([last, middle, first]);
        }
        let encoder = self.encoder.load(self.device)?;
        let ids = self.encoder.tokenizer.encode(texts, self.settings.max_length)?;
        observer.begin(&Activity::Embedding { split: "texts" }, texts.len() as u64);
        let mut values = states.map(|_| vec![0.0; texts.len() * width]);
        let embed = |batch: &TokenBatch| encoder.state_means(batch, &states);
        self.each_row(ids, embed, observer, |row, means| {
            for (values, mean) in values.iter_mut().zip(means.chunks_exact(width)) {
                values[row.index() * width..][..width].copy_from_slice(mean);
            }
        });
        observer.end();
        for (path, values) in paths.iter().zip(&values) {
            if let Some(path) = path {
                write_cached(path, values, width)?;
            }
        }
        Ok(values)
    }

    /// Gives `take` each row's numbers, as `embed` makes them of a batch, a row a text.
    fn each_row(
        &self,
        ids: Vec<Vec<u32>>,
        embed: impl Fn(&TokenBatch) -> Tensor<2>,
        observer: &mut dyn Observer,
        mut take: impl FnMut(RowId, &[f32]),
    ) {
        let inputs = Inputs::Tokens { views: vec![ids], pad_id: self.encoder.tokenizer.pad_id() };
        for rows in by_length(&inputs.lengths(), rows_at_once(self.batch_size, self.device)) {
            if let Gathered::Tokens(batch) = inputs.gather(&rows, 1, self.device) {
                let embedded = transfer::read(embed(&batch));
                let width = embedded.len() / rows.len().max(1);
                let embedded = embedded.chunks_exact(width.max(1));
                rows.iter().zip(embedded).for_each(|(row, values)| take(*row, values));
            }
            observer.advance(rows.len() as u64);
        }
    }

    fn key(&self, texts: &[&str], views: &Views, number: usize) -> String {
        self.key_of(&format!("{:?}", self.settings.pooling()), texts, views, number)
    }

    fn key_of(&self, reading: &str, texts: &[&str], views: &Views, number: usize) -> String {
        let mut hasher = Sha256::new();
        let settings = format!(
            "1\0{}\0{}\0{reading}\0",
            self.encoder.tokenizer.fingerprint(),
            self.settings.max_length,
        );
        hasher.update(self.encoder.fingerprint.as_bytes());
        hasher.update(settings.as_bytes());
        let device = self.device.clone().inner();
        if device != Device::flex() {
            hasher.update(format!("{device:?}\0"));
        }
        if let Some(pieces) = views.key_of_pieces(number) {
            hasher.update(pieces);
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
