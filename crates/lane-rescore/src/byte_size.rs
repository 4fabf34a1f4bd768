//! Amounts of memory as people write them: `512MiB`, `1GiB`, `2GB`, `1073741824`.

use std::fmt;
use std::str::FromStr;

use crate::error::RescoreError;

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 8] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

impl FromStr for ByteSize {
    type Err = RescoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit = UNITS.iter().find_map(|(name, bytes)| Some((text.strip_suffix(name)?, *bytes)));
        let (number, bytes) = unit.unwrap_or((text, 1));
        let count = number.trim_end().parse::<u64>().ok();
        count.and_then(|count| count.checked_mul(bytes)).map(Self).ok_or_else(|| {
            RescoreError::Setting {
                setting: "memory",
                found: format!("`{text}`"),
                expected: "a whole number with KiB, MiB, GiB, TiB, kB, MB, GB, TB or nothing behind it",
            }
        })
    }
}

impl fmt::Display for ByteSize {
    /// In the largest binary unit that divides it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divides = |unit: &&(&str, u64)| self.0 > 0 && self.0.is_multiple_of(unit.1);
        match UNITS[..4].iter().rev().find(divides) {
            Some((name, bytes)) => write!(f, "{} {name}", self.0 / bytes),
            None => write!(f, "{} bytes", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_in_binary_and_decimal_units() {
        let read = |text: &str| text.parse::<ByteSize>().unwrap().0;
        assert_eq!((read("1GiB"), read("512 MiB"), read("2GB")), (1 << 30, 1 << 29, 2_000_000_000));
        assert_eq!((read("1024"), read("3kB")), (1024, 3000));
    }

    #[test]
    fn what_is_no_whole_number_of_bytes_is_refused() {
        for text in ["", "GiB", "1.5GiB", "-1", "1 gib", "20000000TiB", "1GiBs"] {
            let said = text.parse::<ByteSize>().unwrap_err().to_string();
            assert!(said.starts_with(&format!("memory is `{text}`, expected")), "{said}");
        }
    }

    #[test]
    fn sizes_are_shown_in_the_largest_unit_that_divides_them() {
        assert_eq!(ByteSize(1 << 30).to_string(), "1 GiB");
        assert_eq!(ByteSize(3 << 19).to_string(), "1536 KiB");
        assert_eq!(
            (ByteSize(0).to_string(), ByteSize(1001).to_string()),
            ("0 bytes".into(), "1001 bytes".into())
        );
    }
}
