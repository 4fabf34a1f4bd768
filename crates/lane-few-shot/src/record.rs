//! `record.json`: where a result came from. What it is stands in `result.json`, which is a function
//! of settings, data and replies alone.

use std::collections::BTreeSet;
use std::time::Instant;

use lane_data::Dataset;
use serde::{Deserialize, Serialize};

use crate::chat::Reply;
use crate::experiment::Experiment;

/// Who runs, for the record.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// Such as `lane 0.1.0`.
    pub version: String,
    /// Revision of the source, where it is known.
    pub revision: Option<String>,
    /// The arguments.
    pub command: Vec<String>,
    /// Largest resident memory so far, where the caller can tell.
    pub peak_memory_bytes: fn() -> Option<u64>,
}

/// Where a result came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The program.
    pub program: Program,
    /// The command line, as given.
    pub command: Vec<String>,
    /// Where the requests went; absent for a recording.
    pub endpoint: Option<String>,
    /// The models that answered, as the server names them: dated snapshots, where it says so.
    pub answered_by: BTreeSet<String>,
    /// The server's names for its own states.
    pub system_fingerprints: BTreeSet<String>,
    /// The seed.
    pub seed: u64,
    /// The data files.
    pub data: Vec<DataRecord>,
    /// Replies that were in the folder already when this call began.
    pub n_replies_kept: usize,
    /// Replies that this call asked for.
    pub n_replies_asked: usize,
    /// Seconds of this call.
    pub seconds: f64,
    /// Largest resident memory of the process, in bytes, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

/// The program that made a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Such as `lane 0.1.0`.
    pub version: String,
    /// Revision of the source, where it was built from a checkout.
    pub revision: Option<String>,
}

/// One data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// `train` or `test`.
    pub split: String,
    /// Its path, as given.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Rows read.
    pub n_rows: usize,
}

impl Record {
    pub(crate) fn new<'a>(
        experiment: &Experiment,
        invocation: &Invocation,
        replies: impl Iterator<Item = &'a Reply> + Clone,
        (n_replies_kept, n_replies_asked): (usize, usize),
        started: Instant,
    ) -> Self {
        let config = &experiment.config;
        let file = |split: &str, dataset: &Dataset, n_rows| DataRecord {
            split: split.into(),
            path: dataset.path.display().to_string(),
            sha256: dataset.sha256.clone(),
            n_rows,
        };
        Self {
            program: Program {
                version: invocation.version.clone(),
                revision: invocation.revision.clone(),
            },
            command: invocation.command.clone(),
            endpoint: config.server.as_ref().map(|server| server.endpoint.clone()),
            answered_by: replies.clone().filter_map(|reply| reply.model.clone()).collect(),
            system_fingerprints: replies.filter_map(|it| it.system_fingerprint.clone()).collect(),
            seed: config.seed,
            data: vec![
                file("train", &experiment.train, experiment.train.n_rows()),
                file("test", &experiment.test, experiment.n_test_file),
            ],
            n_replies_kept,
            n_replies_asked,
            seconds: started.elapsed().as_secs_f64(),
            peak_memory_bytes: (invocation.peak_memory_bytes)(),
        }
    }
}
