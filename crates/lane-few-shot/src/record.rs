//! `record.json`: where a result came from. What it is stands in `result.json`, which is a function
//! of settings, data and replies alone.

use std::collections::BTreeSet;
use std::time::Instant;

use lane_data::Dataset;
pub use lane_data::provenance::{DataRecord, Machine, Program, peak_memory_bytes};
use serde::{Deserialize, Serialize};

use crate::chat::Reply;
use crate::experiment::Experiment;

/// Who runs, for the record.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The program.
    pub program: Program,
    /// Its arguments.
    pub command: Vec<String>,
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
            program: invocation.program.clone(),
            machine: Some(Machine::here()),
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
            peak_memory_bytes: peak_memory_bytes(),
        }
    }
}
