//! The sizes in the headers of Parquet pages, which the decoder believes.
//!
//! Of a header's fields, 2 and 3 are the unpacked and packed size of the page, 5 and 8 the header of data
//! in the first and second version, whose 1 is their number of values and whose 2 and 4 is the encoding,
//! 7 the header of a dictionary, whose 1 is its number of values.

use std::io::{self, BufRead, Seek, SeekFrom};
use std::ops::RangeInclusive;

use super::compact::{Compact, Met};
use super::shapes::PAGE_HEADER;

/// The encodings that write differences: of numbers, of lengths of texts, of texts.
const DIFFERENCES: RangeInclusive<i64> = 5..=7;

/// The encodings that name values of a dictionary, in the older and the newer spelling.
const BY_DICTIONARY: [i64; 2] = [2, 8];

/// Sizes of the pages of one column, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sizes {
    /// As they stand in the file.
    pub(super) packed: u64,
    /// As they state to be.
    pub(super) unpacked: u64,
    /// The largest, unpacked.
    pub(super) largest: u64,
    /// Values that the pages state to hold, nulls among them.
    pub(super) n_values: u64,
    /// Whether values are written as differences in one of them.
    pub(super) has_differences: bool,
}

/// One page of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Page {
    /// Where its values begin, behind the header and levels that are not packed.
    pub(super) start: u64,
    /// Bytes from there on, as they stand in the file.
    pub(super) packed: u64,
    /// What those state to be, unpacked.
    pub(super) unpacked: u64,
}

/// What one header says.
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    unpacked: i64,
    packed: i64,
    n_dictionary: i64,
    n_values: i64,
    encoding: i64,
    is_dictionary: bool,
    /// Bytes of both levels in front of the values, where those alone are packed.
    levels: [i64; 2],
    is_below_0: bool,
    /// Headers of data or of a dictionary within it, of which there is to be one.
    n_kinds: u32,
}

impl Header {
    fn take(&mut self, path: &[i64], met: Met) {
        let value = match (path, met) {
            (_, Met::Integer(value)) => value,
            ([kind @ (5 | 7 | 8)], Met::Struct) => {
                self.n_kinds += 1;
                self.is_dictionary = *kind == 7;
                return;
            }
            _ => return,
        };
        match path {
            [2] => self.unpacked = value,
            [3] => self.packed = value,
            [7, 1] => self.n_dictionary = value,
            [5 | 8, 1] => self.n_values = value,
            [5, 2] | [8, 4] => self.encoding = value,
            [8, 5] => self.levels[0] = value,
            [8, 6] => self.levels[1] = value,
            _ => return,
        }
        self.is_below_0 |= value < 0;
    }
}

