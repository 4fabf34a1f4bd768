//! Fused kernels against burn's plain operations: outputs and the gradient of every parameter, over
//! random shapes, with and without padding, dropout and the rest of the last layer.
//!
//! Both run in f32. The tolerance, 1e-5 of the largest entry of a tensor, is what rounding in another
//! order may cost here; a gradient below a millionth is rounding itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use lane_models::{
    BertConfig, BertEncoder, Kernels, Mode, Network, NetworkInput, Pooling, RowGradients,
    TokenBatch, TrainingStep,
};
use proptest::prelude::*;

/// A shape, a batch and how it is run.
#[derive(Clone, Debug)]
struct Case {
    config: BertConfig,
    lengths: Vec<u32>,
    width: u32,
    pooling: Pooling,
    seed: u64,
}

fn cases() -> impl Strategy<Value = Case> {
    let shape = (1_usize..4, 1_usize..4, 1_usize..9, 3_usize..30);
    let rates = prop::sample::select(vec![0.0, 0.1, 0.4]);
    let pooling = prop::sample::select(vec![Pooling::Cls, Pooling::Mean]);
    let lengths = prop::collection::vec(1_u32..20, 1..7);
    (shape, [rates.clone(), rates], pooling, lengths, 0_u32..4, any::<u64>()).prop_map(
        |(
            (layers, heads, size, intermediate),
            [hidden, attention],
            pooling,
            lengths,
            extra,
            seed,
        )| {
            let config = BertConfig {
                hidden_size: heads * size,
                num_hidden_layers: layers,
                num_attention_heads: heads,
                intermediate_size: intermediate,
                hidden_dropout_prob: hidden,
                attention_probs_dropout_prob: attention,
                // A few entries can come so near each other that their norm is rounding.
                layer_norm_eps: if heads * size < 8 { 1.0 } else { 1e-5 },
                ..BertConfig::tiny(40)
            };
            let width = lengths.iter().max().unwrap() + extra;
            Case { config, lengths, width, pooling, seed }
        },
    )
}

impl Case {
    fn batch(&self, device: &Device) -> TokenBatch {
        let n = self.lengths.len() as u32 * self.width;
        let id = |at: u32| ((u64::from(at) * 7919 + self.seed % 1000) % 40) as i32;
        TokenBatch::new((0..n).map(id).collect(), self.lengths.clone(), device)
    }

    fn network(&self, kernels: Kernels, device: &Device) -> Network {
        let network = Network::init(&self.config, 3, self.pooling, self.seed, device);
        let spread = Spread { seed: self.seed, number: 0 };
        network.map(&mut { spread }).with_kernels(kernels)
    }
}

/// Moves every parameter off its initial value, so that no bias or scale is trivial.
struct Spread {
    seed: u64,
    number: u64,
}

impl burn::module::ModuleMapper for Spread {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, value, mapper) = parameter.consume();
        self.number += 1;
        let (n, shape, device) = (value.shape().num_elements(), value.shape(), value.device());
        let start = self.seed % 997 + 31 * self.number;
        let by: Vec<f32> =
            (0..n as u64).map(|at| ((start + at * 37) % 101) as f32 / 250.0 - 0.2).collect();
        let by = Tensor::<D>::from_data(TensorData::new(by, shape), &device.inner());
        let value = Tensor::from_inner(value.inner() + by).require_grad();
        Param::from_mapped_value(id, value, mapper)
    }
}

/// Outputs and gradients by path.
fn run(case: &Case, kernels: Kernels, is_training: bool) -> BTreeMap<String, Vec<f32>> {
    let device = Device::flex().autodiff();
    let (network, batch) = (case.network(kernels, &device), case.batch(&device));
    let step = TrainingStep::new(case.seed);
    let mode = if is_training { Mode::Train(&step) } else { Mode::Evaluate };
    let output = network.forward(NetworkInput::Tokens(&batch), mode);
    let mut found = BTreeMap::new();
    found.insert("logits".into(), data(output.logits.clone()));
    found.insert("embedding".into(), data(output.embedding.clone()));
    let loss = weighted(output.logits) + weighted(output.embedding);
    let mut gradients = loss.backward();
    let rows = step.take_row_gradients(&mut gradients);
    assert_eq!(rows.is_empty(), kernels == Kernels::Plain || !is_training);
    let mut collect = Collect { gradients: &gradients, rows: &rows, path: Vec::new(), found };
    network.visit(&mut collect);
    collect.found
}

/// A sum in which every entry has another weight.
fn weighted(x: Tensor<2>) -> Tensor<1> {
    let n = x.shape().num_elements() as u64;
    let weights: Vec<f32> = (0..n).map(|at| ((at * 53) % 17) as f32 / 8.0 - 1.0).collect();
    let weights = Tensor::<2>::from_data(TensorData::new(weights, x.shape()), &x.device());
    (x * weights).sum()
}

fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

