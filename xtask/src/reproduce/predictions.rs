//! The test predictions of the runs at one place of the grid, as numbers that can be counted.
//!
//! `test_predictions.csv` of a run folder has columns `row,id,label,best,final`; older folders do not
//! have the file. What is compared row by row has to be about the same rows, so a run whose rows or
//! labels are not those of the first one counts as a run without predictions.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;

use super::score::code;
use super::training_data::read_table;

const FILE: &str = "test_predictions.csv";

/// Labels of the test rows, and what each run made of them.
#[derive(Debug, Default)]
pub(super) struct Predictions {
    classes: BTreeMap<String, u16>,
    /// By row; empty before the first run.
    labels: Vec<u16>,
}

impl Predictions {
    /// Whether a run folder has them.
    pub(super) fn are_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    pub(super) fn n_classes(&self) -> usize {
        self.classes.len()
    }

    pub(super) fn labels(&self) -> &[u16] {
        &self.labels
    }

    /// The [`code`] of each row at the best epoch of a run; none where there is nothing to compare.
    pub(super) fn codes_of(&mut self, folder: &Path) -> Result<Option<Vec<u32>>> {
        if !Self::are_in(folder) {
            return Ok(None);
        }
        let table = read_table(&folder.join(FILE))?;
        let (row, label, best) =
            (table.required("row")?, table.required("label")?, table.required("best")?);
        let mut lines = Vec::with_capacity(table.rows.len());
        for line in &table.rows {
            let number: u64 = line[row].parse()?;
            lines.push((number, self.class(&line[label]), self.class(&line[best])));
        }
        lines.sort_unstable();
        let labels: Vec<u16> = lines.iter().map(|(_, label, _)| *label).collect();
        if self.labels.is_empty() {
            self.labels.clone_from(&labels);
        }
        let is_same = !labels.is_empty() && labels == self.labels;
        Ok(is_same.then(|| lines.iter().map(|&(_, label, best)| code(best, label)).collect()))
    }

    fn class(&mut self, name: &str) -> u16 {
        if let Some(&class) = self.classes.get(name) {
            return class;
        }
        let class = self.classes.len() as u16;
        self.classes.insert(name.to_owned(), class);
        class
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn folder(text: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), text).unwrap();
        folder
    }

    #[test]
    fn rows_are_put_in_order_and_right_ones_told_apart() {
        let mut predictions = Predictions::default();
        let run = folder("row,id,label,best,final\n1,b,y,x,y\n0,a,x,x,x\n");
        // Classes by first sight: y 0, x 1. Row 0 is x, predicted x; row 1 is y, predicted x.
        assert_eq!(predictions.codes_of(run.path()).unwrap(), Some(vec![3, 2]));
        assert_eq!((predictions.labels(), predictions.n_classes()), (&[1, 0][..], 2));
    }

    #[test]
    fn a_run_without_the_file_or_of_other_rows_has_no_predictions() {
        let mut predictions = Predictions::default();
        let first = folder("row,id,label,best,final\n0,a,x,x,x\n");
        let other = folder("row,id,label,best,final\n0,a,y,x,x\n");
        let none = tempfile::tempdir().unwrap();
        assert!(predictions.codes_of(first.path()).unwrap().is_some());
        assert_eq!(predictions.codes_of(other.path()).unwrap(), None);
        assert_eq!(predictions.codes_of(none.path()).unwrap(), None);
    }
}
