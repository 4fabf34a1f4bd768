//! Structs in Thrift's compact protocol, of which Parquet's footer and page headers are made.
//!
//! The decoder reads a field by its number and takes its type for granted, so that one of another type
//! makes it read something else than what was checked. A walk therefore refuses them, and whatever
//! leads beyond the bytes there are.
//! <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

use std::io::{self, BufRead, Seek};

/// Structs and lists within one another; those of a footer have 7 levels.
const DEEPEST: usize = 16;

/// The type that a field, or each item of a list, is to have.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    Truth,
    Byte,
    /// Of at most 32 bits; 16, 32 and 64 are written alike.
    Integer,
    /// Of 64 bits.
    Long,
    Fraction,
    Bytes,
    List(&'static Shape),
    Struct(Fields),
}

/// Numbers and types of the fields of a struct; others are passed over.
pub(super) type Fields = &'static [(i64, Shape)];

/// What is met on a walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// A struct begins.
    Struct,
    Integer(i64),
}

/// A stretch of a file: what leads beyond it is refused, and so nothing in it is longer, or repeated
/// more often, than there are bytes.
pub(super) struct Compact<'a, R> {
    file: &'a mut R,
    left: u64,
    /// Numbers of the fields that lead to the one that is read; items of a list have that of the list.
    path: Vec<i64>,
}

impl<'a, R: BufRead + Seek> Compact<'a, R> {
    /// The next bytes of a file.
    pub(super) fn new(file: &'a mut R, n_bytes: u64) -> Self {
        Self { file, left: n_bytes, path: Vec::new() }
    }

    /// Bytes behind what was read.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// Reads one struct, and shows each struct and integer whose type is known, with the path to it.
    pub(super) fn walk(
        &mut self,
        shape: Fields,
        show: &mut dyn FnMut(&[i64], Met),
    ) -> io::Result<()> {
        show(&self.path, Met::Struct);
        let mut id = 0_i64;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            id = match head >> 4 {
                0 => self.integer()?,
                step => id + i64::from(step),
            };
            // What is wider is cut by the decoder, and so becomes another number.
            i16::try_from(id).map_err(|_| io::Error::other(format!("a field numbered {id}")))?;
            self.enter(id)?;
            let known = shape.iter().find(|(known, _)| *known == id).map(|(_, shape)| shape);
            match (head & 15, known) {
                // A truth value is its own type.
                (1 | 2, None | Some(Shape::Truth)) => {}
                (kind, Some(shape)) => self.value(kind, shape, show)?,
                (kind, None) => self.pass(kind)?,
            }
            self.path.pop();
        }
    }

    fn value(
        &mut self,
        kind: u8,
        shape: &Shape,
        show: &mut dyn FnMut(&[i64], Met),
    ) -> io::Result<()> {
        match (kind, shape) {
            (4..=6, Shape::Integer | Shape::Long) => {
                let value = self.integer()?;
                if matches!(shape, Shape::Integer) && i32::try_from(value).is_err() {
                    return Err(io::Error::other(format!("field {:?} is {value}", self.path)));
                }
                show(&self.path, Met::Integer(value));
                Ok(())
            }
            (12, Shape::Struct(fields)) => self.walk(fields, show),
            (9, Shape::List(item)) => {
                let (n_items, kind) = self.list()?;
                self.enter(self.path.last().copied().unwrap_or_default())?;
                (0..n_items).try_for_each(|_| self.value(kind, item, show))?;
                self.path.pop();
                Ok(())
            }
            (1 | 2, Shape::Truth) | (3, Shape::Byte) | (7, Shape::Fraction) | (8, Shape::Bytes) => {
                self.pass(kind)
            }
            _ => Err(io::Error::other(format!("field {:?} is of type {kind}", self.path))),
        }
    }

    /// Passes over a value, of which each takes a byte or more.
    fn pass(&mut self, kind: u8) -> io::Result<()> {
        match kind {
            1..=3 => self.byte().map(drop),
            4..=6 => self.integer().map(drop),
            7 => self.skip(8),
            8 => {
                let length = self.number()?;
                self.skip(length)
            }
            9 | 10 => {
                let (n_items, kind) = self.list()?;
                self.enter(0)?;
                (0..n_items).try_for_each(|_| self.pass(kind))?;
                self.path.pop();
                Ok(())
            }
            12 => self.walk(&[], &mut |_, _| {}),
            kind => Err(io::Error::other(format!("a value of type {kind}, which is not in use"))),
        }
    }

    fn enter(&mut self, id: i64) -> io::Result<()> {
        if DEEPEST <= self.path.len() {
            return Err(io::Error::other("too many levels"));
        }
        self.path.push(id);
        Ok(())
    }

    /// Number and type of the items that follow.
    fn list(&mut self) -> io::Result<(u64, u8)> {
        let head = self.byte()?;
        let n_items = if head >> 4 == 15 { self.number()? } else { u64::from(head >> 4) };
        let kind = head & 15;
        // Nothing in Parquet is a list of truth values, and the decoder takes them to have no bytes.
        if matches!(kind, 1 | 2) {
            return Err(io::Error::other("a list of truth values, which is not in use"));
        }
        Ok((n_items, kind))
    }

    /// A number with its sign in the lowest bit.
    fn integer(&mut self) -> io::Result<i64> {
        let value = self.number()?;
        Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }

    fn number(&mut self) -> io::Result<u64> {
        number(|| self.byte())
    }

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
        let beyond = || io::Error::other("it ends within a value");
        self.left = self.left.checked_sub(n_bytes).ok_or_else(beyond)?;
        Ok(())
    }
}

