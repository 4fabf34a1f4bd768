//! Values and gradients computed elsewhere, from `fixtures/golden/*.json`.
//!
//! The golden values are f64. In f32 the losses are a handful of operations on numbers of a few
//! units, so values and gradients must agree to 1e-5 of the larger of value and one
//! ([`file::close`]).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cross_entropy;
mod file;
mod label_aware_contrastive;
mod label_contrastive;
mod noise_layer;
mod peer;
mod robust;
mod supervised_contrastive;
