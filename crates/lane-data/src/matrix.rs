//! Matrices of numbers that others computed, read in blocks of rows: probabilities or logits, one
//! row a text and one column a class.
//!
//! Memory holds one block, about a megabyte of numbers, and never the matrix: the header or the
//! schema is read at once ([`open`]), the rows each time they are asked for ([`Matrix::blocks`]).
//!
//! | file | rows and columns | names of the columns |
//! |---|---|---|
//! | `.npy`, versions 1 to 3 | two dimensions of f2, f4 or f8, either byte order, C or Fortran order | none |
//! | `.parquet` | one column of lists of floats, all of one length; else one column of floats a class | of the second kind |
//! | `.csv`, `.tsv` | one column a class | where the first line is a header |
//!
//! Columns called `id` or `row` name the rows and hold no numbers; so does a first column without
//! a name, as pandas writes it. A first line is a header unless every field of it is a number; the
//! numbers 0, 1, 2 … in this order are one too, and name nothing.
//!
//! Refused are: entries that are not finite or no numbers, rows of another width, a file that is
//! longer or shorter than its header says, Parquet that grows beyond all measure. A refusal names
//! file, row (CSV: line) and column, what was found and what was expected.
//!
//! [`labeled`] puts labels beside the rows for confident learning, [`epochs`] reads the logits of
//! every epoch of a training.
//!
//! ```
//! use lane_data::matrix;
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("probabilities.csv");
//! std::fs::write(&path, "joy,anger\n0.9,0.1\n0.2,0.8\n")?;
//!
//! let matrix = matrix::open(&path)?.with_columns(&["anger".into(), "joy".into()])?;
//! let mut blocks = matrix.blocks()?;
//! while let Some(block) = blocks.next_block()? {
//!     assert_eq!((block.first_row(), block.values()), (0, &[0.1, 0.9, 0.8, 0.2][..]));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod block;
mod delimited;
pub mod epochs;
pub mod labeled;
mod layout;
mod npy;
mod npy_header;
mod parquet;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use crate::error::DataError;

pub use block::{Block, Blocks};
pub use labeled::{LabeledMatrix, MatrixError};
pub use layout::Key;

use block::Reader;
use layout::Layout;

/// Numbers in a block: 1 MB of them.
const BLOCK: usize = 1 << 17;

/// Columns of a matrix at most; a class id is 16 bits wide.
const MOST_COLUMNS: usize = lane_metrics::MAX_CLASSES;

/// A file whose header or schema has been read, and its rows not yet.
#[derive(Clone, Debug)]
pub struct Matrix {
    path: PathBuf,
    source: Source,
    layout: Layout,
}

/// Where the rows come from.
#[derive(Clone, Debug)]
enum Source {
    Npy(npy::Array),
    Delimited(delimited::Table),
    Parquet(parquet::Table),
}

/// Reads what a file says of its shape.
///
/// # Errors
///
/// [`DataError::UnknownMatrix`], [`DataError::Read`], [`DataError::NoRows`], [`DataError::Npy`],
/// [`DataError::Parquet`], [`DataError::MatrixColumns`], [`DataError::RepeatedColumn`].
pub fn open(path: &Path) -> Result<Matrix, DataError> {
    let matrix = open_any(path)?;
    match &matrix.source {
        Source::Npy(array) => array.check_dimensions(path, 2)?,
        Source::Delimited(_) | Source::Parquet(_) => matrix.layout.refuse_epochs(path)?,
    }
    Ok(matrix)
}

/// As [`open`], of as many dimensions as there are.
fn open_any(path: &Path) -> Result<Matrix, DataError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    let (source, layout) = match extension.as_str() {
        "npy" => {
            let array = npy::Array::open(path)?;
            let layout = Layout::unnamed(array.n_columns());
            (Source::Npy(array), layout)
        }
        "csv" | "tsv" => {
            let delimiter = if extension == "csv" { b',' } else { b'\t' };
            let (table, layout) = delimited::Table::open(path, delimiter)?;
            (Source::Delimited(table), layout)
        }
        "parquet" => {
            let (table, layout) = parquet::Table::open(path)?;
            (Source::Parquet(table), layout)
        }
        _ => return Err(DataError::UnknownMatrix { path: path.into(), extension }),
    };
    Ok(Matrix { path: path.into(), source, layout })
}

impl Matrix {
    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Columns of numbers, at least 1.
    pub fn n_columns(&self) -> usize {
        self.layout.n_columns()
    }

    /// Rows, where the file says so before it is read: not in CSV.
    pub fn n_rows(&self) -> Option<u64> {
        match &self.source {
            Source::Npy(array) => Some(array.n_rows()),
            Source::Delimited(_) => None,
            Source::Parquet(table) => Some(table.n_rows()),
        }
    }

    /// The names of the columns, where they have any.
    pub fn names(&self) -> Option<&[String]> {
        self.layout.names()
    }

    /// Whether and by what the rows are named.
    pub fn key(&self) -> Option<Key> {
        self.layout.key()
    }

    /// The columns of these names, in this order; others are left out. Columns without names must
    /// be as many and stay as they are.
    ///
    /// # Errors
    ///
    /// [`DataError::MissingColumn`]; [`DataError::ColumnCount`] where they have no names.
    pub fn with_columns(mut self, names: &[String]) -> Result<Self, DataError> {
        self.layout = self.layout.choose(&self.path, names)?;
        Ok(self)
    }

    /// Opens the file anew, before its first row.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] and [`DataError::Parquet`].
    pub fn blocks(&self) -> Result<Blocks, DataError> {
        let reader = match &self.source {
            Source::Npy(array) => Reader::Npy(array.rows(&self.path)?),
            Source::Delimited(table) => Reader::Delimited(table.rows(&self.path, &self.layout)?),
            Source::Parquet(table) => Reader::Parquet(table.rows(&self.path, &self.layout)?),
        };
        Ok(Blocks::new(&self.path, self.layout.clone(), reader))
    }
}

/// Rows of so many columns that make a block.
fn rows_a_block(n_columns: usize) -> usize {
    (BLOCK / n_columns.max(1)).max(1)
}
