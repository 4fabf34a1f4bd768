//! BERT without a head: token ids in, one vector a token out.
//!
//! Devlin, Chang, Lee, Toutanova. *BERT: Pre-training of Deep Bidirectional Transformers for
//! Language Understanding*. NAACL 2019. <https://arxiv.org/abs/1810.04805>

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use lane_kernels::Reading;

#[cfg(feature = "tch")]
use crate::libtorch;
use crate::{
    BertConfig, Embeddings, Layer, Mode, Pooling, TokenBatch, fused, initialize, layer::Grid,
    pooling,
};

/// What computes an encoder on the devices of the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kernels {
    /// A layer at a time: on `flex` ours, without padding, on `tch` libtorch's own operators.
    /// Other devices take the plain operations.
    #[default]
    Fused,
    /// burn's, operation by operation, on every device.
    Plain,
}

/// From a batch to its states, `[n · width, hidden]`, or one vector a text, `[n, hidden]`.
type Run = fn(&BertEncoder, &TokenBatch, Reading, Mode<'_>) -> Tensor<2>;

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
        let rows = if let Some(run) = self.fused() {
            run(self, batch, Reading::States, mode)
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
        if let Some(run) = self.fused() {
            let reading = match how {
                Pooling::Cls => Reading::First,
                Pooling::Mean => Reading::Mean,
            };
            return run(self, batch, reading, mode);
        }
        pooling::pool(self.forward(batch, mode), batch.mask().as_ref(), how)
    }

    /// What stands in for the plain operations on the device of the weights.
    fn fused(&self) -> Option<Run> {
        if self.kernels == Kernels::Plain {
            return None;
        }
        let device = self.embeddings.word_embeddings.weight.device();
        #[cfg(feature = "tch")]
        if libtorch::is_libtorch(&device) {
            return Some(libtorch::run);
        }
        lane_kernels::nodes::supports(&device).then_some(fused::run)
    }

    /// Last hidden states by burn's own operations, `[n * width, hidden]`.
    fn rows(&self, batch: &TokenBatch, mode: Mode<'_>) -> Tensor<2> {
        let grid = Grid { n: batch.n_texts(), width: batch.width() };
        let bias = batch.attention_bias();
        let start = self.embeddings.forward(batch.ids(), mode); // [n * width, hidden]
        self.layers.iter().fold(start, |rows, layer| layer.forward(rows, grid, bias.as_ref(), mode))
    }

    /// Means over the tokens of several hidden states, side by side in their order, without dropout:
    /// `[n, states · hidden]`. State 0 is that of the embeddings, state l that after layer l.
    ///
    /// # Panics
    ///
    /// As [`BertEncoder::forward`]; if a state is beyond [`BertEncoder::n_layers`].
    pub fn state_means(&self, batch: &TokenBatch, states: &[usize]) -> Tensor<2> {
        let device = self.embeddings.word_embeddings.weight.device();
        let fused = self.kernels == Kernels::Fused && lane_kernels::nodes::supports(&device);
        if let Some(means) = fused.then(|| fused::state_means(self, batch, states)).flatten() {
            return means;
        }
        let grid = Grid { n: batch.n_texts(), width: batch.width() };
        let (bias, mask, mode) = (batch.attention_bias(), batch.mask(), Mode::Evaluate);
        let mut rows = self.embeddings.forward(batch.ids(), mode);
        let mut means = Vec::with_capacity(self.layers.len() + 1);
        for number in 0..=self.layers.len() {
            if let Some(layer) = number.checked_sub(1).map(|below| &self.layers[below]) {
                rows = layer.forward(rows, grid, bias.as_ref(), mode);
            }
            means.push(states.contains(&number).then(|| {
                let states = rows.clone().reshape([grid.n, grid.width, self.hidden_size()]);
                pooling::pool(states, mask.as_ref(), Pooling::Mean)
            }));
        }
        Tensor::cat(states.iter().filter_map(|state| means[*state].clone()).collect(), 1)
    }

    /// Layers above the embeddings.
    pub fn n_layers(&self) -> usize {
        self.layers.len()
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
