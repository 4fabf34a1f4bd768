//! Token ids of a batch, as the encoder takes them.

use burn::tensor::{Int, Tensor};

/// Rows of token ids, padded to one width.
#[derive(Clone, Debug)]
pub struct TokenBatch {
    /// Token ids, `[n, width]`, each below the vocabulary size.
    pub ids: Tensor<2, Int>,
    /// 1 for a token, 0 for padding, `[n, width]`; `None` when nothing is padded.
    pub mask: Option<Tensor<2>>,
}

impl TokenBatch {
    /// What is added to attention scores, `[n, 1, 1, width]`: zero for a token, and for padding
    /// a number so low that its probability is exactly zero.
    ///
    /// Not minus infinity, which would turn a row of nothing but padding into NaN; not a number
    /// near the end of the exponential's range either, which would leave denormals behind and
    /// slow the backward pass down fiftyfold.
    pub(crate) fn attention_bias(&self) -> Option<Tensor<4>> {
        const PADDING: f32 = 1e9;
        let [n, width] = self.ids.dims();
        let mask = self.mask.clone()?;
        Some(mask.sub_scalar(1.0).mul_scalar(PADDING).reshape([n, 1, 1, width]))
    }
}
