//! Forward passes of one step and the gradients behind them, in memory that a setting bounds.
//!
//! A loss that compares texts with each other (contrastive terms, mixup) needs the outputs of the
//! whole batch at once, but not their graphs. With micro-batches, cached gradients do the rest:
//!
//! ```text
//! 1.  o_k = f(θ, x_k)                    part by part, without a graph
//! 2.  L(o_1 … o_K),   g_k = ∂L/∂o_k       the method's loss over all outputs, as leaves
//! 3.  ∂L/∂θ = Σ_k ∂⟨o_k, g_k⟩/∂θ          each part once more, now with its graph
//! ```
//!
//! This is the chain rule and nothing else: the gradient is that of the whole batch but for the
//! order of sums. Dropout is too: a part's masks are the rows of the whole batch's. It costs a second
//! forward pass, a third more time.
//!
//! Gao, Zhang, Han, Callan: *Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup*,
//! Workshop on Representation Learning for NLP 2021.

use std::ops::Range;
use std::sync::Arc;

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Gradients, Tensor};
use lane_data::seed;
use lane_models::{Mode, Output, RowGradients, TrainingStep};

use crate::inputs::Gathered;
use crate::method::Loss;
use crate::networks::Networks;
use crate::optimizer::{self, StepGradients};

/// The forward passes of a step, in order.
pub(crate) struct StepGraph {
    seed: u64,
    micro_batch: usize,
    n_runs: u64,
    own: TrainingStep,
    whole: Vec<TrainingStep>,
    in_parts: Vec<InParts>,
}

/// A forward pass that was made in parts and left no graph.
struct InParts {
    network: usize,
    inputs: Arc<Gathered>,
    seed: u64,
    /// Leaves of the loss.
    output: Output,
}

impl StepGraph {
    /// A step whose dropout is a function of `seed`, run on at most `micro_batch` texts at a time.
    pub(crate) fn new(seed: u64, micro_batch: Option<usize>) -> Self {
        Self {
            seed,
            micro_batch: micro_batch.unwrap_or(usize::MAX),
            n_runs: 0,
            own: TrainingStep::new(seed),
            whole: Vec::new(),
            in_parts: Vec::new(),
        }
    }

    /// For forward passes of a method's own.
    pub(crate) fn own(&self) -> &TrainingStep {
        &self.own
    }

    /// The outputs of `network`; of one that is not trained without dropout and without a graph.
    pub(crate) fn run(
        &mut self,
        networks: &Networks,
        network: usize,
        inputs: &Arc<Gathered>,
        is_trained: bool,
    ) -> Output {
        self.n_runs += 1;
        let seed = seed::stream(self.seed, "run", &[self.n_runs]);
        let member = &networks.members[network];
        if is_trained && inputs.n() <= self.micro_batch {
            let step = TrainingStep::new(seed);
            let output = member.forward(inputs.input(), Mode::Train(&step));
            self.whole.push(step);
            return output;
        }
        // Not on the graph at all: burn keeps what it recorded until the next backward pass, even of
        // outputs that are gone.
        let (plain, inner) = (member.valid(), inputs.inner());
        let outputs = self.parts(inputs.n()).map(|range| {
            let step = TrainingStep::new(seed).from_text(range.start);
            let mode = if is_trained { Mode::Train(&step) } else { Mode::Evaluate };
            plain.forward(inner.part(range).input(), mode)
        });
        let output = joined(outputs);
        if !is_trained {
            return output;
        }
        let leaf = |tensor: Tensor<2>| tensor.require_grad();
        let output = Output { logits: leaf(output.logits), embedding: leaf(output.embedding) };
        let inputs = Arc::clone(inputs);
        self.in_parts.push(InParts { network, inputs, seed, output: output.clone() });
        output
    }

