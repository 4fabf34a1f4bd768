//! Batches of every kind, and how their losses are compared.

use burn::tensor::{Device, Int, Tensor, TensorData};
use proptest::prelude::*;

pub(crate) const CLASSES: usize = 4;
pub(crate) const WIDTH: usize = 5;
pub(crate) const LABELS: std::ops::Range<i32> = 0..4;

/// Rows of embeddings, auxiliary logits and a label.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) embeddings: Vec<[f32; WIDTH]>,
    pub(crate) logits: Vec<[f32; CLASSES]>,
    pub(crate) labels: Vec<i32>,
}

impl Batch {
    pub(crate) fn embeddings(&self) -> Tensor<2> {
        let data = TensorData::new(self.embeddings.concat(), [self.embeddings.len(), WIDTH]);
        Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
    }

    pub(crate) fn logits(&self) -> Tensor<2> {
        let data = TensorData::new(self.logits.concat(), [self.logits.len(), CLASSES]);
        Tensor::from_data(data, &Device::flex().autodiff()).require_grad()
    }

    pub(crate) fn labels(&self) -> Tensor<1, Int> {
        Tensor::from_data(self.labels.as_slice(), &Device::flex().autodiff())
    }

    pub(crate) fn reversed(&self) -> Self {
        let mut reversed = self.clone();
        reversed.embeddings.reverse();
        reversed.logits.reverse();
        reversed.labels.reverse();
        reversed
    }
}

/// Batches of 1 to 9 rows with entries up to `size`; a label may be alone or the only one.
pub(crate) fn batches(size: f32) -> impl Strategy<Value = Batch> {
    let row = (prop::array::uniform(-size..size), prop::array::uniform(-size..size), LABELS);
    prop::collection::vec(row, 1..10).prop_map(|rows| Batch {
        embeddings: rows.iter().map(|row| row.0).collect(),
        logits: rows.iter().map(|row| row.1).collect(),
        labels: rows.iter().map(|row| row.2).collect(),
    })
}

/// Batches with logits from one edge of reason to the other, some rows all alike: labels held for
/// certain, for impossible, and everything between.
pub(crate) fn extreme_batches() -> impl Strategy<Value = Batch> {
    let logit = prop_oneof![-1e4_f32..1e4, -20.0_f32..20.0, Just(0.0), Just(1e4), Just(-1e4)];
    let row = (prop::array::uniform(logit), LABELS);
    prop::collection::vec(row, 1..10).prop_map(|rows| Batch {
        embeddings: vec![[0.0; WIDTH]; rows.len()],
        logits: rows.iter().map(|row| row.0).collect(),
        labels: rows.iter().map(|row| row.1).collect(),
    })
}

/// Whether a gradient is finite, or absent.
pub(crate) fn all_finite<const D: usize>(tensor: Option<Tensor<D>>) -> bool {
    let values = tensor.map(|it| it.into_data().try_to_vec::<f32>().unwrap());
    values.is_none_or(|values| values.iter().all(|it| it.is_finite()))
}

pub(crate) fn near(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-4 * a.abs().max(1.0)
}

pub(crate) fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}
