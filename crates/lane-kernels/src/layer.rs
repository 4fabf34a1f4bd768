//! A whole transformer layer, forward and backward.
//!
//! ```text
//! C    = attention(x W_q + b_q, x W_k + b_k, x W_v + b_v)
//! a    = LayerNorm(dropout(C W_o + b_o) + x)
//! h    = a W_1 + b_1
//! y    = LayerNorm(dropout(gelu(h) W_2 + b_2) + a)
//! ```
//!
//! Rows are packed tokens ([`Packing`]). With [`Outputs::First`] only the first token of each text
//! comes out, and everything after the keys and values is computed for that token alone; the
//! numbers are the same, since no other token's state is read.
//!
//! Devlin, Chang, Lee, Toutanova: *BERT*, NAACL 2019.

mod backward;

pub use backward::backward;

use crate::attention::{self, Inputs, Plan};
use crate::clock::{Part, timed};
use crate::dropout::Dropout;
use crate::layer_norm::{self, Norm, Summands};
use crate::packing::Packing;
use crate::product::{Job, Matrix, MatrixMut, Place, run};
use crate::sums;
use crate::{Buffer, Real, Spread, gelu};

/// A linear map: `[in, out]` row-major, and `[out]`.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a, T> {
    /// Weight, `[in, out]`.
    pub weight: &'a [T],
    /// Bias, `[out]`.
    pub bias: &'a [T],
}

impl<'a, T: Real> Linear<'a, T> {
    fn matrix(&self) -> Matrix<'a, T> {
        Matrix::new(self.weight, self.bias.len())
    }
}

/// The parameters of a layer.
#[derive(Clone, Copy, Debug)]
pub struct Parameters<'a, T> {
    /// `hidden → hidden`.
    pub query: Linear<'a, T>,
    /// `hidden → hidden`.
    pub key: Linear<'a, T>,
    /// `hidden → hidden`.
    pub value: Linear<'a, T>,
    /// `hidden → hidden`.
    pub attention_output: Linear<'a, T>,
    /// After the attention.
    pub attention_norm: Norm<'a, T>,
    /// `hidden → intermediate`.
    pub intermediate: Linear<'a, T>,
    /// `intermediate → hidden`.
    pub output: Linear<'a, T>,
    /// After the feed-forward network.
    pub output_norm: Norm<'a, T>,
}

/// Which tokens come out of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// All of them.
    All,
    /// The first of each text.
    First,
}

/// The dropout of one layer in one pass.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LayerDropout {
    /// Of the attention probabilities.
    pub probabilities: Option<Dropout>,
    /// Of the attention's output projection.
    pub attention: Option<Dropout>,
    /// Of the feed-forward network's output.
    pub output: Option<Dropout>,
}

/// How a layer is run.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a> {
    /// Where the texts lie in `x`.
    pub packing: &'a Packing,
    /// Attention heads.
    pub heads: usize,
    /// What comes out.
    pub outputs: Outputs,
    /// Dropout.
    pub dropout: LayerDropout,
    /// Over threads or not.
    pub spread: Spread,
}

/// The rows that come out, and where they lie in the padded batch.
struct OutputRows {
    packing: Packing,
    mask_rows: Vec<usize>,
}

impl OutputRows {
    fn of(pass: &Pass<'_>) -> Self {
        let width = pass.packing.width();
        match pass.outputs {
            Outputs::All => {
                Self { packing: pass.packing.clone(), mask_rows: pass.packing.grid_rows() }
            }
            Outputs::First => {
                let n = pass.packing.n_texts();
                let mask_rows = (0..n).map(|text| text * width).collect();
                Self { packing: Packing::new(&vec![1; n], width), mask_rows }
            }
        }
    }

    fn masked(&self, dropout: Option<Dropout>) -> layer_norm::Masked<'_> {
        dropout.map(|dropout| (dropout, &self.mask_rows[..]))
    }
}

/// What the backward pass needs.
#[derive(Debug)]
pub struct Saved<T: Real> {
    query: Buffer<T>,
    key_value: Buffer<T>,
    probabilities: Buffer<T>,
    context: Buffer<T>,
    attention_norm: layer_norm::Saved<T>,
    attended: Buffer<T>,
    inner: Buffer<T>,
    output_norm: layer_norm::Saved<T>,
}

