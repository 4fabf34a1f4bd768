//! The operations on burn tensors of device `flex`, each one node of the autodiff graph.
//!
//! burn's autodiff sees a whole layer as one operation with seventeen inputs; what lies between
//! forward and backward stays in our own buffers. Rows are packed tokens throughout. On a device
//! without autodiff the same functions just compute, and [`encode`] runs a whole encoder.

mod graph;

use std::sync::Arc;

use burn::backend::Flex;
use burn::tensor::{Device, Tensor};

use self::graph::{BackwardFn, Input, flex, flex_rows, values};
use crate::clock::{Part, timed};
use crate::dropout::Dropout;
use crate::embedding::{self, Tables, Tokens};
use crate::encoder::{self, EncoderParameters, Reading};
use crate::layer::{self, LayerDropout, Outputs, Parameters, Pass};
use crate::layer_norm::Norm;
use crate::{Packing, Spread, pooling};

/// Whether tensors of this device can be given to the operations here.
pub fn supports(device: &Device) -> bool {
    device.clone().inner() == Device::flex()
}

/// A linear map.
#[derive(Clone, Debug)]
pub struct LinearTensors {
    /// `[in, out]`.
    pub weight: Tensor<2>,
    /// `[out]`.
    pub bias: Tensor<1>,
}

/// A layer norm.
#[derive(Clone, Debug)]
pub struct NormTensors {
    /// γ, `[n]`.
    pub gamma: Tensor<1>,
    /// β, `[n]`.
    pub beta: Tensor<1>,
    /// ε.
    pub epsilon: f64,
}

/// Tables of an encoder and the norm after them.
#[derive(Clone, Debug)]
pub struct EmbeddingTensors {
    /// `[words, hidden]`.
    pub word: Tensor<2>,
    /// `[positions, hidden]`.
    pub position: Tensor<2>,
    /// `[segments, hidden]`.
    pub segment: Tensor<2>,
    /// After their sum.
    pub norm: NormTensors,
}

/// The parameters of a layer, as [`Parameters`].
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "those of `Parameters`")]
pub struct LayerTensors {
    pub query: LinearTensors,
    pub key: LinearTensors,
    pub value: LinearTensors,
    pub attention_output: LinearTensors,
    pub attention_norm: NormTensors,
    pub intermediate: LinearTensors,
    pub output: LinearTensors,
    pub output_norm: NormTensors,
}

/// How the rows of a batch lie, shared by all operations on it.
#[derive(Clone, Debug)]
pub struct Layout {
    packing: Arc<Packing>,
    grid_rows: Arc<Vec<usize>>,
}

impl Layout {
    /// Texts of the given lengths from a padded batch of `width` columns.
    ///
    /// # Panics
    ///
    /// As [`Packing::new`].
    pub fn new(lengths: &[u32], width: usize) -> Self {
        let packing = Packing::new(lengths, width);
        Self { grid_rows: Arc::new(packing.grid_rows()), packing: Arc::new(packing) }
    }

    /// Where the texts lie.
    pub fn packing(&self) -> &Packing {
        &self.packing
    }

    fn tokens<'a>(&'a self, ids: &'a [u32], dropout: Option<Dropout>) -> Tokens<'a> {
        let masked = dropout.map(|dropout| (dropout, &self.grid_rows[..]));
        Tokens { ids, packing: &self.packing, masked, spread: Spread::Parallel }
    }
}

/// `dropout(LayerNorm(word[id] + position + segment))`, `[rows, hidden]`.
///
/// `ids`: a row of `tensors.word` for each packed row.
pub fn embed(
    tensors: EmbeddingTensors,
    ids: Vec<u32>,
    layout: &Layout,
    dropout: Option<Dropout>,
) -> Tensor<2> {
    let EmbeddingTensors { word, position, segment, norm } = tensors;
    let epsilon = norm.epsilon as f32;
    let inputs = [Input::of(word), Input::of(position), Input::of(segment)];
    let [gamma, beta] = [Input::of(norm.gamma), Input::of(norm.beta)];
    let [word, position, segment] = inputs;
    let layout = layout.clone();
    Input::apply([word, position, segment, gamma, beta], move |inputs, tracked| {
        let [word, position, segment, gamma, beta] = inputs.each_ref().map(values);
        let tables = Tables { word, position, segment };
        let norm = Norm { gamma, beta, epsilon };
        let mut y = vec![0.0; ids.len() * gamma.len()];
        let saved = timed(Part::Embedding, || {
            embedding::forward(tables, layout.tokens(&ids, dropout), norm, &mut y)
        });
        let y = flex(y, [ids.len(), gamma.len()]);
        let inputs = inputs.clone();
        let layout = layout.clone();
        let backward = move |dy: &[f32]| {
            let [word, position, segment, gamma, _] = inputs.each_ref().map(values);
            let tables = Tables { word, position, segment };
            let tokens = layout.tokens(&ids, dropout);
            let all =
                timed(Part::Embedding, || embedding::backward(dy, tables, tokens, gamma, &saved));
            [all.word, all.position, all.segment, all.gamma, all.beta]
        };
        (y, tracked.then(|| Box::new(backward) as BackwardFn<5>))
    })
}

