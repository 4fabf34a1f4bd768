//! Which rows with the same text have another label.

use std::collections::BTreeMap;

use crate::duplicates;
use crate::model::DuplicateGroup;

/// Rows with the same or nearly the same text and another label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Conflict {
    /// The place of their label among the names.
    pub(super) label: usize,
    /// The first of them.
    pub(super) row: u32,
    /// How many they are.
    pub(super) n_rows: u32,
    /// 1 for the same text, below for one nearly the same.
    pub(super) similarity: f64,
}

/// For each row its group, and the most frequent of the other labels there, of equals the first.
pub(super) fn of(
    groups: &[DuplicateGroup],
    labels: &[lane_metrics::ClassId],
) -> Vec<Option<(u32, Option<Conflict>)>> {
    let of_rows = duplicates::by_row(groups, labels.len());
    let counts: Vec<_> = groups.iter().map(|group| count(group, labels)).collect();
    let of_row = |(row, at): (usize, Option<u32>)| {
        let at = at?;
        let others = counts[at as usize].iter().filter(|(label, _)| **label != labels[row].index());
        let most = others.min_by_key(|(_, (first, n))| (std::cmp::Reverse(*n), *first));
        let conflict = most.map(|(label, (first, n))| Conflict {
            label: *label,
            row: *first,
            n_rows: *n,
            similarity: groups[at as usize].similarity,
        });
        Some((at, conflict))
    };
    of_rows.into_iter().enumerate().map(of_row).collect()
}

/// By label: the first row and how many.
fn count(group: &DuplicateGroup, labels: &[lane_metrics::ClassId]) -> BTreeMap<usize, (u32, u32)> {
    let mut counts = BTreeMap::new();
    for row in &group.rows {
        counts.entry(labels[*row as usize].index()).or_insert((*row, 0)).1 += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use lane_metrics::ClassId;

    use super::*;

    #[test]
    fn a_row_is_told_of_the_most_frequent_other_label_of_its_text() {
        let group = |rows: &[u32]| DuplicateGroup {
            exact: true,
            similarity: 1.0,
            rows: rows.to_vec(),
            labels: Vec::new(),
        };
        let labels = [0, 1, 0, 2, 2, 1].map(ClassId);
        let twins = of(&[group(&[0, 1, 3, 4])], &labels);
        let (at, conflict) = twins[0].unwrap();
        let conflict = conflict.unwrap();
        assert_eq!((at, conflict.label, conflict.row, conflict.n_rows), (0, 2, 3, 2));
        let (_, conflict) = twins[3].unwrap();
        assert_eq!(conflict.map(|it| (it.label, it.row)), Some((0, 0)), "of equals the first");
        assert_eq!((twins[2], twins[5]), (None, None));
    }
}
