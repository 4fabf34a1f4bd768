//! Fused transformer operations with their own backward for burn's CPU device.
mod attention;
mod buffer;
pub mod clock;
pub mod dropout;
mod embedding;
mod encoder;
mod gelu;
#[cfg(test)]
mod gradients;
mod layer;
mod layer_norm;
pub mod nodes;
mod packing;
mod pooling;
mod product;
mod real;
pub mod simd;
mod sums;

pub use buffer::{Buffer, Pool};
pub use encoder::Reading;
pub use layer::{LayerDropout, Outputs};
pub use layer_norm::Norm;
pub use packing::Packing;
pub use product::Spread;
pub use real::Real;
