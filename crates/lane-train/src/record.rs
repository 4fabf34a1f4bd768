//! `record.json`: where a result came from. `result.json`: what it is.
//!
//! The two are apart because the result is a function of configuration, data, device and thread
//! count, down to the byte, and the record is not: it holds the time and the memory a run took.

pub use lane_data::provenance::{DataRecord, Machine, Program, peak_memory_bytes};
use serde::{Deserialize, Serialize};

use crate::history::EpochScores;
use crate::methods::MethodName;
use crate::scores::{DetectionScores, SplitScores};

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The method.
    pub method: MethodName,
    /// The run's seed.
    pub seed: u64,
    /// Training rows.
    pub n_train: usize,
    /// Test scores of the best epoch; absent without a test split.
    #[serde(flatten, skip_serializing_if = "Option::is_none", default)]
    pub test: Option<SplitScores>,
    /// The best epoch by validation score (the last one without a validation split).
    pub best: EpochScores,
    /// The last epoch.
    pub r#final: EpochScores,
    /// Every epoch of the last phase.
    pub epochs: Vec<EpochScores>,
    /// How well wrong labels were found; absent without gold labels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detection: Option<DetectionScores>,
}

/// Where a result came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The program.
    pub program: Program,
    /// The machine; absent in records of older versions.
    #[serde(default)]
    pub machine: Option<Machine>,
    /// The command line, as given.
    pub command: Vec<String>,
    /// The device.
    pub device: String,
    /// Worker threads.
    pub threads: usize,
    /// The run's seed; every stream is drawn from it by name.
    pub seed: u64,
    /// SHA-256 of each data file.
    pub data: Vec<DataRecord>,
    /// Edition and hash of the thesaurus, where views have synonyms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub thesaurus: Option<String>,
    /// Hash over the encoder's shape and weights.
    pub encoder: String,
    /// Tensors of the weight file: used, and not.
    pub encoder_tensors: Option<(usize, Vec<String>)>,
    /// Seconds from start to result.
    pub seconds: f64,
    /// Largest resident memory of the process, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}
