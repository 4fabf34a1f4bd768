//! Where the time of the fused kernels goes.

use std::time::Duration;

use lane_kernels::clock;

/// Milliseconds in each part of the fused kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub struct Parts {
    /// Matrix products, with biases and GELU, which finish them.
    pub product_ms: f64,
    /// Attention: its products, softmax, dropout.
    pub attention_ms: f64,
    /// Norms, residuals, dropout, gradients of biases.
    pub elementwise_ms: f64,
    /// Tables of words and positions.
    pub embedding_ms: f64,
}

impl Parts {
    /// Starts the clocks, which cost nothing until then.
    pub fn start() {
        clock::start();
    }

    /// What the clocks show, divided by `n`.
    pub fn read(n: usize) -> Self {
        let ms = |it: Duration| it.as_secs_f64() * 1e3 / n.max(1) as f64;
        let [product_ms, attention_ms, elementwise_ms, embedding_ms] = clock::read().map(ms);
        Self { product_ms, attention_ms, elementwise_ms, embedding_ms }
    }

    /// All of them.
    pub fn total(&self) -> f64 {
        self.product_ms + self.attention_ms + self.elementwise_ms + self.embedding_ms
    }
}
