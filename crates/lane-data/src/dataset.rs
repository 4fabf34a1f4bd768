//! What the readers deliver: examples with numbered labels, or texts alone.

use std::path::PathBuf;

use lane_metrics::{ClassId, RowId};
use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::label_set::LabelSet;

/// One row of a labelled file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The row's name: from the id column, else its number from 0.
    pub id: String,
    /// The text, exactly as in the file.
    pub text: String,
    /// The given, possibly wrong label.
    pub label: ClassId,
    /// The label known to be right, where the file has a gold column.
    pub gold: Option<ClassId>,
}

/// A labelled file, read and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The rows; row `i` is `RowId(i)`.
    pub examples: Vec<Example>,
    /// The classes that the labels number.
    pub labels: LabelSet,
    /// What a person should know although it stops nothing.
    pub warnings: Vec<String>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// Whether every row has a gold label (all have it, or none).
    pub has_gold: bool,
    /// The file.
    pub path: PathBuf,
}

impl Dataset {
    /// How many rows there are.
    pub fn n_rows(&self) -> usize {
        self.examples.len()
    }

    /// How many classes the label set has.
    pub fn n_classes(&self) -> usize {
        self.labels.len()
    }

    /// All row ids, ascending.
    pub fn rows(&self) -> Vec<RowId> {
        (0..self.examples.len() as u32).map(RowId).collect()
    }

    /// The texts in row order.
    pub fn texts(&self) -> Vec<&str> {
        self.examples.iter().map(|it| it.text.as_str()).collect()
    }

    /// The given labels in row order.
    pub fn given_labels(&self) -> Vec<ClassId> {
        self.examples.iter().map(|it| it.label).collect()
    }

    /// The gold labels in row order, `None` if the file has no gold column.
    pub fn gold_labels(&self) -> Option<Vec<ClassId>> {
        self.examples.iter().map(|it| it.gold).collect()
    }

    /// Rows for each class by the given label, shape `[n_classes]`.
    pub fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.labels.len()];
        for example in &self.examples {
            if let Some(count) = counts.get_mut(example.label.index()) {
                *count += 1;
            }
        }
        counts
    }

    /// The given rows, renumbered from 0 in the order given; label set, hash and path stay
    /// those of the whole file.
    ///
    /// # Errors
    ///
    /// [`DataError::RowOutOfRange`] on the first row that this set does not have.
    pub fn subset(&self, rows: &[RowId]) -> Result<Self, DataError> {
        let examples = rows
            .iter()
            .map(|row| {
                self.examples.get(row.index()).cloned().ok_or(DataError::RowOutOfRange {
                    row: row.index(),
                    n_rows: self.examples.len(),
                })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            examples,
            labels: self.labels.clone(),
            warnings: self.warnings.clone(),
            sha256: self.sha256.clone(),
            has_gold: self.has_gold,
            path: self.path.clone(),
        })
    }
}

/// Texts without labels, for prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlabelled {
    /// The rows' names: from the id column, else their numbers from 0.
    pub ids: Vec<String>,
    /// The texts, exactly as in the file.
    pub texts: Vec<String>,
    /// SHA-256 of the file, lower-case hexadecimal.
    pub sha256: String,
    /// The file.
    pub path: PathBuf,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn three_rows() -> Dataset {
        let example = |id: &str, label| Example {
            id: id.into(),
            text: format!("text of {id}"),
            label: ClassId(label),
            gold: None,
        };
        Dataset {
            examples: vec![example("a", 0), example("b", 1), example("c", 1)],
            labels: LabelSet::from_names(["no", "yes", "never"]).unwrap(),
            warnings: Vec::new(),
            sha256: String::new(),
            has_gold: false,
            path: "x.csv".into(),
        }
    }

    #[test]
    fn counts_cover_classes_without_rows() {
        assert_eq!(three_rows().class_counts(), [1, 2, 0]);
        assert_eq!(three_rows().gold_labels(), None);
    }

    #[test]
    fn subset_keeps_the_order_asked_for_and_the_label_set() {
        let subset = three_rows().subset(&[RowId(2), RowId(0)]).unwrap();
        assert_eq!(subset.texts(), ["text of c", "text of a"]);
        assert_eq!(subset.n_classes(), 3);
        assert_eq!(subset.rows(), [RowId(0), RowId(1)]);
    }

    #[test]
    fn subset_refuses_a_row_that_is_not_there() {
        let err = three_rows().subset(&[RowId(0), RowId(3)]).unwrap_err();
        assert_eq!(err.to_string(), "row 3 does not exist: there are 3 rows, the first is 0");
    }
}
