//! Parquet: copied batch by batch, with another column of labels.
//!
//! Schema, metadata, types, compression and the size of row groups are those of the source.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::properties::WriterProperties;
use arrow::array::{ArrayRef, AsArray, LargeStringArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use lane_data::{DataError, decoder, read};

use crate::error::ReviewError;

/// What does not fit is refused, not made null.
const EXACT: CastOptions<'static> =
    CastOptions { safe: false, format_options: arrow::util::display::FormatOptions::new() };

/// Copies `source` into `out` with other labels in some rows.
pub(super) fn relabel(
    source: &Path,
    out: &File,
    column: &str,
    labels: &BTreeMap<usize, &str>,
) -> Result<(), ReviewError> {
    let batch_rows = read::parquet_batch_rows(source)?;
    let copy = Copy { source, column, labels, batch_rows };
    // Columns that were not audited are decoded too, and damaged ones can make the decoder panic.
    decoder::catch(|| copy.run(out))
        .unwrap_or_else(|| Err(copy.failed("the decoder gave up on damaged data")))
}

struct Copy<'a> {
    source: &'a Path,
    column: &'a str,
    labels: &'a BTreeMap<usize, &'a str>,
    batch_rows: usize,
}

impl Copy<'_> {
    fn failed(&self, reason: impl ToString) -> ReviewError {
        ReviewError::Parquet { path: self.source.into(), reason: reason.to_string() }
    }

    fn run(&self, out: &File) -> Result<(), ReviewError> {
        let file = File::open(self.source)
            .map_err(|source| DataError::Read { path: self.source.into(), source })?;
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(file).map_err(|it| self.failed(it))?;
        let properties = properties(builder.metadata());
        let schema = builder.schema().clone();
        let names = schema.fields().iter();
        let position = names.clone().position(|it| it.name().trim() == self.column);
        let position = position.ok_or_else(|| self.failed("the column of labels is gone"))?;
        let reader =
            builder.with_batch_size(self.batch_rows).build().map_err(|it| self.failed(it))?;
        let mut writer =
            ArrowWriter::try_new(out, schema, Some(properties)).map_err(|it| self.failed(it))?;
        let mut first_row = 0;
        for batch in reader {
            let batch = batch.map_err(|it| self.failed(it))?;
            let n_rows = batch.num_rows();
            let batch = self.relabelled(batch, position, first_row)?;
            writer.write(&batch).map_err(|it| self.failed(it))?;
            first_row += n_rows;
        }
        writer.close().map_err(|it| self.failed(it))?;
        Ok(())
    }

    fn relabelled(
        &self,
        batch: RecordBatch,
        position: usize,
        first_row: usize,
    ) -> Result<RecordBatch, ReviewError> {
        let rows = first_row..first_row + batch.num_rows();
        if self.labels.range(rows).next().is_none() {
            return Ok(batch);
        }
        let mut columns = batch.columns().to_vec();
        columns[position] = self.column(&columns[position], first_row)?;
        RecordBatch::try_new(batch.schema(), columns).map_err(|it| self.failed(it))
    }

    fn column(&self, before: &ArrayRef, first_row: usize) -> Result<ArrayRef, ReviewError> {
        let kind = before.data_type();
        let strings = cast_with_options(before, &DataType::LargeUtf8, &EXACT);
        let strings = strings.map_err(|it| self.failed(it))?;
        let strings = strings.as_string_opt::<i64>();
        let strings = strings.ok_or_else(|| self.failed("the labels are not strings"))?;
        let rows = (first_row..).zip(strings.iter());
        let relabelled: LargeStringArray =
            rows.map(|(row, old)| self.labels.get(&row).copied().or(old)).collect();
        cast_with_options(&relabelled, kind, &EXACT).map_err(|_| self.does_not_fit(kind))
    }

    /// Names the first label that cannot be cast, if it is one.
    fn does_not_fit(&self, kind: &DataType) -> ReviewError {
        let fits = |label: &str| {
            let array = LargeStringArray::from(vec![label]);
            cast_with_options(&array, kind, &EXACT).is_ok()
        };
        let label = self.labels.values().find(|label| !fits(label));
        ReviewError::DoesNotFit {
            path: self.source.into(),
            column: self.column.into(),
            label: label.copied().unwrap_or_default().into(),
            kind: kind.to_string(),
        }
    }
}

/// How the source was written, as far as that shows.
fn properties(metadata: &ParquetMetaData) -> WriterProperties {
    let mut properties = WriterProperties::builder();
    if let Some(group) = metadata.row_groups().first() {
        let n_rows = usize::try_from(group.num_rows()).unwrap_or_default().max(1);
        properties = properties.set_max_row_group_row_count(Some(n_rows));
        if let Some(column) = group.columns().first() {
            properties = properties.set_compression(column.compression());
        }
    }
    properties.build()
}
