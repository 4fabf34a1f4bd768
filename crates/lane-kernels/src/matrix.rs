//! Views of numbers as matrices: strided ones to read, and ones to write whose tiles can be handed to
//! several threads.
#![expect(
    unsafe_code,
    reason = "tiles of one matrix interleave in memory, so they cannot be slices"
)]

use std::marker::PhantomData;

use crate::Real;

/// A matrix to read.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    pub(crate) values: &'a [T],
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
    pub(crate) row_stride: usize,
    pub(crate) column_stride: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Row-major values, `n_columns` a row.
    ///
    /// # Panics
    ///
    /// If the values are no whole number of rows.
    pub fn new(values: &'a [T], n_columns: usize) -> Self {
        assert!(
            values.len().is_multiple_of(n_columns),
            "{} values in rows of {n_columns}",
            values.len()
        );
        Self {
            values,
            n_rows: values.len() / n_columns,
            n_columns,
            row_stride: n_columns,
            column_stride: 1,
        }
    }

    /// Rows `start..start + n`.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use]
    pub fn rows(self, start: usize, n: usize) -> Self {
        assert!(start + n <= self.n_rows, "rows {start}..{} of {}", start + n, self.n_rows);
        Self { values: &self.values[start * self.row_stride..], n_rows: n, ..self }
    }

    /// Columns `start..start + n`.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use]
    pub fn columns(self, start: usize, n: usize) -> Self {
        assert!(
            start + n <= self.n_columns,
            "columns {start}..{} of {}",
            start + n,
            self.n_columns
        );
        Self { values: &self.values[start * self.column_stride..], n_columns: n, ..self }
    }

    /// Rows for columns.
    #[must_use]
    pub fn transposed(self) -> Self {
        Self {
            n_rows: self.n_columns,
            n_columns: self.n_rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }

    /// Whether every entry lies within the values.
    pub(crate) fn is_within(&self) -> bool {
        if self.n_rows == 0 || self.n_columns == 0 {
            return true;
        }
        let last = (self.n_rows - 1) * self.row_stride + (self.n_columns - 1) * self.column_stride;
        last < self.values.len()
    }
}

/// A matrix to write, row by row.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    pub(crate) first: *mut T,
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
    pub(crate) row_stride: usize,
    values: PhantomData<&'a mut [T]>,
}

// SAFETY: a `MatrixMut` is a `&mut` to its entries; numbers may go to another thread.
unsafe impl<T: Send> Send for MatrixMut<'_, T> {}
// SAFETY: through a shared reference nothing of it can be read or written.
unsafe impl<T: Sync> Sync for MatrixMut<'_, T> {}

impl<'a, T: Real> MatrixMut<'a, T> {
    /// Row-major values, `n_columns` a row.
    ///
    /// # Panics
    ///
    /// If the values are no whole number of rows.
    pub fn new(values: &'a mut [T], n_columns: usize) -> Self {
        assert!(
            values.len().is_multiple_of(n_columns),
            "{} values in rows of {n_columns}",
            values.len()
        );
        Self {
            n_rows: values.len() / n_columns,
            first: values.as_mut_ptr(),
            n_columns,
            row_stride: n_columns,
            values: PhantomData,
        }
    }

    /// Columns `start..start + n` alone.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    #[must_use]
    pub fn columns(self, start: usize, n: usize) -> Self {
        assert!(
            start + n <= self.n_columns,
            "columns {start}..{} of {}",
            start + n,
            self.n_columns
        );
        // SAFETY: within the first row, or one past the end of it where `n` is zero.
        Self { first: unsafe { self.first.add(start) }, n_columns: n, ..self }
    }

    /// Columns before `start`, and the rest.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn split_columns(self, start: usize) -> (Self, Self) {
        assert!(start <= self.n_columns, "column {start} of {}", self.n_columns);
        let n = self.n_columns;
        // Two of one matrix for the length of this line; the halves share no entry.
        let same = Self { ..self };
        (self.columns(0, start), same.columns(start, n - start))
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.n_rows
    }

    /// One row.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn row(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.n_rows, "row {row} of {}", self.n_rows);
        // SAFETY: the row lies within the values this matrix was made of, and `&mut self` lets no
        // other row be held at the same time.
        unsafe {
            std::slice::from_raw_parts_mut(self.first.add(row * self.row_stride), self.n_columns)
        }
    }

    /// The part of one tile.
    ///
    /// # Safety
    ///
    /// Two tiles that overlap must not be in use at the same time.
    pub(crate) unsafe fn tile(&self, at: Place) -> MatrixMut<'_, T> {
        assert!(at.row + at.n_rows <= self.n_rows && at.column + at.n_columns <= self.n_columns);
        MatrixMut {
            // SAFETY: the assertion above keeps it within the matrix.
            first: unsafe { self.first.add(at.row * self.row_stride + at.column) },
            n_rows: at.n_rows,
            n_columns: at.n_columns,
            row_stride: self.row_stride,
            values: PhantomData,
        }
    }
}

/// Where a tile lies.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Its first row.
    pub row: usize,
    /// Its first column.
    pub column: usize,
    pub(crate) n_rows: usize,
    pub(crate) n_columns: usize,
}
