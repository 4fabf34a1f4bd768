//! A block of rows in memory, and the walk from block to block.

use std::path::{Path, PathBuf};

use super::layout::{Key, Layout};
use super::{delimited, npy, parquet};
use crate::error::DataError;
use crate::place::Place;

/// What a reader fills: some rows, nothing of the rows before them.
#[derive(Clone, Debug, Default)]
pub(super) struct Buffer {
    /// Row-major, `[n_rows, n_columns]`.
    pub(super) values: Vec<f64>,
    /// Of CSV: the line of each row.
    pub(super) lines: Vec<u64>,
    /// Where the rows are named: their names.
    pub(super) keys: Vec<String>,
    /// Where there are epochs: those of the rows.
    pub(super) epochs: Vec<u32>,
}

impl Buffer {
    fn clear(&mut self) {
        self.values.clear();
        self.lines.clear();
        self.keys.clear();
        self.epochs.clear();
    }
}

/// The reader of a format; each appends the next rows to an empty buffer, none at the end.
#[derive(Debug)]
pub(super) enum Reader {
    Npy(npy::Rows),
    Delimited(delimited::Rows),
    Parquet(parquet::Rows),
}

/// The rows of a matrix from the first to the last, block by block.
///
/// No iterator, because a block borrows the memory that the next one is read into.
#[derive(Debug)]
pub struct Blocks {
    path: PathBuf,
    layout: Layout,
    reader: Reader,
    buffer: Buffer,
    /// Rows before the one that comes next.
    n_before: u64,
    is_done: bool,
}

impl Blocks {
    pub(super) fn new(path: &Path, layout: Layout, reader: Reader) -> Self {
        let buffer = Buffer::default();
        Self { path: path.into(), layout, reader, buffer, n_before: 0, is_done: false }
    }

    /// The next rows, at least one; none at the end. After an error there are none.
    ///
    /// # Errors
    ///
    /// Whatever [the table of the module](super) refuses.
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, DataError> {
        if self.is_done {
            return Ok(None);
        }
        self.buffer.clear();
        let first_row = self.n_before;
        self.is_done = true;
        match &mut self.reader {
            Reader::Npy(rows) => rows.fill(&mut self.buffer)?,
            Reader::Delimited(rows) => rows.fill(&mut self.buffer)?,
            Reader::Parquet(rows) => rows.fill(&mut self.buffer)?,
        }
        let n_rows = self.buffer.values.len() / self.n_columns();
        if n_rows == 0 {
            if first_row == 0 {
                return Err(DataError::NoRows { path: self.path.clone() });
            }
            return Ok(None);
        }
        self.n_before += n_rows as u64;
        self.block().check_finite()?;
        self.is_done = false;
        Ok(Some(self.block()))
    }

    pub(super) fn n_columns(&self) -> usize {
        self.layout.n_columns().max(1)
    }

    /// The rows that came last.
    pub(super) fn block(&self) -> Block<'_> {
        let n_rows = self.buffer.values.len() / self.n_columns();
        let first_row = self.n_before - n_rows as u64;
        Block { path: &self.path, layout: &self.layout, first_row, buffer: &self.buffer }
    }
}

/// Some rows of a matrix, all of them finite.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    pub(super) path: &'a Path,
    pub(super) layout: &'a Layout,
    first_row: u64,
    pub(super) buffer: &'a Buffer,
}

impl<'a> Block<'a> {
    /// Rows of the file before this block.
    pub fn first_row(&self) -> u64 {
        self.first_row
    }

    /// Rows of this block, at least 1.
    pub fn n_rows(&self) -> usize {
        self.buffer.values.len() / self.n_columns()
    }

    /// Columns of numbers.
    pub fn n_columns(&self) -> usize {
        self.layout.n_columns()
    }

    /// The numbers, row-major, shape `[n_rows, n_columns]`.
    pub fn values(&self) -> &'a [f64] {
        &self.buffer.values
    }

    /// What the file calls each of these rows, where it does, and in which sense.
    pub fn keys(&self) -> Option<(Key, &'a [String])> {
        self.layout.key().map(|key| (key, self.buffer.keys.as_slice()))
    }

    /// Where row `row` of the block stands in the file.
    pub fn place(&self, row: usize) -> Place {
        let at = self.first_row + row as u64;
        self.buffer.lines.get(row).map_or(Place::Row(at), |line| Place::Line(*line))
    }

    /// What the file calls a column, else its number from 0.
    pub fn column_name(&self, column: usize) -> String {
        self.layout.name(column)
    }

    /// The numbers as f32 into `values`, which is emptied first.
    ///
    /// # Errors
    ///
    /// [`DataError::WrongType`] for a number beyond what f32 holds.
    pub fn to_f32(&self, values: &mut Vec<f32>) -> Result<(), DataError> {
        values.clear();
        values.extend(self.values().iter().map(|it| *it as f32));
        match values.iter().position(|it| !it.is_finite()) {
            Some(at) => Err(self.fault(at, "a number that 32 bits hold")),
            None => Ok(()),
        }
    }

    /// An error about the number at `at`.
    pub(super) fn fault(&self, at: usize, expected: &'static str) -> DataError {
        let (row, column) = (at / self.n_columns(), at % self.n_columns());
        DataError::WrongType {
            path: self.path.into(),
            place: self.place(row),
            column: self.column_name(column),
            found: self.buffer.values[at].to_string(),
            expected,
        }
    }

    fn check_finite(&self) -> Result<(), DataError> {
        // 0 times a number is 0 unless it is not finite; sums without jumps run in vectors.
        let (chunks, rest) = self.buffer.values.as_chunks::<8>();
        let mut zero = [0.0; 8];
        for chunk in chunks {
            for (zero, value) in zero.iter_mut().zip(chunk) {
                *zero += 0.0 * value;
            }
        }
        if zero.iter().chain(rest).all(|it| it.is_finite()) {
            return Ok(());
        }
        let at = self.buffer.values.iter().position(|it| !it.is_finite());
        Err(self.fault(at.unwrap_or_default(), "a finite number"))
    }
}
