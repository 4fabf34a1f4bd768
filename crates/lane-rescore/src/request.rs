//! What is asked, and what came of it.

use std::path::PathBuf;

use lane_metrics::cartography::MapConfig;
use serde::Serialize;

use crate::byte_size::ByteSize;
use crate::epochs::Epochs;
use crate::error::RescoreError;
use crate::score::Score;

/// The least memory that is accepted: what one thread needs to merge what it spilled.
pub const LEAST_MEMORY: ByteSize = ByteSize(64 << 20);

/// Logs to score, and how.
#[derive(Clone, Debug)]
pub struct RescoreRequest {
    /// Parquet files with the columns of `dynamics.parquet`; run folders; folders of such files.
    pub dynamics: Vec<PathBuf>,
    /// What to rank by.
    pub score: Score,
    /// The ranking to write: `.parquet` or `.csv`.
    pub out: PathBuf,
    /// How much the engine may hold before it spills to disk.
    pub memory: ByteSize,
    /// Which epochs count; none = those the files name for their data map, all where they name none.
    pub epochs: Option<Epochs>,
    /// Widen the variability by its own uncertainty ([`MapConfig::include_ci`]).
    pub include_ci: bool,
    /// Threads; none = as many as there are processors. Results do not depend on it.
    pub threads: Option<usize>,
    /// Where to spill; none = beside the ranking.
    pub spill: Option<PathBuf>,
    /// Replace an existing ranking.
    pub force: bool,
}

impl RescoreRequest {
    /// The map's settings; epochs are left out before they come to it.
    pub fn map_config(&self) -> MapConfig {
        MapConfig { include_ci: self.include_ci, burn_out: None }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RescoreSummary {
    /// Files read.
    pub n_files: usize,
    /// Rows ranked.
    pub n_rows: u64,
    /// Looks at rows that were counted.
    pub n_looks: u64,
    /// What they are ranked by.
    pub score: Score,
    /// The epochs counted, as `FROM..TO`.
    pub epochs: String,
    /// Bytes that went through the disk for want of memory.
    pub spilled_bytes: u64,
    /// The file written.
    pub out: PathBuf,
}

/// Scores every row of the logs and writes the ranking, most suspicious first; rows of one score in
/// their order.
///
/// # Errors
///
/// [`RescoreError::NotBuilt`] without feature `datafusion`; whatever is wrong with settings or files.
/// Nothing is written then.
#[cfg(feature = "datafusion")]
pub fn rescore(request: &RescoreRequest) -> Result<RescoreSummary, RescoreError> {
    crate::engine::rescore(request)
}

/// Refuses: this build has no engine.
///
/// # Errors
///
/// [`RescoreError::NotBuilt`].
#[cfg(not(feature = "datafusion"))]
pub fn rescore(_: &RescoreRequest) -> Result<RescoreSummary, RescoreError> {
    Err(RescoreError::NotBuilt)
}
