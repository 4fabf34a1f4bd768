//! Attention with several heads: softmax(q·kᵀ/√d + mask)·v.

use candle_core::{Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, ops};

/// The four products of an attention.
#[derive(Debug)]
pub(super) struct Attention {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
}

/// Keys and values, shape `[rows, heads, length, width of a head]`.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    keys: Tensor,
    values: Tensor,
}

impl Memory {
    /// This, and what came after it.
    pub(super) fn followed_by(&self, next: &Self) -> Result<Self> {
        Ok(Self {
            keys: Tensor::cat(&[&self.keys, &next.keys], 2)?,
            values: Tensor::cat(&[&self.values, &next.values], 2)?,
        })
    }

    /// Some rows of it.
    pub(super) fn rows(&self, rows: &Tensor) -> Result<Self> {
        Ok(Self {
            keys: self.keys.index_select(rows, 0)?,
            values: self.values.index_select(rows, 0)?,
        })
    }
}

impl Attention {
    pub(super) fn new(width: usize, heads: usize, weights: &VarBuilder<'_>) -> Result<Self> {
        let linear = |name: &str| candle_nn::linear(width, width, weights.pp(name));
        Ok(Self {
            query: linear("q_proj")?,
            key: linear("k_proj")?,
            value: linear("v_proj")?,
            out: linear("out_proj")?,
            heads,
        })
    }

    /// `[rows, length, width]` to `[rows, heads, length, width of a head]`.
    fn split(&self, states: &Tensor) -> Result<Tensor> {
        let (rows, length, width) = states.dims3()?;
        let split = states.reshape((rows, length, self.heads, width / self.heads))?;
        split.transpose(1, 2)?.contiguous()
    }

    pub(super) fn memory(&self, states: &Tensor) -> Result<Memory> {
        let keys = self.split(&self.key.forward(states)?)?;
        let values = self.split(&self.value.forward(states)?)?;
        Ok(Memory { keys, values })
    }

    pub(super) fn attend(
        &self,
        states: &Tensor,
        memory: &Memory,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let queries = self.split(&self.query.forward(states)?)?;
        let (rows, heads, length, width) = queries.dims4()?;
        let scaled = (queries * (width as f64).powf(-0.5))?;
        let mut scores = scaled.matmul(&memory.keys.t()?)?;
        if let Some(mask) = mask {
            scores = scores.broadcast_add(mask)?;
        }
        let mixed = ops::softmax_last_dim(&scores)?.matmul(&memory.values)?;
        let joined = mixed.transpose(1, 2)?.reshape((rows, length, heads * width))?;
        self.out.forward(&joined)
    }
}
