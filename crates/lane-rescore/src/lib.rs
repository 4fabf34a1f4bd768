//! Training rows scored anew from what a training logged of them, without training again.
#![doc = include_str!("../README.md")]

pub mod byte_size;
#[cfg(feature = "datafusion")]
mod engine;
pub mod epochs;
mod error;
pub mod request;
pub mod score;

pub use byte_size::ByteSize;
pub use epochs::Epochs;
pub use error::{Fault, RescoreError};
pub use request::{LEAST_MEMORY, RescoreRequest, RescoreSummary, rescore};
pub use score::Score;
