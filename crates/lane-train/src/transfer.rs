//! The one crossing from device to host.
//!
//! A step needs logits on the host before its loss can be formed, since the weights come from
//! averages kept there. All networks' logits therefore cross together, once per step; everything
//! else (loss terms, gradient norms) stays on the device until the epoch ends.

use burn::tensor::{Bool, Tensor, activation};

/// The host copy of what a step's averages need: original view only.
#[derive(Debug)]
pub struct HostOutputs {
    /// Logits of the classifier, row-major `[B, C]`.
    pub logits: Vec<f32>,
    /// Softmax of the auxiliary network, row-major `[B, C]`.
    pub auxiliary: Option<Vec<f32>>,
    /// Columns of both.
    pub n_classes: usize,
}

/// Reads the first `n_rows` rows of the classifier's logits and of the auxiliary's probabilities.
pub fn read_step(logits: &Tensor<2>, auxiliary: Option<&Tensor<2>>, n_rows: usize) -> HostOutputs {
    let [_, n_classes] = logits.dims();
    let head = |tensor: &Tensor<2>| tensor.clone().inner().slice([0..n_rows, 0..n_classes]);
    let logits = head(logits);
    let Some(auxiliary) = auxiliary else {
        return HostOutputs { logits: read(logits), auxiliary: None, n_classes };
    };
    let probabilities = activation::softmax(head(auxiliary), 1);
    let mut both = read(Tensor::cat(vec![logits, probabilities], 0)); // [2B, C]
    let auxiliary = both.split_off(n_rows * n_classes);
    HostOutputs { logits: both, auxiliary: Some(auxiliary), n_classes }
}

/// Reads a tensor whole, row-major.
pub fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_into_vec().unwrap_or_default()
}

/// Reads a scalar.
pub fn read_scalar(tensor: Tensor<1>) -> f64 {
    read(tensor).first().map_or(f64::NAN, |&value| f64::from(value))
}

/// Reads a truth table whole.
pub fn read_bools(tensor: Tensor<1, Bool>) -> Vec<bool> {
    tensor.into_data().iter::<bool>().collect()
}
