//! Word, position and segment, added, normalized and dropped.
//!
//! ```text
//! x[r] = dropout(LayerNorm(word[id_r] + position[t_r] + segment[0]))
//! ```
//!
//! The table of words may be the whole one or just the rows a batch uses, with ids renumbered: the
//! gradient is as large as the table that was given.

use crate::dropout::Dropout;
use crate::layer_norm::{self, Norm, Summands};
use crate::packing::Packing;
use crate::simd::kernel;
use crate::sums::{self, CHUNK_ROWS};
use crate::{Buffer, Real, Spread};

/// The three tables, row-major.
#[derive(Clone, Copy, Debug)]
pub struct Tables<'a, T> {
    /// `[words, hidden]`.
    pub word: &'a [T],
    /// `[positions, hidden]`.
    pub position: &'a [T],
    /// `[segments, hidden]`; only the first row is used.
    pub segment: &'a [T],
}

/// Gradients of the tables, and of γ and β.
#[derive(Debug)]
pub struct Gradients<T> {
    /// As the table of words that was given.
    pub word: Vec<T>,
    /// `[positions, hidden]`.
    pub position: Vec<T>,
    /// `[segments, hidden]`.
    pub segment: Vec<T>,
    /// `[hidden]`.
    pub gamma: Vec<T>,
    /// `[hidden]`.
    pub beta: Vec<T>,
}

kernel! {
    /// `x = x ∘ mask`, row by row.
    fn drop_rows<T, FUSED>(x: &mut [T], n: usize, dropout: Dropout, rows: &[usize]) {
        for (x, &row) in x.chunks_exact_mut(n).zip(rows) {
            let mask = dropout.row::<T>(row);
            for i in 0..n {
                x[i] *= mask.factor(i);
            }
        }
    }
}

fn drop_all<T: Real>(x: &mut [T], n: usize, masked: layer_norm::Masked<'_>, spread: Spread) {
    let Some((dropout, rows)) = masked else { return };
    let chunks = x.chunks_mut(CHUNK_ROWS * n).zip(rows.chunks(CHUNK_ROWS)).collect();
    sums::for_each(spread, chunks, |(x, rows)| drop_rows(x, n, dropout, rows));
}

/// The tokens of a batch, and how they are run.
#[derive(Clone, Copy, Debug)]
pub struct Tokens<'a> {
    /// The word of each packed row, a row of the table that is given.
    pub ids: &'a [u32],
    /// Where the texts lie.
    pub packing: &'a Packing,
    /// Which entries are dropped.
    pub masked: layer_norm::Masked<'a>,
    /// Over threads or not.
    pub spread: Spread,
}

/// `y`: `[rows, hidden]`, written.
///
/// # Panics
///
/// If an id or a position is beyond its table.
pub fn forward<T: Real>(
    tables: Tables<'_, T>,
    tokens: Tokens<'_>,
    norm: Norm<'_, T>,
    y: &mut [T],
) -> layer_norm::Saved<T> {
    let Tokens { ids, packing, masked, spread } = tokens;
    let n = norm.gamma.len();
    let mut product = Buffer::new(ids.len() * n);
    let mut rest = &mut product[..];
    for rows in packing.texts() {
        let (text, later) = rest.split_at_mut(rows.len() * n);
        rest = later;
        let words = ids[rows].iter().map(|&id| &tables.word[id as usize * n..][..n]);
        let positions = tables.position.chunks_exact(n);
        assert!(positions.len() >= text.len() / n, "a text longer than the table of positions");
        for ((x, word), position) in text.chunks_exact_mut(n).zip(words).zip(positions) {
            for i in 0..n {
                x[i] = word[i] + position[i];
            }
        }
    }
    // The segment is the same for all rows, and so is a bias.
    let (bias, residual) = (&tables.segment[..n], &Buffer::zeros(product.len()));
    let summands = Summands { product, bias, residual };
    let saved = layer_norm::forward(summands, norm, None, y, spread);
    drop_all(y, n, masked, spread);
    saved
}

/// `dy`: `[rows, hidden]`.
pub fn backward<T: Real>(
    dy: &[T],
    tables: Tables<'_, T>,
    tokens: Tokens<'_>,
    gamma: &[T],
    saved: &layer_norm::Saved<T>,
) -> Gradients<T> {
    let Tokens { ids, packing, masked, spread } = tokens;
    let n = gamma.len();
    let mut d = Buffer::new(dy.len());
    d.copy_from_slice(dy);
    drop_all(&mut d, n, masked, spread);
    let norm = layer_norm::backward(&d, saved, gamma, None, spread);
    let mut word = vec![T::ZERO; tables.word.len()];
    let mut position = vec![T::ZERO; tables.position.len()];
    for rows in packing.texts() {
        let positions = position.chunks_exact_mut(n);
        let text = norm.sum[rows.start * n..rows.end * n].chunks_exact(n);
        for ((d, &id), position) in text.zip(&ids[rows]).zip(positions) {
            sums::add_rows(d, &mut word[id as usize * n..][..n]);
            sums::add_rows(d, position);
        }
    }
    let mut segment = vec![T::ZERO; tables.segment.len()];
    segment[..n].copy_from_slice(&norm.bias);
    Gradients { word, position, segment, gamma: norm.gamma, beta: norm.beta }
}
