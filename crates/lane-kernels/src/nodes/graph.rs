//! One node of the autodiff graph with any number of inputs.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::{Autodiff, BackendTypes, Flex};
use burn::tensor::{Device, Shape, Tensor, TensorData};

type AutodiffTensor = <Autodiff<Flex> as BackendTypes>::FloatTensorPrimitive;

/// From the gradient of the output to those of the inputs.
pub(super) type BackwardFn<const N: usize> = Box<dyn FnOnce(&[f32]) -> [Vec<f32>; N] + Send>;

/// A tensor of device `flex`, with or without autodiff.
pub(super) enum Input {
    Plain(FlexTensor),
    Tracked(AutodiffTensor),
}

impl Input {
    /// # Panics
    ///
    /// If the tensor is of another device.
    pub(super) fn of<const D: usize>(tensor: Tensor<D>) -> Self {
        let wrong =
            |device: &Device| -> ! { panic!("a tensor of {device:?}, expected one of flex") };
        let device = tensor.device();
        if device.is_autodiff() {
            let primitive = tensor.try_into_primitive::<Autodiff<Flex>>();
            primitive.map_or_else(|_| wrong(&device), Self::Tracked)
        } else {
            let primitive = tensor.try_into_primitive::<Flex>();
            primitive.map_or_else(|_| wrong(&device), Self::Plain)
        }
    }

    pub(super) fn plain(self) -> FlexTensor {
        let tensor = match self {
            Self::Plain(tensor) => tensor,
            Self::Tracked(tensor) => tensor.into_primitive(),
        };
        if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
    }

    /// Runs `forward` on the values of `inputs`; a node of the graph if any of them is on it.
    ///
    /// `forward` hears whether its backward half will be wanted.
    pub(super) fn apply<const N: usize>(
        inputs: [Self; N],
        forward: impl FnOnce(&[FlexTensor; N], bool) -> (FlexTensor, Option<BackwardFn<N>>),
    ) -> Tensor<2> {
        if inputs.iter().all(|input| matches!(input, Self::Plain(_))) {
            let (y, _) = forward(&inputs.map(Self::plain), false);
            return Tensor::from_primitive::<Flex>(y);
        }
        let tracked = inputs.map(|input| match input {
            Self::Tracked(tensor) => tensor,
            Self::Plain(tensor) => AutodiffTensor::new(tensor),
        });
        let guards = tracked.each_ref().map(AutodiffTensor::node);
        let values = tracked.map(|tensor| Self::Tracked(tensor).plain());
        let y = match Fused::<N>.prepare::<NoCheckpointing>(guards).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let shapes = values.each_ref().map(|input| input.layout().shape().clone());
                let (y, backward) = forward(&values, true);
                let state = Once { backward: Arc::new(Mutex::new(backward)), shapes };
                prepared.finish(state, y)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(forward(&values, false).0),
        };
        Tensor::from_primitive::<Autodiff<Flex>>(y)
    }
}

/// A fused operation of `N` inputs.
#[derive(Debug)]
struct Fused<const N: usize>;

/// The backward half. The graph wants it clonable; it runs once, since a graph is used up by its
/// backward pass.
#[derive(Clone)]
struct Once<const N: usize> {
    backward: Arc<Mutex<Option<BackwardFn<N>>>>,
    shapes: [Shape; N],
}

impl<const N: usize> fmt::Debug for Once<N> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Once").field("shapes", &self.shapes).finish_non_exhaustive()
    }
}

impl<const N: usize> Backward<Flex, N> for Fused<N> {
    type State = Once<N>;

    fn backward(self, ops: Ops<Once<N>, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = Input::Plain(gradients.consume::<Flex>(&ops.node)).plain();
        let backward = ops.state.backward.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(backward) = backward else { return };
        let parents = ops.parents.into_iter().zip(backward(values(&dy))).zip(ops.state.shapes);
        for ((parent, gradient), shape) in parents {
            if let Some(parent) = parent {
                gradients.register::<Flex>(parent.id, flex(gradient, shape));
            }
        }
    }
}

pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    // Made contiguous where they came in, and of f32, since every parameter here is.
    tensor.as_slice::<f32>().unwrap_or_default()
}

pub(super) fn flex(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape.into()))
}

pub(super) fn flex_rows(values: Vec<f32>, n: usize) -> FlexTensor {
    let n_rows = values.len() / n;
    flex(values, [n_rows, n])
}