    /// Gradients of the networks the pass trains, and of the method's own parameters; the other
    /// networks keep still.
    ///
    /// # Panics
    ///
    /// If the loss [is constant](Loss::is_constant).
    pub(crate) fn gradients(
        self,
        loss: &Loss,
        networks: &Networks,
        trained: &[usize],
    ) -> StepGradients {
        let mut all = loss.total.backward();
        let steps = self.whole.iter().chain([&self.own]);
        let mut rows: Vec<RowGradients> =
            steps.flat_map(|step| step.take_row_gradients(&mut all)).collect();
        let slopes: Vec<Slopes> =
            self.in_parts.iter().map(|run| Slopes::take(&run.output, &mut all)).collect();
        let mut sum = GradientsAccumulator::new();
        sum.accumulate(networks, of_trained(&mut all, networks, trained));
        drop(all);
        for (run, slopes) in self.in_parts.iter().zip(&slopes) {
            for range in self.parts(run.inputs.n()) {
                let (of_part, rows_of_part) = run.gradients(range, slopes, networks);
                sum.accumulate(networks, of_part);
                rows.extend(rows_of_part);
            }
        }
        StepGradients { dense: sum.grads(), rows }
    }

    fn parts(&self, n: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let size = self.micro_batch.max(1);
        (0..n)
            .step_by(size.min(n.max(1)))
            .map(move |start| start..n.min(start.saturating_add(size)))
    }
}

impl InParts {
    /// The gradients of `⟨output, slopes⟩` of one part.
    fn gradients(
        &self,
        range: Range<usize>,
        slopes: &Slopes,
        networks: &Networks,
    ) -> (GradientsParams, Vec<RowGradients>) {
        let step = TrainingStep::new(self.seed).from_text(range.start);
        let inputs = self.inputs.part(range.clone());
        let output = networks.members[self.network].forward(inputs.input(), Mode::Train(&step));
        let Some(total) = slopes.product(output, range) else {
            return (GradientsParams::new(), Vec::new());
        };
        let mut all = total.backward();
        let rows = step.take_row_gradients(&mut all);
        (GradientsParams::from_module(&mut all, networks), rows)
    }
}

/// The gradients of the loss with respect to a network's outputs, where it depends on them.
struct Slopes {
    logits: Option<Tensor<2>>,
    embedding: Option<Tensor<2>>,
}

impl Slopes {
    fn take(output: &Output, from: &mut Gradients) -> Self {
        Self {
            logits: output.logits.grad_remove(from),
            embedding: output.embedding.grad_remove(from),
        }
    }

    /// `Σ output · slope` over the rows of `range`, which are all that `output` has.
    fn product(&self, output: Output, range: Range<usize>) -> Option<Tensor<1>> {
        let product = |value: Tensor<2>, slope: &Option<Tensor<2>>| {
            let slope = slope.clone()?.slice_dim(0, range.clone());
            Some((value * Tensor::from_inner(slope)).sum())
        };
        let logits = product(output.logits, &self.logits);
        let embedding = product(output.embedding, &self.embedding);
        match (logits, embedding) {
            (Some(logits), Some(embedding)) => Some(logits + embedding),
            (one, other) => one.or(other),
        }
    }
}

/// Outputs of all parts under each other, as constants for a graph.
fn joined(parts: impl Iterator<Item = Output>) -> Output {
    let (logits, embeddings) = parts.map(|part| (part.logits, part.embedding)).unzip();
    let whole = |parts: Vec<Tensor<2>>| Tensor::from_inner(Tensor::cat(parts, 0));
    Output { logits: whole(logits), embedding: whole(embeddings) }
}

fn of_trained(all: &mut Gradients, networks: &Networks, trained: &[usize]) -> GradientsParams {
    if trained.len() == networks.members.len() {
        return GradientsParams::from_module(all, networks);
    }
    let ids: Vec<_> = trained
        .iter()
        .flat_map(|&network| optimizer::parameter_ids(&networks.members[network]))
        .chain(optimizer::parameter_ids(&networks.own))
        .collect();
    GradientsParams::from_params(all, networks, &ids)
}

#[cfg(test)]
mod tests;
