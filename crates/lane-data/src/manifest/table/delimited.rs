//! CSV and TSV, streamed; a header, or columns by position.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use csv::ByteRecord;

use super::{RawRow, Take, missing, unreadable};
use crate::error::DataError;
use crate::manifest::ColumnMap;
use crate::place::Place;

pub(super) fn rows(
    path: &Path,
    delimiter: u8,
    columns: &ColumnMap,
    take: Take<'_>,
) -> Result<(), DataError> {
    let file = BufReader::new(File::open(path).map_err(unreadable(path))?);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(file);
    let mut record = ByteRecord::new();
    if !next(path, &mut reader, &mut record)? {
        return Err(DataError::NoRows { path: path.into() });
    }
    let first = fields(path, &record, &[])?;
    let header =
        columns.order.clone().unwrap_or_else(|| first.iter().map(|it| named(it)).collect());
    let layout = Layout::new(path, header, columns)?;
    if columns.order.is_some() && first.iter().map(|it| named(it)).ne(layout.header.iter().cloned())
    {
        take_record(path, &layout, &record, take)?;
    }
    while next(path, &mut reader, &mut record)? {
        take_record(path, &layout, &record, take)?;
    }
    Ok(())
}

/// Where in a record the wanted columns are.
struct Layout {
    header: Vec<String>,
    texts: Vec<usize>,
    label: usize,
    key: Option<usize>,
}

impl Layout {
    fn new(path: &Path, header: Vec<String>, columns: &ColumnMap) -> Result<Self, DataError> {
        let find = |name: &String| {
            let position = header.iter().position(|it| it == name);
            position.ok_or_else(|| missing(path, Place::Line(1), name, &header))
        };
        let texts = columns.text.iter().map(find).collect::<Result<_, _>>()?;
        let label = find(&columns.label)?;
        let key = columns.key.as_ref().map(find).transpose()?;
        Ok(Self { header, texts, label, key })
    }
}

fn next(
    path: &Path,
    reader: &mut csv::Reader<BufReader<File>>,
    record: &mut ByteRecord,
) -> Result<bool, DataError> {
    reader.read_byte_record(record).map_err(|error| unreadable(path)(error.into()))
}

fn take_record(
    path: &Path,
    layout: &Layout,
    record: &ByteRecord,
    take: Take<'_>,
) -> Result<(), DataError> {
    let (n_found, n_expected) = (record.len(), layout.header.len());
    let place = place(record);
    if n_found != n_expected {
        return Err(DataError::Ragged { path: path.into(), place, n_found, n_expected });
    }
    let fields = fields(path, record, &layout.header)?;
    let field = |index: usize| fields.get(index).map(|it| (*it).to_owned()).unwrap_or_default();
    let row = RawRow {
        texts: layout.texts.iter().map(|&index| field(index)).collect(),
        labels: vec![field(layout.label)],
        key: layout.key.map(field),
    };
    take(place, row)
}

fn place(record: &ByteRecord) -> Place {
    Place::Line(record.position().map_or(0, csv::Position::line))
}

fn fields<'a>(
    path: &Path,
    record: &'a ByteRecord,
    header: &[String],
) -> Result<Vec<&'a str>, DataError> {
    let field = |(index, bytes): (usize, &'a [u8])| {
        std::str::from_utf8(bytes).map_err(|error| DataError::NotUtf8 {
            path: path.into(),
            place: place(record),
            column: header
                .get(index)
                .map_or_else(|| (index + 1).to_string(), |it| format!("`{it}`")),
            byte: bytes.get(error.valid_up_to()).copied().unwrap_or_default(),
        })
    };
    record.iter().enumerate().map(field).collect()
}

/// A column name, without white space and byte-order mark around it.
fn named(field: &str) -> String {
    field.trim_start_matches('\u{feff}').trim().to_owned()
}
