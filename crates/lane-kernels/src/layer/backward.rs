//! The backward pass of a layer, its steps in the reverse order.
//!
//! ```text
//! dy → norm → W_2 → gelu → W_1 → (+) → norm → W_o → attention → W_q, W_k, W_v → (+) → dx
//!        └──────────────────────┘       └────────────────────────────────────┘
//! ```
//!
//! Products that do not wait for each other are computed together, so that threads share one longer
//! list of tiles.

use super::{
    Gradients, LinearGradients, NormGradients, OutputRows, Outputs, Parameters, Pass, Saved,
    attention_plan, output_rows,
};
use crate::attention::{self, Inputs};
use crate::clock::{Part, timed};
use crate::product::{Job, Matrix, MatrixMut, Place, run};
use crate::{Buffer, Real, Spread, gelu, layer_norm, sums};

/// `dy`: as what came out; `x`: as it went in.
pub fn backward<T: Real>(
    dy: &[T],
    x: &[T],
    p: &Parameters<'_, T>,
    saved: Saved<T>,
    pass: &Pass<'_>,
) -> Gradients<T> {
    let hidden = p.query.bias.len();
    let rows = OutputRows::of(pass);
    let mut gathered = None;
    let residual = output_rows(x, hidden, pass, &mut gathered);
    let Saved {
        attended, inner, attention_norm: attention_saved, output_norm: output_saved, ..
    } = saved;

    let masked = rows.masked(pass.dropout.output);
    let second = timed(Part::Elementwise, || {
        layer_norm::backward(dy, &output_saved, p.output_norm.gamma, masked, pass.spread)
    });
    drop(output_saved);
    let mut d_attended = second.sum;
    let (intermediate, weight) =
        feed_forward_backward(&second.product, &mut d_attended, inner, &attended, p, pass.spread);
    let output = LinearGradients { weight, bias: second.bias };
    let output_norm = NormGradients { gamma: second.gamma, beta: second.beta };

    let masked = rows.masked(pass.dropout.attention);
    let gamma = p.attention_norm.gamma;
    let first = timed(Part::Elementwise, || {
        layer_norm::backward(&d_attended, &attention_saved, gamma, masked, pass.spread)
    });
    drop((attention_saved, attended));
    let attention_norm = NormGradients { gamma: first.gamma, beta: first.beta };
    // As large as the gradient of the context, and not needed any more.
    let d_context = d_attended;
    let kept = Attended {
        query: saved.query,
        key_value: saved.key_value,
        probabilities: saved.probabilities,
        context: saved.context,
    };
    let (weight, d_query, d_key_value) =
        attention_backward(&first.product, d_context, kept, &rows, p, pass);
    let attention_output = LinearGradients { weight, bias: first.bias };
    let (x, [query, key, value]) =
        project_backward([x, residual], &d_query, &d_key_value, first.sum, p, pass);
    Gradients {
        x,
        query,
        key,
        value,
        attention_output,
        attention_norm,
        intermediate,
        output,
        output_norm,
    }
}

/// What attention keeps for its backward pass.
struct Attended<T: Real> {
    query: Buffer<T>,
    key_value: Buffer<T>,
    probabilities: Buffer<T>,
    context: Buffer<T>,
}

/// `change`: gradient of the output projection's product; `d_context`: room for that of the context.
/// Returns the gradients of the projection's weight, of queries, and of keys and values.
fn attention_backward<T: Real>(
    change: &[T],
    mut d_context: Buffer<T>,
    kept: Attended<T>,
    rows: &OutputRows,
    p: &Parameters<'_, T>,
    pass: &Pass<'_>,
) -> (Vec<T>, Buffer<T>, Buffer<T>) {
    let hidden = p.query.bias.len();
    let Attended { query, key_value, mut probabilities, context } = kept;
    let mut weight = vec![T::ZERO; hidden * hidden];
    let change = Matrix::new(change, hidden);
    timed(Part::Product, || {
        let (to, from) =
            (MatrixMut::new(&mut d_context, hidden), MatrixMut::new(&mut weight, hidden));
        let jobs = [
            Job::new(to, change, p.attention_output.matrix().transposed()),
            Job::new(from, Matrix::new(&context, hidden).transposed(), change),
        ];
        run(&jobs, pass.spread);
    });
    let plan = attention_plan(pass, rows, hidden);
    let (mut d_query, mut d_key_value) = (context, Buffer::new(key_value.len()));
    let inputs = Inputs { query: &query, key_value: &key_value };
    let out = (&mut d_query[..], &mut d_key_value[..]);
    timed(Part::Attention, || {
        attention::backward(&d_context, inputs, &plan, &mut probabilities, out);
    });
    (weight, d_query, d_key_value)
}

