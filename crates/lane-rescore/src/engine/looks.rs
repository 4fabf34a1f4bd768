//! What an epoch said of a row, as DataFusion reads it and as the scores take it.
//!
//! Row and epoch become one number, `row · 2³² + epoch`: one integer sorts several times faster than
//! two, and its high half says which row it is.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrowPrimitiveType, BooleanArray, Float32Array, PrimitiveArray, RecordBatch,
    UInt16Array, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::{Expr, SessionContext, cast, col, lit};
use url::Url;

use super::inputs::{COLUMNS, Inputs};
use crate::epochs::Epochs;
use crate::error::Fault;

/// How far the row is shifted in a key.
pub(super) const ROW_BITS: u32 = 32;

/// The key's place among the columns.
pub(super) const KEY: (&str, usize) = ("key", 0);

/// Reads the looks of the epochs asked for, in whatever order they come.
pub(super) async fn looks(
    context: &SessionContext,
    inputs: &Inputs,
    epochs: Epochs,
) -> Result<Arc<dyn ExecutionPlan>> {
    // Not parsed from text: a path may hold what would be a pattern there.
    let urls = inputs.files().iter().map(|file| {
        let url = Url::from_file_path(file)
            .map_err(|()| DataFusionError::Plan(format!("{} is no path", file.display())))?;
        ListingTableUrl::try_new(url, None)
    });
    // Every file is read, whatever its name ends in.
    let options = ListingOptions::new(Arc::new(ParquetFormat::default())).with_file_extension("");
    let fields = COLUMNS.map(|(name, kind)| Field::new(name, kind, true));
    let config = ListingTableConfig::new_with_multi_paths(urls.collect::<Result<_>>()?)
        .with_listing_options(options)
        .with_schema(Arc::new(Schema::new(fields.to_vec())));
    let table = context.read_table(Arc::new(ListingTable::try_new(config)?))?;
    let epoch = || col("epoch");
    // An empty epoch is kept here, to be refused and not lost.
    let counted = epoch().between(lit(epochs.first), lit(epochs.last)).or(epoch().is_null());
    let table = if epochs == Epochs::ALL { table } else { table.filter(counted)? };
    table.select(columns())?.create_physical_plan().await
}

fn columns() -> Vec<Expr> {
    let wide = |name| cast(col(name), DataType::UInt64);
    vec![
        (wide("row") * lit(1_u64 << ROW_BITS) + wide("epoch")).alias(KEY.0),
        col("label"),
        col("margin"),
        col("label_aware_margin"),
        col("p_label"),
        col("predicted").eq(col("label")).alias("correct"),
        col("weight"),
    ]
}

/// A batch of looks, its columns by name.
pub(super) struct Looks<'a> {
    keys: &'a UInt64Array,
    pub(super) labels: &'a UInt16Array,
    pub(super) margins: &'a Float32Array,
    pub(super) label_aware_margins: &'a Float32Array,
    pub(super) p_labels: &'a Float32Array,
    pub(super) correct: &'a BooleanArray,
    pub(super) weights: &'a Float32Array,
}

impl<'a> Looks<'a> {
    /// The columns of `batch`, none of them with an empty field but the label-aware margin.
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self> {
        let looks = Self {
            keys: numbers(batch, KEY.0)?,
            labels: numbers(batch, "label")?,
            margins: numbers(batch, "margin")?,
            label_aware_margins: numbers(batch, "label_aware_margin")?,
            p_labels: numbers(batch, "p_label")?,
            correct: column(batch, "correct")?,
            weights: numbers(batch, "weight")?,
        };
        looks.without_gaps()?;
        Ok(looks)
    }

    /// Looks in the batch.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// Row and epoch of a look.
    pub(super) fn key(&self, look: usize) -> (u32, u32) {
        let key = self.keys.value(look);
        ((key >> ROW_BITS) as u32, key as u32)
    }

    fn without_gaps(&self) -> Result<(), Box<Fault>> {
        if self.keys.null_count() > 0 {
            return Err(Box::new(Fault::NoKey));
        }
        let columns: [(&'static str, &dyn Array); 5] = [
            ("label", self.labels),
            ("margin", self.margins),
            ("p_label", self.p_labels),
            ("predicted", self.correct),
            ("weight", self.weights),
        ];
        let Some((column, values)) = columns.into_iter().find(|(_, it)| it.null_count() > 0) else {
            return Ok(());
        };
        let look = (0..values.len()).find(|look| values.is_null(*look)).unwrap_or_default();
        let (row, epoch) = self.key(look);
        Err(Box::new(Fault::Empty { row, epoch, column }))
    }
}

impl From<Box<Fault>> for DataFusionError {
    fn from(fault: Box<Fault>) -> Self {
        Self::External(fault)
    }
}

fn numbers<'a, T: ArrowPrimitiveType>(
    batch: &'a RecordBatch,
    name: &str,
) -> Result<&'a PrimitiveArray<T>> {
    column(batch, name)
}

fn column<'a, T: 'static>(batch: &'a RecordBatch, name: &str) -> Result<&'a T> {
    batch
        .column_by_name(name)
        .and_then(|array| array.as_any().downcast_ref())
        .ok_or_else(|| DataFusionError::Internal(format!("column `{name}` of {}", batch.schema())))
}
