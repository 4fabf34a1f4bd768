//! Labelled text in, numbered batches out: readers, label sets, noise injection, tokenizing.
//!
//! ```text
//! CSV, TSV, JSONL, Parquet ──read──► Dataset ──noise──► Injection ──write──► CSV + .noise.json
//!                                       │
//!                                       └─Tokenizer──► token ids ──order──► batches ──pad──► PaddedBatch
//! .npy, Parquet, CSV ──matrix──► blocks of rows: probabilities or logits of others
//! ```
//!
//! Everything random comes from [`seed::stream`]: a function of one seed, a name and indices,
//! never of the clock, the thread count or the order of a hash table.
//! No function panics on the contents of a file: what is wrong becomes a [`DataError`] that
//! names the file, the line and the column.

pub mod augment;
mod columns;
mod dataset;
pub mod decoder;
mod error;
#[cfg(feature = "hub")]
pub mod fetch;
#[cfg(feature = "hub")]
pub mod hub;
mod label_set;
pub mod manifest;
pub mod matrix;
pub mod noise;
pub mod open;
pub mod order;
mod padding;
mod place;
pub mod provenance;
pub mod read;
pub mod sample;
pub mod seed;
pub mod shown;
mod suggest;
mod tokenizer;
pub mod write;

pub use columns::Columns;
pub use dataset::{Dataset, Example, Unlabelled};
pub use error::DataError;
pub use label_set::{LabelSet, MAX_CLASSES};
pub use lane_metrics::{ClassId, RowId};
pub use padding::{PaddedBatch, pad, padding_fraction};
pub use place::Place;
pub use tokenizer::Tokenizer;

/// The example of the README is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
