//! The input of the first layer: word, position and segment, added and normalized.
//!
//! ```text
//! x[i, t] = dropout(LayerNorm(word[id_it] + position[t] + segment[0]))
//! ```
//!
//! Inputs are single texts, so every token is of segment 0.

use burn::{
    module::Module,
    nn::{Embedding, LayerNorm},
    tensor::{Int, Tensor},
};

use crate::{BertConfig, Mode, parameters};

/// The three tables and their norm.
#[derive(Module, Debug)]
#[expect(clippy::struct_field_names, reason = "the tables are called as upstream calls them")]
pub struct Embeddings {
    pub(crate) word_embeddings: Embedding,
    pub(crate) position_embeddings: Embedding,
    pub(crate) token_type_embeddings: Embedding,
    pub(crate) layer_norm: LayerNorm,
    pub(crate) dropout: f64,
    /// Of the norm; burn's keeps its own to itself.
    pub(crate) epsilon: f64,
}

impl Embeddings {
    pub(crate) fn blank(config: &BertConfig) -> Self {
        let table = |rows| parameters::blank_embedding(rows, config.hidden_size);
        Self {
            word_embeddings: table(config.vocab_size),
            position_embeddings: table(config.max_position_embeddings),
            token_type_embeddings: table(config.type_vocab_size),
            layer_norm: parameters::blank_layer_norm(config),
            dropout: config.hidden_dropout_prob,
            epsilon: config.layer_norm_eps,
        }
    }

    /// `ids`: `[n, width]`; returns `[n * width, hidden]`.
    pub(crate) fn forward(&self, ids: Tensor<2, Int>, mode: Mode<'_>) -> Tensor<2> {
        let [n, width] = ids.dims();
        let words = self.word_embeddings.forward(ids); // [n, width, hidden]
        let [_, _, hidden] = words.dims();
        let positions = self.position_embeddings.weight.val().narrow(0, 0, width); // [width, hidden]
        let segment = self.token_type_embeddings.weight.val().narrow(0, 0, 1); // [1, hidden]
        let x = words + (positions + segment).reshape([1, width, hidden]); // [n, width, hidden]
        mode.dropout(self.layer_norm.forward(x.reshape([n * width, hidden])), self.dropout, width)
    }
}
