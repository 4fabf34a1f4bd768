//! CSV and TSV: the first record names the columns.
//!
//! Fields may be quoted with `"`, where two quotes stand for one; records may then hold line
//! ends. Blank lines are skipped.

use std::path::Path;

use csv::ByteRecord;

use super::Source;
use super::collect::{Row, RowSink};
use super::lines::LineCounter;
use super::quotes::{self, BrokenQuote, Fault};
use crate::columns::Chosen;
use crate::error::DataError;
use crate::place::Place;
use crate::shown::shown;

/// The header of a file and what was chosen from it.
struct Layout {
    header: Vec<String>,
    chosen: Chosen,
    text: usize,
    label: Option<usize>,
    gold: Option<usize>,
    id: Option<usize>,
}

pub(super) fn rows(
    source: Source<'_>,
    bytes: &[u8],
    delimiter: u8,
    sink: &mut dyn RowSink,
) -> Result<(), DataError> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let mut lines = LineCounter::new(bytes);
    let mut record = ByteRecord::new();
    if !next(source, &mut reader, &mut record)? {
        return Err(DataError::NoRows { path: source.path.into() });
    }
    let place = place_of(&record, &mut lines);
    let layout = layout(source, &record, place, quotes::check(bytes, delimiter))?;
    while next(source, &mut reader, &mut record)? {
        let place = place_of(&record, &mut lines);
        let (n_found, n_expected) = (record.len(), layout.header.len());
        if n_found != n_expected {
            return Err(DataError::Ragged { path: source.path.into(), place, n_found, n_expected });
        }
        push(source, &layout, &record, place, sink)?;
    }
    Ok(())
}

fn next(
    source: Source<'_>,
    reader: &mut csv::Reader<&[u8]>,
    record: &mut ByteRecord,
) -> Result<bool, DataError> {
    reader
        .read_byte_record(record)
        .map_err(|err| DataError::Read { path: source.path.into(), source: err.into() })
}

fn place_of(record: &ByteRecord, lines: &mut LineCounter<'_>) -> Place {
    let offset = record.position().map_or(0, csv::Position::byte);
    Place::Line(lines.line_of_record(offset as usize))
}

/// The column names and those to read; broken quotes anywhere in the file are refused first.
fn layout(
    source: Source<'_>,
    record: &ByteRecord,
    place: Place,
    quoting: Result<(), BrokenQuote>,
) -> Result<Layout, DataError> {
    let name = |(index, bytes): (usize, &[u8])| match std::str::from_utf8(bytes) {
        Ok(name) => Ok(name.trim().to_owned()),
        Err(err) => Err(not_utf8(source.path, place, column_name(&[], index), bytes, err)),
    };
    if let Err(broken) = quoting {
        // A quote broken in the header itself would garble the names.
        let in_header = Place::Line(broken.line) <= place;
        let names = record.iter().enumerate().map(name).collect::<Result<Vec<_>, _>>();
        let header = if in_header { Vec::new() } else { names.unwrap_or_default() };
        return Err(quote_error(source.path, &header, broken));
    }
    let header: Vec<String> = record.iter().enumerate().map(name).collect::<Result<_, _>>()?;
    let chosen = source.columns.choose(source.want, source.path, place, &header)?;
    let find = |name: &String| header.iter().position(|it| it == name);
    let (label, gold) = (chosen.label.as_ref().and_then(find), chosen.gold.as_ref().and_then(find));
    let (text, id) = (find(&chosen.text).unwrap_or(0), chosen.id.as_ref().and_then(find));
    Ok(Layout { header, chosen, text, label, gold, id })
}

fn push(
    source: Source<'_>,
    layout: &Layout,
    record: &ByteRecord,
    place: Place,
    sink: &mut dyn RowSink,
) -> Result<(), DataError> {
    let mut fields = Vec::with_capacity(record.len());
    for (index, bytes) in record.iter().enumerate() {
        let column = || column_name(&layout.header, index);
        let field = std::str::from_utf8(bytes)
            .map_err(|err| not_utf8(source.path, place, column(), bytes, err))?;
        fields.push(field);
    }
    let field = |index: usize| fields.get(index).copied().unwrap_or_default();
    let row = Row {
        place,
        text: field(layout.text),
        label: layout.label.map(field),
        gold: layout.gold.map(field),
        id: layout.id.map(field),
    };
    sink.push(&layout.chosen, row)
}

/// A column by name where the header is known, else by number from 1.
pub(super) fn column_name(header: &[String], index: usize) -> String {
    header.get(index).map_or_else(|| (index + 1).to_string(), |name| format!("`{}`", shown(name)))
}

pub(crate) fn not_utf8(
    path: &Path,
    place: Place,
    column: String,
    bytes: &[u8],
    err: std::str::Utf8Error,
) -> DataError {
    let byte = bytes.get(err.valid_up_to()).copied().unwrap_or_default();
    DataError::NotUtf8 { path: path.into(), place, column, byte }
}

pub(crate) fn quote_error(path: &Path, header: &[String], broken: BrokenQuote) -> DataError {
    let path = path.into();
    let (place, column) = (Place::Line(broken.line), column_name(header, broken.column));
    match broken.fault {
        Fault::Unclosed => DataError::UnclosedQuote { path, place, column },
        Fault::TextAfter { closed } => DataError::TextAfterQuote { path, place, column, closed },
    }
}
