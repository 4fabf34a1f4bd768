//! The nearest of some names to a misspelt one.
//!
//! Distance counts single-character insertions, deletions and substitutions and swaps of two
//! neighbors (optimal string alignment), after folding case.

/// Longer names (a text in the place of a header, say) are not compared: time grows with the
/// product of the lengths.
const MAX_LENGTH: usize = 100;

/// The closest of `names` to `wanted`, or `None` when nothing is close enough to be a slip.
///
/// Close enough: at most a third of the longer name differs, and at least one edit is always
/// allowed. Ties go to the earliest name.
pub(crate) fn closest<'a>(
    wanted: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = wanted.to_lowercase();
    if MAX_LENGTH < wanted.len() {
        return None;
    }
    names
        .into_iter()
        .filter(|name| name.len() <= MAX_LENGTH)
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= allowed(&wanted, name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn allowed(wanted: &str, name: &str) -> usize {
    (wanted.chars().count().max(name.chars().count()) / 3).max(1)
}

fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let width = right.len() + 1;
    let mut rows = vec![(0..width).collect::<Vec<usize>>()];
    for i in 1..=left.len() {
        let mut row = vec![i; width];
        for j in 1..width {
            let substituted = rows[i - 1][j - 1] + usize::from(left[i - 1] != right[j - 1]);
            row[j] = substituted.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if 1 < i && 1 < j && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::{closest, distance};

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(distance("label", "lable"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("text", "text"), 0);
    }

    #[test]
    fn slip_of_the_pen_is_recognized() {
        assert_eq!(closest("label", ["text", "labels", "id"]), Some("labels"));
        assert_eq!(closest("Label", ["text", "label"]), Some("label"));
        assert_eq!(closest("id", ["idx", "text"]), Some("idx"));
    }

    #[test]
    fn unlike_names_are_not_suggested() {
        assert_eq!(closest("label", ["text", "emotion"]), None);
        assert_eq!(closest("label", []), None);
    }
}
