//! Probabilities in a file with the labels of the data beside them: what confident learning reads.
//!
//! ```
//! use lane_data::ClassId;
//! use lane_data::matrix::{self, LabeledMatrix};
//! use lane_metrics::confident_learning::{self, Filter, scores};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("probabilities.csv");
//! std::fs::write(&path, "0.9,0.1\n0.8,0.2\n0.2,0.8\n0.1,0.9\n0.3,0.7\n0.9,0.1\n")?;
//!
//! let matrix = matrix::open(&path)?;
//! let labels = [0, 0, 0, 1, 1, 1].map(ClassId); // the third and the last are wrong
//! let mut rows = LabeledMatrix::new(&matrix, &labels, 2)?;
//! let joint = confident_learning::estimate(&mut rows)?;
//! let flagged = confident_learning::flags(&mut rows, &joint, Filter::Both)?;
//! assert_eq!(flagged, [false, false, true, false, false, true]);
//! assert_eq!(scores::over(&mut rows, scores::self_confidence)?[2], 0.2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use lane_metrics::confident_learning::{LabeledRows, RowBlocks};
use lane_metrics::{ClassId, MetricsError};

use super::{Block, Key, Matrix};
use crate::error::DataError;

/// Why a file of probabilities was refused, or what was made of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MatrixError {
    /// The file, or what it holds.
    #[error(transparent)]
    Data(#[from] DataError),
    /// What is computed from the numbers.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// A matrix of probabilities and a label a row, in the same order.
///
/// As [`RowBlocks`], every pass reads the file anew; memory holds one block.
#[derive(Clone, Debug)]
pub struct LabeledMatrix<'a> {
    matrix: &'a Matrix,
    labels: &'a [ClassId],
    /// What the data calls its rows; else by their numbers.
    ids: Option<Vec<&'a str>>,
}

impl<'a> LabeledMatrix<'a> {
    /// Pairs the rows of `matrix` with `labels`, as far as the file tells now that they pair up.
    ///
    /// # Errors
    ///
    /// [`DataError::ColumnCount`] unless there are `n_classes` columns, [`DataError::RowCount`].
    pub fn new(
        matrix: &'a Matrix,
        labels: &'a [ClassId],
        n_classes: usize,
    ) -> Result<Self, DataError> {
        let (path, n_found) = (matrix.path(), matrix.n_columns());
        if n_found != n_classes {
            let n_expected = n_classes;
            return Err(DataError::ColumnCount { path: path.into(), n_found, n_expected });
        }
        let n_expected = labels.len() as u64;
        match matrix.n_rows() {
            Some(n_found) if n_found != n_expected => {
                Err(DataError::RowCount { path: path.into(), n_found, n_expected })
            }
            _ => Ok(Self { matrix, labels, ids: None }),
        }
    }

    /// What the data calls its rows, held against the column `id` of the file if it has one.
    #[must_use]
    pub fn with_ids(self, ids: impl IntoIterator<Item = &'a str>) -> Self {
        Self { ids: Some(ids.into_iter().collect()), ..self }
    }

    /// Hands every block with its labels to `take`; the other face of [`RowBlocks::each_block`],
    /// for what needs the file as well.
    ///
    /// # Errors
    ///
    /// [`DataError::WrongType`] for an entry that is no probability, [`DataError::ProbabilitySum`],
    /// [`DataError::OtherRow`], [`DataError::RowCount`], those of [`super::Blocks::next_block`] and of
    /// `take`.
    pub fn for_each<E: From<DataError> + From<MetricsError>>(
        &self,
        mut take: impl FnMut(&Block<'_>, LabeledRows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut blocks = self.matrix.blocks()?;
        let mut n_found = 0;
        while let Some(block) = blocks.next_block()? {
            let first = n_found;
            n_found += block.n_rows();
            // Of a file that is too long, the rest is only counted.
            if let Some(labels) = self.labels.get(first..n_found) {
                self.check_keys(&block, first)?;
                let rows = LabeledRows::numbered(first, block.values(), labels, block.n_columns());
                match rows {
                    Ok(rows) => take(&block, rows)?,
                    Err(error) => return Err(placed(&block, error)),
                }
            }
        }
        let (n_found, n_expected) = (n_found as u64, self.labels.len() as u64);
        if n_found == n_expected {
            return Ok(());
        }
        let path = self.matrix.path().into();
        Err(DataError::RowCount { path, n_found, n_expected }.into())
    }

    /// Refuses a row that the file calls otherwise than the data.
    fn check_keys(&self, block: &Block<'_>, first: usize) -> Result<(), DataError> {
        let Some((key, keys)) = block.keys() else { return Ok(()) };
        for (row, found) in keys.iter().enumerate() {
            let id = self.ids.as_ref().filter(|_| key == Key::Id);
            let expected = match id.and_then(|ids| ids.get(first + row)) {
                Some(id) => (*id).to_owned(),
                None => (first + row).to_string(),
            };
            if *found != expected {
                return Err(DataError::OtherRow {
                    path: block.path.into(),
                    place: block.place(row),
                    column: block.layout.key_name().into(),
                    found: found.clone(),
                    expected,
                });
            }
        }
        Ok(())
    }
}

/// What the metrics found wrong with a block, with the place in the file.
fn placed<E: From<DataError> + From<MetricsError>>(block: &Block<'_>, error: MetricsError) -> E {
    let in_block = |row: usize| row - block.first_row() as usize;
    match error {
        MetricsError::ProbabilityOutOfRange { row, column, .. } => {
            block.fault(in_block(row) * block.n_columns() + column, "a probability, 0 to 1").into()
        }
        MetricsError::ProbabilitySum { row, sum } => {
            let (path, place) = (block.path.into(), block.place(in_block(row)));
            DataError::ProbabilitySum { path, place, sum }.into()
        }
        other => other.into(),
    }
}

impl RowBlocks for LabeledMatrix<'_> {
    type Error = MatrixError;

    fn each_block(
        &mut self,
        take: &mut dyn FnMut(LabeledRows<'_>) -> Result<(), MetricsError>,
    ) -> Result<(), MatrixError> {
        self.for_each(|_, rows| Ok(take(rows)?))
    }
}
