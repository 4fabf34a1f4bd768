//! The encoder on libtorch: one node of burn's graph per layer, libtorch's autograd inside it.
//!
//! ```text
//! burn:      … ── embeddings ──────────── layer 1 ── … ── layer N ── head, loss
//! libtorch:       lookup, add,            matrix products, attention,
//!                 norm, dropout           GELU, norms, dropout
//! ```
//!
//! burn differentiates layer norm, softmax and GELU by taking them apart into a dozen passes over
//! memory, each with a temporary. libtorch has a kernel for each and one for its derivative, and
//! its autograd knows which results to keep. A node therefore runs its forward pass with libtorch
//! recording, keeps what was recorded, and hands burn's gradient to libtorch when its turn comes.
//!
//! Dropout masks are those of the plain operations, drawn in the same order, so that both ways give
//! the same numbers but for rounding. Padding is computed, as the plain operations do.
#![expect(deprecated, reason = "burn deprecates its libtorch backend; it stays while burn has it")]

mod node;
mod operators;

use std::sync::Once;

use burn::backend::DispatchDevice;
use burn::nn::{LayerNorm, Linear};
use burn::tensor::{Device, Tensor};
use lane_kernels::{Outputs, Reading};

use crate::layer::Grid;
use crate::{BertEncoder, Embeddings, Layer, Mode, Pooling, TokenBatch, pooling};
use node::Value;
use operators::{EmbeddingInputs, LayerInputs, Mask, Plan, Shape};

/// Whether tensors of this device are libtorch's.
pub fn is_libtorch(device: &Device) -> bool {
    matches!(device.clone().inner().as_dispatch(), DispatchDevice::LibTorch(_))
}

/// Lets libtorch use as many threads as rayon does, which `RAYON_NUM_THREADS` decides.
///
/// The encoder sees to it before its first batch; what computes without one has to ask.
pub fn use_rayon_threads() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tch::set_num_threads(i32::try_from(rayon::current_num_threads()).unwrap_or(i32::MAX));
    });
}

/// What `reading` says of the last hidden states: `[n · width, hidden]` or `[n, hidden]`.
pub(crate) fn run(
    encoder: &BertEncoder,
    batch: &TokenBatch,
    reading: Reading,
    mode: Mode<'_>,
) -> Tensor<2> {
    use_rayon_threads();
    let bias = batch.attention_bias().map(node::constant);
    // All masks before the first operator: rayon's threads make them, and those of libtorch, which
    // spin for a while when their work is done, would be in the way.
    let embedding_mask = embedding_mask(&encoder.embeddings, batch, mode);
    let plans: Vec<Plan> = plans(encoder, batch, reading, mode);
    let mut x = embed(&encoder.embeddings, batch, embedding_mask.as_ref());
    for (layer, plan) in encoder.layers.iter().zip(&plans) {
        x = transform(layer, x, plan, bias.as_ref());
    }
    let on_autodiff = encoder.embeddings.word_embeddings.weight.device().is_autodiff();
    let x: Tensor<2> = node::tensor(x, on_autodiff);
    match reading {
        Reading::First | Reading::States => x,
        Reading::Mean => {
            let states = x.reshape([batch.n_texts(), batch.width(), encoder.hidden_size()]);
            pooling::pool(states, batch.mask().as_ref(), Pooling::Mean)
        }
    }
}

fn embedding_mask(tables: &Embeddings, batch: &TokenBatch, mode: Mode<'_>) -> Option<tch::Tensor> {
    let [_, hidden] = tables.word_embeddings.weight.dims();
    let mask = Mask::all(batch.n_texts() * batch.width(), hidden);
    mode.draw(tables.dropout, batch.width()).map(|drawn| mask.tensor(drawn))
}

/// Shape and masks of every layer, drawn in the order of the plain operations.
fn plans(encoder: &BertEncoder, batch: &TokenBatch, reading: Reading, mode: Mode<'_>) -> Vec<Plan> {
    let grid = Grid { n: batch.n_texts(), width: batch.width() };
    let last = encoder.layers.len().saturating_sub(1);
    let plan = |(number, layer): (usize, &Layer)| {
        let attention = &layer.attention;
        let [_, hidden] = attention.query.weight.dims();
        let outputs = match reading {
            Reading::First if number == last => Outputs::First,
            _ => Outputs::All,
        };
        let size = hidden / attention.heads;
        let shape = Shape { grid, heads: attention.heads, size, outputs };
        let (width, heads) = (grid.width, attention.heads);
        let draw = |p, rows_per_text, mask: Mask| {
            mode.draw(p, rows_per_text).map(|drawn| mask.tensor(drawn))
        };
        Plan {
            shape,
            probabilities: draw(
                attention.dropout_probabilities,
                heads * width,
                shape.probabilities(),
            ),
            attended: draw(attention.dropout, width, shape.states()),
            output: draw(layer.dropout, width, shape.states()),
        }
    };
    encoder.layers.iter().enumerate().map(plan).collect()
}

fn embed(tables: &Embeddings, batch: &TokenBatch, mask: Option<&tch::Tensor>) -> Value {
    let ids = node::constant_ids(batch.ids());
    let [gamma, beta] = norm(&tables.layer_norm);
    let inputs: EmbeddingInputs<Value> = [
        node::value(tables.word_embeddings.weight.val()),
        node::value(tables.position_embeddings.weight.val()),
        node::value(tables.token_type_embeddings.weight.val()),
        gamma,
        beta,
    ];
    node::run(inputs, |inputs| operators::embed(inputs, &ids, tables.epsilon, mask))
}

fn transform(layer: &Layer, rows: Value, plan: &Plan, bias: Option<&tch::Tensor>) -> Value {
    let attention = &layer.attention;
    let [wq, bq] = linear(&attention.query);
    let [wk, bk] = linear(&attention.key);
    let [wv, bv] = linear(&attention.value);
    let [wo, bo] = linear(&attention.output);
    let [gamma, beta] = norm(&attention.layer_norm);
    let [w1, b1] = linear(&layer.intermediate);
    let [w2, b2] = linear(&layer.output);
    let [gamma_2, beta_2] = norm(&layer.layer_norm);
    let inputs: LayerInputs<Value> =
        [rows, wq, bq, wk, bk, wv, bv, wo, bo, gamma, beta, w1, b1, w2, b2, gamma_2, beta_2];
    node::run(inputs, |inputs| operators::layer(inputs, plan, layer.epsilon, bias))
}

fn linear(linear: &Linear) -> [Value; 2] {
    let Some(bias) = &linear.bias else { panic!("a linear layer without a bias in a BERT") };
    [node::value(linear.weight.val()), node::value(bias.val())]
}

fn norm(norm: &LayerNorm) -> [Value; 2] {
    let Some(beta) = &norm.beta else { panic!("a layer norm without a beta in a BERT") };
    [node::value(norm.gamma.val()), node::value(beta.val())]
}
