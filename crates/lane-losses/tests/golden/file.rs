//! Reading a golden file into tensors and comparing with it.

use burn::tensor::{Device, Int, Tensor};
use serde_json::Value;

pub(crate) fn read(name: &str) -> Value {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/golden");
    serde_json::from_slice(&std::fs::read(format!("{dir}/{name}.json")).unwrap()).unwrap()
}

/// All numbers of nested lists; a `null`, which stands for a skipped anchor, is zero.
pub(crate) fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(values) => values.iter().flat_map(floats).collect(),
        Value::Null => vec![0.0],
        value => vec![value.as_f64().unwrap() as f32],
    }
}

pub(crate) fn vector(value: &Value) -> Tensor<1> {
    Tensor::from_data(floats(value).as_slice(), &Device::flex().autodiff())
}

pub(crate) fn rows(value: &Value) -> Tensor<2> {
    let n = value.as_array().unwrap().len();
    let flat = vector(value);
    let [len] = flat.dims();
    flat.reshape([n, len / n]).require_grad()
}

pub(crate) fn labels(value: &Value) -> Tensor<1, Int> {
    vector(value).int()
}

pub(crate) fn data<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

#[track_caller]
pub(crate) fn close(what: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    for (at, (our, their)) in ours.iter().zip(theirs).enumerate() {
        let tolerance = 1e-5 * their.abs().max(1.0);
        assert!((our - their).abs() <= tolerance, "{what}, entry {at}: {our}, expected {their}");
    }
}

/// [`close`] for a tensor and a golden value.
#[track_caller]
pub(crate) fn agree<const D: usize>(what: &str, ours: Tensor<D>, theirs: &Value) {
    close(what, &data(ours), &floats(theirs));
}
