//! The physical plan, built by hand: it has to be this one, whatever an optimizer would like.

use std::sync::Arc;

use datafusion::arrow::compute::SortOptions;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::internal_datafusion_err;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{BinaryExpr, Column, lit};
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::sorts::sort_preserving_merge::SortPreservingMergeExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use datafusion::physical_plan::{ExecutionPlan, Partitioning, execute_stream};
use datafusion::prelude::SessionContext;
use futures::{StreamExt, stream};
use lane_metrics::cartography::MapConfig;

use super::looks::{KEY, ROW_BITS};
use super::rows::{Scorer, schema};
use crate::request::RescoreRequest;
use crate::score::Score;

/// What runs.
pub(super) struct Plan {
    spilling: Vec<Arc<dyn ExecutionPlan>>,
    ranked: Arc<dyn ExecutionPlan>,
}

impl Plan {
    /// Looks to ranked rows, over `n_parts` parts of the rows at a time.
    pub(super) fn new(
        looks: Arc<dyn ExecutionPlan>,
        request: &RescoreRequest,
        n_parts: usize,
    ) -> Result<Self> {
        let key: Arc<Column> = Arc::new(Column::new(KEY.0, KEY.1));
        let row =
            BinaryExpr::new(key.clone(), Operator::BitwiseShiftRight, lit(u64::from(ROW_BITS)));
        let parts = Partitioning::Hash(vec![Arc::new(row)], n_parts);
        let parts: Arc<dyn ExecutionPlan> = Arc::new(RepartitionExec::try_new(looks, parts)?);
        let by_key = ordering([PhysicalSortExpr::new(key, SortOptions::new(false, false))])?;
        let in_order = sorted(by_key, parts.clone());
        let scored = scored(&in_order, request.map_config(), n_parts)?;
        let by_score = by_score(request.score)?;
        let by_part = sorted(by_score.clone(), scored);
        let ranked = Arc::new(SortPreservingMergeExec::new(by_score, by_part.clone()));
        Ok(Self { spilling: vec![parts, in_order, by_part], ranked })
    }

    /// Begins: the rows come in the order of the ranking.
    pub(super) fn execute(&self, context: &SessionContext) -> Result<SendableRecordBatchStream> {
        execute_stream(self.ranked.clone(), context.task_ctx())
    }

    /// Bytes written to disk so far for want of memory.
    pub(super) fn spilled_bytes(&self) -> u64 {
        let spilled = |plan: &Arc<dyn ExecutionPlan>| plan.metrics()?.spilled_bytes();
        self.spilling.iter().filter_map(spilled).map(|bytes| bytes as u64).sum()
    }
}

fn sorted(by: LexOrdering, parts: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    Arc::new(SortExec::new(by, parts).with_preserve_partitioning(true))
}

fn ordering(by: impl IntoIterator<Item = PhysicalSortExpr>) -> Result<LexOrdering> {
    LexOrdering::new(by).ok_or_else(|| internal_datafusion_err!("an order by nothing"))
}

/// The suspicious end first, rows without the score last, equal ones in their order.
fn by_score(score: Score) -> Result<LexOrdering> {
    let schema = schema();
    let column =
        |name: &str| Ok::<_, DataFusionError>(Arc::new(Column::new_with_schema(name, &schema)?));
    let first = SortOptions::new(score.high_is_suspicious(), false);
    ordering([
        PhysicalSortExpr::new(column(score.as_str())?, first),
        PhysicalSortExpr::new(column("row")?, SortOptions::new(false, false)),
    ])
}

/// Each part of the looks as scored rows.
fn scored(
    looks: &Arc<dyn ExecutionPlan>,
    config: MapConfig,
    n_parts: usize,
) -> Result<Arc<dyn ExecutionPlan>> {
    let part = |part| -> Arc<dyn PartitionStream> {
        Arc::new(ScoredPart { looks: looks.clone(), part, config, schema: schema() })
    };
    let parts = (0..n_parts).map(part).collect();
    Ok(Arc::new(StreamingTableExec::try_new(schema(), parts, None, [], false, None)?))
}

/// One part of the rows, scored as it streams.
#[derive(Debug)]
struct ScoredPart {
    looks: Arc<dyn ExecutionPlan>,
    part: usize,
    config: MapConfig,
    schema: SchemaRef,
}

impl PartitionStream for ScoredPart {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = self.schema.clone();
        let begun = self.looks.execute(self.part, context).and_then(|looks| {
            let scorer = Scorer::new(self.config)
                .map_err(|error| DataFusionError::External(Box::new(error)))?;
            Ok((looks, scorer))
        });
        match begun {
            Ok((looks, scorer)) => {
                let rows = stream::try_unfold(Some((looks, scorer)), next);
                Box::pin(RecordBatchStreamAdapter::new(schema, rows))
            }
            Err(error) => {
                Box::pin(RecordBatchStreamAdapter::new(schema, stream::iter([Err(error)])))
            }
        }
    }
}

type Step = Option<(SendableRecordBatchStream, Scorer)>;

/// The rows that the next batch of looks is the last of.
async fn next(step: Step) -> Result<Option<(datafusion::arrow::array::RecordBatch, Step)>> {
    let Some((mut looks, mut scorer)) = step else { return Ok(None) };
    match looks.next().await {
        Some(batch) => {
            let rows = scorer.push(&batch?)?;
            Ok(Some((rows, Some((looks, scorer)))))
        }
        None => Ok(Some((scorer.finish()?, None))),
    }
}
