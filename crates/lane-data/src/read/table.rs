//! Small tables of others: CSV whose columns the caller chooses, with the checks of data files.

use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::delimited::{column_name, not_utf8, quote_error};
use super::lines::LineCounter;
use super::{quotes, text};
use crate::error::DataError;
use crate::place::Place;

/// A CSV file in memory.
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Vec<String>,
}

impl Table {
    /// Reads a file and its header; names are trimmed. An empty file has no columns.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`]; [`DataError::Utf16`], [`DataError::Nul`] and [`DataError::NotUtf8`]
    /// for what is no text; [`DataError::UnclosedQuote`] and [`DataError::TextAfterQuote`].
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let mut table =
            Self { path: path.into(), bytes: text::read(path)?.bytes, header: Vec::new() };
        let mut header = Vec::new();
        let mut quoting = quotes::check(&table.bytes, b',');
        table.records(|place, record| {
            if header.is_empty() {
                if let Err(broken) = std::mem::replace(&mut quoting, Ok(())) {
                    return Err(quote_error(path, &[], broken));
                }
                header = fields(path, &[], place, record)?.into_iter().map(Into::into).collect();
            }
            Ok::<_, DataError>(header.is_empty())
        })?;
        table.header = header;
        Ok(table)
    }

    /// The names of the columns.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Hands over every row after the header: its line and its trimmed fields, as many as the header
    /// has.
    ///
    /// # Errors
    ///
    /// [`DataError::Ragged`] and [`DataError::NotUtf8`], and those of `take`.
    pub fn for_each<E: From<DataError>>(
        &self,
        mut take: impl FnMut(u64, &[&str]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut is_header = true;
        self.records(|place, record| {
            if std::mem::take(&mut is_header) {
                return Ok(true);
            }
            let (path, n_found, n_expected) = (&self.path, record.len(), self.header.len());
            if n_found != n_expected {
                let path = path.clone();
                return Err(DataError::Ragged { path, place, n_found, n_expected }.into());
            }
            let line = if let Place::Line(line) = place { line } else { 0 };
            take(line, &fields(path, &self.header, place, record)?)?;
            Ok(true)
        })
    }

    /// Hands over records until `take` has enough.
    fn records<E: From<DataError>>(
        &self,
        mut take: impl FnMut(Place, &ByteRecord) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(self.bytes.as_slice());
        let mut lines = LineCounter::new(&self.bytes);
        let mut record = ByteRecord::new();
        let refused =
            |err: csv::Error| DataError::Read { path: self.path.clone(), source: err.into() };
        while reader.read_byte_record(&mut record).map_err(refused)? {
            let offset = record.position().map_or(0, csv::Position::byte);
            if !take(Place::Line(lines.line_of_record(offset as usize)), &record)? {
                break;
            }
        }
        Ok(())
    }
}

fn fields<'a>(
    path: &Path,
    header: &[String],
    place: Place,
    record: &'a ByteRecord,
) -> Result<Vec<&'a str>, DataError> {
    let field = |(index, bytes): (usize, &'a [u8])| match std::str::from_utf8(bytes) {
        Ok(field) => Ok(field.trim()),
        Err(err) => Err(not_utf8(path, place, column_name(header, index), bytes, err)),
    };
    record.iter().enumerate().map(field).collect()
}
