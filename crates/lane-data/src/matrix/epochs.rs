//! Logits of every row in every epoch of a training that ran elsewhere.
//!
//! | file | what it holds |
//! |---|---|
//! | `.npy` | three dimensions, `[epochs, rows, classes]`; two are one epoch |
//! | `.parquet`, `.csv`, `.tsv` | a line a row and epoch: `row` (from 0) or `id`, `epoch` (from 0), and the numbers as in [a matrix](super) |
//!
//! A table may have its lines in any order that the user of the blocks can bear; a block is a run of
//! lines of one epoch. Memory holds one block.
//!
//! ```
//! use lane_data::matrix::epochs::{self, DataRows};
//! use lane_metrics::weights::{MarginWeights, Quantity, WeightConfig};
//! use lane_metrics::{ClassId, Logits, RowId};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("logits.csv");
//! std::fs::write(&path, "id,epoch,joy,anger\na,0,1.5,0\nb,0,0,1\nb,1,0,2\na,1,3,0.5\n")?;
//!
//! let labels = [ClassId(0), ClassId(0)]; // of the texts a and b
//! let data = DataRows::of_ids(["a", "b"]);
//! let logits = epochs::open(&path)?.with_columns(&["joy".into(), "anger".into()])?;
//! let config = WeightConfig { quantity: Quantity::Aum, ..WeightConfig::default() };
//! let mut margins = MarginWeights::new(2, config)?;
//! let (mut blocks, mut rows) = (logits.blocks()?, Vec::new());
//! while let Some(block) = blocks.next_block()? {
//!     block.rows_in(&data, &mut rows)?;
//!     let given: Vec<ClassId> = rows.iter().map(|row| labels[row.index()]).collect();
//!     let logits = Logits::new(block.logits(), block.n_classes())?;
//!     margins.update(&rows, &given, logits, None)?;
//! }
//! assert_eq!(margins.averages().aum(RowId(0)), Some(2.0));
//! assert_eq!(margins.averages().aum(RowId(1)), Some(-1.5));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;
use std::path::Path;

use lane_metrics::RowId;

use super::{Block, Blocks, Key, Matrix, Source};
use crate::error::DataError;
use crate::place::Place;

/// A file of logits whose header or schema has been read, and its rows not yet.
#[derive(Clone, Debug)]
pub struct EpochLogits {
    matrix: Matrix,
}

/// Reads what a file says of its shape.
///
/// # Errors
///
/// As [`super::open`]; [`DataError::MatrixColumns`] for a table without `epoch`, or without `row` and
/// `id`.
pub fn open(path: &Path) -> Result<EpochLogits, DataError> {
    let matrix = super::open_any(path)?;
    let layout = &matrix.layout;
    let expected = match (&matrix.source, layout.key_position(), layout.epoch_position()) {
        (Source::Npy(_), ..) | (_, Some(_), Some(_)) => return Ok(EpochLogits { matrix }),
        (_, _, None) => "a column `epoch`",
        (_, None, _) => "a column `row` or `id`",
    };
    let place =
        if let Source::Delimited(_) = matrix.source { Place::Line(1) } else { Place::Schema };
    let (path, found) = (path.into(), "none".into());
    Err(DataError::MatrixColumns { path, place, found, expected })
}

impl EpochLogits {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.matrix.path
    }

    /// Columns of logits.
    pub fn n_classes(&self) -> usize {
        self.matrix.n_columns()
    }

    /// Rows of one epoch, where the file says so: in `.npy`.
    pub fn n_rows(&self) -> Option<u64> {
        match &self.matrix.source {
            Source::Npy(array) => Some(array.n_rows() / array.n_epochs()),
            _ => None,
        }
    }

    /// Epochs, where the file says so: in `.npy`.
    pub fn n_epochs(&self) -> Option<u64> {
        match &self.matrix.source {
            Source::Npy(array) => Some(array.n_epochs()),
            _ => None,
        }
    }

    /// The names of the columns, where they have any.
    pub fn names(&self) -> Option<&[String]> {
        self.matrix.names()
    }

    /// As [`Matrix::with_columns`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn with_columns(self, names: &[String]) -> Result<Self, DataError> {
        Ok(Self { matrix: self.matrix.with_columns(names)? })
    }

    /// Opens the file anew, before its first row.
    ///
    /// # Errors
    ///
    /// As [`Matrix::blocks`].
    pub fn blocks(&self) -> Result<EpochBlocks, DataError> {
        Ok(EpochBlocks {
            blocks: self.matrix.blocks()?,
            rows_an_epoch: self.n_rows(),
            logits: Vec::new(),
            n_taken: 0,
        })
    }
}

