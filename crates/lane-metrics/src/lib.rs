//! Margins, label-aware margins, running averages, Gaussian weights and scores for classifiers
//! trained on noisy labels.
//!
//! A row whose label is wrong gives itself away while a classifier trains: the classifier keeps
//! preferring another class, by a margin. This crate turns the logits of every training step
//! into such margins, averages them over the run, and makes of the averages a weight between 0
//! and 1 for the row's loss, as LANE (*Label-Aware Noise Elimination for Fine-Grained Text
//! Classification*, ICLR 2026) defines it. It works on plain slices: no framework, no IO, no
//! random numbers.
//!
//! | quantity | symbol | item |
//! |---|---|---|
//! | given label, row of the data set | y, i | [`ClassId`], [`RowId`] |
//! | classifier's logits, checked or not yet | z^θ | [`Logits`], [`RawLogits`] |
//! | auxiliary network's probabilities, checked | w = softmax(z^Π) | [`Probabilities`], [`softmax::of_logits`] |
//! | margin and rival (Eq. 1) | M, j | [`margin::of_row`], [`margin::of_batch`] |
//! | label-aware margin (Eq. 3) | LM | [`label_aware::of_margin`], [`label_aware::of_logits`] |
//! | averaged margin (Eq. 2) | AUM | [`averages::MarginAverages::aum`] |
//! | averaged label-aware margin | ALM | [`averages::MarginAverages::alm`] |
//! | negative averages, mean, variance (Eq. 5, 6) | N, μ, σ² | [`weights::NegativeStatistics`] |
//! | weight (Eq. 4) | λ | [`weights::MarginWeights`], [`weights::of_average`] |
//! | two kinds of rows by their averages | | [`mixture::fit`] |
//! | confidence, variability and the rest of a data map | μ̂, σ̂ | [`cartography::DataMap`], [`cartography::select`] |
//! | threshold of the averages from relabelled rows | | [`threshold_samples::Rule`], [`threshold_samples::keep`] |
//! | wrong labels and the noise matrix from out-of-fold probabilities | t, Q | [`confident_learning::estimate`], [`confident_learning::flags`], [`confident_learning::scores`] |
//! | hyperspherical margin weights | ω, v | [`hyperspherical_margin::of_batch`], [`hyperspherical_margin::AnnealedWeights`] |
//! | accuracy, F1, balanced accuracy | | [`classification::ConfusionCounts`] |
//! | finding wrong labels: precision, recall, AUROC, AP | | [`detection::of_scores`] |
//! | mean ± deviation over seeds | | [`summary::of_values`] |
//!
//! # Example
//!
//! ```
//! use lane_metrics::weights::{MarginWeights, WeightConfig};
//! use lane_metrics::{ClassId, Logits, Probabilities, RowId};
//!
//! let mut weights = MarginWeights::new(2, WeightConfig::default())?;
//! let mut loss_weights = Vec::new();
//! for _epoch in 0..3 {
//!     weights.start_epoch();
//!     // One training step: what the two networks said about a batch of two rows.
//!     let (rows, labels) = ([RowId(0), RowId(1)], [ClassId(0), ClassId(1)]);
//!     let logits = Logits::new(&[0.4, 1.0, 3.0, -1.0], 2)?;
//!     let auxiliary = Probabilities::new(&[0.5, 0.5, 0.8, 0.2], 2)?;
//!     weights.update(&rows, &labels, logits, Some(auxiliary))?;
//!     weights.weights_of(&rows, &mut loss_weights);
//! }
//! assert_eq!(loss_weights, [1.0, 0.606_530_67]); // row 1 trails further than the mean
//! # Ok::<(), lane_metrics::MetricsError>(())
//! ```
//!
//! # Conventions
//!
//! Numbers come in as f32 and long sums are f64. Ties go to the lowest class. NaN and infinity
//! are refused at the door, never averaged; every error says what was found, where, and what was
//! expected. Results do not depend on the order of rows in a batch beyond rounding, nor on the
//! number of threads: there is one.
//!
//! # Features
//!
//! - `burn` (off by default): the module `burn` reads logits from, and puts weights on, a burn
//!   device.
//! - `simd` (off by default): confident learning in the widest vectors of the processor, asked at
//!   run time; the same bits, faster.

pub mod averages;
#[cfg(feature = "burn")]
pub mod burn;
pub mod cartography;
pub mod classification;
pub mod confident_learning;
pub mod detection;
mod error;
pub mod hyperspherical_margin;
mod id;
pub mod label_aware;
mod logits;
pub mod margin;
pub mod mixture;
pub mod softmax;
pub mod summary;
pub mod threshold_samples;
mod vectors;
pub mod weights;

pub use error::MetricsError;
pub use id::{ClassId, RowId};
pub use logits::{Logits, MAX_CLASSES, Probabilities, RawLogits};
