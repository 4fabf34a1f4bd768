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
    in_groups(ids, packing, |ids, packing| group(encoder, ids, packing, reading))
}

/// Means over the tokens of hidden states `states`, side by side in their order:
/// `[texts, states · hidden]`. State 0 is that of the embeddings, state l that after layer l.
///
/// # Panics
///
/// If there is no such state.
pub fn state_means<T: Real>(
    encoder: &EncoderParameters<'_, T>,
    ids: &[u32],
    packing: &Packing,
    states: &[usize],
) -> Vec<T> {
    in_groups(ids, packing, |ids, packing| group_of_means(encoder, ids, packing, states))
}

/// What `of_group` makes of each group of texts, in their order.
fn in_groups<T: Real>(
    ids: &[u32],
    packing: &Packing,
    of_group: impl Fn(&[u32], &Packing) -> Vec<T> + Sync,
) -> Vec<T> {
    let n_rows = (packing.n_rows() / GROUPS).clamp(FEWEST_ROWS, MOST_ROWS);
    let groups = packing.groups(n_rows);
    let parts: Vec<Vec<T>> = groups
        .into_par_iter()
        .with_max_len(1)
        .map(|texts| {
            let rows = packing.rows(texts.start).start..packing.rows(texts.end - 1).end;
            of_group(&ids[rows], &packing.part(texts))
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
    let n = encoder.norm.gamma.len();
    let mut x = encoder.embed(ids, packing);
    let last = encoder.layers.len().wrapping_sub(1);
    for number in 0..encoder.layers.len() {
        let outputs = match reading {
            Reading::First if number == last => Outputs::First,
            _ => Outputs::All,
        };
        x = encoder.transform(number, &x, packing, outputs);
    }
    match reading {
        Reading::States => pooling::padded(&x, n, packing),
        Reading::First => x.to_vec(),
        Reading::Mean => pooling::mean(&x, n, packing),
    }
}

fn group_of_means<T: Real>(
    encoder: &EncoderParameters<'_, T>,
    ids: &[u32],
    packing: &Packing,
    states: &[usize],
) -> Vec<T> {
    let n = encoder.norm.gamma.len();
    let mut means = vec![Vec::new(); encoder.layers.len() + 1];
    let mut x = encoder.embed(ids, packing);
    for number in 0..means.len() {
        if 0 < number {
            x = encoder.transform(number - 1, &x, packing, Outputs::All);
        }
        if states.contains(&number) {
            means[number] = pooling::mean(&x, n, packing);
        }
    }
    let texts = 0..packing.n_texts();
    texts
        .flat_map(|text| states.iter().map(move |state| (text, *state)))
        .flat_map(|(text, state)| &means[state][text * n..][..n])
        .copied()
        .collect()
}

impl<T: Real> EncoderParameters<'_, T> {
    fn embed(&self, ids: &[u32], packing: &Packing) -> Buffer<T> {
        let mut x = Buffer::new(ids.len() * self.norm.gamma.len());
        let tokens = Tokens { ids, packing, masked: None, spread: Spread::Serial };
        embedding::forward(self.tables, tokens, self.norm, &mut x);
        x
    }

    fn transform(&self, number: usize, x: &[T], packing: &Packing, outputs: Outputs) -> Buffer<T> {
        let (dropout, spread) = (LayerDropout::default(), Spread::Serial);
        let pass = Pass { packing, heads: self.heads, outputs, dropout, spread };
        layer::evaluate(x, &self.layers[number], &pass)
    }
}
