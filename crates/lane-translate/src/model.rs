//! The Marian network on candle: a transformer with post-norm layers, sinusoidal positions and one
//! table of embeddings for source, target and output.
//!
//! The Marian of candle-transformers has no mask for padded batches, computes keys and values of the
//! source again at every step, and keeps those of the target where beams cannot reorder them; this one
//! is the same network with all three.

mod attention;
mod layers;
mod old_torch;
mod weights;

use std::path::Path;

use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;

pub use self::layers::State;
use self::layers::{DecoderLayer, EncoderLayer};
pub(crate) use self::weights::NAMES as WEIGHT_FILES;
use crate::config::MarianConfig;
use crate::error::TranslateError;
use crate::search::Decoder;

/// A Marian model.
#[derive(Debug)]
pub struct Marian {
    embeddings: Tensor,
    scale: f64,
    positions: Tensor,
    encoder: Vec<EncoderLayer>,
    decoder: Vec<DecoderLayer>,
    bias: Tensor,
}

/// Source texts, encoded.
#[derive(Clone, Debug)]
pub struct Source {
    /// Hidden states, shape `[texts, length, width]`; those of padding mean nothing.
    pub states: Tensor,
    /// 0, and minus infinity at padding, shape `[texts, 1, 1, length]`; none without padding.
    mask: Option<Tensor>,
}

impl Marian {
    /// Loads the weights of a folder, in f32 and on the CPU.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Missing`], [`TranslateError::Read`], [`TranslateError::Parse`];
    /// [`TranslateError::Weights`] where a tensor is missing or has another shape.
    pub fn open(folder: &Path, config: &MarianConfig) -> std::result::Result<Self, TranslateError> {
        let weights = weights::open(folder)?;
        Self::new(config, &weights).map_err(|error| TranslateError::Weights {
            folder: folder.into(),
            message: error.to_string(),
        })
    }

    fn new(config: &MarianConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let (pieces, width) = (config.vocab_size, config.d_model);
        let model = weights.pp("model");
        let layers = |side: &str| model.pp(side).pp("layers");
        let encoder = |number| EncoderLayer::new(config, &layers("encoder").pp(number));
        let decoder = |number| DecoderLayer::new(config, &layers("decoder").pp(number));
        Ok(Self {
            embeddings: model.get((pieces, width), "shared.weight")?,
            scale: if config.scale_embedding { (width as f64).sqrt() } else { 1.0 },
            positions: positions(config.max_position_embeddings, width)?,
            encoder: (0..config.encoder_layers).map(encoder).collect::<Result<_>>()?,
            decoder: (0..config.decoder_layers).map(decoder).collect::<Result<_>>()?,
            bias: bias(weights, pieces)?,
        })
    }

    /// Encodes texts, which may be of different lengths.
    ///
    /// # Errors
    ///
    /// Whatever candle answers.
    pub fn encode(&self, texts: &[&[u32]]) -> Result<Source> {
        let longest = texts.iter().map(|ids| ids.len()).max().unwrap_or(0);
        let mask = if texts.iter().all(|ids| ids.len() == longest) {
            None
        } else {
            let hidden =
                |at: usize, ids: &[u32]| if at < ids.len() { 0.0 } else { f32::NEG_INFINITY };
            let rows = texts.iter().flat_map(|ids| (0..longest).map(move |at| hidden(at, ids)));
            Some(Tensor::from_iter(rows, &Device::Cpu)?.reshape((texts.len(), 1, 1, longest))?)
        };
        // Any piece can stand where the mask hides it.
        let ids =
            texts.iter().flat_map(|ids| (0..longest).map(|at| ids.get(at).copied().unwrap_or(0)));
        let ids = Tensor::from_iter(ids, &Device::Cpu)?.reshape((texts.len(), longest))?;
        let mut states = self.embed(&ids, 0)?;
        for layer in &self.encoder {
            states = layer.forward(&states, mask.as_ref())?;
        }
        Ok(Source { states, mask })
    }

