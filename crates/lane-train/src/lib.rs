//! Trains text classifiers that stand noisy labels, and ranks the labels that are wrong.
#![doc = include_str!("../README.md")]
#![recursion_limit = "256"]

pub mod apply;
pub mod audit;
pub mod bench;
pub mod cell;
pub mod checkpoint;
pub mod config;
pub mod data_map;
pub mod device;
mod divergence;
pub mod dynamics;
pub mod embeddings;
pub mod encoder;
pub mod error;
pub mod evaluate;
pub mod exchange;
pub mod experiment;
pub mod folds;
pub mod grid;
pub mod history;
mod hub_folder;
pub mod inner_loss;
pub mod inputs;
pub mod labels_file;
pub mod memory;
pub mod method;
pub mod methods;
pub mod networks;
pub mod noise_file;
mod observe;
pub mod optimizer;
pub mod out_of_fold;
pub mod predictions_file;
pub mod progress;
pub mod record;
pub mod run;
pub mod run_folder;
pub mod saved;
pub mod schedule;
pub mod scores;
pub mod setting;
mod similarity;
mod step;
mod step_graph;
pub mod trainer;
pub mod transfer;
pub mod translate;
pub mod views;

pub use checkpoint::Every;
pub use config::Config;
pub use divergence::WayBack;
pub use error::TrainError;
pub use lane_audit::{Audit, RankBy, duplicates, model::Estimate};
pub use lane_data::{
    Columns, DataError,
    decoder::is_decoding,
    fetch, hub, manifest,
    noise::{NoiseConfig, NoiseKind},
    order::Bucketing,
    shown,
    write::Existing,
};
pub use lane_metrics::cartography::MapConfig;
pub use methods::MethodName;
pub use progress::{Observer, Silent};
pub use run::{resume, train};
pub use setting::Setting;

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