/// Gradients of a linear map.
#[derive(Debug)]
pub struct LinearGradients<T> {
    /// `[in, out]`.
    pub weight: Vec<T>,
    /// `[out]`.
    pub bias: Vec<T>,
}

/// Gradients of a norm.
#[derive(Debug)]
pub struct NormGradients<T> {
    /// Of γ.
    pub gamma: Vec<T>,
    /// Of β.
    pub beta: Vec<T>,
}

/// Gradients of a layer's input and of its parameters.
#[derive(Debug)]
#[expect(missing_docs, reason = "named as the parameters")]
pub struct Gradients<T> {
    pub x: Vec<T>,
    pub query: LinearGradients<T>,
    pub key: LinearGradients<T>,
    pub value: LinearGradients<T>,
    pub attention_output: LinearGradients<T>,
    pub attention_norm: NormGradients<T>,
    pub intermediate: LinearGradients<T>,
    pub output: LinearGradients<T>,
    pub output_norm: NormGradients<T>,
}

/// `x`: `[rows, hidden]`; returns the rows that come out, and what [`backward`] needs.
pub fn forward<T: Real>(x: &[T], p: &Parameters<'_, T>, pass: &Pass<'_>) -> (Vec<T>, Saved<T>) {
    let mut y = vec![T::ZERO; n_outputs(pass) * p.output.bias.len()];
    let mut inner = Buffer::new(n_outputs(pass) * p.intermediate.bias.len());
    let rest = forward_with(x, p, pass, Some(&mut inner), &mut y);
    (y, Saved { inner, ..rest })
}

/// The same when nothing is to be differentiated.
pub fn evaluate<T: Real>(x: &[T], p: &Parameters<'_, T>, pass: &Pass<'_>) -> Buffer<T> {
    let mut y = Buffer::new(n_outputs(pass) * p.output.bias.len());
    drop(forward_with(x, p, pass, None, &mut y));
    y
}

fn n_outputs(pass: &Pass<'_>) -> usize {
    match pass.outputs {
        Outputs::All => pass.packing.n_rows(),
        Outputs::First => pass.packing.n_texts(),
    }
}

/// The first row of each text, or all rows as they are.
fn output_rows<'a, T: Real>(
    x: &'a [T],
    hidden: usize,
    pass: &Pass<'_>,
    gathered: &'a mut Option<Buffer<T>>,
) -> &'a [T] {
    if pass.outputs == Outputs::All {
        return x;
    }
    let mut first = Buffer::new(pass.packing.n_texts() * hidden);
    for (rows, first) in pass.packing.texts().zip(first.chunks_exact_mut(hidden)) {
        first.copy_from_slice(&x[rows.start * hidden..][..hidden]);
    }
    gathered.insert(first)
}

fn forward_with<T: Real>(
    x: &[T],
    p: &Parameters<'_, T>,
    pass: &Pass<'_>,
    inner: Option<&mut Buffer<T>>,
    y: &mut [T],
) -> Saved<T> {
    let hidden = p.query.bias.len();
    let rows = OutputRows::of(pass);
    let (n_out, n_rows) = (rows.packing.n_rows(), pass.packing.n_rows());
    let mut gathered = None;
    let residual = output_rows(x, hidden, pass, &mut gathered);

    let (mut query, mut key_value) =
        (Buffer::new(n_out * hidden), Buffer::new(n_rows * 2 * hidden));
    project(x, residual, p, &mut query, &mut key_value, pass.spread);
    let plan = attention_plan(pass, &rows, hidden);
    let mut probabilities = Buffer::new(plan.n_probabilities());
    let mut context = Buffer::new(n_out * hidden);
    let inputs = Inputs { query: &query, key_value: &key_value };
    timed(Part::Attention, || attention::forward(inputs, &plan, &mut probabilities, &mut context));

    let change = product(&context, &p.attention_output, pass.spread);
    let mut attended = Buffer::new(n_out * hidden);
    let masked = rows.masked(pass.dropout.attention);
    let summands = Summands { product: change, bias: p.attention_output.bias, residual };
    let attention_norm = timed(Part::Elementwise, || {
        layer_norm::forward(summands, p.attention_norm, masked, &mut attended, pass.spread)
    });

    let activated = activate(&attended, &p.intermediate, inner, pass.spread);
    let change = product(&activated, &p.output, pass.spread);
    let masked = rows.masked(pass.dropout.output);
    let summands = Summands { product: change, bias: p.output.bias, residual: &attended };
    let output_norm = timed(Part::Elementwise, || {
        layer_norm::forward(summands, p.output_norm, masked, y, pass.spread)
    });
    let inner = Buffer::new(0);
    Saved { query, key_value, probabilities, context, attention_norm, attended, inner, output_norm }
}

