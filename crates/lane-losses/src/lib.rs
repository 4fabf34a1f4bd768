//! Losses for noisy labels on burn tensors: weighted cross-entropy, robust losses, contrastive
//! losses, peer loss and the noise layer.
//!
//! Tensors in, a scalar tensor out; no data, no model, no state.
//! Each loss is a module that opens with its equation, and its items are used qualified:
//!
//! ```
//! use burn::tensor::{Device, Int, Tensor};
//! use lane_losses::cross_entropy;
//!
//! let device = Device::flex();
//! let logits = Tensor::<2>::from_data([[2.0_f32, 0.5, -1.0], [0.2, -0.3, 0.7]], &device);
//! let labels = Tensor::<1, Int>::from_data([0_i32, 1], &device);
//! let weights = Tensor::<1>::from_data([1.0_f32, 0.0], &device);
//! // The second row is held to be mislabelled, so only the first one counts.
//! let loss = cross_entropy::weighted(logits, labels, weights).into_scalar::<f32>();
//! assert!((loss - 0.241_311_3 / 2.0).abs() < 1e-6);
//! ```
//!
//! Whatever the batch holds, a loss is finite when its input is: an empty set (no positive,
//! no negative, no row) contributes zero and never NaN.

pub mod active_negative;
pub mod active_passive;
pub mod anchors;
pub mod asymmetric_cross_entropy;
pub mod blurry;
pub mod cross_entropy;
mod error;
pub mod focal;
pub mod generalized_cross_entropy;
pub mod label_aware_contrastive;
pub mod label_contrastive;
mod log_sum_exp;
pub mod mean_absolute_error;
pub mod noise_layer;
pub mod normalized;
pub mod pairs;
pub mod peer;
pub mod piecewise_zero;
pub mod robust;
pub mod semi_supervised;
pub mod supervised_contrastive;
pub mod symmetric_cross_entropy;
mod unit_length;

pub use error::LossError;

/// Smallest length by which an embedding is divided when it is brought to unit length.
///
/// Below it the embedding is taken to have no direction and is left short instead of being
/// blown up; the value is the one the common deep-learning libraries use.
pub const SMALLEST_LENGTH: f32 = 1e-12;