/// `change`: gradient of the second product; `d_attended`: of the sum it went into, to which the
/// part through the feed-forward network is added. Returns the gradients of the first map, and of
/// the second's weight.
fn feed_forward_backward<T: Real>(
    change: &[T],
    d_attended: &mut [T],
    mut inner: Buffer<T>,
    attended: &[T],
    p: &Parameters<'_, T>,
    spread: Spread,
) -> (LinearGradients<T>, Vec<T>) {
    let (hidden, n_inner) = (p.output.bias.len(), p.intermediate.bias.len());
    let change = Matrix::new(change, hidden);
    let mut d_inner = Buffer::new(inner.len());
    let finish = |_: Place, mut d: MatrixMut<'_, T>, inner: Option<MatrixMut<'_, T>>| {
        let Some(mut inner) = inner else { return };
        for row in 0..d.n_rows() {
            gelu::backward(d.row(row), inner.row(row));
        }
    };
    timed(Part::Product, || {
        let job =
            Job::new(MatrixMut::new(&mut d_inner, n_inner), change, p.output.matrix().transposed());
        run(&[job.beside(MatrixMut::new(&mut inner, n_inner)).then(&finish)], spread);
    });
    let activated = inner; // what the finishing of the tiles left there
    let bias = timed(Part::Elementwise, || sums::of_columns(&d_inner, n_inner, spread));
    let mut weight = vec![T::ZERO; hidden * n_inner];
    let mut output_weight = vec![T::ZERO; n_inner * hidden];
    let (d_inner, attended) = (Matrix::new(&d_inner, n_inner), Matrix::new(attended, hidden));
    timed(Part::Product, || {
        let activated = Matrix::new(&activated, n_inner).transposed();
        let jobs = [
            Job::new(MatrixMut::new(&mut output_weight, hidden), activated, change),
            Job::new(MatrixMut::new(&mut weight, n_inner), attended.transposed(), d_inner),
            Job::new(
                MatrixMut::new(d_attended, hidden),
                d_inner,
                p.intermediate.matrix().transposed(),
            )
            .added(),
        ];
        run(&jobs, spread);
    });
    (LinearGradients { weight, bias }, output_weight)
}

/// `residual`: gradient that reached the layer's input past the attention. Returns the gradient of
/// the input, and those of the three maps.
fn project_backward<T: Real>(
    [x, from]: [&[T]; 2],
    d_query: &[T],
    d_key_value: &[T],
    mut residual: Buffer<T>,
    p: &Parameters<'_, T>,
    pass: &Pass<'_>,
) -> (Vec<T>, [LinearGradients<T>; 3]) {
    let hidden = p.query.bias.len();
    let (bias, both) = timed(Part::Elementwise, || {
        let of = |d, n| sums::of_columns(d, n, pass.spread);
        (of(d_query, hidden), of(d_key_value, 2 * hidden))
    });
    let biases = [bias, both[..hidden].to_vec(), both[hidden..].to_vec()];
    let mut weights = [0; 3].map(|_| vec![T::ZERO; hidden * hidden]);
    let mut d_x = vec![T::ZERO; x.len()];
    let [x, from, d_query] = [x, from, d_query].map(|values| Matrix::new(values, hidden));
    let d_key_value = Matrix::new(d_key_value, 2 * hidden);
    let (d_key, d_value) = (d_key_value.columns(0, hidden), d_key_value.columns(hidden, hidden));
    timed(Part::Product, || {
        let [query, key, value] = &mut weights;
        let into = Job::new(MatrixMut::new(&mut d_x, hidden), d_key, p.key.matrix().transposed())
            .and(d_value, p.value.matrix().transposed());
        let mut jobs = vec![
            Job::new(MatrixMut::new(query, hidden), from.transposed(), d_query),
            Job::new(MatrixMut::new(key, hidden), x.transposed(), d_key),
            Job::new(MatrixMut::new(value, hidden), x.transposed(), d_value),
        ];
        let query_job = |out| Job::new(out, d_query, p.query.matrix().transposed());
        match pass.outputs {
            Outputs::All => jobs.push(into.and(d_query, p.query.matrix().transposed())),
            Outputs::First => {
                jobs.push(into);
                jobs.push(query_job(MatrixMut::new(&mut residual, hidden)).added());
            }
        }
        run(&jobs, pass.spread);
    });
    timed(Part::Elementwise, || add_residual(&mut d_x, &residual, hidden, pass));
    let mut biases = biases.into_iter();
    let weights =
        weights.map(|weight| LinearGradients { weight, bias: biases.next().unwrap_or_default() });
    (d_x, weights)
}

fn add_residual<T: Real>(d_x: &mut [T], residual: &[T], hidden: usize, pass: &Pass<'_>) {
    match pass.outputs {
        Outputs::All => {
            let chunk = sums::CHUNK_ROWS * hidden;
            let chunks = d_x.chunks_mut(chunk).zip(residual.chunks(chunk)).collect();
            sums::for_each(pass.spread, chunks, |(d, residual)| sums::add_rows(residual, d));
        }
        Outputs::First => {
            for (rows, residual) in pass.packing.texts().zip(residual.chunks_exact(hidden)) {
                sums::add_rows(residual, &mut d_x[rows.start * hidden..][..hidden]);
            }
        }
    }
}
