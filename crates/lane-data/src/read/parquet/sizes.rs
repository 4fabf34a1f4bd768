//! What a Parquet file says of its own sizes, held against the file before anything is decoded.
//!
//! The decoder allocates what it is told to, and a few hundred bytes can tell of gigabytes: a page
//! that is compressed a thousandfold, a run of a billion equal rows, a long value in a dictionary
//! that every row names. Text compresses tenfold, so files that grow a hundredfold are refused.

use std::fs::File;
use std::io::BufReader;
use std::sync::Arc;

use ::parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData, RowGroupMetaData};

use super::page_header::{self, Page};
use super::{delta, packing};

/// Bytes that any file may grow to, and how many fold it may beyond.
const FREE_BYTES: u64 = 64 << 20;
const MOST_FOLD: u64 = 100;

/// Rows that any file may have, and how many more a byte of it: a row of text and label takes some.
const FREE_ROWS: u64 = 1 << 16;
const ROWS_A_BYTE: u64 = 16;

/// Values of a column that any file may have beyond its rows: those of a matrix in lists.
const FREE_VALUES: u64 = 1 << 24;

/// Bytes of values that are decoded at a time, and rows at most.
const BATCH_BYTES: u64 = 32 << 20;
const BATCH_ROWS: u64 = 8192;

/// What may be decoded of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Rows that are decoded at a time. No value is longer than the largest page.
    pub(crate) batch_rows: usize,
    /// Bytes of text that all rows may come to.
    pub(crate) text_bytes: u64,
}

/// Checks the sizes that metadata and page headers state for the columns of `roots`.
pub(crate) fn check(
    file: &File,
    metadata: &ParquetMetaData,
    roots: &[usize],
) -> Result<Bounds, String> {
    let file_size = file.metadata().map_err(|error| error.to_string())?.len();
    lie_within(metadata, file_size)?;
    check_rows(metadata, file_size)?;
    let schema = metadata.file_metadata().schema_descr();
    let (mut packed, mut unpacked, mut largest) = (0_u64, 0_u64, 0_u64);
    let file = file.try_clone().map_err(|error| error.to_string())?;
    let mut reader = BufReader::new(file);
    // Pages that are unpacked to be looked at, once it is known that they can be.
    let (mut hidden, mut with_differences) = (Vec::new(), Vec::new());
    for group in metadata.row_groups() {
        for (leaf, column) in group.columns().iter().enumerate() {
            if roots.contains(&schema.get_column_root_idx(leaf)) {
                let pages = pages(&mut reader, column, &mut hidden)
                    .map_err(|reason| of_column(column, &reason))?;
                check_values(&column.column_path().string(), pages.n_values, file_size)?;
                packed = packed.saturating_add(pages.packed);
                unpacked = unpacked.saturating_add(pages.unpacked);
                largest = largest.max(pages.largest);
                if pages.has_differences {
                    with_differences.push((group, column));
                }
            }
        }
    }
    let most = FREE_BYTES.max(packed.saturating_mul(MOST_FOLD));
    if most < unpacked {
        return Err(format!(
            "{packed} bytes of pages state to be {unpacked} unpacked, expected at most {most}"
        ));
    }
    for (column, page) in hidden {
        packing::check_gzip(&mut reader, page).map_err(|reason| of_column(column, &reason))?;
    }
    let file = Arc::new(reader.into_inner());
    for (group, column) in with_differences {
        let n_rows = usize::try_from(group.num_rows()).unwrap_or_default();
        delta::check(&file, column, n_rows, most_rows(file_size))
            .map_err(|reason| of_column(column, &reason))?;
    }
    let batch_rows = (BATCH_BYTES / largest.max(1)).clamp(1, BATCH_ROWS) as usize;
    let text_bytes = (4 * FREE_BYTES).max(file_size.saturating_mul(MOST_FOLD));
    Ok(Bounds { batch_rows, text_bytes })
}

/// The sizes that the pages of a column state; those that may lie about them are put by.
fn pages<'a>(
    reader: &mut BufReader<File>,
    column: &'a ColumnChunkMetaData,
    hidden: &mut Vec<(&'a ColumnChunkMetaData, Page)>,
) -> Result<page_header::Sizes, String> {
    let hides_size = packing::hides_size(column.compression())?;
    let show = |page| hidden.extend(hides_size.then_some((column, page)));
    page_header::sizes(reader, start(column), end(column), show)
}

/// Every column chunk must lie within the file.
fn lie_within(metadata: &ParquetMetaData, file_size: u64) -> Result<(), String> {
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let size = column.compressed_size();
        let end = u64::try_from(start).ok().zip(u64::try_from(size).ok());
        let end = end.and_then(|(start, size)| start.checked_add(size));
        if end.is_none_or(|end| file_size < end) {
            let name = column.column_path().string();
            return Err(format!(
                "column `{name}` takes {size} bytes from byte {start}, the file has {file_size}"
            ));
        }
    }
    Ok(())
}

fn check_rows(metadata: &ParquetMetaData, file_size: u64) -> Result<(), String> {
    let rows = |group: &RowGroupMetaData| u64::try_from(group.num_rows()).unwrap_or(u64::MAX);
    let n_rows = metadata.row_groups().iter().map(rows).fold(0, u64::saturating_add);
    let most = most_rows(file_size);
    if most < n_rows {
        return Err(format!(
            "the file states {n_rows} rows in {file_size} bytes, expected at most {most}"
        ));
    }
    Ok(())
}

/// A row may be a list, and a run of a billion equal values takes a few bytes.
fn check_values(column: &str, n_values: u64, file_size: u64) -> Result<(), String> {
    let most = FREE_VALUES.saturating_add(file_size.saturating_mul(ROWS_A_BYTE));
    if most < n_values {
        return Err(format!(
            "column `{column}` states {n_values} values in a file of {file_size} bytes, expected at most {most}"
        ));
    }
    Ok(())
}

fn most_rows(file_size: u64) -> u64 {
    FREE_ROWS.saturating_add(file_size.saturating_mul(ROWS_A_BYTE))
}

fn of_column(column: &ColumnChunkMetaData, reason: &str) -> String {
    format!("column `{}`: {reason}", column.column_path().string())
}

fn start(column: &ColumnChunkMetaData) -> u64 {
    // Checked by `lie_within` to be no less than 0.
    column.dictionary_page_offset().unwrap_or(column.data_page_offset()).unsigned_abs()
}

fn end(column: &ColumnChunkMetaData) -> u64 {
    start(column).saturating_add(column.compressed_size().unsigned_abs())
}
