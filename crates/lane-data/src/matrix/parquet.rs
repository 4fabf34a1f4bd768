//! Numbers in Parquet: a column of lists, or a column of floats a class.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ProjectionMask;
use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow::array::{Array, ArrayRef, AsArray, LargeListArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};

use super::block::Buffer;
use super::layout::Layout;
use super::{MOST_COLUMNS, rows_a_block};
use crate::error::DataError;
use crate::place::Place;
use crate::read::parquet::{broken, guarded, is_integer, is_text, opened, sizes};
use crate::shown;

/// Which column of lists is meant where there are several.
const USUAL: [&str; 4] = ["probabilities", "probs", "pred_probs", "logits"];

/// Rows decoded at a time at most.
const MOST_ROWS: usize = 8192;

/// A file whose schema has been read.
#[derive(Clone, Debug)]
pub(super) struct Table {
    n_rows: u64,
    /// Position and name of the column of lists.
    list: Option<(usize, String)>,
}

impl Table {
    pub(super) fn open(path: &Path) -> Result<(Self, Layout), DataError> {
        caught(path, || {
            let (builder, _) = builder(path)?;
            let schema = builder.schema().clone();
            let n_rows = builder.metadata().file_metadata().num_rows();
            let n_rows = u64::try_from(n_rows).map_err(|_| broken(path, &"fewer than 0 rows"))?;
            if n_rows == 0 {
                return Err(DataError::NoRows { path: path.into() });
            }
            let names: Vec<String> =
                schema.fields().iter().map(|it| it.name().trim().to_owned()).collect();
            let list = list_column(path, &schema, &names)?;
            let is_number = |at: usize| list.is_none() && is_float(schema.field(at).data_type());
            let layout = Layout::of_names(path, Place::Schema, &names, is_number)?;
            check_names(path, &schema, &layout)?;
            let table = Self { n_rows, list };
            let layout = match &table.list {
                Some(_) => layout.with_list(table.width(path)?),
                None => layout,
            };
            check_width(path, &names, layout.n_columns())?;
            Ok((table, layout))
        })
    }

    pub(super) fn n_rows(&self) -> u64 {
        self.n_rows
    }

    /// The length of the first list.
    fn width(&self, path: &Path) -> Result<usize, DataError> {
        let mut rows = self.reader(path, &Layout::unnamed(0), 1)?;
        let batch = rows.next_batch()?.ok_or_else(|| broken(path, &"no first row"))?;
        let column = lists(path, batch.column(0))?;
        Ok(length(&column, 0))
    }

    pub(super) fn rows(&self, path: &Path, layout: &Layout) -> Result<Rows, DataError> {
        let n_rows = rows_a_block(layout.n_columns()).min(MOST_ROWS);
        caught(path, || self.reader(path, layout, n_rows))
    }

    fn reader(&self, path: &Path, layout: &Layout, n_rows: usize) -> Result<Rows, DataError> {
        let (builder, file) = builder(path)?;
        let numbers: Vec<usize> = match &self.list {
            Some((position, _)) => vec![*position],
            None => layout.positions().to_vec(),
        };
        let others = layout.key_position().into_iter().chain(layout.epoch_position());
        let mut roots: Vec<usize> = numbers.iter().copied().chain(others).collect();
        roots.sort_unstable();
        roots.dedup();
        sizes::check(&file, builder.metadata(), &roots).map_err(|reason| broken(path, &reason))?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots.iter().copied());
        let reader = builder.with_projection(mask).with_batch_size(n_rows).build();
        Ok(Rows {
            path: path.into(),
            reader: reader.map_err(|error| broken(path, &error))?,
            table: self.clone(),
            layout: layout.clone(),
            roots,
            n_read: 0,
        })
    }
}

fn builder(path: &Path) -> Result<(ParquetRecordBatchReaderBuilder<File>, File), DataError> {
    let unreadable = |source| DataError::Read { path: path.into(), source };
    let file = opened(path)?;
    let again = file.try_clone().map_err(unreadable)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file);
    Ok((builder.map_err(|error| broken(path, &error))?, again))
}

/// What a decoder says, or that it panicked.
fn caught<T>(path: &Path, decode: impl FnOnce() -> Result<T, DataError>) -> Result<T, DataError> {
    let mut decoded = None;
    guarded(path, || {
        decoded = Some(decode()?);
        Ok(())
    })?;
    decoded.ok_or_else(|| broken(path, &"nothing was decoded"))
}

