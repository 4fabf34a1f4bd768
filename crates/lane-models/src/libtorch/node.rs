//! A node of burn's graph whose inside libtorch differentiates.

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::libtorch::TchTensor;
use burn::backend::{Autodiff, LibTorch, tensor::FloatTensor};
use burn::tensor::{Int, Tensor};

/// A tensor on its way through nodes; without autodiff it has no parents and is not tracked.
pub(super) type Value = FloatTensor<Autodiff<LibTorch>>;

/// Takes a tensor of a libtorch device, tracked or not.
pub(super) fn value<const D: usize>(tensor: Tensor<D>) -> Value {
    if tensor.device().is_autodiff() {
        match tensor.try_into_primitive::<Autodiff<LibTorch>>() {
            Ok(value) => value,
            Err(error) => panic!("a tensor on libtorch was expected: {error:?}"),
        }
    } else {
        Value::new(untracked(tensor))
    }
}

/// The way back from [`value`].
pub(super) fn tensor<const D: usize>(value: Value, on_autodiff: bool) -> Tensor<D> {
    if on_autodiff {
        Tensor::from_primitive::<Autodiff<LibTorch>>(value)
    } else {
        Tensor::from_primitive::<LibTorch>(value.into_primitive())
    }
}

/// A tensor nothing is differentiated by.
pub(super) fn constant<const D: usize>(tensor: Tensor<D>) -> tch::Tensor {
    untracked(tensor.inner()).tensor
}

/// Ids as libtorch takes them.
pub(super) fn constant_ids(ids: Tensor<2, Int>) -> tch::Tensor {
    match ids.inner().try_into_primitive::<LibTorch>() {
        Ok(ids) => ids.tensor,
        Err(error) => panic!("token ids on libtorch were expected: {error:?}"),
    }
}

fn untracked<const D: usize>(tensor: Tensor<D>) -> TchTensor {
    match tensor.try_into_primitive::<LibTorch>() {
        Ok(tensor) => tensor,
        Err(error) => panic!("a tensor on libtorch was expected: {error:?}"),
    }
}

/// Runs `forward` on the inputs; with libtorch recording if one of them is tracked.
pub(super) fn run<const N: usize>(
    inputs: [Value; N],
    forward: impl FnOnce(&[tch::Tensor; N]) -> tch::Tensor,
) -> Value {
    let guards = inputs.each_ref().map(Value::node);
    let inputs = inputs.map(Value::into_primitive);
    match Recorded.prepare::<NoCheckpointing>(guards).compute_bound().stateful() {
        OpsKind::Tracked(node) => {
            let leaves =
                inputs.each_ref().map(|input| input.tensor.detach().set_requires_grad(true));
            let recorded = tch::with_grad(|| forward(&leaves));
            // Kept beside the record: burn writes into a tensor it sees only one owner of, and
            // libtorch may have kept the same memory for its own backward pass.
            let output = TchTensor::new(recorded.detach());
            let record = Record {
                leaves: leaves.map(TchTensor::new),
                output: TchTensor::new(recorded),
                _shared: (inputs, output.clone()),
            };
            node.finish(record, output)
        }
        OpsKind::UnTracked(node) => {
            let tensors = inputs.each_ref().map(|input| input.tensor.shallow_clone());
            node.finish(TchTensor::new(tch::no_grad(|| forward(&tensors))))
        }
    }
}

/// What a forward pass leaves for the backward pass.
#[derive(Clone, Debug)]
struct Record<const N: usize> {
    leaves: [TchTensor; N],
    output: TchTensor,
    _shared: ([TchTensor; N], TchTensor),
}

#[derive(Debug)]
struct Recorded;

impl<const N: usize> Backward<LibTorch, N> for Recorded {
    type State = Record<N>;

    fn backward(self, ops: Ops<Record<N>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<LibTorch>(&ops.node).tensor;
        let record = ops.state;
        let tracked =
            ops.parents.iter().zip(&record.leaves).filter_map(|(parent, leaf)| {
                parent.as_ref().map(|parent| (parent.id, &leaf.tensor))
            });
        let (ids, leaves): (Vec<_>, Vec<_>) = tracked.unzip();
        // tch differentiates scalars only; the derivative of output · gradient by the output is
        // the gradient.
        let scalar =
            tch::with_grad(|| record.output.tensor.flatten(0, -1).dot(&gradient.flatten(0, -1)));
        let found = tch::Tensor::run_backward(&[scalar], &leaves, false, false);
        for (id, gradient) in ids.into_iter().zip(found) {
            gradients.register::<LibTorch>(id, TchTensor::new(gradient));
        }
    }
}
