//! `NumPy` arrays: numbers one after the other behind a header.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use half::f16;

use super::block::Buffer;
use super::npy_header::{Element, Header, Refusal};
use super::{MOST_COLUMNS, rows_a_block};
use crate::error::DataError;
use crate::open;

/// A file whose header fits its length.
#[derive(Clone, Debug)]
pub(super) struct Array {
    header: Header,
}

impl Array {
    pub(super) fn open(path: &Path) -> Result<Self, DataError> {
        let unreadable = |source| DataError::Read { path: path.into(), source };
        let mut file = open::ordinary(path).map_err(unreadable)?;
        let header = Header::read(&mut file).map_err(|refusal| match refusal {
            Refusal::Io(source) => unreadable(source),
            Refusal::Found(found, expected) => npy(path, found, expected),
        })?;
        let n_found = file.metadata().map_err(unreadable)?.len();
        let array = Self { header };
        array.check(path, n_found)?;
        Ok(array)
    }

    /// Bytes, dimensions and order must be such that rows can be found.
    fn check(&self, path: &Path, n_found: u64) -> Result<(), DataError> {
        let Header { shape, element, n_bytes, .. } = &self.header;
        if !(2..=3).contains(&shape.len()) {
            let found = format!("an array of shape {shape:?}");
            return Err(npy(path, found, "two dimensions, rows and classes"));
        }
        let size = element.n_bytes() as u64;
        let n_values = shape.iter().try_fold(1_u64, |product, n| product.checked_mul(*n));
        let n_expected = n_values.and_then(|n| n.checked_mul(size)?.checked_add(*n_bytes));
        if n_expected != Some(n_found) {
            let found = format!("{n_found} bytes with an array of shape {shape:?}");
            return Err(npy(path, found, "as many bytes as the shape says"));
        }
        if n_values == Some(0) {
            return Err(DataError::NoRows { path: path.into() });
        }
        if MOST_COLUMNS as u64 <= *shape.last().unwrap_or(&0) {
            let found = format!("an array of shape {shape:?}");
            return Err(npy(path, found, "fewer than 65536 classes"));
        }
        if self.header.is_fortran && shape.len() == 3 {
            let found = "three dimensions in Fortran order".into();
            return Err(npy(path, found, "C order: save `numpy.ascontiguousarray(array)`"));
        }
        Ok(())
    }

    pub(super) fn check_dimensions(&self, path: &Path, n_expected: usize) -> Result<(), DataError> {
        let shape = &self.header.shape;
        if shape.len() == n_expected {
            return Ok(());
        }
        let found = format!("an array of shape {shape:?}");
        Err(npy(path, found, "two dimensions, rows and classes"))
    }

    /// The first of three dimensions; 1 of two.
    pub(super) fn n_epochs(&self) -> u64 {
        if self.header.shape.len() == 3 { self.header.shape[0] } else { 1 }
    }

    /// Of all epochs together.
    pub(super) fn n_rows(&self) -> u64 {
        let dimensions = self.header.shape.len();
        self.header.shape[..dimensions - 1].iter().product()
    }

    pub(super) fn n_columns(&self) -> usize {
        // Checked to be small.
        self.header.shape.last().map_or(0, |it| *it as usize)
    }

    pub(super) fn rows(&self, path: &Path) -> Result<Rows, DataError> {
        let unreadable = |source| DataError::Read { path: path.into(), source };
        let mut file = open::ordinary(path).map_err(unreadable)?;
        file.seek(SeekFrom::Start(self.header.n_bytes)).map_err(unreadable)?;
        Ok(Rows { path: path.into(), array: self.clone(), file, n_read: 0, bytes: Vec::new() })
    }
}

fn npy(path: &Path, found: String, expected: &'static str) -> DataError {
    DataError::Npy { path: path.into(), found, expected }
}

/// A walk through an array.
#[derive(Debug)]
pub(super) struct Rows {
    path: PathBuf,
    array: Array,
    file: File,
    n_read: u64,
    bytes: Vec<u8>,
}

impl Rows {
    pub(super) fn fill(&mut self, buffer: &mut Buffer) -> Result<(), DataError> {
        let n_left = self.array.n_rows() - self.n_read;
        let n_columns = self.array.n_columns();
        let n_rows = n_left.min(rows_a_block(n_columns) as u64) as usize;
        let filled = if self.array.header.is_fortran {
            self.fill_by_column(n_rows, n_columns, buffer)
        } else {
            self.fill_by_row(n_rows * n_columns, buffer)
        };
        self.n_read += n_rows as u64;
        filled.map_err(|source| DataError::Read { path: self.path.clone(), source })
    }

    fn fill_by_row(&mut self, n_values: usize, buffer: &mut Buffer) -> std::io::Result<()> {
        self.read(n_values)?;
        decode(&self.array.header, &self.bytes, &mut buffer.values);
        Ok(())
    }

    /// Each column is a run of the file, from which the rows of the block are a piece.
    fn fill_by_column(
        &mut self,
        n_rows: usize,
        n_columns: usize,
        buffer: &mut Buffer,
    ) -> std::io::Result<()> {
        buffer.values.resize(n_rows * n_columns, 0.0);
        let mut values = Vec::with_capacity(n_rows);
        for column in 0..n_columns {
            let n_before = column as u64 * self.array.n_rows() + self.n_read;
            let header = &self.array.header;
            let at = header.n_bytes + n_before * header.element.n_bytes() as u64;
            self.file.seek(SeekFrom::Start(at))?;
            self.read(n_rows)?;
            values.clear();
            decode(&self.array.header, &self.bytes, &mut values);
            let places = buffer.values.iter_mut().skip(column).step_by(n_columns);
            for (place, value) in places.zip(&values) {
                *place = *value;
            }
        }
        Ok(())
    }

    fn read(&mut self, n_values: usize) -> std::io::Result<()> {
        self.bytes.resize(n_values * self.array.header.element.n_bytes(), 0);
        self.file.read_exact(&mut self.bytes)
    }
}

/// Appends the numbers that the bytes are.
fn decode(header: &Header, bytes: &[u8], values: &mut Vec<f64>) {
    match (header.element, header.is_big_endian) {
        (Element::F2, false) => append(bytes, values, |it| f16::from_le_bytes(it).to_f64()),
        (Element::F2, true) => append(bytes, values, |it| f16::from_be_bytes(it).to_f64()),
        (Element::F4, false) => append(bytes, values, |it| f64::from(f32::from_le_bytes(it))),
        (Element::F4, true) => append(bytes, values, |it| f64::from(f32::from_be_bytes(it))),
        (Element::F8, false) => append(bytes, values, f64::from_le_bytes),
        (Element::F8, true) => append(bytes, values, f64::from_be_bytes),
    }
}

fn append<const N: usize>(bytes: &[u8], values: &mut Vec<f64>, number: impl Fn([u8; N]) -> f64) {
    values.extend(bytes.as_chunks::<N>().0.iter().map(|it| number(*it)));
}
