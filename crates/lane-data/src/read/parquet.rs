//! Parquet: text columns of any string layout, labels and ids of string or integer type.
//!
//! Only the columns that are needed are decoded.

mod compact;
mod delta;
mod footer;
mod packing;
mod page_header;
mod shapes;
pub(crate) mod sizes;

use std::fs::File;
use std::path::Path;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use ::parquet::file::metadata::ParquetMetaDataReader;
use arrow::array::{Array, ArrayRef, AsArray, LargeStringArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};

use super::Source;
use super::collect::{Row, RowSink};
use crate::columns::Chosen;
use crate::decoder;
use crate::error::DataError;
use crate::open;
use crate::place::Place;

/// Damaged metadata can make the decoder panic. Sizes that would are refused beforehand
/// ([`sizes`]); what is left is caught here, so that the caller gets an answer.
pub(super) fn rows(source: Source<'_>, sink: &mut dyn RowSink) -> Result<(), DataError> {
    guarded(source.path, || decode(source, sink))
}

/// Runs a decoder, and makes an error of its panic.
pub(crate) fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, DataError>,
) -> Result<T, DataError> {
    let gave_up = || Err(broken(path, &"the decoder gave up on damaged data"));
    decoder::catch(decode).unwrap_or_else(gave_up)
}

/// A file whose footer a decoder may read.
pub(crate) fn opened(path: &Path) -> Result<File, DataError> {
    let mut file =
        open::ordinary(path).map_err(|source| DataError::Read { path: path.into(), source })?;
    footer::check(&mut file).map_err(|reason| broken(path, &reason))?;
    Ok(file)
}

/// Rows of a file that may be decoded at a time with all of its columns.
///
/// # Errors
///
/// [`DataError::Read`], and [`DataError::Parquet`] for a file that is damaged or grows beyond all
/// measure when it is unpacked.
pub fn parquet_batch_rows(path: &Path) -> Result<usize, DataError> {
    guarded(path, || {
        let file = opened(path)?;
        let metadata = ParquetMetaDataReader::new()
            .parse_and_finish(&file)
            .map_err(|error| broken(path, &error))?;
        let n_columns = metadata.file_metadata().schema_descr().root_schema().get_fields().len();
        let roots: Vec<usize> = (0..n_columns).collect();
        let bounds = sizes::check(&file, &metadata, &roots);
        bounds.map(|it| it.batch_rows).map_err(|reason| broken(path, &reason))
    })
}

fn decode(source: Source<'_>, sink: &mut dyn RowSink) -> Result<(), DataError> {
    let path = source.path;
    let broken = |err: &dyn std::fmt::Display| broken(path, err);
    let unreadable = |source| DataError::Read { path: path.into(), source };
    let file = opened(path)?;
    let again = file.try_clone().map_err(unreadable)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|err| broken(&err))?;
    let schema = builder.schema().clone();
    let found: Vec<String> =
        schema.fields().iter().map(|field| field.name().trim().to_owned()).collect();
    let chosen = source.columns.choose(source.want, path, Place::Schema, &found)?;
    check_types(source, &schema, &chosen)?;
    let roots: Vec<usize> = names(&chosen).filter_map(|name| position(&schema, name)).collect();
    let bounds =
        sizes::check(&again, builder.metadata(), &roots).map_err(|reason| broken(&reason))?;
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let reader = builder
        .with_projection(mask)
        .with_batch_size(bounds.batch_rows)
        .build()
        .map_err(|err| broken(&err))?;
    let (mut first_row, mut n_bytes) = (0, 0);
    for batch in reader {
        let batch = batch.map_err(|err| broken(&err))?;
        n_bytes += push(source, &batch, first_row, &chosen, sink)?;
        if bounds.text_bytes < n_bytes {
            let (row, most) = (first_row, bounds.text_bytes);
            return Err(broken(&format!(
                "{n_bytes} bytes of text after row {row}, expected at most {most} of a file of this size"
            )));
        }
        first_row += batch.num_rows() as u64;
    }
    Ok(())
}

pub(crate) fn broken(path: &Path, err: &dyn std::fmt::Display) -> DataError {
    DataError::Parquet { path: path.into(), reason: err.to_string() }
}

fn names(chosen: &Chosen) -> impl Iterator<Item = &String> {
    std::iter::once(&chosen.text).chain(&chosen.label).chain(&chosen.gold).chain(&chosen.id)
}

pub(crate) fn position(schema: &Schema, name: &str) -> Option<usize> {
    schema.fields().iter().position(|field| field.name().trim() == name)
}

fn check_types(source: Source<'_>, schema: &Schema, chosen: &Chosen) -> Result<(), DataError> {
    for name in names(chosen) {
        let Some(position) = position(schema, name) else { continue };
        let found = schema.field(position).data_type();
        let fits = is_text(found) || (*name != chosen.text && is_integer(found));
        if !fits {
            let expected = if *name == chosen.text { "a string" } else { "a string or an integer" };
            return Err(DataError::WrongType {
                path: source.path.into(),
                place: Place::Schema,
                column: name.clone(),
                found: found.to_string(),
                expected,
            });
        }
    }
    Ok(())
}

pub(crate) fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

pub(crate) fn is_integer(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_integer(values),
        kind => kind.is_integer(),
    }
}

/// Hands the rows over; returns the bytes of their texts.
fn push(
    source: Source<'_>,
    batch: &RecordBatch,
    first_row: u64,
    chosen: &Chosen,
    sink: &mut dyn RowSink,
) -> Result<u64, DataError> {
    let mut n_bytes = 0;
    let column = |name: &String| strings(source, batch, name, first_row);
    let text = column(&chosen.text)?;
    let label = chosen.label.as_ref().map(column).transpose()?;
    let gold = chosen.gold.as_ref().map(column).transpose()?;
    let id = chosen.id.as_ref().map(column).transpose()?;
    for row in 0..batch.num_rows() {
        let place = Place::Row(first_row + row as u64);
        let value = |column: &'_ Option<LargeStringArray>| -> Option<String> {
            column.as_ref().map(|it| it.value(row).to_owned())
        };
        let (label, gold, id) = (value(&label), value(&gold), value(&id));
        let (label, gold, id) = (label.as_deref(), gold.as_deref(), id.as_deref());
        n_bytes += text.value(row).len() as u64;
        sink.push(chosen, Row { place, text: text.value(row), label, gold, id })?;
    }
    Ok(n_bytes)
}

/// One column as text without nulls.
fn strings(
    source: Source<'_>,
    batch: &RecordBatch,
    name: &str,
    first_row: u64,
) -> Result<LargeStringArray, DataError> {
    let absent = || broken(source.path, &format!("column `{name}` was not decoded"));
    let position = position(&batch.schema(), name).ok_or_else(absent)?;
    let column: &ArrayRef = batch.column(position);
    let column = cast(column, &DataType::LargeUtf8).map_err(|err| broken(source.path, &err))?;
    // Only after the cast: a dictionary hides its nulls among the values.
    if let Some(row) = (0..column.len()).find(|row| column.is_null(*row)) {
        return Err(DataError::WrongType {
            path: source.path.into(),
            place: Place::Row(first_row + row as u64),
            column: name.into(),
            found: "null".into(),
            expected: "a value",
        });
    }
    column.as_string_opt::<i64>().cloned().ok_or_else(absent)
}
