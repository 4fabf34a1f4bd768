//! Marian translation, as the models of OPUS-MT are shipped and as transformers runs them.
#![doc = include_str!("../README.md")]

pub mod config;
pub mod error;
mod files;
pub mod generation;
#[cfg(feature = "candle")]
pub mod model;
pub mod search;
pub mod sentence_piece;
pub mod tokenizer;
#[cfg(feature = "candle")]
pub mod translator;

pub use config::MarianConfig;
pub use error::TranslateError;
pub use generation::{Decoding, EarlyStopping};
pub use search::{Decoder, Output, search};
pub use tokenizer::{Encoded, Tokenizer};
#[cfg(feature = "candle")]
pub use translator::Translator;
