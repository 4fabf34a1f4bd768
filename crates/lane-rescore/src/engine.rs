//! The engine: DataFusion reads, splits, sorts and spills; lane-metrics scores.
//!
//! ```text
//! files → looks ──► split by row ──► sort by row, epoch ──► score ──► sort by score ──► merge → ranking
//!         looks.rs  └─────────────── spills ─────────┘    rows.rs    └── spills ──┘           ranking.rs
//! ```
//!
//! Forgetting needs the epochs of a row in their order, and sums in one order give one result, so
//! every look is sorted and the scores are what lane-metrics makes of them one by one. A hash
//! aggregate would hold a state for each row and add in the order in which batches come.
//!
//! What is held at a time: two sorts' share of the limit, a batch of each file and thread, and one
//! row's averages for each thread; nothing grows with rows or epochs.

mod inputs;
mod looks;
mod plan;
mod ranking;
mod rows;

use std::num::NonZeroUsize;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use lane_data::decoder;

use crate::byte_size::ByteSize;
use crate::epochs::Epochs;
use crate::error::{Fault, RescoreError};
use crate::request::{LEAST_MEMORY, RescoreRequest, RescoreSummary};
use inputs::Inputs;
use plan::Plan;
use ranking::Ranking;

/// Lines of a batch.
const BATCH: usize = 8192;

/// Memory below which one more thread makes sorts spill in crumbs.
const MEMORY_A_THREAD: u64 = 64 << 20;

/// Consumers of memory that are named when there is not enough.
const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN;

/// Scores every row of the logs and writes the ranking.
pub(crate) fn rescore(request: &RescoreRequest) -> Result<RescoreSummary, RescoreError> {
    if request.memory < LEAST_MEMORY {
        return Err(RescoreError::Setting {
            setting: "memory",
            found: request.memory.to_string(),
            expected: "at least 64 MiB",
        });
    }
    let inputs = Inputs::open(&request.dynamics)?;
    let epochs = match request.epochs {
        Some(epochs) => epochs,
        None => inputs.map_epochs()?.unwrap_or(Epochs::ALL),
    };
    let ranking = Ranking::create(&request.out, request.force)?;
    let threads = threads(request);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .on_thread_start(decoder::catches_all)
        .build()
        .map_err(RescoreError::io("start threads for", &request.out))?;
    let ranked =
        decoder::catch(|| runtime.block_on(rank(request, &inputs, epochs, ranking, threads)));
    let ranked = ranked.unwrap_or_else(|| {
        Err(RescoreError::Engine { message: "it gave up on damaged data".into() })
    });
    ranked.map_err(|error| match error {
        RescoreError::Engine { .. } => inputs.damage().unwrap_or(error),
        other => other,
    })
}

fn threads(request: &RescoreRequest) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let fit = usize::try_from(request.memory.0 / MEMORY_A_THREAD).unwrap_or(usize::MAX);
    request.threads.unwrap_or_else(processors).clamp(1, fit.max(1))
}

async fn rank(
    request: &RescoreRequest,
    inputs: &Inputs,
    epochs: Epochs,
    mut ranking: Ranking,
    threads: usize,
) -> Result<RescoreSummary, RescoreError> {
    let failed = |error| explain(&error, request.memory);
    let spill = tempfile::Builder::new()
        .prefix(".lane-rescore-")
        .tempdir_in(request.spill.as_deref().unwrap_or_else(|| ranking.folder()))
        .map_err(RescoreError::io("spill beside", &request.out))?;
    // By a file's statistics a column of one value becomes that value, and they leave NaN out.
    let config = SessionConfig::new()
        .with_target_partitions(threads)
        .with_batch_size(BATCH)
        .with_collect_statistics(false);
    let environment = environment(request.memory, spill.path()).map_err(failed)?;
    let context = SessionContext::new_with_config_rt(config, environment);
    let looks = looks::looks(&context, inputs, epochs).await.map_err(failed)?;
    let plan = Plan::new(looks, request, threads).map_err(failed)?;
    let mut ranked = plan.execute(&context).map_err(failed)?;
    while let Some(rows) = ranked.next().await {
        ranking.write(&rows.map_err(failed)?)?;
    }
    if ranking.n_rows() == 0 {
        return Err(RescoreError::NothingSeen { epochs });
    }
    Ok(RescoreSummary {
        n_files: inputs.files().len(),
        n_rows: ranking.n_rows(),
        n_looks: ranking.n_looks(),
        score: request.score,
        epochs: epochs.to_string(),
        spilled_bytes: plan.spilled_bytes(),
        out: ranking.publish()?,
    })
}

fn environment(
    memory: ByteSize,
    spill: &std::path::Path,
) -> Result<Arc<RuntimeEnv>, DataFusionError> {
    let disk = DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![spill.into()]))
        .with_max_temp_directory_size(u64::MAX);
    let limit = usize::try_from(memory.0).unwrap_or(usize::MAX);
    let pool = TrackConsumersPool::new(FairSpillPool::new(limit), NAMED_CONSUMERS);
    RuntimeEnvBuilder::new()
        .with_disk_manager_builder(disk)
        .with_memory_pool(Arc::new(pool))
        .build_arc()
}

/// What lies at the root of an error of the engine.
fn explain(error: &DataFusionError, limit: ByteSize) -> RescoreError {
    match error.find_root() {
        DataFusionError::External(cause) => match cause.downcast_ref::<Fault>() {
            Some(fault) => fault.clone().into(),
            None => RescoreError::Engine { message: cause.to_string() },
        },
        DataFusionError::ResourcesExhausted(message) => {
            RescoreError::Memory { limit, message: message.clone() }
        }
        other => RescoreError::Engine { message: other.to_string() },
    }
}
