//! Where in a file something stands.

use std::fmt;

/// A position that an editor or a data frame can jump to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Line of a text file, counted from 1; for a record over several lines, its first one.
    Line(u64),
    /// Row of a table without lines (Parquet), counted from 0 as data frames do.
    Row(u64),
    /// The schema of a table, which stands before its first row.
    Schema,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row} (the first is 0)"),
            Self::Schema => f.write_str("schema"),
        }
    }
}