fn attention_plan<'a>(pass: &Pass<'a>, rows: &'a OutputRows, hidden: usize) -> Plan<'a> {
    Plan {
        queries: &rows.packing,
        keys: pass.packing,
        hidden,
        heads: pass.heads,
        dropout: pass.dropout.probabilities,
        spread: pass.spread,
    }
}

/// Queries of `from`, keys and values of `x`, with their biases.
fn project<T: Real>(
    x: &[T],
    from: &[T],
    p: &Parameters<'_, T>,
    query: &mut [T],
    key_value: &mut [T],
    spread: Spread,
) {
    let hidden = p.query.bias.len();
    let (from, x) = (Matrix::new(from, hidden), Matrix::new(x, hidden));
    let add = |bias: &'_ [T]| {
        let bias = bias.to_vec();
        move |at: Place, mut tile: MatrixMut<'_, T>, _: Option<MatrixMut<'_, T>>| {
            for row in 0..tile.n_rows() {
                let row = tile.row(row);
                sums::add_to_rows(row, &bias[at.column..][..row.len()]);
            }
        }
    };
    let [to_query, to_key, to_value] = [p.query.bias, p.key.bias, p.value.bias].map(add);
    let (keys, values) = MatrixMut::new(key_value, 2 * hidden).split_columns(hidden);
    timed(Part::Product, || {
        run(
            &[
                Job::new(keys, x, p.key.matrix()).then(&to_key),
                Job::new(values, x, p.value.matrix()).then(&to_value),
                Job::new(MatrixMut::new(query, hidden), from, p.query.matrix()).then(&to_query),
            ],
            spread,
        );
    });
}

/// `x W`, without the bias.
fn product<T: Real>(x: &[T], linear: &Linear<'_, T>, spread: Spread) -> Buffer<T> {
    let (n_in, n_out) = (linear.weight.len() / linear.bias.len(), linear.bias.len());
    let mut out = Buffer::new(x.len() / n_in * n_out);
    let job = Job::new(MatrixMut::new(&mut out, n_out), Matrix::new(x, n_in), linear.matrix());
    timed(Part::Product, || run(&[job], spread));
    out
}

/// `gelu(a W + b)`; `a W + b` goes to `inner` where it is wanted.
fn activate<T: Real>(
    attended: &[T],
    linear: &Linear<'_, T>,
    inner: Option<&mut Buffer<T>>,
    spread: Spread,
) -> Buffer<T> {
    let (n_in, n_out) = (linear.weight.len() / linear.bias.len(), linear.bias.len());
    let x = Matrix::new(attended, n_in);
    let mut activated = Buffer::new(attended.len() / n_in * n_out);
    let bias = linear.bias;
    let keep = |at: Place, mut h: MatrixMut<'_, T>, y: Option<MatrixMut<'_, T>>| {
        let Some(mut y) = y else { return };
        for row in 0..h.n_rows() {
            let h = h.row(row);
            gelu::forward(h, &bias[at.column..][..h.len()], y.row(row));
        }
    };
    let forget = |at: Place, mut y: MatrixMut<'_, T>, _: Option<MatrixMut<'_, T>>| {
        for row in 0..y.n_rows() {
            let y = y.row(row);
            gelu::forward_in_place(y, &bias[at.column..][..y.len()]);
        }
    };
    let out = MatrixMut::new(&mut activated, n_out);
    let job = match inner {
        Some(inner) => {
            Job::new(MatrixMut::new(inner, n_out), x, linear.matrix()).beside(out).then(&keep)
        }
        None => Job::new(out, x, linear.matrix()).then(&forget),
    };
    timed(Part::Product, || run(&[job], spread));
    activated
}