fn is_float(kind: &DataType) -> bool {
    matches!(kind, DataType::Float16 | DataType::Float32 | DataType::Float64)
}

fn is_list(kind: &DataType) -> bool {
    match kind {
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_float(item.data_type())
        }
        _ => false,
    }
}

/// The only column of lists of floats, or the only one of them with a usual name.
fn list_column(
    path: &Path,
    schema: &Schema,
    names: &[String],
) -> Result<Option<(usize, String)>, DataError> {
    let lists: Vec<usize> =
        (0..names.len()).filter(|at| is_list(schema.field(*at).data_type())).collect();
    let usual = || lists.iter().filter(|at| USUAL.contains(&names[**at].as_str()));
    let chosen = match (lists.as_slice(), usual().count()) {
        ([], _) => return Ok(None),
        ([only], _) => Some(*only),
        (_, 1) => usual().next().copied(),
        _ => None,
    };
    if let Some(at) = chosen {
        return Ok(Some((at, names[at].clone())));
    }
    let several: Vec<String> = lists.iter().map(|at| names[*at].clone()).collect();
    Err(DataError::MatrixColumns {
        path: path.into(),
        place: Place::Schema,
        found: format!("lists of floats in {}", shown::list(&several)),
        expected: "one such column, or one called `probabilities` or `logits`",
    })
}

fn check_width(path: &Path, names: &[String], n_columns: usize) -> Result<(), DataError> {
    let (path, place) = (path.into(), Place::Schema);
    if n_columns == 0 {
        let found = format!("the columns {}", shown::list(names));
        let expected = "a column of lists of floats, or a column of floats a class";
        return Err(DataError::MatrixColumns { path, place, found, expected });
    }
    if MOST_COLUMNS < n_columns {
        let found = format!("{n_columns} columns of numbers");
        return Err(DataError::MatrixColumns { path, place, found, expected: "at most 65536" });
    }
    Ok(())
}

/// Names of rows are texts or integers, epochs integers.
fn check_names(path: &Path, schema: &Schema, layout: &Layout) -> Result<(), DataError> {
    let refused = |position: usize, expected| {
        let field = schema.field(position);
        let (column, found) = (field.name().clone(), field.data_type().to_string());
        let (path, place) = (path.into(), Place::Schema);
        Err(DataError::WrongType { path, place, column, found, expected })
    };
    let kind = |position: usize| schema.field(position).data_type();
    match layout.key_position() {
        Some(at) if !is_text(kind(at)) && !is_integer(kind(at)) => {
            return refused(at, "a string or an integer");
        }
        _ => {}
    }
    match layout.epoch_position() {
        Some(at) if !is_integer(kind(at)) => refused(at, "an integer"),
        _ => Ok(()),
    }
}

/// A walk through the rows.
#[derive(Debug)]
pub(super) struct Rows {
    path: PathBuf,
    reader: ParquetRecordBatchReader,
    table: Table,
    layout: Layout,
    /// Positions in the file of the columns of a batch.
    roots: Vec<usize>,
    n_read: u64,
}