/// The rows of all epochs as they stand in the file, block by block.
#[derive(Debug)]
pub struct EpochBlocks {
    blocks: Blocks,
    rows_an_epoch: Option<u64>,
    /// Of the block of the file, of which `n_taken` rows have been handed out.
    logits: Vec<f32>,
    n_taken: usize,
}

impl EpochBlocks {
    /// The next rows of one epoch, at least one; none at the end.
    ///
    /// # Errors
    ///
    /// As [`Blocks::next_block`] and [`Block::to_f32`].
    pub fn next_block(&mut self) -> Result<Option<EpochBlock<'_>>, DataError> {
        if self.n_taken == self.logits.len() / self.blocks.n_columns() {
            self.logits.clear();
            self.n_taken = 0;
            let Some(block) = self.blocks.next_block()? else { return Ok(None) };
            block.to_f32(&mut self.logits)?;
        }
        let (start, block) = (self.n_taken, self.blocks.block());
        let (epoch, end) = if let Some(n_rows) = self.rows_an_epoch {
            let epoch = (block.first_row() + start as u64) / n_rows;
            let n_left = (epoch + 1) * n_rows - block.first_row();
            (epoch as u32, block.n_rows().min(n_left as usize))
        } else {
            let epochs = &block.buffer.epochs[start..];
            let n_same = epochs.iter().take_while(|it| **it == epochs[0]).count();
            (epochs[0], start + n_same)
        };
        self.n_taken = end;
        let rows_an_epoch = self.rows_an_epoch;
        let logits = &self.logits[start * block.n_columns()..end * block.n_columns()];
        Ok(Some(EpochBlock { block, rows_an_epoch, epoch, start, end, logits }))
    }
}

/// Some rows of one epoch.
#[derive(Clone, Copy, Debug)]
pub struct EpochBlock<'a> {
    block: Block<'a>,
    rows_an_epoch: Option<u64>,
    epoch: u32,
    start: usize,
    end: usize,
    logits: &'a [f32],
}

impl<'a> EpochBlock<'a> {
    /// The epoch, from 0 as the file counts.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Rows of this block, at least 1.
    pub fn n_rows(&self) -> usize {
        self.end - self.start
    }

    /// Columns of logits.
    pub fn n_classes(&self) -> usize {
        self.block.n_columns()
    }

    /// The logits, row-major, shape `[n_rows, n_classes]`, all finite.
    pub fn logits(&self) -> &'a [f32] {
        self.logits
    }

    /// Where row `row` of the block stands in the file.
    pub fn place(&self, row: usize) -> Place {
        self.block.place(self.start + row)
    }

    /// Which rows of the data these are, into `rows`, which is emptied first.
    ///
    /// # Errors
    ///
    /// [`DataError::WrongType`] on the first that the data does not have; [`DataError::RowCount`]
    /// where a file without names has another number of rows.
    pub fn rows_in(&self, data: &DataRows<'_>, rows: &mut Vec<RowId>) -> Result<(), DataError> {
        rows.clear();
        if let Some(n_found) = self.rows_an_epoch {
            let n_expected = u64::from(data.n_rows);
            if n_found != n_expected {
                let path = self.block.path.into();
                return Err(DataError::RowCount { path, n_found, n_expected });
            }
            let first = self.block.first_row() % n_found + self.start as u64;
            rows.extend((first..).take(self.n_rows()).map(|it| RowId((it % n_found) as u32)));
            return Ok(());
        }
        let Some((key, keys)) = self.block.keys() else { return Ok(()) };
        for (at, found) in keys[self.start..self.end].iter().enumerate() {
            rows.push(data.find(key, found).ok_or_else(|| self.unknown(at, found))?);
        }
        Ok(())
    }

    fn unknown(&self, row: usize, found: &str) -> DataError {
        DataError::WrongType {
            path: self.block.path.into(),
            place: self.place(row),
            column: self.block.layout.key_name().into(),
            found: format!("`{}`", crate::shown::shown(found)),
            expected: "a row of the data",
        }
    }
}

/// The rows of the data, by number and by name.
#[derive(Clone, Debug)]
pub struct DataRows<'a> {
    n_rows: u32,
    by_id: HashMap<&'a str, RowId>,
}

impl<'a> DataRows<'a> {
    /// Rows by their names, in order; no more than a [`RowId`] can tell apart.
    pub fn of_ids(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let by_id: HashMap<_, _> =
            (0..u32::MAX).map(RowId).zip(ids).map(|(row, id)| (id, row)).collect();
        Self { n_rows: by_id.len() as u32, by_id }
    }

    fn find(&self, key: Key, name: &str) -> Option<RowId> {
        match key {
            Key::Id => self.by_id.get(name).copied(),
            Key::Row => name.parse().ok().filter(|it| *it < self.n_rows).map(RowId),
        }
    }
}