/// One transformer layer. `x`: `[rows, hidden]`; returns as many rows, or one a text.
pub fn layer(
    x: Tensor<2>,
    tensors: LayerTensors,
    heads: usize,
    outputs: Outputs,
    dropout: LayerDropout,
    layout: &Layout,
) -> Tensor<2> {
    let epsilons = [&tensors.attention_norm, &tensors.output_norm].map(|norm| norm.epsilon as f32);
    let layout = layout.clone();
    let inputs = layer_inputs(x, tensors);
    Input::apply(inputs, move |inputs, tracked| {
        let packing = Arc::clone(&layout.packing);
        let pass = Pass { packing: &packing, heads, outputs, dropout, spread: Spread::Parallel };
        let all = inputs.each_ref().map(values);
        let (x, parameters) = (all[0], layer_parameters(&all, epsilons));
        let hidden = parameters.query.bias.len();
        if !tracked {
            let y = layer::evaluate(x, &parameters, &pass);
            return (flex_rows(y.to_vec(), hidden), None);
        }
        let (y, saved) = layer::forward(x, &parameters, &pass);
        let inputs = inputs.clone();
        let packing = Arc::clone(&packing);
        let backward = move |dy: &[f32]| {
            let pass =
                Pass { packing: &packing, heads, outputs, dropout, spread: Spread::Parallel };
            let all = inputs.each_ref().map(values);
            let parameters = layer_parameters(&all, epsilons);
            layer_gradients(layer::backward(dy, all[0], &parameters, saved, &pass))
        };
        (flex_rows(y, hidden), Some(Box::new(backward) as BackwardFn<17>))
    })
}

/// The mean of each text's rows, `[texts, hidden]`.
pub fn mean(x: Tensor<2>, layout: &Layout) -> Tensor<2> {
    pooled(x, layout, pooling::mean, pooling::mean_backward)
}

/// The rows as a padded batch, `[texts · width, hidden]`, zero where there is no token.
pub fn padded(x: Tensor<2>, layout: &Layout) -> Tensor<2> {
    pooled(x, layout, pooling::padded, pooling::padded_backward)
}

type Pooling = fn(&[f32], usize, &Packing) -> Vec<f32>;

fn pooled(x: Tensor<2>, layout: &Layout, forward: Pooling, backward: Pooling) -> Tensor<2> {
    let [_, n] = x.dims();
    let packing = Arc::clone(&layout.packing);
    Input::apply([Input::of(x)], move |[x], tracked| {
        let y = flex_rows(forward(values(x), n, &packing), n);
        let backward = move |dy: &[f32]| [backward(dy, n, &packing)];
        (y, tracked.then(|| Box::new(backward) as BackwardFn<1>))
    })
}

/// The tensors of a whole encoder.
#[derive(Clone, Debug)]
pub struct EncoderTensors {
    /// The tables and the norm after them.
    pub embedding: EmbeddingTensors,
    /// From the bottom up.
    pub layers: Vec<LayerTensors>,
    /// Heads of every layer.
    pub heads: usize,
}

/// A whole encoder on a device without autodiff.
///
/// # Panics
///
/// If a tensor is of another device.
pub fn encode(
    tensors: EncoderTensors,
    ids: &[u32],
    layout: &Layout,
    reading: Reading,
) -> Tensor<2> {
    with_parameters(tensors, 1, |encoder| encoder::evaluate(encoder, ids, &layout.packing, reading))
}

/// Means over the tokens of hidden states `states` (0 = the embeddings, l = after layer l), side by
/// side, `[texts, states · hidden]`, on a device without autodiff.
///
/// # Panics
///
/// If a tensor is of another device, or there is no such state.
pub fn state_means(
    tensors: EncoderTensors,
    ids: &[u32],
    layout: &Layout,
    states: &[usize],
) -> Tensor<2> {
    with_parameters(tensors, states.len(), |encoder| {
        encoder::state_means(encoder, ids, &layout.packing, states)
    })
}