/// A whole number, seven bits a byte, the lowest first.
pub(super) fn number(mut next: impl FnMut() -> io::Result<u8>) -> io::Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = next()?;
        value |= u64::from(byte & 127) << shift;
        if byte < 128 {
            return Ok(value);
        }
    }
    Err(io::Error::other("a number of more than 64 bits"))
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const SHAPE: Fields =
        &[(1, Shape::Integer), (2, Shape::List(&Shape::Struct(&[(1, Shape::Integer)])))];

    #[track_caller]
    fn check(bytes: &[u8], expected: Result<&[(&[i64], Met)], &str>) {
        let mut met = Vec::new();
        let mut file = Cursor::new(bytes);
        let mut compact = Compact::new(&mut file, bytes.len() as u64);
        let walked = compact.walk(SHAPE, &mut |path, it| met.push((path.to_vec(), it)));
        let walked = walked.map(|()| met).map_err(|error| error.to_string());
        let expected = expected
            .map(|it| it.iter().map(|(path, met)| (path.to_vec(), *met)).collect())
            .map_err(ToString::to_string);
        assert_eq!(walked, expected);
    }

    #[test]
    fn known_structs_and_integers_are_shown_with_the_path_to_them() {
        // 1: 3; 2: two structs, one of them {1: -1}; 3: a truth value; 4: bytes; 9: a list of bytes.
        let bytes =
            [0x15, 6, 0x19, 0x2c, 0x15, 1, 0, 0, 0x11, 0x18, 2, b'a', b'b', 0x59, 0x23, 1, 2, 0];
        check(
            &bytes,
            Ok(&[
                (&[], Met::Struct),
                (&[1], Met::Integer(3)),
                (&[2, 2], Met::Struct),
                (&[2, 2, 1], Met::Integer(-1)),
                (&[2, 2], Met::Struct),
            ]),
        );
    }

    #[test]
    fn a_field_of_another_type_than_is_known_of_it_is_refused() {
        check(&[0x18, 1, b'a', 0], Err("field [1] is of type 8"));
        check(&[0x11, 0], Err("field [1] is of type 1"));
        check(&[0x29, 0x15, 2, 0], Err("field [2, 2] is of type 5"));
        check(&[0x3b, 0, 0], Err("a value of type 11, which is not in use"));
        check(&[0x39, 0x12, 1, 0], Err("a list of truth values, which is not in use"));
        check(&[0x05, 0x80, 0x80, 8, 0, 0], Err("a field numbered 65536"));
        check(&[0x16, 0x80, 0x80, 0x80, 0x80, 0x20, 0], Err("field [1] is 4294967296"));
    }

    #[test]
    fn lists_that_go_on_beyond_the_end_or_within_one_another_are_refused() {
        // A list of 2^62 fractions, of which none is there; a list in a list in a list.
        let mut long = vec![0x39, 0xf7];
        long.extend([0xff; 8]);
        long.push(0x3f);
        check(&long, Err("it ends within a value"));
        let deep = [vec![0x39], vec![0x19; 100_000]].concat();
        check(&deep, Err("too many levels"));
        let deep = [vec![0x3c], vec![0x1c; 100_000]].concat();
        check(&deep, Err("too many levels"));
    }
}
