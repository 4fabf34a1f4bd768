//! Attention of several heads, text by text.
//!
//! ```text
//! S = Q Kᵀ / √d,  P = softmax(S),  C = dropout(P) V           by text and head
//!
//! dV = dropout(P)ᵀ dC,  dP = dropout'(dC Vᵀ)
//! dS = P ∘ (dP − rowsum(dP ∘ P)) / √d,  dQ = dS K,  dK = dSᵀ Q
//! ```
//!
//! Queries may be fewer than keys: the last layer of an encoder whose first token stands for the
//! text needs one query a text. A text's keys are its own tokens only, so there is no mask.
//! Vaswani et al.: *Attention Is All You Need*, NeurIPS 2017, eq. 1.

use std::ops::Range;

use crate::dropout::Dropout;
use crate::packing::{Packing, split_by_text};
use crate::product::{Matrix, MatrixMut, multiply};
use crate::simd::kernel;
use crate::sums::{self, sum, sum_of_pairs};
use crate::{Buffer, Real, Spread};

/// Queries, keys and values of all texts.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a, T> {
    /// `[query rows, hidden]`.
    pub query: &'a [T],
    /// `[rows, 2 · hidden]`: keys, then values.
    pub key_value: &'a [T],
}

/// The arrangement of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Rows of the queries.
    pub queries: &'a Packing,
    /// Rows of keys and values.
    pub keys: &'a Packing,
    /// Width of the hidden states.
    pub hidden: usize,
    /// Heads; they divide `hidden`.
    pub heads: usize,
    /// Dropout of the probabilities.
    pub dropout: Option<Dropout>,
    /// Over threads or not.
    pub spread: Spread,
}

impl Plan<'_> {
    fn head_size(&self) -> usize {
        self.hidden / self.heads
    }

    fn scale<T: Real>(&self) -> T {
        T::ONE / T::of(self.head_size() as f64).sqrt()
    }

    /// Room for the probabilities of all texts: for each head and query a row of a whole number of
    /// vectors, an entry a key and zeros behind.
    pub fn n_probabilities(&self) -> usize {
        (0..self.keys.n_texts()).map(|text| self.text(text).n_probabilities()).sum()
    }

    fn text(&self, number: usize) -> Text {
        let (queries, keys) = (self.queries.rows(number), self.keys.rows(number));
        Text { number, queries, keys, heads: self.heads }
    }

    /// The mask of a text's probabilities, row by row: `((text · heads + head) · width + query)`.
    fn mask_rows(&self, text: &Text) -> impl Iterator<Item = usize> + use<> {
        let (first, width, n_queries) =
            (text.number * text.heads, self.keys.width(), text.queries.len());
        let heads = text.heads;
        (0..heads)
            .flat_map(move |head| (0..n_queries).map(move |query| (first + head) * width + query))
    }
}

/// Rows of one text.
struct Text {
    number: usize,
    queries: Range<usize>,
    keys: Range<usize>,
    heads: usize,
}

impl Text {
    /// Entries of a row of probabilities: one a key, and zeros up to a whole number of vectors.
    fn stride(&self) -> usize {
        self.keys.len().next_multiple_of(LANES)
    }

    fn n_probabilities(&self) -> usize {
        self.heads * self.queries.len() * self.stride()
    }
}

/// The entries alone, without the zeros behind each row.
fn entries<'a, T: Real>(rows: &'a [T], text: &Text) -> Matrix<'a, T> {
    Matrix::new(rows, text.stride()).columns(0, text.keys.len())
}

/// A head's columns of a text's rows.
#[derive(Clone, Copy)]
struct Heads<'a, T> {
    query: Matrix<'a, T>,
    key: Matrix<'a, T>,
    value: Matrix<'a, T>,
}

impl<'a, T: Real> Heads<'a, T> {
    fn of(inputs: Inputs<'a, T>, plan: &Plan<'_>, text: &Text) -> Self {
        let query = Matrix::new(inputs.query, plan.hidden);
        let key_value = Matrix::new(inputs.key_value, 2 * plan.hidden);
        let key_value = key_value.rows(text.keys.start, text.keys.len());
        Self {
            query: query.rows(text.queries.start, text.queries.len()),
            key: key_value.columns(0, plan.hidden),
            value: key_value.columns(plan.hidden, plan.hidden),
        }
    }

