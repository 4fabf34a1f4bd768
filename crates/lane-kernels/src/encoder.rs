//! A whole encoder without gradients, each thread with texts of its own.
//!
//! Nothing has to be kept for a backward pass, so a group of texts can go through all layers on one
//! thread, its hidden states staying in that core's cache; threads meet only at the end. Groups
//! depend on the batch alone, so a result has the same bits on any number of threads.

use rayon::prelude::*;

use crate::embedding::{self, Tables, Tokens};
use crate::layer::{self, LayerDropout, Outputs, Parameters, Pass};
use crate::layer_norm::Norm;
use crate::packing::Packing;
use crate::{Buffer, Real, Spread, pooling};

/// Rows of a group at most: hidden states of a few hundred tokens fit a core's cache.
const MOST_ROWS: usize = 384;
/// Rows of a group at least: fewer, and packing the weights for each product costs too much.
const FEWEST_ROWS: usize = 64;
/// Groups wanted of a batch.
const GROUPS: usize = 16;

/// What is read of the last hidden states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// All of them, padded: `[texts · width, hidden]`.
    States,
    /// The first token's, `[texts, hidden]`.
    First,
    /// The mean over the tokens, `[texts, hidden]`.
    Mean,
}

/// The parameters of an encoder.
#[derive(Clone, Debug)]
pub struct EncoderParameters<'a, T> {
    /// Word, position and segment.
    pub tables: Tables<'a, T>,
    /// After the tables.
    pub norm: Norm<'a, T>,
    /// From the bottom up.
    pub layers: Vec<Parameters<'a, T>>,
    /// Heads of every layer.
    pub heads: usize,
}

/// `ids`: the word of each packed row.
pub fn evaluate<T: Real>(
    encoder: &EncoderParameters<'_, T>,
    ids: &[u32],
    packing: &Packing,
    reading: Reading,
) -> Vec<T> {
    let n_rows = (packing.n_rows() / GROUPS).clamp(FEWEST_ROWS, MOST_ROWS);
    let groups = packing.groups(n_rows);
    let parts: Vec<Vec<T>> = groups
        .into_par_iter()
        .with_max_len(1)
        .map(|texts| {
            let rows = packing.rows(texts.start).start..packing.rows(texts.end - 1).end;
            group(encoder, &ids[rows], &packing.part(texts), reading)
        })
        .collect();
    parts.concat()
}

fn group<T: Real>(
    encoder: &EncoderParameters<'_, T>,
    ids: &[u32],
    packing: &Packing,
    reading: Reading,
) -> Vec<T> {
    let (n, spread) = (encoder.norm.gamma.len(), Spread::Serial);
    let mut x = Buffer::new(ids.len() * n);
    let tokens = Tokens { ids, packing, masked: None, spread };
    embedding::forward(encoder.tables, tokens, encoder.norm, &mut x);
    let last = encoder.layers.len().wrapping_sub(1);
    for (number, parameters) in encoder.layers.iter().enumerate() {
        let outputs = match reading {
            Reading::First if number == last => Outputs::First,
            _ => Outputs::All,
        };
        let dropout = LayerDropout::default();
        x = layer::evaluate(
            &x,
            parameters,
            &Pass { packing, heads: encoder.heads, outputs, dropout, spread },
        );
    }
    match reading {
        Reading::States => pooling::padded(&x, n, packing),
        Reading::First => x.to_vec(),
        Reading::Mean => pooling::mean(&x, n, packing),
    }
}
