//! BERT encoders and classification heads on burn, loaded from and saved to Hugging Face folders.
//!
//! ```text
//! token ids → embeddings → N × (attention, feed-forward) → pooling → dense, tanh → classifier
//!             └──────────── BertEncoder ───────────────┘            └──────── Head ────────┘
//!             └──────────────────────────────── Network ───────────────────────────────────┘
//! ```
//!
//! A [`BertConfig`] mirrors the upstream `config.json` field for field; every shape comes from
//! it. [`pretrained`] reads encoders, and reads and writes whole classifiers.
//! Nothing here knows data, tokenizers or losses.
//!
//! ```
//! use burn::tensor::Device;
//! use lane_models::{BertConfig, Mode, Network, NetworkInput, Pooling, TokenBatch};
//!
//! let device = Device::flex();
//! let config = BertConfig::tiny(100);
//! let network = Network::init(&config, 3, Pooling::Cls, 42, &device);
//! let batch = TokenBatch::new(vec![2, 17, 3, 2, 3, 0], vec![3, 2], &device);
//! let output = network.forward(NetworkInput::Tokens(&batch), Mode::Evaluate);
//! assert_eq!(output.logits.dims(), [2, 3]);
//! assert_eq!(output.embedding.dims(), [2, 64]);
//! ```
//!
//! # Parameter names
//!
//! Parameters are addressed by their path from the [`Network`], for example
//! `encoder.embeddings.word_embeddings.weight`,
//! `encoder.layers.0.attention.query.bias`,
//! `encoder.layers.0.attention.layer_norm.gamma`,
//! `encoder.layers.0.intermediate.weight`,
//! `head.dense.weight` and `head.classifier.bias`.
//! [`NO_DECAY`] matches those that weight decay leaves alone.
//!
//! # Randomness
//!
//! Initial weights are a function of a seed and the parameter's path: matrices and embeddings
//! from N(0, `initializer_range`²), biases and beta 0, gamma 1. Dropout masks are a
//! function of a seed, the number of the call, row and column ([`TrainingStep`]). Neither
//! touches a global generator or depends on the number of threads.
//!
//! # Speed
//!
//! On device `flex` an encoder runs through the fused kernels of `lane-kernels`
//! ([`Kernels::Fused`]): padding is not computed, a layer is one node of the autodiff graph, and
//! the gradient of the word embedding holds the rows of a batch only. [`Kernels::Plain`] takes
//! burn's own operations; both give the same numbers but for rounding.
#![recursion_limit = "256"]

mod batch;
mod classifier;
mod config;
mod dropout;
mod embeddings;
mod encoder;
mod error;
mod folder;
mod fused;
mod head;
mod initialize;
mod layer;
mod names;
mod network;
mod parameters;
mod parts;
mod pooling;
pub mod pretrained;
mod training_step;
mod weights;

pub use batch::TokenBatch;
pub use config::BertConfig;
pub use dropout::Mode;
pub use embeddings::Embeddings;
pub use encoder::{BertEncoder, Kernels};
pub use error::ModelError;
pub use head::Head;
pub use layer::{Attention, Layer};
pub use names::NO_DECAY;
pub use network::{Network, NetworkInput, Output};
pub use parts::Parts;
pub use pooling::Pooling;
pub use pretrained::{Classifier, LoadReport, PretrainedEncoder};
pub use training_step::{RowGradients, TrainingStep};
