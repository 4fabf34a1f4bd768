//! Fused transformer operations with their own backward for burn's CPU device.
//!
//! burn computes operation by operation: each allocates its result, reads and writes all of it, and
//! most run on one thread. Here a whole transformer layer is one operation ([`nodes::layer`]), one
//! node of the autodiff graph with a hand-written backward. What lies between is kept in buffers
//! that go from step to step, padding is never computed, and matrix products are cut into tiles that
//! all threads share.
//!
//! ```text
//! ids, lengths → embed → layer → … → layer → mean, first token or padded states
//!                └──── packed rows: the tokens of all texts, end to end ────┘
//! ```
//!
//! | module | operation |
//! |---|---|
//! | [`embedding`] | word + position + segment, layer norm, dropout |
//! | [`layer`] | attention and feed-forward network; all tokens out, or the first of each text |
//! | [`attention`] | scores, softmax, dropout, context, text by text |
//! | [`layer_norm`] | bias, dropout, residual, norm |
//! | [`gelu`] | bias and the exact GELU |
//! | [`pooling`] | means, and back to a padded batch |
//! | [`product`] | matrix products in tiles |
//! | [`adamw`] | the optimizer's step on host memory |
//! | [`encoder`] | all of it without gradients, each thread with texts of its own |
//! | [`nodes`] | the same on burn tensors (feature `burn`, on by default) |
//!
//! # Types
//!
//! Kernels are generic over [`Real`]: f32 to work, f64 so that the tests can hold every backward
//! against finite differences of the very code that runs.
//!
//! # Instruction sets
//!
//! Elementwise kernels are compiled for AVX-512, for AVX2 and for the baseline ([`simd`]), and the
//! `gemm` crate does the same for products; the CPU decides at run time.
//!
//! # Determinism
//!
//! Tiles, chunks and groups depend on shapes alone and partial sums are added in order, so a result
//! has the same bits on any number of threads. Dropout is hashed, not drawn ([`dropout`]).
//!
//! # Unsafe code
//!
//! Three places, each with its argument: tiles of one matrix written by several threads, the call of
//! the `gemm` crate (both in [`product`], behind checked bounds), and the call of code compiled for
//! an instruction set that was found ([`simd`]).
#![recursion_limit = "256"]

pub mod adamw;
pub mod attention;
mod buffer;
pub mod clock;
pub mod dropout;
pub mod embedding;
pub mod encoder;
pub mod gelu;
#[cfg(test)]
mod gradients;
pub mod layer;
pub mod layer_norm;
mod matrix;
#[cfg(feature = "burn")]
pub mod nodes;
mod packing;
pub mod pooling;
pub mod product;
mod real;
pub mod simd;
pub mod sums;

pub use buffer::{Buffer, Pool, recycle};
pub use dropout::Dropout;
pub use encoder::Reading;
pub use layer::{LayerDropout, Outputs};
pub use packing::Packing;
pub use product::Spread;
pub use real::Real;
