//! Numbers in CSV and TSV, line by line.
//!
//! The file is not held in memory, so a quoted field cannot run over lines here; only a name of a
//! column or a row has a reason to be quoted at all.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use super::block::Buffer;
use super::layout::Layout;
use super::{MOST_COLUMNS, rows_a_block};
use crate::error::DataError;
use crate::open;
use crate::place::Place;
use crate::read::delimited::{not_utf8, quote_error};
use crate::read::quotes;
use crate::shown::shown;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";
const UTF16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// Bytes of a line: as many columns as there may be, of 64 characters each.
const LONGEST_LINE: u64 = 64 * MOST_COLUMNS as u64;

/// A file whose first line has been read.
#[derive(Clone, Debug)]
pub(super) struct Table {
    delimiter: u8,
    has_header: bool,
    n_fields: usize,
}

impl Table {
    pub(super) fn open(path: &Path, delimiter: u8) -> Result<(Self, Layout), DataError> {
        let mut lines = Lines::open(path, delimiter)?;
        if !lines.advance()? {
            return Err(DataError::NoRows { path: path.into() });
        }
        let (record, place) = (&lines.record, lines.place());
        let n_fields = record.len();
        if MOST_COLUMNS < n_fields {
            let (path, found) = (path.into(), format!("{n_fields} columns"));
            return Err(DataError::MatrixColumns { path, place, found, expected: "at most 65536" });
        }
        let counts = |(at, field): (usize, &[u8])| field.trim_ascii() == at.to_string().as_bytes();
        let is_numbers = record.iter().all(|it| number(it).is_some());
        let has_header = !is_numbers || record.iter().enumerate().all(counts);
        let layout = if has_header {
            let names = names(path, place, record)?;
            Layout::of_names(path, place, &names, |_| true)?
        } else {
            Layout::unnamed(n_fields)
        };
        if layout.n_columns() == 0 {
            let (path, found) = (path.into(), "no column of numbers".into());
            return Err(DataError::MatrixColumns { path, place, found, expected: "one a class" });
        }
        Ok((Self { delimiter, has_header, n_fields }, layout))
    }

    pub(super) fn rows(&self, path: &Path, layout: &Layout) -> Result<Rows, DataError> {
        let mut lines = Lines::open(path, self.delimiter)?;
        if self.has_header {
            lines.advance()?;
        }
        Ok(Rows { lines, layout: layout.clone(), n_fields: self.n_fields })
    }
}

fn names(path: &Path, place: Place, record: &ByteRecord) -> Result<Vec<String>, DataError> {
    let name = |(at, field): (usize, &[u8])| match std::str::from_utf8(field) {
        Ok(name) => Ok(name.trim().to_owned()),
        Err(error) => Err(not_utf8(path, place, (at + 1).to_string(), field, error)),
    };
    record.iter().enumerate().map(name).collect()
}

fn number(field: &[u8]) -> Option<f64> {
    std::str::from_utf8(field).ok()?.trim().parse().ok()
}

/// A walk through the lines after the header.
#[derive(Debug)]
pub(super) struct Rows {
    lines: Lines,
    layout: Layout,
    n_fields: usize,
}

impl Rows {
    pub(super) fn fill(&mut self, buffer: &mut Buffer) -> Result<(), DataError> {
        for _ in 0..rows_a_block(self.layout.n_columns()) {
            if !self.lines.advance()? {
                break;
            }
            self.push(buffer)?;
        }
        Ok(())
    }

