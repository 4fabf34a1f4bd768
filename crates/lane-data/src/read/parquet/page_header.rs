//! The sizes in the headers of Parquet pages, which the decoder believes.
//!
//! A header is a struct in Thrift's compact protocol: 1 type, 2 unpacked and 3 packed size of the
//! page, 5 and 8 the header of data in the first and second version, whose 1 is their number of values
//! and whose 2 and 4 is the encoding, 7 the header of a dictionary, whose 1 is its number of values; the
//! rest is passed over.
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

use std::io::{self, BufRead, Seek, SeekFrom};
use std::ops::RangeInclusive;

/// Structs within structs; a page header has 3 levels.
const DEEPEST: u32 = 8;

/// The encodings that write differences: of numbers, of lengths of texts, of texts.
const DIFFERENCES: RangeInclusive<i64> = 5..=7;

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

/// What one header says.
#[derive(Clone, Copy, Debug, Default)]
struct Header {
    unpacked: i64,
    packed: i64,
    n_dictionary: i64,
    n_values: i64,
    encoding: i64,
}

/// Walks the pages from byte `start` to `end` of a file.
pub(super) fn sizes(
    file: &mut (impl BufRead + Seek),
    start: u64,
    end: u64,
) -> Result<Sizes, String> {
    let mut sizes = Sizes::default();
    let mut at = start;
    while at < end {
        let failed = |error: io::Error| format!("page header at byte {at}: {error}");
        file.seek(SeekFrom::Start(at)).map_err(failed)?;
        let mut header = Header::default();
        let mut within = Within { file: &mut *file, left: end - at };
        fields(&mut within, 0, 0, &mut |depth, outer, id, value| match (depth, outer, id) {
            (0, _, 2) => header.unpacked = value,
            (0, _, 3) => header.packed = value,
            (1, 7, 1) => header.n_dictionary = value,
            (1, 5 | 8, 1) => header.n_values = value,
            (1, 5, 2) | (1, 8, 4) => header.encoding = value,
            _ => {}
        })
        .map_err(failed)?;
        let after = end - within.left;
        let size = |value: i64| u64::try_from(value).ok();
        let (Some(unpacked), Some(packed), Some(n_dictionary), Some(n_values)) = (
            size(header.unpacked),
            size(header.packed),
            size(header.n_dictionary),
            size(header.n_values),
        ) else {
            return Err(format!("page header at byte {at}: a size below 0"));
        };
        at = after.saturating_add(packed);
        if end < at {
            return Err(format!(
                "a page of {packed} bytes at byte {after}, the column ends at {end}"
            ));
        }
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

/// The bytes of a column, from a header on: a header that leads beyond them is refused, and so
/// nothing in it is longer, or repeated more often, than there are bytes.
struct Within<'a, R> {
    file: &'a mut R,
    left: u64,
}

impl<R: BufRead + Seek> Within<'_, R> {
    fn byte(&mut self) -> io::Result<u8> {
        self.take(1)?;
        let mut byte = [0];
        self.file.read_exact(&mut byte)?;
        Ok(byte[0])
    }

    fn skip(&mut self, n_bytes: u64) -> io::Result<()> {
        self.take(n_bytes)?;
        self.file.seek_relative(i64::try_from(n_bytes).map_err(io::Error::other)?)
    }

    fn take(&mut self, n_bytes: u64) -> io::Result<()> {
        let beyond = || io::Error::other("it leads beyond the column");
        self.left = self.left.checked_sub(n_bytes).ok_or_else(beyond)?;
        Ok(())
    }
}

/// Reads one struct; `take` gets depth, the field of the level above, field and value of integers.
fn fields<R: BufRead + Seek>(
    file: &mut Within<'_, R>,
    depth: u32,
    outer: i64,
    take: &mut dyn FnMut(u32, i64, i64, i64),
) -> io::Result<()> {
    if DEEPEST <= depth {
        return Err(io::Error::other("too many levels"));
    }
    let mut id = 0_i64;
    loop {
        let head = file.byte()?;
        if head == 0 {
            return Ok(());
        }
        id = match head >> 4 {
            0 => integer(file)?,
            step => id.saturating_add(i64::from(step)),
        };
        match head & 15 {
            // A truth value is its own type.
            1 | 2 => {}
            4..=6 => take(depth, outer, id, integer(file)?),
            12 => fields(file, depth + 1, id, take)?,
            kind => pass(file, kind, depth + 1)?,
        }
    }
}

/// Passes over a value of a kind that no size has; each takes a byte or more.
fn pass<R: BufRead + Seek>(file: &mut Within<'_, R>, kind: u8, depth: u32) -> io::Result<()> {
    match kind {
        1..=3 => file.byte().map(drop),
        4..=6 => integer(file).map(drop),
        7 => file.skip(8),
        8 => {
            let length = number(file)?;
            file.skip(length)
        }
        9 | 10 if DEEPEST <= depth => Err(io::Error::other("too many levels")),
        9 | 10 => {
            let head = file.byte()?;
            let n = if head >> 4 == 15 { number(file)? } else { u64::from(head >> 4) };
            (0..n).try_for_each(|_| pass(file, head & 15, depth + 1))
        }
        12 => fields(file, depth, 0, &mut |_, _, _, _| {}),
        _ => Err(io::Error::other("a type that no page header has")),
    }
}

/// A whole number, seven bits a byte, the lowest first.
fn number<R: BufRead + Seek>(file: &mut Within<'_, R>) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = file.byte()?;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Ok(value);
        }
    }
    Err(io::Error::other("a number of more than 64 bits"))
}

/// A number with its sign in the lowest bit.
fn integer<R: BufRead + Seek>(file: &mut Within<'_, R>) -> io::Result<i64> {
    let value = number(file)?;
    Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<Sizes, &str>) {
        let found = sizes(&mut Cursor::new(bytes), 0, bytes.len() as u64);
        assert_eq!(found, expected.map_err(Into::into));
    }

    #[test]
    fn sizes_of_all_pages_are_added_up() {
        // Type 2, unpacked 300, packed 2, dictionary {1: 3 values, 2: encoding}; then a data page.
        let pages = [
            0x15, 4, 0x15, 0xd8, 4, 0x15, 4, 0x4c, 0x15, 6, 0x15, 0, 0, 0, 9, 9, // dictionary
            0x15, 0, 0x15, 20, 0x15, 2, 0x18, 2, b'a', b'b', 0,
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
            &[0x15, 4, 0x15, 2, 0x15, 0, 0x4c, 0x15, 200, 1, 0, 0],
            Err("a dictionary of 100 values in 1 bytes"),
        );
        check(&[0xff; 12], Err("page header at byte 0: a type that no page header has"));
        check(&[0x1c; 9], Err("page header at byte 0: too many levels"));
        check(&[0x15, 0], Err("page header at byte 0: it leads beyond the column"));
    }

    #[test]
    fn lists_that_go_on_beyond_the_file_or_within_one_another_are_refused() {
        // A list of 2^62 fractions, of which none is there; a list in a list in a list.
        let mut long = vec![0x19, 0xf7];
        long.extend([0xff; 8]);
        long.push(0x3f);
        check(&long, Err("page header at byte 0: it leads beyond the column"));
        check(&vec![0x19; 100_000], Err("page header at byte 0: too many levels"));
    }
}
