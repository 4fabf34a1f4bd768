//! The way in and out for burn tensors: logits to the host, weights to the device.
//!
//! The only file that knows burn, behind the feature `burn`. Reading a tensor waits for the
//! device, so read once a step and keep the vector.

use ::burn::tensor::{Device, Tensor, TensorData};

use crate::error::MetricsError;
use crate::logits::Logits;

/// Values read from a device, row-major; lends [`Logits`].
#[derive(Clone, Debug, PartialEq)]
pub struct HostLogits {
    values: Vec<f32>,
    n_classes: usize,
}

impl HostLogits {
    /// The checked view.
    ///
    /// # Errors
    ///
    /// As [`Logits::new`].
    pub fn view(&self) -> Result<Logits<'_>, MetricsError> {
        Logits::new(&self.values, self.n_classes)
    }
}

/// Reads logits `[n_rows, n_classes]` of any float type from their device.
///
/// # Panics
///
/// When the device cannot give its data back, as burn's own reads do.
pub fn host_logits(logits: Tensor<2>) -> HostLogits {
    let [n_rows, n_classes] = logits.dims();
    let data = logits.into_data().convert::<f32>();
    let values = data.iter::<f32>().collect::<Vec<_>>();
    debug_assert_eq!(values.len(), n_rows * n_classes);
    HostLogits { values, n_classes }
}

/// Puts weights `[n_rows]` on a device.
pub fn device_weights(weights: Vec<f32>, device: &Device) -> Tensor<1> {
    let n_rows = weights.len();
    Tensor::from_data(TensorData::new(weights, [n_rows]), device)
}