    /// Embeddings of ids `[rows, length]`, the first of which stand at position `start`.
    fn embed(&self, ids: &Tensor, start: usize) -> Result<Tensor> {
        let (rows, length) = ids.dims2()?;
        let found = self.embeddings.index_select(&ids.flatten_all()?, 0)?;
        let found = (found.reshape((rows, length, ()))? * self.scale)?;
        found.broadcast_add(&self.positions.narrow(0, start, length)?)
    }

    /// A decoder at the start of translations of `source`.
    ///
    /// # Errors
    ///
    /// Whatever candle answers.
    pub fn decoder(&self, source: &Source) -> Result<MarianDecoder<'_>> {
        let states = self.decoder.iter().map(|layer| layer.start(source)).collect::<Result<_>>()?;
        let texts = (0..source.states.dim(0)? as u32).collect();
        Ok(MarianDecoder { model: self, states, mask: source.mask.clone(), texts, length: 0 })
    }
}

/// What is added to logits; files without it mean nothing is.
fn bias(weights: &VarBuilder<'_>, pieces: usize) -> Result<Tensor> {
    if weights.contains_tensor("final_logits_bias") {
        return weights.get((1, pieces), "final_logits_bias");
    }
    Tensor::zeros((1, pieces), DType::F32, &Device::Cpu)
}

/// Position `p` has sin(p / 10000^(2i/width)) in its first half and the cosines in its second.
fn positions(n: usize, width: usize) -> Result<Tensor> {
    let half = width / 2;
    let angle = |p: usize, i: usize| p as f64 / 10_000_f64.powf((2 * i) as f64 / width as f64);
    let row = |p: usize| {
        let sines = (0..half).map(move |i| angle(p, i).sin() as f32);
        sines.chain((0..half).map(move |i| angle(p, i).cos() as f32))
    };
    Tensor::from_iter((0..n).flat_map(row), &Device::Cpu)?.reshape((n, width))
}

/// Rows being translated: keys and values of what each has so far, and of its source.
#[derive(Debug)]
pub struct MarianDecoder<'a> {
    model: &'a Marian,
    states: Vec<State>,
    mask: Option<Tensor>,
    /// The text of each row.
    texts: Vec<u32>,
    length: usize,
}

impl MarianDecoder<'_> {
    /// Makes row `i` what row `parents[i]` was.
    fn reorder(&mut self, parents: &[u32]) -> Result<()> {
        let n_rows = self.texts.len() as u32;
        if parents.iter().copied().eq(0..n_rows) {
            return Ok(());
        }
        let texts: Vec<u32> = parents.iter().map(|row| self.texts[*row as usize]).collect();
        let rows = Tensor::from_slice(parents, parents.len(), &Device::Cpu)?;
        // Beams of one text share its source.
        let other_sources = texts != self.texts;
        for state in &mut self.states {
            state.reorder(&rows, other_sources)?;
        }
        if let Some(mask) = self.mask.as_mut().filter(|_| other_sources) {
            *mask = mask.index_select(&rows, 0)?;
        }
        self.texts = texts;
        Ok(())
    }

    /// Logits of the next token of each row, shape `[rows, vocabulary]`.
    ///
    /// # Errors
    ///
    /// Whatever candle answers.
    pub fn logits(&mut self, parents: &[u32], tokens: &[u32]) -> Result<Tensor> {
        self.reorder(parents)?;
        let ids = Tensor::from_slice(tokens, (tokens.len(), 1), &Device::Cpu)?;
        let mut states = self.model.embed(&ids, self.length)?;
        for (layer, state) in self.model.decoder.iter().zip(&mut self.states) {
            states = layer.forward(&states, state, self.mask.as_ref())?;
        }
        self.length += 1;
        let last = states.squeeze(1)?;
        last.matmul(&self.model.embeddings.t()?)?.broadcast_add(&self.model.bias)
    }
}

impl Decoder for MarianDecoder<'_> {
    fn step(
        &mut self,
        parents: &[u32],
        tokens: &[u32],
    ) -> std::result::Result<Vec<f32>, TranslateError> {
        let logits = self.logits(parents, tokens);
        let values = logits.and_then(|logits| logits.flatten_all()?.to_vec1::<f32>());
        values.map_err(TranslateError::compute)
    }
}
