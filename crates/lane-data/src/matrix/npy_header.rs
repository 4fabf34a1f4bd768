//! The header of a `NumPy` array: a magic word, a version, and a Python dictionary of three keys.
//!
//! ```text
//! \x93NUMPY 1 0 <length: u16> {'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }
//! ```
//!
//! Versions 2 and 3 have a length of 32 bits, version 3 allows UTF-8 in names of fields. The
//! crates that read the format parse any Python literal for this, by a grammar that brings two
//! dozen crates along; the three values have so few forms that a page reads them.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use std::io::{self, Read};

const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// A header of a matrix has some hundred bytes.
const LONGEST: u32 = 1 << 16;

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F2,
    F4,
    F8,
}

impl Element {
    pub(super) fn n_bytes(self) -> usize {
        match self {
            Self::F2 => 2,
            Self::F4 => 4,
            Self::F8 => 8,
        }
    }
}

/// What the header says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: Element,
    pub(super) is_big_endian: bool,
    pub(super) is_fortran: bool,
    pub(super) shape: Vec<u64>,
    /// Bytes before the first number.
    pub(super) n_bytes: u64,
}

/// Why there is no header: reading failed, or what was found and what was expected.
#[derive(Debug)]
pub(super) enum Refusal {
    Io(io::Error),
    Found(String, &'static str),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Self::Found("the end of the file within the header".into(), "a NumPy array")
            }
            _ => Self::Io(error),
        }
    }
}

impl Header {
    pub(super) fn read(file: &mut impl Read) -> Result<Self, Refusal> {
        let mut start = [0; 8];
        file.read_exact(&mut start)?;
        if start[..6] != *MAGIC {
            let found = format!("a file that starts with {:02x?}", &start[..6]);
            return Err(Refusal::Found(found, "the magic word of a NumPy array"));
        }
        let (length, n_before) = match start[6] {
            1 => (u32::from(u16::from_le_bytes(bytes(file)?)), 10),
            2 | 3 => (u32::from_le_bytes(bytes(file)?), 12),
            version => {
                let found = format!("version {version} of the format");
                return Err(Refusal::Found(found, "version 1, 2 or 3"));
            }
        };
        if LONGEST < length {
            return Err(Refusal::Found(format!("a header of {length} bytes"), "at most 65536"));
        }
        let mut text = vec![0; length as usize];
        file.read_exact(&mut text)?;
        let text = String::from_utf8_lossy(&text);
        let header = Parser { rest: &text }.header(n_before + u64::from(length));
        header.ok_or_else(|| {
            let expected =
                "keys `descr`, `fortran_order` and `shape` of an array of floats (f2, f4, f8)";
            Refusal::Found(format!("the header `{}`", crate::shown::shown(text.trim())), expected)
        })
    }
}

fn bytes<const N: usize>(file: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

/// What is left of the dictionary.
struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn header(mut self, n_bytes: u64) -> Option<Header> {
        let (mut element, mut order, mut shape) = (None, None, None);
        self.take("{")?;
        while self.take("}").is_none() {
            let key = self.quoted()?;
            self.take(":")?;
            match key {
                "descr" => element = Some(element_of(self.quoted()?)?),
                "fortran_order" => order = Some(self.truth()?),
                "shape" => shape = Some(self.tuple()?),
                _ => return None,
            }
            if self.take(",").is_none() && !self.rest.starts_with('}') {
                return None;
            }
        }
        let ((element, is_big_endian), is_fortran) = (element?, order?);
        self.rest.is_empty().then_some(())?;
        Some(Header { element, is_big_endian, is_fortran, shape: shape?, n_bytes })
    }

    /// Passes over a token and the blanks around it.
    fn take(&mut self, token: &str) -> Option<()> {
        self.rest = self.rest.trim_start().strip_prefix(token)?.trim_start();
        Some(())
    }

    fn quoted(&mut self) -> Option<&'a str> {
        let quote = self.rest.chars().next().filter(|it| matches!(it, '\'' | '"'))?;
        let (text, rest) = self.rest[1..].split_once(quote)?;
        self.rest = rest.trim_start();
        Some(text)
    }

    fn truth(&mut self) -> Option<bool> {
        if self.take("True").is_some() { Some(true) } else { self.take("False").map(|()| false) }
    }

    /// Numbers in parentheses; version 1 of Python 2 put an `L` behind them.
    fn tuple(&mut self) -> Option<Vec<u64>> {
        self.take("(")?;
        let (inside, rest) = self.rest.split_once(')')?;
        self.rest = rest.trim_start();
        let numbers = inside.trim().trim_end_matches(',');
        let number = |it: &str| it.trim().trim_end_matches('L').parse().ok();
        if numbers.is_empty() {
            return Some(Vec::new());
        }
        numbers.split(',').map(number).collect()
    }
}

