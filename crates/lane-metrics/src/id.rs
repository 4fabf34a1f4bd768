//! Typed indices: which class, which row of the data set.
//!
//! Both are plain numbers in a wrapper, so that a label cannot be passed where a row is meant.
//! A [`RowId`] names a row of the *data set* and never a place in a batch: averages over a
//! whole training run are kept under it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A class, counted from 0 in the order of the label set.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ClassId(pub u16);

impl ClassId {
    /// The class as a column index.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for ClassId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// A row of the data set, counted from 0; the same in every epoch and every batch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct RowId(pub u32);

impl RowId {
    /// The row as an index into per-row stores.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_written_as_bare_numbers() {
        assert_eq!(serde_json::to_string(&(ClassId(3), RowId(70_000))).unwrap(), "[3,70000]");
        assert_eq!(format!("{} {}", ClassId(3), RowId(70_000)), "3 70000");
    }

    #[test]
    fn ids_order_like_their_numbers() {
        assert!(ClassId(2) < ClassId(10));
        assert!(RowId(2) < RowId(10));
    }
}