    fn head(&self, head: usize, size: usize) -> Self {
        let columns = |matrix: Matrix<'a, T>| matrix.columns(head * size, size);
        Self { query: columns(self.query), key: columns(self.key), value: columns(self.value) }
    }
}

/// Entries of a vector.
const LANES: usize = 16;

kernel! {
    /// Softmax of the first `n` entries of every row of `stride`, a multiple of 16; the
    /// others become zero. What is a millionth of a millionth of the row's largest and less is
    /// exactly zero: denormals would slow every product they meet fiftyfold.
    pub fn softmax<T, FUSED>(scores: &mut [T], n: usize, stride: usize) {
        for row in scores.chunks_exact_mut(stride) {
            row[n..].fill(T::LOWEST);
            let (chunks, _) = row.as_chunks_mut::<LANES>();
            let mut lanes = [T::LOWEST; LANES];
            for chunk in &*chunks {
                for i in 0..LANES {
                    lanes[i] = if chunk[i] > lanes[i] { chunk[i] } else { lanes[i] };
                }
            }
            let highest = lanes.into_iter().fold(T::LOWEST, |a, b| if b > a { b } else { a });
            let negligible = T::of(-60.0);
            let mut totals = [T::ZERO; LANES];
            for chunk in &mut *chunks {
                for i in 0..LANES {
                    let below = chunk[i] - highest;
                    let power = if below < negligible { T::ZERO } else { below.exp::<FUSED>() };
                    chunk[i] = power;
                    totals[i] += power;
                }
            }
            let inverse = T::ONE / sum(&totals, |it| it);
            for value in row {
                *value *= inverse;
            }
        }
    }
}

kernel! {
    /// `dP` in, `dS` out, row by row; of the `stride` entries of a row the first `n` count.
    pub fn softmax_backward<T, FUSED>(d: &mut [T], probabilities: &[T], n: usize, stride: usize, scale: T) {
        for (d, p) in d.chunks_exact_mut(stride).zip(probabilities.chunks_exact(stride)) {
            d[n..].fill(T::ZERO);
            let along = sum_of_pairs(d, p, |a, b| a * b);
            for i in 0..stride {
                d[i] = (d[i] - along) * p[i] * scale;
            }
        }
    }
}

kernel! {
    /// `out = x ∘ mask`, one row.
    fn drop_row<T, FUSED>(x: &[T], out: &mut [T], dropout: Dropout, row: usize) {
        let mask = dropout.row::<T>(row);
        let out = &mut out[..x.len()];
        for i in 0..x.len() {
            out[i] = x[i] * mask.factor(i);
        }
    }
}

kernel! {
    /// `x = x ∘ mask`, one row.
    fn drop_row_in_place<T, FUSED>(x: &mut [T], dropout: Dropout, row: usize) {
        let mask = dropout.row::<T>(row);
        for (column, x) in x.iter_mut().enumerate() {
            *x *= mask.factor(column);
        }
    }
}

/// A dropped copy of a text's probabilities, or none without dropout.
fn dropped<T: Real>(probabilities: &[T], plan: &Plan<'_>, text: &Text) -> Option<Buffer<T>> {
    let dropout = plan.dropout?;
    let n = text.stride();
    let mut out = Buffer::new(probabilities.len());
    let rows = probabilities.chunks_exact(n).zip(out.chunks_exact_mut(n));
    rows.zip(plan.mask_rows(text)).for_each(|((x, out), row)| drop_row(x, out, dropout, row));
    Some(out)
}

fn drop_in_place<T: Real>(d: &mut [T], plan: &Plan<'_>, text: &Text) {
    let Some(dropout) = plan.dropout else { return };
    let rows = d.chunks_exact_mut(text.stride()).zip(plan.mask_rows(text));
    rows.for_each(|(d, row)| drop_row_in_place(d, dropout, row));
}