struct Collect<'a> {
    gradients: &'a Gradients,
    rows: &'a [RowGradients],
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl Collect<'_> {
    fn of_rows(&self, parameter: ParamId, len: usize) -> Option<Vec<f32>> {
        let part = self.rows.iter().find(|rows| rows.parameter == parameter)?;
        let [_, width] = part.gradient.dims();
        let mut whole = vec![0.0; len];
        for (row, values) in part.rows.iter().zip(data(part.gradient.clone()).chunks(width)) {
            whole[*row as usize * width..][..width].copy_from_slice(values);
        }
        Some(whole)
    }
}

impl ModuleVisitor for Collect<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.into());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let value = parameter.val();
        let gradient = match value.grad(self.gradients) {
            Some(gradient) => data(gradient),
            None => self.of_rows(parameter.id, value.shape().num_elements()).unwrap(),
        };
        self.found.insert(self.path.join("."), gradient);
    }
}

#[track_caller]
fn close(ours: &BTreeMap<String, Vec<f32>>, theirs: &BTreeMap<String, Vec<f32>>) {
    assert!(ours.keys().eq(theirs.keys()));
    for (name, theirs) in theirs {
        let largest = theirs.iter().fold(0.1_f32, |largest, it| largest.max(it.abs()));
        for (at, (ours, theirs)) in ours[name].iter().zip(theirs).enumerate() {
            let off = (ours - theirs).abs() / largest;
            assert!(off <= 1e-5, "{name}, entry {at}: {ours}, expected {theirs}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn outputs_and_all_gradients_are_those_of_the_plain_operations(case in cases()) {
        for is_training in [true, false] {
            close(&run(&case, Kernels::Fused, is_training), &run(&case, Kernels::Plain, is_training));
        }
    }

    #[test]
    fn without_gradients_the_outputs_are_the_same(case in cases()) {
        let device = Device::flex();
        let batch = case.batch(&device);
        let outputs = |kernels| {
            let output = case.network(kernels, &device).forward(NetworkInput::Tokens(&batch), Mode::Evaluate);
            let names = ["logits".to_owned(), "embedding".to_owned()];
            names.into_iter().zip([data(output.logits), data(output.embedding)]).collect()
        };
        close(&outputs(Kernels::Fused), &outputs(Kernels::Plain));
    }

    #[test]
    fn means_of_hidden_states_are_the_same_and_the_last_is_what_pooling_gives(case in cases()) {
        let device = Device::flex();
        let batch = case.batch(&device);
        let n_layers = case.config.num_hidden_layers;
        let states = [n_layers, n_layers / 2, 0];
        let [(ours, pooled), (theirs, _)] = [Kernels::Fused, Kernels::Plain].map(|kernels| {
            let encoder = BertEncoder::init(&case.config, case.seed, &device).with_kernels(kernels);
            let pooled = data(encoder.embed(&batch, Pooling::Mean));
            (data(encoder.state_means(&batch, &states)), pooled)
        });
        let hidden = case.config.hidden_size;
        prop_assert_eq!(ours.len(), case.lengths.len() * 3 * hidden);
        for (row, pooled) in ours.chunks(3 * hidden).zip(pooled.chunks(hidden)) {
            prop_assert_eq!(&row[..hidden], pooled, "bit for bit");
        }
        let named = |values: Vec<f32>| [("means".to_owned(), values)].into_iter().collect();
        close(&named(ours), &named(theirs));
    }

    #[test]
    fn hidden_states_of_tokens_are_the_same_and_of_padding_zero(case in cases()) {
        for device in [Device::flex(), Device::flex().autodiff()] {
            let batch = case.batch(&device);
            let states = |kernels| {
                let encoder = BertEncoder::init(&case.config, case.seed, &device).with_kernels(kernels);
                data(encoder.forward(&batch, Mode::Evaluate))
            };
            let (ours, theirs) = (states(Kernels::Fused), states(Kernels::Plain));
            let hidden = case.config.hidden_size;
            for (token, (ours, theirs)) in ours.chunks(hidden).zip(theirs.chunks(hidden)).enumerate() {
                let width = case.width as usize;
                let is_token = token % width < case.lengths[token / width] as usize;
                for (ours, theirs) in ours.iter().zip(theirs) {
                    let expected = if is_token { *theirs } else { 0.0 };
                    prop_assert!((ours - expected).abs() < 2e-5, "{ours}, expected {expected}");
                }
            }
        }
    }
}

#[test]
fn thread_count_changes_no_bit() {
    let case = Case {
        config: BertConfig { num_hidden_layers: 2, ..BertConfig::tiny(40) },
        lengths: vec![30, 7, 19, 25, 30, 4, 11, 30],
        width: 30,
        pooling: Pooling::Mean,
        seed: 3,
    };
    let of = |n_threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let bits = |it: Vec<f32>| it.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        pool.install(|| run(&case, Kernels::Fused, true))
            .into_iter()
            .map(|(name, values)| (name, bits(values)))
            .collect::<BTreeMap<_, _>>()
    };
    // The head's operations are burn's own; they are too small here to be shared out.
    assert!(of(1) == of(4));
}
