//! Layers of encoder and decoder, each part followed by its sum with what came in and a layer norm.

use candle_core::{Result, Tensor};
use candle_nn::{LayerNorm, Linear, Module, VarBuilder};

use super::Source;
use super::attention::{Attention, Memory};
use crate::config::{Activation, MarianConfig};

/// What `torch.nn.LayerNorm` adds to a variance.
const EPSILON: f64 = 1e-5;

#[derive(Debug)]
struct FeedForward {
    inner: Linear,
    activation: Activation,
    outer: Linear,
    norm: LayerNorm,
}

impl FeedForward {
    fn new(config: &MarianConfig, inside: usize, weights: &VarBuilder<'_>) -> Result<Self> {
        let width = config.d_model;
        Ok(Self {
            inner: candle_nn::linear(width, inside, weights.pp("fc1"))?,
            activation: config.activation_function,
            outer: candle_nn::linear(inside, width, weights.pp("fc2"))?,
            norm: candle_nn::layer_norm(width, EPSILON, weights.pp("final_layer_norm"))?,
        })
    }

    fn forward(&self, states: &Tensor) -> Result<Tensor> {
        let inside = self.inner.forward(states)?;
        let inside = match self.activation {
            Activation::Swish => inside.silu()?,
            Activation::Relu => inside.relu()?,
            Activation::Gelu => inside.gelu_erf()?,
        };
        self.norm.forward(&(states + self.outer.forward(&inside)?)?)
    }
}

/// An attention and its norm.
#[derive(Debug)]
struct NormedAttention {
    attention: Attention,
    norm: LayerNorm,
}

impl NormedAttention {
    fn new(width: usize, heads: usize, name: &str, weights: &VarBuilder<'_>) -> Result<Self> {
        let norm = weights.pp(format!("{name}_layer_norm"));
        Ok(Self {
            attention: Attention::new(width, heads, &weights.pp(name))?,
            norm: candle_nn::layer_norm(width, EPSILON, norm)?,
        })
    }

    fn forward(&self, states: &Tensor, memory: &Memory, mask: Option<&Tensor>) -> Result<Tensor> {
        self.norm.forward(&(states + self.attention.attend(states, memory, mask)?)?)
    }
}

/// A layer of the encoder.
#[derive(Debug)]
pub(super) struct EncoderLayer {
    own: NormedAttention,
    feed_forward: FeedForward,
}

impl EncoderLayer {
    pub(super) fn new(config: &MarianConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let heads = config.encoder_attention_heads;
        Ok(Self {
            own: NormedAttention::new(config.d_model, heads, "self_attn", weights)?,
            feed_forward: FeedForward::new(config, config.encoder_ffn_dim, weights)?,
        })
    }

    pub(super) fn forward(&self, states: &Tensor, mask: Option<&Tensor>) -> Result<Tensor> {
        let memory = self.own.attention.memory(states)?;
        self.feed_forward.forward(&self.own.forward(states, &memory, mask)?)
    }
}

/// A layer of the decoder.
#[derive(Debug)]
pub(super) struct DecoderLayer {
    own: NormedAttention,
    cross: NormedAttention,
    feed_forward: FeedForward,
}

/// What a layer of the decoder remembers of each row.
#[derive(Debug)]
pub struct State {
    own: Option<Memory>,
    source: Memory,
}

impl State {
    /// Takes some rows; those of the source only where they differ.
    pub(super) fn reorder(&mut self, rows: &Tensor, other_sources: bool) -> Result<()> {
        self.own = self.own.as_ref().map(|own| own.rows(rows)).transpose()?;
        if other_sources {
            self.source = self.source.rows(rows)?;
        }
        Ok(())
    }
}

impl DecoderLayer {
    pub(super) fn new(config: &MarianConfig, weights: &VarBuilder<'_>) -> Result<Self> {
        let (width, heads) = (config.d_model, config.decoder_attention_heads);
        Ok(Self {
            own: NormedAttention::new(width, heads, "self_attn", weights)?,
            cross: NormedAttention::new(width, heads, "encoder_attn", weights)?,
            feed_forward: FeedForward::new(config, config.decoder_ffn_dim, weights)?,
        })
    }

    pub(super) fn start(&self, source: &Source) -> Result<State> {
        Ok(State { own: None, source: self.cross.attention.memory(&source.states)? })
    }

    /// One more position, `states` of shape `[rows, 1, width]`.
    pub(super) fn forward(
        &self,
        states: &Tensor,
        state: &mut State,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let next = self.own.attention.memory(states)?;
        let memory = match &state.own {
            Some(own) => own.followed_by(&next)?,
            None => next,
        };
        let states = self.own.forward(states, &memory, None)?;
        state.own = Some(memory);
        self.feed_forward.forward(&self.cross.forward(&states, &state.source, mask)?)
    }
}
