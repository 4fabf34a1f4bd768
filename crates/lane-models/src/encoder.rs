//! BERT without a head: token ids in, one vector a token out.
//!
//! Devlin, Chang, Lee, Toutanova. *BERT: Pre-training of Deep Bidirectional Transformers for
//! Language Understanding*. NAACL 2019. <https://arxiv.org/abs/1810.04805>

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::{
    BertConfig, Embeddings, Layer, Mode, Pooling, TokenBatch, initialize, layer::Grid, pooling,
};

/// Embeddings and a stack of layers.
#[derive(Module, Debug)]
pub struct BertEncoder {
    pub(crate) embeddings: Embeddings,
    pub(crate) layers: Vec<Layer>,
}

impl BertEncoder {
    /// A new encoder with random weights, a function of the seed and the configuration.
    pub fn init(config: &BertConfig, seed: u64, device: &Device) -> Self {
        initialize::fill(Self::blank(config), config.initializer_range, seed, device)
    }

    pub(crate) fn blank(config: &BertConfig) -> Self {
        Self {
            embeddings: Embeddings::blank(config),
            layers: (0..config.num_hidden_layers).map(|_| Layer::blank(config)).collect(),
        }
    }

    /// Last hidden states, `[n, width, hidden]`; those of padding are there but mean nothing.
    ///
    /// # Panics
    ///
    /// If a row is longer than `max_position_embeddings`, or an id is not in the vocabulary.
    pub fn forward(&self, batch: &TokenBatch, mode: Mode<'_>) -> Tensor<3> {
        let [n, width] = batch.ids.dims();
        let bias = batch.attention_bias();
        let start = self.embeddings.forward(batch.ids.clone(), mode); // [n * width, hidden]
        let rows = self
            .layers
            .iter()
            .fold(start, |rows, layer| layer.forward(rows, Grid { n, width }, bias.as_ref(), mode));
        let [_, hidden] = rows.dims();
        rows.reshape([n, width, hidden])
    }

    /// One vector a text, without dropout: what a frozen encoder gives, `[n, hidden]`.
    ///
    /// # Panics
    ///
    /// As [`BertEncoder::forward`].
    pub fn embed(&self, batch: &TokenBatch, how: Pooling) -> Tensor<2> {
        pooling::pool(self.forward(batch, Mode::Evaluate), batch.mask.as_ref(), how)
    }

    /// Width of the hidden states.
    pub fn hidden_size(&self) -> usize {
        let [_, hidden] = self.embeddings.word_embeddings.weight.dims();
        hidden
    }
}
