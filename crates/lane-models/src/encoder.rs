//! BERT without a head: token ids in, one vector a token out.
//!
//! Devlin, Chang, Lee, Toutanova. *BERT: Pre-training of Deep Bidirectional Transformers for
//! Language Understanding*. NAACL 2019. <https://arxiv.org/abs/1810.04805>

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use lane_kernels::Reading;

use crate::{
    BertConfig, Embeddings, Layer, Mode, Pooling, TokenBatch, fused, initialize, layer::Grid,
    pooling,
};

/// What computes an encoder on device `flex`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernels {
    /// Ours: a layer at a time, without padding. Other devices take the plain operations.
    #[default]
    Fused,
    /// burn's, operation by operation, on every device.
    Plain,
}

/// Embeddings and a stack of layers.
#[derive(Module, Debug)]
pub struct BertEncoder {
    pub(crate) embeddings: Embeddings,
    pub(crate) layers: Vec<Layer>,
    #[module(skip)]
    kernels: Kernels,
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
            kernels: Kernels::default(),
        }
    }

    /// The same encoder, computed by other kernels.
    #[must_use]
    pub fn with_kernels(self, kernels: Kernels) -> Self {
        Self { kernels, ..self }
    }

    /// Last hidden states, `[n, width, hidden]`; those of padding are there but mean nothing.
    ///
    /// # Panics
    ///
    /// If a row is longer than `max_position_embeddings`, or an id is not in the vocabulary.
    pub fn forward(&self, batch: &TokenBatch, mode: Mode<'_>) -> Tensor<3> {
        let [n, width] = [batch.n_texts(), batch.width()];
        let rows = if self.takes_fused() {
            fused::run(self, batch, Reading::States, mode)
        } else {
            self.rows(batch, mode)
        };
        let [_, hidden] = rows.dims();
        rows.reshape([n, width, hidden])
    }

    /// One vector a text, `[n, hidden]`.
    ///
    /// With fused kernels and [`Pooling::Cls`] the last layer is computed for the first token
    /// alone, which nothing but the time shows.
    ///
    /// # Panics
    ///
    /// As [`BertEncoder::forward`].
    pub fn pooled(&self, batch: &TokenBatch, how: Pooling, mode: Mode<'_>) -> Tensor<2> {
        if self.takes_fused() {
            let reading = match how {
                Pooling::Cls => Reading::First,
                Pooling::Mean => Reading::Mean,
            };
            return fused::run(self, batch, reading, mode);
        }
        pooling::pool(self.forward(batch, mode), batch.mask().as_ref(), how)
    }

    fn takes_fused(&self) -> bool {
        let device = self.embeddings.word_embeddings.weight.device();
        self.kernels == Kernels::Fused && lane_kernels::nodes::supports(&device)
    }

    /// Last hidden states by burn's own operations, `[n * width, hidden]`.
    fn rows(&self, batch: &TokenBatch, mode: Mode<'_>) -> Tensor<2> {
        let (n, width) = (batch.n_texts(), batch.width());
        let bias = batch.attention_bias();
        let start = self.embeddings.forward(batch.ids(), mode); // [n * width, hidden]
        self.layers
            .iter()
            .fold(start, |rows, layer| layer.forward(rows, Grid { n, width }, bias.as_ref(), mode))
    }

    /// One vector a text, without dropout: what a frozen encoder gives, `[n, hidden]`.
    ///
    /// # Panics
    ///
    /// As [`BertEncoder::forward`].
    pub fn embed(&self, batch: &TokenBatch, how: Pooling) -> Tensor<2> {
        self.pooled(batch, how, Mode::Evaluate)
    }

    /// Width of the hidden states.
    pub fn hidden_size(&self) -> usize {
        let [_, hidden] = self.embeddings.word_embeddings.weight.dims();
        hidden
    }
}