    fn push(&self, buffer: &mut Buffer) -> Result<(), DataError> {
        let (record, place) = (&self.lines.record, self.lines.place());
        let (n_found, n_expected) = (record.len(), self.n_fields);
        if n_found != n_expected {
            let path = self.lines.path.clone();
            return Err(DataError::Uneven { path, place, n_found, n_expected });
        }
        let field = |position: usize| record.get(position).unwrap_or_default();
        for (column, position) in self.layout.positions().iter().enumerate() {
            let value = number(field(*position)).ok_or_else(|| {
                self.fault(self.layout.name(column), field(*position), "a finite number")
            })?;
            buffer.values.push(value);
        }
        if let Some(position) = self.layout.key_position() {
            let key = std::str::from_utf8(field(position))
                .map_err(|_| self.fault(self.layout.key_name().into(), field(position), "UTF-8"))?;
            buffer.keys.push(key.trim().into());
        }
        if let Some(position) = self.layout.epoch_position() {
            let epoch = std::str::from_utf8(field(position)).ok();
            let epoch = epoch.and_then(|it| it.trim().parse().ok()).ok_or_else(|| {
                self.fault("epoch".into(), field(position), "a whole number from 0")
            })?;
            buffer.epochs.push(epoch);
        }
        buffer.lines.push(self.lines.line);
        Ok(())
    }

    fn fault(&self, column: String, field: &[u8], expected: &'static str) -> DataError {
        let text = String::from_utf8_lossy(field);
        let found = match text.trim() {
            "" => "nothing".into(),
            text => format!("`{}`", shown(text)),
        };
        let (path, place) = (self.lines.path.clone(), self.lines.place());
        DataError::WrongType { path, place, column, found, expected }
    }
}

/// The lines of a file that are not blank, cut into fields.
#[derive(Debug)]
struct Lines {
    path: PathBuf,
    delimiter: u8,
    reader: BufReader<File>,
    bytes: Vec<u8>,
    record: ByteRecord,
    /// The line of the record, from 1; 0 before the first.
    line: u64,
}

impl Lines {
    fn open(path: &Path, delimiter: u8) -> Result<Self, DataError> {
        let file =
            open::ordinary(path).map_err(|source| DataError::Read { path: path.into(), source })?;
        Ok(Self {
            path: path.into(),
            delimiter,
            reader: BufReader::with_capacity(1 << 16, file),
            bytes: Vec::new(),
            record: ByteRecord::new(),
            line: 0,
        })
    }

    fn place(&self) -> Place {
        Place::Line(self.line)
    }

    /// Goes to the next line that is not blank; whether there is one.
    fn advance(&mut self) -> Result<bool, DataError> {
        while self.read_line()? {
            if !self.bytes.trim_ascii().is_empty() {
                self.cut()?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read_line(&mut self) -> Result<bool, DataError> {
        self.bytes.clear();
        let mut limited = (&mut self.reader).take(LONGEST_LINE);
        let n_read = limited
            .read_until(b'\n', &mut self.bytes)
            .map_err(|source| DataError::Read { path: self.path.clone(), source })?;
        self.line += 1;
        if n_read as u64 == LONGEST_LINE {
            let (path, place) = (self.path.clone(), self.place());
            let (found, expected) =
                (format!("a line of {n_read} bytes and more"), "a row of numbers");
            return Err(DataError::MatrixColumns { path, place, found, expected });
        }
        if self.line == 1 {
            if UTF16_MARKS.iter().any(|mark| self.bytes.starts_with(mark)) {
                return Err(DataError::Utf16 { path: self.path.clone() });
            }
            if self.bytes.starts_with(UTF8_MARK) {
                self.bytes.drain(..UTF8_MARK.len());
            }
        }
        while self.bytes.last().is_some_and(|it| matches!(it, b'\n' | b'\r')) {
            self.bytes.pop();
        }
        Ok(n_read > 0)
    }

    fn cut(&mut self) -> Result<(), DataError> {
        self.record.clear();
        if !self.bytes.contains(&b'"') {
            for field in self.bytes.split(|it| *it == self.delimiter) {
                self.record.push_field(field);
            }
            return Ok(());
        }
        if let Err(mut broken) = quotes::check(&self.bytes, self.delimiter) {
            broken.line = self.line;
            return Err(quote_error(&self.path, &[], broken));
        }
        csv::ReaderBuilder::new()
            .delimiter(self.delimiter)
            .has_headers(false)
            .from_reader(self.bytes.as_slice())
            .read_byte_record(&mut self.record)
            .map_err(|error| DataError::Read { path: self.path.clone(), source: error.into() })?;
        Ok(())
    }
}
