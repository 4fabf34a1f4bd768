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
    read_step_with(logits, auxiliary, n_rows, Vec::new()).0
}

/// As [`read_step`], with the numbers in `more`, each `[1]`, on the same crossing.
pub(crate) fn read_step_with(
    logits: &Tensor<2>,
    auxiliary: Option<&Tensor<2>>,
    n_rows: usize,
    more: Vec<Tensor<1>>,
) -> (HostOutputs, Vec<f32>) {
    let [_, n_classes] = logits.dims();
    let n_values = n_rows * n_classes;
    let head = |tensor: &Tensor<2>| tensor.clone().inner().slice([0..n_rows, 0..n_classes]);
    let mut all = vec![head(logits).reshape([n_values])];
    all.extend(auxiliary.map(|it| activation::softmax(head(it), 1).reshape([n_values])));
    all.extend(more);
    let mut logits = if all.len() == 1 { read(all.remove(0)) } else { read(Tensor::cat(all, 0)) };
    let mut rest = logits.split_off(n_values.min(logits.len()));
    let auxiliary = auxiliary.is_some().then(|| {
        let more = rest.split_off(n_values.min(rest.len()));
        std::mem::replace(&mut rest, more)
    });
    (HostOutputs { logits, auxiliary, n_classes }, rest)
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