/// Walks the pages from byte `start` to `end` of a file, and shows each.
pub(super) fn sizes(
    file: &mut (impl BufRead + Seek),
    start: u64,
    end: u64,
    mut show_page: impl FnMut(Page),
) -> Result<Sizes, String> {
    let mut sizes = Sizes::default();
    let mut has_dictionary = false;
    let mut at = start;
    while at < end {
        let failed = |error: io::Error| format!("page header at byte {at}: {error}");
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut header = Header::default();
        let mut compact = Compact::new(&mut *file, end - at);
        compact.walk(PAGE_HEADER, &mut |path, met| header.take(path, met)).map_err(failed)?;
        let after = end - compact.left();
        if 1 < header.n_kinds {
            return Err(format!("page header at byte {at}: of more than one kind"));
        }
        if header.is_below_0 {
            return Err(format!("page header at byte {at}: a size below 0"));
        }
        has_dictionary |= header.is_dictionary;
        if BY_DICTIONARY.contains(&header.encoding) && !has_dictionary {
            return Err(format!("page header at byte {at}: values of a dictionary before it"));
        }
        let [unpacked, packed, n_dictionary, n_values] =
            [header.unpacked, header.packed, header.n_dictionary, header.n_values]
                .map(i64::unsigned_abs);
        let levels = header.levels.iter().sum::<i64>().unsigned_abs();
        at = after.saturating_add(packed);
        if end < at {
            return Err(format!(
                "a page of {packed} bytes at byte {after}, the column ends at {end}"
            ));
        }
        let (Some(packed_values), Some(unpacked_values)) =
            (packed.checked_sub(levels), unpacked.checked_sub(levels))
        else {
            return Err(format!("levels of {levels} bytes in a page of {packed}"));
        };
        show_page(Page { start: after + levels, packed: packed_values, unpacked: unpacked_values });
        // Each value takes a byte or more, so more of them cannot be there.
        if unpacked < n_dictionary {
            return Err(format!("a dictionary of {n_dictionary} values in {unpacked} bytes"));
        }
        sizes.packed = sizes.packed.saturating_add(packed);
        sizes.unpacked = sizes.unpacked.saturating_add(unpacked);
        sizes.largest = sizes.largest.max(unpacked);
        sizes.n_values = sizes.n_values.saturating_add(n_values);
        sizes.has_differences |= DIFFERENCES.contains(&header.encoding);
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<Sizes, &str>) {
        let found = sizes(&mut Cursor::new(bytes), 0, bytes.len() as u64, |_| {});
        assert_eq!(found, expected.map_err(Into::into));
    }

    #[test]
    fn levels_that_are_not_packed_stand_before_the_values() {
        // Unpacked 9, packed 5; data of the second version: levels of 1 and 2 bytes.
        let page = [0x25, 18, 0x15, 10, 0x5c, 0x55, 2, 0x15, 4, 0, 0, 7, 7, 7, 7, 7];
        let mut shown = Vec::new();
        let end = page.len() as u64;
        sizes(&mut Cursor::new(page), 0, end, |page| shown.push(page)).unwrap();
        assert_eq!(shown, [Page { start: 14, packed: 2, unpacked: 6 }]);
        let page = [0x25, 18, 0x15, 2, 0x5c, 0x55, 2, 0x15, 4, 0, 0, 7];
        check(&page, Err("levels of 3 bytes in a page of 1"));
    }

    #[test]
    fn sizes_of_all_pages_are_added_up() {
        // Type 2, unpacked 300, packed 2, dictionary {1: 3 values, 2: encoding}; then a data page.
        let pages = [
            0x15, 4, 0x15, 0xd8, 4, 0x15, 4, 0x4c, 0x15, 6, 0x15, 0, 0, 0, 9, 9, // dictionary
            0x15, 0, 0x15, 20, 0x15, 2, 0x68, 2, b'a', b'b', 0,
            9, // data, passing over a string
        ];
        check(
            &pages,
            Ok(Sizes {
                packed: 3,
                unpacked: 310,
                largest: 300,
                n_values: 0,
                has_differences: false,
            }),
        );
    }

    #[test]
    fn what_cannot_be_is_refused() {
        check(&[0x15, 0, 0x15, 1, 0x15, 0, 0], Err("page header at byte 0: a size below 0"));
        check(
            &[0x15, 0, 0x15, 2, 0x15, 80, 0],
            Err("a page of 40 bytes at byte 7, the column ends at 7"),
        );
        check(
            &[0x15, 0, 0x15, 2, 0x15, 0, 0x2c, 0, 0x3c, 0, 0],
            Err("page header at byte 0: of more than one kind"),
        );
        check(
            &[0x15, 0, 0x15, 2, 0x15, 0, 0x2c, 0x15, 0, 0x15, 16, 0, 0],
            Err("page header at byte 0: values of a dictionary before it"),
        );
        check(
            &[0x15, 4, 0x15, 2, 0x15, 0, 0x4c, 0x15, 200, 1, 0, 0],
            Err("a dictionary of 100 values in 1 bytes"),
        );
        check(&[0x15, 0], Err("page header at byte 0: it ends within a value"));
        check(&[0x18, 1, b'a', 0], Err("page header at byte 0: field [1] is of type 8"));
    }
}
