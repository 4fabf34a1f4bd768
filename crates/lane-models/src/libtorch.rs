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
use operators::{EmbeddingInputs, LayerInputs, LayerMasks, Mask, Shape};

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
    let grid = Grid { n: batch.n_texts(), width: batch.width() };
    let bias = batch.attention_bias().map(node::constant);
    let mut x = embed(&encoder.embeddings, batch, mode);
    let last = encoder.layers.len().saturating_sub(1);
    for (number, layer) in encoder.layers.iter().enumerate() {
        let outputs = match reading {
            Reading::First if number == last => Outputs::First,
            _ => Outputs::All,
        };
        x = transform(layer, x, grid, outputs, bias.as_ref(), mode);
    }
    let on_autodiff = encoder.embeddings.word_embeddings.weight.device().is_autodiff();
    let x: Tensor<2> = node::tensor(x, on_autodiff);
    match reading {
        Reading::First | Reading::States => x,
        Reading::Mean => {
            let [_, hidden] = x.dims();
            let states = x.reshape([grid.n, grid.width, hidden]);
            pooling::pool(states, batch.mask().as_ref(), Pooling::Mean)
        }
    }
}

fn embed(tables: &Embeddings, batch: &TokenBatch, mode: Mode<'_>) -> Value {
    let [_, hidden] = tables.word_embeddings.weight.dims();
    let n_rows = batch.n_texts() * batch.width();
    let ids = node::constant_ids(batch.ids());
    let mask = mode.draw(tables.dropout).map(|drawn| Mask::all(n_rows, hidden).tensor(drawn));
    let [gamma, beta] = norm(&tables.layer_norm);
    let inputs: EmbeddingInputs<Value> = [
        node::value(tables.word_embeddings.weight.val()),
        node::value(tables.position_embeddings.weight.val()),
        node::value(tables.token_type_embeddings.weight.val()),
        gamma,
        beta,
    ];
    node::run(inputs, |inputs| operators::embed(inputs, &ids, tables.epsilon, mask.as_ref()))
}

fn transform(
    layer: &Layer,
    rows: Value,
    grid: Grid,
    outputs: Outputs,
    bias: Option<&tch::Tensor>,
    mode: Mode<'_>,
) -> Value {
    let attention = &layer.attention;
    let [_, hidden] = attention.query.weight.dims();
    let shape = Shape { grid, heads: attention.heads, size: hidden / attention.heads, outputs };
    // In the order in which the plain operations draw.
    let probabilities = mode.draw(attention.dropout_probabilities);
    let [attended, output] = [attention.dropout, layer.dropout].map(|p| mode.draw(p));
    let masks = LayerMasks {
        probabilities: probabilities.map(|drawn| shape.probabilities().tensor(drawn)),
        attended: attended.map(|drawn| shape.states().tensor(drawn)),
        output: output.map(|drawn| shape.states().tensor(drawn)),
    };
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
    node::run(inputs, |inputs| operators::layer(inputs, shape, layer.epsilon, bias, &masks))
}

fn linear(linear: &Linear) -> [Value; 2] {
    let Some(bias) = &linear.bias else { panic!("a linear layer without a bias in a BERT") };
    [node::value(linear.weight.val()), node::value(bias.val())]
}

fn norm(norm: &LayerNorm) -> [Value; 2] {
    let Some(beta) = &norm.beta else { panic!("a layer norm without a beta in a BERT") };
    [node::value(norm.gamma.val()), node::value(beta.val())]
}