impl Rows {
    pub(super) fn fill(&mut self, buffer: &mut Buffer) -> Result<(), DataError> {
        let path = self.path.clone();
        caught(&path, || {
            let Some(batch) = self.next_batch()? else { return Ok(()) };
            match &self.table.list {
                Some((position, name)) => self.take_lists(&batch, *position, name, buffer)?,
                None => self.take_columns(&batch, buffer)?,
            }
            self.take_names(&batch, buffer)?;
            self.n_read += batch.num_rows() as u64;
            Ok(())
        })
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, DataError> {
        // An empty batch would look like the end.
        let next = self.reader.by_ref().find(|it| it.as_ref().map_or(true, |it| it.num_rows() > 0));
        next.transpose().map_err(|error| broken(&self.path, &error))
    }

    /// A column of a batch by its position in the file.
    fn column<'b>(
        &self,
        batch: &'b RecordBatch,
        position: usize,
    ) -> Result<&'b ArrayRef, DataError> {
        let at = self.roots.binary_search(&position).ok();
        at.and_then(|at| batch.columns().get(at))
            .ok_or_else(|| broken(&self.path, &"a column was not decoded"))
    }

    fn take_columns(&self, batch: &RecordBatch, buffer: &mut Buffer) -> Result<(), DataError> {
        let n_columns = self.layout.n_columns();
        buffer.values.resize(batch.num_rows() * n_columns, 0.0);
        for (at, position) in self.layout.positions().iter().enumerate() {
            let column = cast(self.column(batch, *position)?, &DataType::Float64)
                .map_err(|error| broken(&self.path, &error))?;
            let values = column.as_primitive_opt::<Float64Type>();
            let values = values.ok_or_else(|| broken(&self.path, &"a column of no floats"))?;
            self.check_nulls(values, || self.layout.name(at))?;
            let places = buffer.values.iter_mut().skip(at).step_by(n_columns);
            for (place, value) in places.zip(values.values()) {
                *place = *value;
            }
        }
        Ok(())
    }

    fn take_lists(
        &self,
        batch: &RecordBatch,
        position: usize,
        name: &str,
        buffer: &mut Buffer,
    ) -> Result<(), DataError> {
        let column = lists(&self.path, self.column(batch, position)?)?;
        let n_expected = self.layout.n_columns();
        for row in 0..column.len() {
            let n_found = length(&column, row);
            if n_found != n_expected {
                let (path, place) = (self.path.clone(), self.place(row));
                return Err(DataError::Uneven { path, place, n_found, n_expected });
            }
            let list = column.value(row);
            let values = list.as_primitive_opt::<Float64Type>();
            let values = values.ok_or_else(|| broken(&self.path, &"no lists of floats"))?;
            if values.null_count() > 0 {
                return Err(self.null(row, name.into()));
            }
            buffer.values.extend_from_slice(values.values());
        }
        Ok(())
    }

    fn take_names(&self, batch: &RecordBatch, buffer: &mut Buffer) -> Result<(), DataError> {
        if let Some(position) = self.layout.key_position() {
            let column = cast(self.column(batch, position)?, &DataType::LargeUtf8)
                .map_err(|error| broken(&self.path, &error))?;
            // Only after the cast: a dictionary hides its nulls among the values.
            self.check_nulls(&column, || self.layout.key_name().into())?;
            let keys = column.as_string_opt::<i64>();
            let keys = keys.ok_or_else(|| broken(&self.path, &"names of rows are no text"))?;
            buffer.keys.extend(keys.iter().map(|it| it.unwrap_or_default().trim().to_owned()));
        }
        if let Some(position) = self.layout.epoch_position() {
            self.take_epochs(self.column(batch, position)?, buffer)?;
        }
        Ok(())
    }

    fn take_epochs(&self, column: &ArrayRef, buffer: &mut Buffer) -> Result<(), DataError> {
        let column = cast(column, &DataType::Int64).map_err(|error| broken(&self.path, &error))?;
        self.check_nulls(&column, || "epoch".into())?;
        let epochs = column.as_primitive_opt::<Int64Type>();
        let epochs = epochs.ok_or_else(|| broken(&self.path, &"epochs are no integers"))?;
        for (row, epoch) in epochs.values().iter().enumerate() {
            let epoch = u32::try_from(*epoch).map_err(|_| DataError::WrongType {
                path: self.path.clone(),
                place: self.place(row),
                column: "epoch".into(),
                found: epoch.to_string(),
                expected: "a whole number from 0",
            })?;
            buffer.epochs.push(epoch);
        }
        Ok(())
    }

    fn check_nulls(&self, column: &dyn Array, name: impl Fn() -> String) -> Result<(), DataError> {
        if column.null_count() == 0 {
            return Ok(());
        }
        let row = (0..column.len()).find(|row| column.is_null(*row)).unwrap_or_default();
        Err(self.null(row, name()))
    }

    fn null(&self, row: usize, column: String) -> DataError {
        let (path, place) = (self.path.clone(), self.place(row));
        DataError::WrongType { path, place, column, found: "null".into(), expected: "a value" }
    }

    fn place(&self, row: usize) -> Place {
        Place::Row(self.n_read + row as u64)
    }
}

/// A column of lists, all of one type.
fn lists(path: &Path, column: &ArrayRef) -> Result<LargeListArray, DataError> {
    let item = Arc::new(Field::new("item", DataType::Float64, true));
    let column = cast(column, &DataType::LargeList(item)).map_err(|error| broken(path, &error))?;
    column.as_list_opt::<i64>().cloned().ok_or_else(|| broken(path, &"no column of lists"))
}

/// Values of a list; none of a null.
fn length(lists: &LargeListArray, row: usize) -> usize {
    if lists.is_null(row) { 0 } else { usize::try_from(lists.value_length(row)).unwrap_or(0) }
}
