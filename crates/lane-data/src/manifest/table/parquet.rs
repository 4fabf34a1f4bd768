//! Parquet, a batch at a time; only the wanted columns are decoded.

use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, Schema};

use super::{RawRow, Take, missing, unreadable};
use crate::error::DataError;
use crate::manifest::ColumnMap;
use crate::place::Place;
use crate::read::parquet::{broken, guarded, is_integer, is_text, opened, position, sizes};

/// As in [`read`](crate::read): what damaged metadata can still make the decoder do is caught.
pub(super) fn rows(path: &Path, columns: &ColumnMap, take: Take<'_>) -> Result<(), DataError> {
    guarded(path, || decode(path, columns, take))
}

fn decode(path: &Path, columns: &ColumnMap, take: Take<'_>) -> Result<(), DataError> {
    let wrong = |error: &dyn std::fmt::Display| broken(path, error);
    let file = opened(path)?;
    let again = file.try_clone().map_err(unreadable(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
    let roots = roots(path, builder.schema(), columns)?;
    let bounds =
        sizes::check(&again, builder.metadata(), &roots).map_err(|reason| wrong(&reason))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder.with_projection(mask).with_batch_size(bounds.batch_rows).build();
    let mut first_row = 0;
    for batch in reader.map_err(|error| wrong(&error))? {
        let batch = batch.map_err(|error| wrong(&error))?;
        take_batch(path, &batch, first_row, columns, take)?;
        first_row += batch.num_rows() as u64;
    }
    Ok(())
}

/// The positions of the wanted columns, once their types are known to do.
fn roots(path: &Path, schema: &Schema, columns: &ColumnMap) -> Result<Vec<usize>, DataError> {
    let texts = columns.text.iter().map(|name| (name, false));
    let others = std::iter::once(&columns.label).chain(&columns.key).map(|name| (name, true));
    let root = |(name, is_label): (&String, bool)| {
        let found = || schema.fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
        let position =
            position(schema, name).ok_or_else(|| missing(path, Place::Schema, name, &found()))?;
        let kind = schema.field(position).data_type();
        if is_text(kind) || (is_label && is_label_type(kind)) {
            return Ok(position);
        }
        Err(DataError::WrongType {
            path: path.into(),
            place: Place::Schema,
            column: name.clone(),
            found: kind.to_string(),
            expected: if is_label { "a string, an integer or a list of them" } else { "a string" },
        })
    };
    texts.chain(others).map(root).collect()
}

fn is_label_type(kind: &DataType) -> bool {
    match kind {
        DataType::List(values) | DataType::LargeList(values) => {
            is_text(values.data_type()) || is_integer(values.data_type())
        }
        kind => is_integer(kind),
    }
}

fn take_batch(
    path: &Path,
    batch: &RecordBatch,
    first_row: u64,
    columns: &ColumnMap,
    take: Take<'_>,
) -> Result<(), DataError> {
    let column = |name: &String| -> Result<Column, DataError> {
        let position = position(&batch.schema(), name)
            .ok_or_else(|| broken(path, &format!("column `{name}` was not decoded")))?;
        Column::new(path, batch.column(position))
    };
    let texts = columns.text.iter().map(column).collect::<Result<Vec<_>, _>>()?;
    let label = column(&columns.label)?;
    let key = columns.key.as_ref().map(column).transpose()?;
    for row in 0..batch.num_rows() {
        let raw = RawRow {
            texts: texts.iter().map(|it| it.values(row).concat()).collect(),
            labels: label.values(row),
            key: key.as_ref().map(|it| it.values(row).concat()),
        };
        take(Place::Row(first_row + row as u64), raw)?;
    }
    Ok(())
}

/// A column as strings: one a row, or those between two offsets.
struct Column {
    strings: LargeStringArray,
    lists: Option<Lists>,
}

/// Where the values of each list begin and end; none for a null.
struct Lists(Vec<Option<(usize, usize)>>);

impl Column {
    fn new(path: &Path, column: &ArrayRef) -> Result<Self, DataError> {
        let (values, lists) = match column.data_type() {
            DataType::List(_) => {
                let list = column.as_list::<i32>();
                let ends = list.value_offsets().iter().map(|it| it.as_usize()).collect();
                (list.values().clone(), Some(Lists::new(list, ends)))
            }
            DataType::LargeList(_) => {
                let list = column.as_list::<i64>();
                let ends = list.value_offsets().iter().map(|it| it.as_usize()).collect();
                (list.values().clone(), Some(Lists::new(list, ends)))
            }
            _ => (column.clone(), None),
        };
        let strings = cast(&values, &DataType::LargeUtf8).map_err(|error| broken(path, &error))?;
        let strings = strings.as_string_opt::<i64>().cloned();
        let strings = strings.ok_or_else(|| broken(path, &"a column is not made of strings"))?;
        Ok(Self { strings, lists })
    }

    /// The values of a row; none for a null.
    fn values(&self, row: usize) -> Vec<String> {
        let (start, end) = match &self.lists {
            None => (row, row + 1),
            Some(Lists(ends)) => ends.get(row).copied().flatten().unwrap_or((0, 0)),
        };
        let present = (start..end).filter(|&at| !self.strings.is_null(at));
        present.map(|at| self.strings.value(at).to_owned()).collect()
    }
}

impl Lists {
    fn new(list: &dyn Array, ends: Vec<usize>) -> Self {
        let spans = ends.windows(2).enumerate();
        Self(spans.map(|(row, span)| (!list.is_null(row)).then(|| (span[0], span[1]))).collect())
    }
}
