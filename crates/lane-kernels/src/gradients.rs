//! Every backward pass against finite differences of its forward pass, in f64.
//!
//! ```text
//! d/dε L(θ + ε δ) at 0 = Σ ∂L/∂θ · δ,      L = Σ w y
//! ```
//!
//! The kernels themselves run in f64 here, not a second copy of their formulas. A direction δ over
//! all entries of one tensor checks all its entries at once; a wrong entry shows unless another
//! wrong one happens to make up for it, which several random directions rule out.

use proptest::prelude::*;

use crate::dropout::{Dropout, mix};
use crate::embedding::{self, Tokens};
use crate::layer::{self, LayerDropout, Linear, Outputs, Parameters, Pass};
use crate::layer_norm::{self, Norm, Summands};
use crate::{Buffer, Packing, Real, Spread, attention, gelu, pooling};

const STEP: f64 = 1e-5;
const HIDDEN: usize = 6;
const INNER: usize = 10;
/// Random directions of each tensor.
const DIRECTIONS: u64 = if cfg!(miri) { 1 } else { 2 };

/// Reproducible numbers in −1..1.
fn numbers(n: usize, seed: u64) -> Vec<f64> {
    let unit = |at: usize| mix(mix(seed.wrapping_add(77)).wrapping_add(at as u64)) >> 11;
    (0..n).map(|at| unit(at) as f64 / 2.0_f64.powi(52) - 1.0).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// `gradients[i]` against the change of `loss` along directions of `inputs[i]` alone.
#[track_caller]
fn check(inputs: &[Vec<f64>], gradients: &[Vec<f64>], loss: impl Fn(&[Vec<f64>]) -> f64) {
    for (number, gradient) in gradients.iter().enumerate() {
        for seed in 0..DIRECTIONS {
            let direction = numbers(gradient.len(), 1000 + seed + 10 * number as u64);
            let moved = |by: f64| {
                let mut all = inputs.to_vec();
                all[number].iter_mut().zip(&direction).for_each(|(it, d)| *it += by * d);
                loss(&all)
            };
            let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
            let ours = dot(gradient, &direction);
            let scale = 1.0 + slope.abs();
            assert!(
                (ours - slope).abs() < 2e-7 * scale,
                "input {number}: {ours}, expected {slope}"
            );
        }
    }
}

#[test]
fn gelu() {
    let (n, weights) = (40, numbers(40, 3));
    let inputs = [numbers(n, 1).iter().map(|it| 5.0 * it).collect(), numbers(n, 2)];
    let loss = |inputs: &[Vec<f64>]| {
        let (mut h, mut y) = (inputs[0].clone(), vec![0.0; n]);
        gelu::forward(&mut h, &inputs[1], &mut y);
        let mut in_place = inputs[0].clone();
        gelu::forward_in_place(&mut in_place, &inputs[1]);
        assert_eq!(in_place, y);
        dot(&y, &weights)
    };
    let (mut h, mut y) = (inputs[0].clone(), vec![0.0; n]);
    gelu::forward(&mut h, &inputs[1], &mut y);
    let mut d = weights.clone();
    gelu::backward(&mut d, &mut h);
    assert_eq!(h, y, "the backward pass leaves the activation");
    check(&inputs, &[d.clone(), d], loss);
}

fn buffer(values: &[f64]) -> Buffer<f64> {
    let mut buffer = Buffer::new(values.len());
    buffer.copy_from_slice(values);
    buffer
}

#[test]
fn layer_norm_with_bias_dropout_and_residual() {
    let n_rows = 70; // more than a chunk
    let rows: Vec<usize> = (0..n_rows).map(|row| 3 * row + 1).collect();
    let weights = numbers(n_rows * HIDDEN, 9);
    let sizes = [n_rows * HIDDEN, HIDDEN, n_rows * HIDDEN, HIDDEN, HIDDEN];
    let inputs: Vec<_> = sizes.iter().zip(1..).map(|(&n, seed)| numbers(n, seed)).collect();
    for p in [0.0, 0.3] {
        let masked = || Dropout::new(p, 5).map(|dropout| (dropout, &rows[..]));
        let forward = |inputs: &[Vec<f64>]| {
            let [product, bias, residual, gamma, beta] = inputs else { unreachable!() };
            let norm = Norm { gamma, beta, epsilon: 1e-5 };
            let mut y = vec![0.0; n_rows * HIDDEN];
            let summands = Summands { product: buffer(product), bias, residual };
            let saved = layer_norm::forward(summands, norm, masked(), &mut y, Spread::Parallel);
            (y, saved)
        };
        let (_, saved) = forward(&inputs);
        let ours = layer_norm::backward(&weights, &saved, &inputs[3], masked(), Spread::Parallel);
        let gradients =
            [ours.product.to_vec(), ours.bias, ours.sum.to_vec(), ours.gamma, ours.beta];
        check(&inputs, &gradients, |inputs| dot(&forward(inputs).0, &weights));
    }
}

#[test]
fn attention_with_all_queries_and_with_one_a_text() {
    let keys = Packing::new(&[3, 1, 5], 6);
    for (queries, p) in [(keys.clone(), 0.0), (keys.clone(), 0.4), (Packing::new(&[1; 3], 6), 0.4)]
    {
        let plan = attention::Plan {
            queries: &queries,
            keys: &keys,
            hidden: HIDDEN,
            heads: 2,
            dropout: Dropout::new(p, 3),
            spread: Spread::Parallel,
        };
        let n_query = queries.n_rows() * HIDDEN;
        let inputs = [numbers(n_query, 1), numbers(keys.n_rows() * 2 * HIDDEN, 2)];
        let weights = numbers(n_query, 3);
        let forward = |inputs: &[Vec<f64>]| {
            let (mut probabilities, mut context) =
                (vec![0.0; plan.n_probabilities()], vec![0.0; n_query]);
            let inputs = attention::Inputs { query: &inputs[0], key_value: &inputs[1] };
            attention::forward(inputs, &plan, &mut probabilities, &mut context);
            (context, probabilities)
        };
        let (_, mut probabilities) = forward(&inputs);
        let mut gradients = [vec![0.0; inputs[0].len()], vec![0.0; inputs[1].len()]];
        let [d_query, d_key_value] = &mut gradients;
        let given = attention::Inputs { query: &inputs[0], key_value: &inputs[1] };
        attention::backward(&weights, given, &plan, &mut probabilities, (d_query, d_key_value));
        check(&inputs, &gradients, |inputs| dot(&forward(inputs).0, &weights));
    }
}

#[test]
fn embedding_of_words_that_come_back() {
    let packing = Packing::new(&[3, 1, 2], 4);
    let (ids, rows) = ([2, 0, 2, 1, 3, 2], packing.grid_rows());
    let sizes = [5 * HIDDEN, 4 * HIDDEN, 2 * HIDDEN, HIDDEN, HIDDEN];
    let inputs: Vec<_> = sizes.iter().zip(1..).map(|(&n, seed)| numbers(n, seed)).collect();
    let weights = numbers(6 * HIDDEN, 9);
    let tokens = || Tokens {
        ids: &ids,
        packing: &packing,
        masked: Dropout::new(0.3, 8).map(|dropout| (dropout, &rows[..])),
        spread: Spread::Serial,
    };
    let forward = |inputs: &[Vec<f64>]| {
        let [word, position, segment, gamma, beta] = inputs else { unreachable!() };
        let tables = embedding::Tables { word, position, segment };
        let norm = Norm { gamma, beta, epsilon: 1e-5 };
        let mut y = vec![0.0; 6 * HIDDEN];
        let saved = embedding::forward(tables, tokens(), norm, &mut y);
        (y, saved)
    };
    let (_, saved) = forward(&inputs);
    let [word, position, segment, gamma, _] = &inputs[..] else { unreachable!() };
    let tables = embedding::Tables { word, position, segment };
    let ours = embedding::backward(&weights, tables, tokens(), gamma, &saved);
    let gradients = [ours.word, ours.position, ours.segment, ours.gamma, ours.beta];
    check(&inputs, &gradients, |inputs| dot(&forward(inputs).0, &weights));
}

#[test]
fn pooling() {
    let packing = Packing::new(&[3, 1, 2], 4);
    let x = [numbers(6 * HIDDEN, 1)];
    let weights = numbers(3 * HIDDEN, 2);
    let d = pooling::mean_backward(&weights, HIDDEN, &packing);
    check(&x, &[d], |x| dot(&pooling::mean(&x[0], HIDDEN, &packing), &weights));
    let weights = numbers(12 * HIDDEN, 3);
    let d = pooling::padded_backward(&weights, HIDDEN, &packing);
    check(&x, &[d], |x| dot(&pooling::padded(&x[0], HIDDEN, &packing), &weights));
}

/// The parameters of a layer, in the order of its fields.
pub(crate) const SIZES: [usize; 16] = [
    HIDDEN * HIDDEN,
    HIDDEN,
    HIDDEN * HIDDEN,
    HIDDEN,
    HIDDEN * HIDDEN,
    HIDDEN,
    HIDDEN * HIDDEN,
    HIDDEN,
    HIDDEN,
    HIDDEN,
    HIDDEN * INNER,
    INNER,
    INNER * HIDDEN,
    HIDDEN,
    HIDDEN,
    HIDDEN,
];

fn parameters<T: Real>(all: &[Vec<T>]) -> Parameters<'_, T> {
    let linear = |at: usize| Linear { weight: &all[at], bias: &all[at + 1] };
    let norm = |at: usize| Norm { gamma: &all[at], beta: &all[at + 1], epsilon: T::of(1e-5) };
    Parameters {
        query: linear(0),
        key: linear(2),
        value: linear(4),
        attention_output: linear(6),
        attention_norm: norm(8),
        intermediate: linear(10),
        output: linear(12),
        output_norm: norm(14),
    }
}