/// `context`: `[query rows, hidden]`, `probabilities`: [`Plan::n_probabilities`], both written.
pub fn forward<T: Real>(
    inputs: Inputs<'_, T>,
    plan: &Plan<'_>,
    probabilities: &mut [T],
    context: &mut [T],
) {
    let sizes = |rows: &Range<usize>| rows.len() * plan.hidden;
    let contexts = split_by_text(context, plan.queries, sizes);
    let probabilities = split_probabilities(probabilities, plan);
    let texts = contexts.into_iter().zip(probabilities).enumerate().collect();
    sums::for_each(plan.spread, texts, |(number, (context, probabilities))| {
        let text = plan.text(number);
        let heads = Heads::of(inputs, plan, &text);
        let (size, n_keys, stride) = (plan.head_size(), text.keys.len(), text.stride());
        let each = text.queries.len() * stride;
        for (head, scores) in probabilities.chunks_exact_mut(each).enumerate() {
            let Heads { query, key, .. } = heads.head(head, size);
            let out = MatrixMut::new(scores, stride).columns(0, n_keys);
            multiply(out, plan.scale(), query, key.transposed(), false);
        }
        softmax(probabilities, n_keys, stride);
        let dropped = dropped(probabilities, plan, &text);
        let kept = dropped.as_deref().unwrap_or(probabilities);
        for (head, kept) in kept.chunks_exact(each).enumerate() {
            let out = MatrixMut::new(context, plan.hidden).columns(head * size, size);
            multiply(out, T::ONE, entries(kept, &text), heads.head(head, size).value, false);
        }
    });
}

/// From the gradient of the context to those of queries and of keys and values, both written.
pub fn backward<T: Real>(
    d_context: &[T],
    inputs: Inputs<'_, T>,
    plan: &Plan<'_>,
    probabilities: &mut [T],
    (d_query, d_key_value): (&mut [T], &mut [T]),
) {
    let d_queries = split_by_text(d_query, plan.queries, |rows| rows.len() * plan.hidden);
    let d_keys = split_by_text(d_key_value, plan.keys, |rows| rows.len() * 2 * plan.hidden);
    let probabilities = split_probabilities(probabilities, plan);
    let texts = d_queries.into_iter().zip(d_keys).zip(probabilities).enumerate().collect();
    sums::for_each(plan.spread, texts, |(number, ((d_query, d_key_value), probabilities))| {
        let text = plan.text(number);
        let heads = Heads::of(inputs, plan, &text);
        let (hidden, size) = (plan.hidden, plan.head_size());
        let (n_keys, stride) = (text.keys.len(), text.stride());
        let each = text.queries.len() * stride;
        let d_context = Matrix::new(d_context, hidden).rows(text.queries.start, text.queries.len());
        let mut d_scores = Buffer::new(probabilities.len());
        for (head, d) in d_scores.chunks_exact_mut(each).enumerate() {
            let d_context = d_context.columns(head * size, size);
            let value = heads.head(head, size).value;
            let out = MatrixMut::new(d, stride).columns(0, n_keys);
            multiply(out, T::ONE, d_context, value.transposed(), false);
        }
        drop_in_place(&mut d_scores, plan, &text);
        let dropped = dropped(probabilities, plan, &text);
        let kept = dropped.as_deref().unwrap_or(probabilities);
        for (head, kept) in kept.chunks_exact(each).enumerate() {
            let out = MatrixMut::new(d_key_value, 2 * hidden).columns(hidden + head * size, size);
            let kept = entries(kept, &text).transposed();
            multiply(out, T::ONE, kept, d_context.columns(head * size, size), false);
        }
        softmax_backward(&mut d_scores, probabilities, n_keys, stride, plan.scale());
        for (head, d) in d_scores.chunks_exact(each).enumerate() {
            let (d, Heads { query, key, .. }) = (entries(d, &text), heads.head(head, size));
            let out = MatrixMut::new(d_query, hidden).columns(head * size, size);
            multiply(out, T::ONE, d, key, false);
            let out = MatrixMut::new(d_key_value, 2 * hidden).columns(head * size, size);
            multiply(out, T::ONE, d.transposed(), query, false);
        }
    });
}

fn split_probabilities<'a, T>(mut values: &'a mut [T], plan: &Plan<'_>) -> Vec<&'a mut [T]> {
    let mut pieces = Vec::with_capacity(plan.keys.n_texts());
    for text in 0..plan.keys.n_texts() {
        let (piece, rest) = values.split_at_mut(plan.text(text).n_probabilities());
        pieces.push(piece);
        values = rest;
    }
    pieces
}
