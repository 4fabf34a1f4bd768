//! The counts that delta-encoded pages state, for which the decoder makes room before it looks further.
//!
//! A run of whole numbers is: values of a block, miniblocks of a block, values of the run, first value;
//! then blocks of a least difference, the width in bits of each miniblock, and the miniblocks. Numbers are
//! such a run, texts one of lengths, texts without what they share with the one before two of them.
//! <https://parquet.apache.org/docs/file-format/data-pages/encodings/>

use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use ::parquet::basic::Encoding;
use ::parquet::column::page::{Page, PageReader};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::serialized_reader::SerializedPageReader;

use super::compact;

/// Bits of a byte.
const BYTE: u64 = 8;

/// Refuses a column that states more values in a run than in the page, or than `most`.
pub(super) fn check(
    file: &Arc<File>,
    column: &ColumnChunkMetaData,
    n_rows: usize,
    most: u64,
) -> Result<(), String> {
    let mut pages = SerializedPageReader::new(file.clone(), column, n_rows, None)
        .map_err(|error| error.to_string())?;
    let levels = [column.column_descr().max_rep_level(), column.column_descr().max_def_level()];
    while let Some(page) = pages.get_next_page().map_err(|error| error.to_string())? {
        let n_runs = match page.encoding() {
            Encoding::DELTA_BINARY_PACKED | Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
            Encoding::DELTA_BYTE_ARRAY => 2,
            _ => continue,
        };
        let mut bytes = values(&page, levels)?;
        for _ in 0..n_runs {
            bytes = after_run(bytes, most.min(u64::from(page.num_values())))?;
        }
    }
    Ok(())
}

/// What stands in a page behind the levels of repetition and definition.
fn values(page: &Page, levels: [i16; 2]) -> Result<&[u8], String> {
    let cut = || "a page shorter than its levels".to_owned();
    match page {
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let mut bytes = &buf[..];
            for (most, encoding) in levels.into_iter().zip([rep_level_encoding, def_level_encoding])
            {
                let n_bytes = match encoding {
                    _ if most == 0 => 0,
                    Encoding::RLE => {
                        let length = bytes.first_chunk().ok_or_else(cut)?;
                        4 + u64::from(u32::from_le_bytes(*length))
                    }
                    _ => {
                        let width = u64::from(16 - most.leading_zeros());
                        (u64::from(*num_values) * width).div_ceil(BYTE)
                    }
                };
                bytes = behind(bytes, n_bytes).ok_or_else(cut)?;
            }
            Ok(bytes)
        }
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let n_bytes = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
            behind(buf, n_bytes).ok_or_else(cut)
        }
        Page::DictionaryPage { buf, .. } => Ok(buf),
    }
}

fn behind(bytes: &[u8], n_bytes: u64) -> Option<&[u8]> {
    bytes.get(usize::try_from(n_bytes).ok()?..)
}

/// What stands behind a run of at most so many numbers.
fn after_run(mut bytes: &[u8], most: u64) -> Result<&[u8], String> {
    let cut = || "a run of differences that is cut off".to_owned();
    let mut next = || number(&mut bytes).ok_or_else(cut);
    let (of_block, n_miniblocks, n_values, _first) = (next()?, next()?, next()?, next()?);
    if most < n_values {
        return Err(format!("a run of {n_values} values, expected at most {most}"));
    }
    let of_miniblock = of_block.checked_div(n_miniblocks).unwrap_or_default();
    if of_miniblock == 0 {
        return Err(format!("blocks of {of_block} values in {n_miniblocks} parts"));
    }
    let mut left = n_values.saturating_sub(1);
    while left > 0 {
        number(&mut bytes).ok_or_else(cut)?;
        let n_widths = usize::try_from(n_miniblocks).map_err(|_| cut())?;
        let (widths, rest) = bytes.split_at_checked(n_widths).ok_or_else(cut)?;
        bytes = rest;
        for width in widths {
            if left > 0 {
                let n_bytes = of_miniblock.saturating_mul(u64::from(*width)) / BYTE;
                bytes = behind(bytes, n_bytes).ok_or_else(cut)?;
                left = left.saturating_sub(of_miniblock);
            }
        }
    }
    Ok(bytes)
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let next = || {
        let mut byte = [0];
        bytes.read_exact(&mut byte).map(|()| byte[0])
    };
    compact::number(next).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], most: u64, expected: Result<&[u8], &str>) {
        assert_eq!(after_run(bytes, most), expected.map_err(Into::into));
    }

    #[test]
    fn a_run_ends_behind_its_last_miniblock() {
        // Blocks of 128 in 4 parts, one value: no block.
        check(&[128, 1, 4, 1, 6, 9], 1, Ok(&[9]));
        // Three values: one block, of whose parts the first has 32 numbers of 2 bits.
        let run = [128, 1, 4, 3, 6, 0, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        check(&run, 3, Ok(&[9]));
    }

    #[track_caller]
    fn behind_levels(encoding: Encoding, buf: &[u8], levels: [i16; 2], expected: &[u8]) {
        let page = Page::DataPage {
            buf: buf.to_vec().into(),
            num_values: 9,
            encoding: Encoding::DELTA_BINARY_PACKED,
            def_level_encoding: encoding,
            rep_level_encoding: encoding,
            statistics: None,
        };
        assert_eq!(values(&page, levels), Ok(expected));
    }

    #[test]
    fn values_stand_behind_the_levels() {
        behind_levels(Encoding::RLE, &[1, 2], [0, 0], &[1, 2]);
        behind_levels(Encoding::RLE, &[1, 0, 0, 0, 7, 8], [0, 1], &[8]);
        behind_levels(Encoding::RLE, &[1, 0, 0, 0, 7, 0, 0, 0, 0, 8], [1, 1], &[8]);
        #[expect(deprecated, reason = "files of it are read")]
        let packed = Encoding::BIT_PACKED;
        // Nine levels of one bit, then of two.
        behind_levels(packed, &[7, 7, 8], [0, 1], &[8]);
        behind_levels(packed, &[7, 7, 7, 8], [0, 3], &[8]);
        behind_levels(packed, &[7, 7, 7, 7, 7, 8], [2, 3], &[]);
    }

    #[test]
    fn runs_that_cannot_be_are_refused() {
        let many = [128, 1, 4, 255, 255, 255, 255, 15, 0];
        check(&many, 3, Err("a run of 4294967295 values, expected at most 3"));
        check(&[0, 4, 2, 0], 3, Err("blocks of 0 values in 4 parts"));
        check(&[128, 1, 0, 2, 0], 3, Err("blocks of 128 values in 0 parts"));
        check(&[128, 1, 4, 2, 0, 0, 1], 3, Err("a run of differences that is cut off"));
        check(&[255; 12], 3, Err("a run of differences that is cut off"));
    }
}