/// Rows of `n_states` hidden states each, as `compute` makes them of the parameters.
fn with_parameters(
    tensors: EncoderTensors,
    n_states: usize,
    compute: impl FnOnce(&EncoderParameters<'_, f32>) -> Vec<f32>,
) -> Tensor<2> {
    let EncoderTensors { embedding, layers, heads } = tensors;
    let EmbeddingTensors { word, position, segment, norm } = embedding;
    let epsilon = norm.epsilon as f32;
    let [word, position, segment] = [word, position, segment].map(|it| Input::of(it).plain());
    let [gamma, beta] = [norm.gamma, norm.beta].map(|it| Input::of(it).plain());
    let layers: Vec<_> = layers
        .into_iter()
        .map(|layer| {
            let epsilons = [&layer.attention_norm, &layer.output_norm].map(|it| it.epsilon as f32);
            // The first input, of `x`, is not read.
            let inputs = layer_inputs(layer.query.weight.clone(), layer).map(Input::plain);
            (inputs, epsilons)
        })
        .collect();
    let views: Vec<_> = layers.iter().map(|(it, e)| (it.each_ref().map(values), *e)).collect();
    let parameters = EncoderParameters {
        tables: Tables {
            word: values(&word),
            position: values(&position),
            segment: values(&segment),
        },
        norm: Norm { gamma: values(&gamma), beta: values(&beta), epsilon },
        layers: views.iter().map(|(all, epsilons)| layer_parameters(all, *epsilons)).collect(),
        heads,
    };
    let width = n_states * values(&gamma).len();
    Tensor::from_primitive::<Flex>(flex_rows(compute(&parameters), width))
}

fn layer_inputs(x: Tensor<2>, tensors: LayerTensors) -> [Input; 17] {
    let linear = |it: LinearTensors| [Input::of(it.weight), Input::of(it.bias)];
    let norm = |it: NormTensors| [Input::of(it.gamma), Input::of(it.beta)];
    let ([a, b], [c, d], [e, f]) =
        (linear(tensors.query), linear(tensors.key), linear(tensors.value));
    let ([g, h], [i, j]) = (linear(tensors.attention_output), norm(tensors.attention_norm));
    let ([k, l], [m, n]) = (linear(tensors.intermediate), linear(tensors.output));
    let [o, p] = norm(tensors.output_norm);
    [Input::of(x), a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

/// The inverse of [`layer_inputs`]; the first is `x`.
fn layer_parameters<'a>(all: &[&'a [f32]; 17], epsilons: [f32; 2]) -> Parameters<'a, f32> {
    let linear = |at: usize| layer::Linear { weight: all[at], bias: all[at + 1] };
    let norm = |at: usize, epsilon| Norm { gamma: all[at], beta: all[at + 1], epsilon };
    Parameters {
        query: linear(1),
        key: linear(3),
        value: linear(5),
        attention_output: linear(7),
        attention_norm: norm(9, epsilons[0]),
        intermediate: linear(11),
        output: linear(13),
        output_norm: norm(15, epsilons[1]),
    }
}

fn layer_gradients(all: layer::Gradients<f32>) -> [Vec<f32>; 17] {
    let [q, k, v] = [all.query, all.key, all.value];
    let (o, i, u) = (all.attention_output, all.intermediate, all.output);
    let (a, b) = (all.attention_norm, all.output_norm);
    [
        all.x, q.weight, q.bias, k.weight, k.bias, v.weight, v.bias, o.weight, o.bias, a.gamma,
        a.beta, i.weight, i.bias, u.weight, u.bias, b.gamma, b.beta,
    ]
}

/// Some rows of a table, apart from the graph: `[rows, hidden]`.
///
/// # Panics
///
/// If a row is beyond the table.
pub fn rows(table: &Tensor<2>, rows: &[u32]) -> Tensor<2> {
    let [_, n] = table.dims();
    let is_autodiff = table.device().is_autodiff();
    let table = Input::of(table.clone()).plain();
    let mut taken = Vec::with_capacity(rows.len() * n);
    for &row in rows {
        taken.extend_from_slice(&values(&table)[row as usize * n..][..n]);
    }
    let taken = Tensor::from_primitive::<Flex>(flex_rows(taken, n));
    if is_autodiff { Tensor::from_inner(taken) } else { taken }
}
