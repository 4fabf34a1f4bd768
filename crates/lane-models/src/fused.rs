//! An encoder through the fused kernels of `lane-kernels`.
//!
//! It draws its dropout masks in the order of the plain operations, and hashes them by the rows of
//! the padded batch, so both ways drop the same entries.

use burn::module::Param;
use burn::nn::{LayerNorm, Linear};
use burn::tensor::Tensor;
use lane_kernels::nodes::{
    self, EmbeddingTensors, EncoderTensors, LayerTensors, Layout, LinearTensors, NormTensors,
};
use lane_kernels::{LayerDropout, Outputs, Reading};

use crate::{BertEncoder, Embeddings, Layer, Mode, TokenBatch};

/// What `reading` says of the last hidden states: `[n · width, hidden]` or `[n, hidden]`.
pub(crate) fn run(
    encoder: &BertEncoder,
    batch: &TokenBatch,
    reading: Reading,
    mode: Mode<'_>,
) -> Tensor<2> {
    let (layout, width) = (batch.layout(), batch.width());
    let heads = heads(encoder);
    if !is_autodiff(encoder) && matches!(mode, Mode::Evaluate) {
        return nodes::encode(tensors(encoder), &batch.packed_ids(), &layout, reading);
    }
    let mut x = embed(&encoder.embeddings, batch, &layout, mode);
    let last = encoder.layers.len().saturating_sub(1);
    for (number, layer) in encoder.layers.iter().enumerate() {
        let outputs = match reading {
            Reading::First if number == last => Outputs::First,
            _ => Outputs::All,
        };
        let attention = &layer.attention;
        let dropout = LayerDropout {
            probabilities: mode.draw(attention.dropout_probabilities, heads * width),
            attention: mode.draw(attention.dropout, width),
            output: mode.draw(layer.dropout, width),
        };
        x = nodes::layer(x, layer_tensors(layer), heads, outputs, dropout, &layout);
    }
    match reading {
        Reading::First => x,
        Reading::Mean => nodes::mean(x, &layout),
        Reading::States => nodes::padded(x, &layout),
    }
}

/// Means over the tokens of hidden states `states`, side by side, `[n, states · hidden]`; none where
/// gradients may be asked for.
pub(crate) fn state_means(
    encoder: &BertEncoder,
    batch: &TokenBatch,
    states: &[usize],
) -> Option<Tensor<2>> {
    let compute =
        || nodes::state_means(tensors(encoder), &batch.packed_ids(), &batch.layout(), states);
    (!is_autodiff(encoder)).then(compute)
}

fn is_autodiff(encoder: &BertEncoder) -> bool {
    encoder.embeddings.word_embeddings.weight.device().is_autodiff()
}

fn heads(encoder: &BertEncoder) -> usize {
    encoder.layers.first().map_or(1, |layer| layer.attention.heads)
}

fn tensors(encoder: &BertEncoder) -> EncoderTensors {
    let tables = &encoder.embeddings;
    EncoderTensors {
        embedding: embedding_tensors(tables, tables.word_embeddings.weight.val()),
        layers: encoder.layers.iter().map(layer_tensors).collect(),
        heads: heads(encoder),
    }
}

/// In training the rows of the word embedding that the batch uses become a leaf of their own.
fn embed(tables: &Embeddings, batch: &TokenBatch, layout: &Layout, mode: Mode<'_>) -> Tensor<2> {
    let ids = batch.packed_ids();
    let parameter = &tables.word_embeddings.weight;
    let table = parameter.val();
    let (word, ids) = match mode {
        Mode::Train(step) if table.is_require_grad() => {
            let rows = distinct(&ids);
            let leaf = nodes::rows(&table, &rows).require_grad();
            let [n_words, _] = table.dims();
            let ids = renumbered(&ids, &rows, n_words);
            step.note(parameter.id, rows, leaf.clone());
            (leaf, ids)
        }
        _ => (table, ids),
    };
    let dropout = mode.draw(tables.dropout, batch.width());
    nodes::embed(embedding_tensors(tables, word), ids, layout, dropout)
}

fn distinct(ids: &[u32]) -> Vec<u32> {
    let mut rows = ids.to_vec();
    rows.sort_unstable();
    rows.dedup();
    rows
}

/// The place of each id among `rows`.
fn renumbered(ids: &[u32], rows: &[u32], n_words: usize) -> Vec<u32> {
    let mut place = vec![0; n_words];
    rows.iter().zip(0..).for_each(|(&row, at)| place[row as usize] = at);
    ids.iter().map(|&id| place[id as usize]).collect()
}

fn embedding_tensors(tables: &Embeddings, word: Tensor<2>) -> EmbeddingTensors {
    EmbeddingTensors {
        word,
        position: tables.position_embeddings.weight.val(),
        segment: tables.token_type_embeddings.weight.val(),
        norm: norm(&tables.layer_norm, tables.epsilon),
    }
}

fn layer_tensors(layer: &Layer) -> LayerTensors {
    let attention = &layer.attention;
    LayerTensors {
        query: linear(&attention.query),
        key: linear(&attention.key),
        value: linear(&attention.value),
        attention_output: linear(&attention.output),
        attention_norm: norm(&attention.layer_norm, layer.epsilon),
        intermediate: linear(&layer.intermediate),
        output: linear(&layer.output),
        output_norm: norm(&layer.layer_norm, layer.epsilon),
    }
}

fn linear(linear: &Linear) -> LinearTensors {
    let weight = linear.weight.val();
    let [_, n_out] = weight.dims();
    LinearTensors { bias: value_or_zeros(linear.bias.as_ref(), n_out, &weight), weight }
}

fn norm(norm: &LayerNorm, epsilon: f64) -> NormTensors {
    let gamma = norm.gamma.val();
    let [n] = gamma.dims();
    let beta = value_or_zeros(norm.beta.as_ref(), n, &gamma);
    NormTensors { gamma, beta, epsilon }
}

/// Every module made here has its bias; one made elsewhere may not.
fn value_or_zeros<const D: usize>(
    parameter: Option<&Param<Tensor<1>>>,
    n: usize,
    beside: &Tensor<D>,
) -> Tensor<1> {
    parameter.map_or_else(|| Tensor::zeros([n], &beside.device()), Param::val)
}