fn in_order<T>(all: layer::Gradients<T>) -> [Vec<T>; 17] {
    let [q, k, v] = [all.query, all.key, all.value];
    let (o, i, u) = (all.attention_output, all.intermediate, all.output);
    let (a, b) = (all.attention_norm, all.output_norm);
    [
        q.weight, q.bias, k.weight, k.bias, v.weight, v.bias, o.weight, o.bias, a.gamma, a.beta,
        i.weight, i.bias, u.weight, u.bias, b.gamma, b.beta, all.x,
    ]
}

fn layer_inputs(n_rows: usize) -> Vec<Vec<f64>> {
    let sizes = SIZES.into_iter().chain([n_rows * HIDDEN]);
    sizes.zip(1..).map(|(n, seed)| numbers(n, seed)).collect()
}

fn pass(packing: &Packing, outputs: Outputs, p: f64) -> Pass<'_> {
    let dropout = LayerDropout {
        probabilities: Dropout::new(p, 1),
        attention: Dropout::new(p, 2),
        output: Dropout::new(p, 3),
    };
    Pass { packing, heads: 3, outputs, dropout, spread: Spread::Parallel }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    #[cfg_attr(miri, ignore = "too many products for Miri; its parts are tested above")]
    fn a_whole_layer(
        lengths in prop::collection::vec(1_u32..6, 1..4),
        p in prop::sample::select(vec![0.0, 0.25]),
        outputs in prop::sample::select(vec![Outputs::All, Outputs::First]),
    ) {
        let packing = Packing::new(&lengths, 6);
        let pass = pass(&packing, outputs, p);
        let inputs = layer_inputs(packing.n_rows());
        let forward = |inputs: &[Vec<f64>]| layer::forward(&inputs[16], &parameters(inputs), &pass);
        let (y, saved) = forward(&inputs);
        let weights = numbers(y.len(), 99);
        let ours = layer::backward(&weights, &inputs[16], &parameters(&inputs), saved, &pass);
        check(&inputs, &in_order(ours), |inputs| dot(&forward(inputs).0, &weights));
        prop_assert_eq!(layer::evaluate(&inputs[16], &parameters(&inputs), &pass).to_vec(), y);
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many products for Miri; its parts are tested above")]
    fn the_first_token_is_the_same_whether_or_not_the_others_come_out(
        lengths in prop::collection::vec(1_u32..6, 1..4),
        p in prop::sample::select(vec![0.0, 0.25]),
    ) {
        let packing = Packing::new(&lengths, 6);
        let inputs = layer_inputs(packing.n_rows());
        let run = |outputs| {
            let pass = pass(&packing, outputs, p);
            let (y, saved) = layer::forward(&inputs[16], &parameters(&inputs), &pass);
            (y, saved, pass)
        };
        let (all, of_all, all_pass) = run(Outputs::All);
        let (first, of_first, first_pass) = run(Outputs::First);
        let weights = numbers(first.len(), 7);
        let mut at_first = vec![0.0; all.len()];
        for (text, rows) in packing.texts().enumerate() {
            let at = rows.start * HIDDEN..(rows.start + 1) * HIDDEN;
            let ours = &first[text * HIDDEN..][..HIDDEN];
            for (ours, theirs) in ours.iter().zip(&all[at.clone()]) {
                prop_assert!((ours - theirs).abs() < 1e-12);
            }
            at_first[at].copy_from_slice(&weights[text * HIDDEN..][..HIDDEN]);
        }
        let of = |d: &[f64], saved, pass: &Pass<'_>| {
            in_order(layer::backward(d, &inputs[16], &parameters(&inputs), saved, pass))
        };
        let pairs = of(&at_first, of_all, &all_pass).into_iter().zip(of(&weights, of_first, &first_pass));
        for (theirs, ours) in pairs {
            for (ours, theirs) in ours.iter().zip(&theirs) {
                prop_assert!((ours - theirs).abs() < 1e-10);
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "too many products for Miri; its parts are tested above")]
    fn f32_follows_f64_and_thread_count_changes_no_bit(
        lengths in prop::collection::vec(1_u32..40, 1..9),
        p in prop::sample::select(vec![0.0, 0.25]),
    ) {
        let packing = Packing::new(&lengths, 40);
        let pass = pass(&packing, Outputs::All, p);
        let inputs = layer_inputs(packing.n_rows());
        let single: Vec<Vec<f32>> =
            inputs.iter().map(|values| values.iter().map(|&it| it as f32).collect()).collect();
        let (y, saved) = layer::forward(&inputs[16], &parameters(&inputs), &pass);
        let weights = numbers(y.len(), 7);
        let exact = in_order(layer::backward(&weights, &inputs[16], &parameters(&inputs), saved, &pass));
        let weights: Vec<f32> = weights.iter().map(|&it| it as f32).collect();
        let of_threads = |n_threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            pool.install(|| {
                let (y, saved) = layer::forward(&single[16], &parameters(&single), &pass);
                (y, in_order(layer::backward(&weights, &single[16], &parameters(&single), saved, &pass)))
            })
        };
        let (ours, gradients) = of_threads(1);
        prop_assert!((&ours, &gradients) == (&of_threads(3).0, &of_threads(3).1));
        let all = std::iter::once((&ours, &y)).chain(gradients.iter().zip(&exact));
        for (ours, exact) in all {
            let largest = exact.iter().fold(0.0_f64, |largest, it| largest.max(it.abs()));
            for (ours, exact) in ours.iter().zip(exact) {
                let off = (f64::from(*ours) - exact).abs();
                // A norm over so few entries makes tens of a rounding.
                prop_assert!(off <= 1e-4 * largest.max(1.0), "{} off at {}", off, exact);
            }
        }
    }
}
