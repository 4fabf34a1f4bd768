//! One transformer layer: self-attention, then a feed-forward network, each with a residual
//! connection and a layer norm after it.
//!
//! ```text
//! A    = softmax(Q Kᵀ / √d + bias)                       (Vaswani et al. 2017, eq. 1), by head
//! x'   = LayerNorm(x + dropout(W_o [dropout(A) V] + b_o))
//! out  = LayerNorm(x' + dropout(W_2 gelu(W_1 x' + b_1) + b_2))
//! ```
//!
//! Hidden states travel between layers as rows `[n * width, hidden]`, never as `[n, width,
//! hidden]`: with three axes burn's backward pass forms the gradient of a weight once for each
//! of the n texts and adds them up, which takes twice the time. It is also the shape in which
//! a fused kernel can stand in for a whole layer.
//!
//! The activation is the exact GELU with erf, `x Φ(x)`; on burn's flex device its derivative
//! is exact too (other devices of burn 0.22 differentiate the tanh approximation, so there the
//! erf is spelled out).

use std::f32::consts::FRAC_1_SQRT_2;

use burn::{
    module::Module,
    nn::{LayerNorm, Linear},
    tensor::{
        Tensor,
        activation::{gelu, softmax},
    },
};

use crate::{BertConfig, Mode, parameters};

/// Number of texts and tokens a text, which the flattened rows do not show.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) n: usize,
    pub(crate) width: usize,
}

/// Self-attention of several heads with its output projection, residual and norm.
#[derive(Module, Debug)]
pub struct Attention {
    pub(crate) query: Linear,
    pub(crate) key: Linear,
    pub(crate) value: Linear,
    pub(crate) output: Linear,
    pub(crate) layer_norm: LayerNorm,
    pub(crate) heads: usize,
    pub(crate) dropout: f64,
    pub(crate) dropout_probabilities: f64,
}

impl Attention {
    fn blank(config: &BertConfig) -> Self {
        let square = || parameters::blank_linear(config.hidden_size, config.hidden_size);
        Self {
            query: square(),
            key: square(),
            value: square(),
            output: square(),
            layer_norm: parameters::blank_layer_norm(config),
            heads: config.num_attention_heads,
            dropout: config.hidden_dropout_prob,
            dropout_probabilities: config.attention_probs_dropout_prob,
        }
    }

    fn forward(
        &self,
        x: Tensor<2>,
        grid: Grid,
        bias: Option<&Tensor<4>>,
        mode: Mode<'_>,
    ) -> Tensor<2> {
        let [rows, hidden] = x.dims();
        let size = hidden / self.heads;
        // [n * width, hidden] → [n, heads, width, size]
        let by_head =
            |rows: Tensor<2>| rows.reshape([grid.n, grid.width, self.heads, size]).swap_dims(1, 2);
        // Scaling the queries instead of the scores touches width / size times fewer numbers.
        let query = by_head(self.query.forward(x.clone()).div_scalar((size as f32).sqrt()));
        let key = by_head(self.key.forward(x.clone()));
        let value = by_head(self.value.forward(x.clone()));
        let scores = query.matmul(key.transpose()); // [n, heads, width, width]
        let scores = match bias {
            Some(bias) => scores + bias.clone(),
            None => scores,
        };
        let probabilities =
            mode.dropout(softmax(scores, 3), self.dropout_probabilities, self.heads * grid.width);
        let context = probabilities.matmul(value); // [n, heads, width, size]
        let context = context.swap_dims(1, 2).reshape([rows, hidden]); // [n * width, hidden]
        let change = mode.dropout(self.output.forward(context), self.dropout, grid.width);
        self.layer_norm.forward(change + x)
    }
}

/// Attention and feed-forward network.
#[derive(Module, Debug)]
#[expect(clippy::struct_field_names, reason = "`layer_norm` is what it is called upstream")]
pub struct Layer {
    pub(crate) attention: Attention,
    pub(crate) intermediate: Linear,
    pub(crate) output: Linear,
    pub(crate) layer_norm: LayerNorm,
    pub(crate) dropout: f64,
    /// Of both norms; burn's keeps its own to itself.
    pub(crate) epsilon: f64,
}

impl Layer {
    pub(crate) fn blank(config: &BertConfig) -> Self {
        let (hidden, intermediate) = (config.hidden_size, config.intermediate_size);
        Self {
            attention: Attention::blank(config),
            intermediate: parameters::blank_linear(hidden, intermediate),
            output: parameters::blank_linear(intermediate, hidden),
            layer_norm: parameters::blank_layer_norm(config),
            dropout: config.hidden_dropout_prob,
            epsilon: config.layer_norm_eps,
        }
    }

    /// `x` and the result: `[n * width, hidden]`; `bias`: `[n, 1, 1, width]`.
    pub(crate) fn forward(
        &self,
        x: Tensor<2>,
        grid: Grid,
        bias: Option<&Tensor<4>>,
        mode: Mode<'_>,
    ) -> Tensor<2> {
        let attended = self.attention.forward(x, grid, bias, mode);
        let inner = exact_gelu(self.intermediate.forward(attended.clone())); // [n * width, intermediate]
        let change = mode.dropout(self.output.forward(inner), self.dropout, grid.width);
        self.layer_norm.forward(change + attended)
    }
}

/// `x Φ(x)` with a derivative that is exact on every device.
fn exact_gelu(x: Tensor<2>) -> Tensor<2> {
    if is_flex(&x) {
        return gelu(x);
    }
    let phi = (x.clone().mul_scalar(FRAC_1_SQRT_2).erf() + 1.0) * 0.5;
    x * phi
}

fn is_flex(x: &Tensor<2>) -> bool {
    x.device().inner() == burn::tensor::Device::flex()
}