/// The number that a type string stands for, and whether its first byte is the highest.
fn element_of(text: &str) -> Option<(Element, bool)> {
    let (order, kind) = text.split_at_checked(1)?;
    let element = match kind {
        "f2" => Element::F2,
        "f4" => Element::F4,
        "f8" => Element::F8,
        _ => return None,
    };
    match order {
        "<" => Some((element, false)),
        ">" => Some((element, true)),
        "=" => Some((element, cfg!(target_endian = "big"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(version: u8, dictionary: &str) -> Result<Header, String> {
        let mut file = MAGIC.to_vec();
        file.extend([version, 0]);
        let length = dictionary.len() as u32;
        let wide = length.to_le_bytes();
        file.extend(if version == 1 { &wide[..2] } else { &wide });
        file.extend(dictionary.as_bytes());
        Header::read(&mut file.as_slice()).map_err(|refusal| match refusal {
            Refusal::Found(found, expected) => format!("found {found}, expected {expected}"),
            Refusal::Io(error) => error.to_string(),
        })
    }

    #[test]
    fn all_versions_orders_and_quotes_are_read() {
        let header = Header {
            element: Element::F4,
            is_big_endian: false,
            is_fortran: false,
            shape: vec![3, 2],
            n_bytes: 68,
        };
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)}\n";
        assert_eq!(read(1, text).unwrap(), header);
        let header = Header { n_bytes: 70, ..header };
        assert_eq!([read(2, text).unwrap(), read(3, text).unwrap()], [header.clone(), header]);
        let text = "{\"shape\":(5L,),\"descr\":\">f2\",\"fortran_order\":True,}";
        let header = read(1, text).unwrap();
        assert_eq!((header.element, header.is_big_endian), (Element::F2, true));
        assert_eq!((header.is_fortran, header.shape), (true, vec![5]));
    }

    #[test]
    fn what_is_no_header_of_floats_is_refused() {
        let refused = |text: &str| read(1, text).unwrap_err();
        assert_eq!(
            refused("{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}"),
            "found the header `{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}`, expected \
             keys `descr`, `fortran_order` and `shape` of an array of floats (f2, f4, f8)"
        );
        let nested = "(".repeat(60_000);
        for text in [
            "",
            "{",
            "{}",
            "}",
            "{'descr': '<f4'",
            "{'descr'",
            "'",
            "{'é': 1}",
            nested.as_str(),
            "{'descr': 'é4', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '', 'fortran_order': False, 'shape': (3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-3,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3,)} more",
            "{'descr': '<f4' 'fortran_order': False, 'shape': (3,)}",
        ] {
            assert!(refused(text).starts_with("found the header"), "{text}");
        }
        assert_eq!(
            read(4, "").unwrap_err(),
            "found version 4 of the format, expected version 1, 2 or 3"
        );
        let short = Header::read(&mut &b"\x93NUMPY\x01\x00\xff"[..]).unwrap_err();
        assert!(matches!(short, Refusal::Found(found, _) if found.starts_with("the end")));
        let other = Header::read(&mut &b"PK\x03\x04zip file"[..]).unwrap_err();
        assert!(matches!(other, Refusal::Found(found, _) if found.contains("[50, 4b, 03, 04")));
    }
}
