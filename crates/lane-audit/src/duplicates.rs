//! Texts that say the same under different labels.
//!
//! Two texts are *exactly* the same when they are equal in lower case with every run of blanks as
//! one; punctuation counts. They are *nearly* the same when their sets A, B of five-character
//! pieces are alike:
//!
//! ```text
//! J(A, B) = |A ∩ B| / |A ∪ B| ≥ t                         (Jaccard; t = 0.8 unless told)
//! ```
//!
//! A text shorter than a piece is one piece. Groups are connected: a text is in a group when it is
//! alike to *some* text of it.
//!
//! [`near`] finds a pair that is alike with all but one chance in a million, compares what it finds
//! piece by piece, and draws nothing by lot: the same texts give the same groups. It keeps four
//! bytes per character, and about 40 per distinct piece while it counts.

pub mod near;

use std::collections::HashMap;

use crate::model::DuplicateGroup;

/// What counts as a near duplicate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Least Jaccard similarity of two texts that nearly say the same, above 0 and at most 1.
    pub threshold: f64,
    /// Whether to look for near duplicates at all.
    pub near: bool,
}

/// One word of a sentence of ten replaced is about 0.7, a changed ending above 0.8.
pub const THRESHOLD: f64 = 0.8;

impl Default for Options {
    fn default() -> Self {
        Self { threshold: THRESHOLD, near: true }
    }
}

/// Groups of texts that say the same and have at least two different labels.
///
/// # Arguments
///
/// - `rows`: text and label of each row, in the order of the file.
///
/// Exact groups come first, then near ones, each with most rows first. A near group holds all rows
/// of its texts, so that a row may be in an exact group and in a near one; [`by_row`] then names
/// the exact one. The similarity of a near group is that of its first text to the one least like it.
///
/// # Examples
///
/// ```
/// use lane_audit::duplicates::{find, Options};
///
/// let rows = [("Where is my card?", "card-lost"), ("where is  my CARD?", "card-arrival")];
/// let groups = find(&rows, &Options::default());
/// assert!(groups[0].exact);
/// assert_eq!(groups[0].labels, ["card-lost", "card-arrival"]);
/// ```
pub fn find(rows: &[(&str, &str)], options: &Options) -> Vec<DuplicateGroup> {
    let texts = Texts::of(rows);
    let exact = texts.rows.iter().map(|members| group(rows, members.clone(), 1.0, true));
    let mut groups: Vec<_> = exact.filter(in_conflict).collect();
    if options.near {
        let names: Vec<&str> = texts.names.iter().map(String::as_str).collect();
        let alike = near::groups(&names, options.threshold).into_iter();
        groups.extend(alike.map(|it| near_group(rows, &texts, &it)).filter(in_conflict));
    }
    groups.sort_by(|a, b| {
        let size = |it: &DuplicateGroup| (it.exact, it.rows.len());
        size(b).cmp(&size(a)).then_with(|| a.rows.cmp(&b.rows))
    });
    groups
}

/// For each row the first group that has it.
pub fn by_row(groups: &[DuplicateGroup], n_rows: usize) -> Vec<Option<u32>> {
    let mut found = vec![None; n_rows];
    for (at, group) in groups.iter().enumerate().rev() {
        for &row in &group.rows {
            found[row as usize] = Some(at as u32);
        }
    }
    found
}

/// The text in lower case, each run of blanks as one, none at the ends.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(&word.to_lowercase());
    }
    folded
}

/// The different texts, folded, in the order of their first rows, and the rows of each.
struct Texts {
    names: Vec<String>,
    rows: Vec<Vec<u32>>,
}

impl Texts {
    fn of(rows: &[(&str, &str)]) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut members: Vec<Vec<u32>> = Vec::new();
        for (row, (text, _)) in rows.iter().enumerate() {
            let place = *places.entry(fold(text)).or_insert(members.len());
            if place == members.len() {
                members.push(Vec::new());
            }
            members[place].push(row as u32);
        }
        let mut names = vec![String::new(); members.len()];
        #[expect(clippy::iter_over_hash_type, reason = "each name goes to its own place")]
        for (name, place) in places {
            names[place] = name;
        }
        Self { names, rows: members }
    }
}

fn near_group(rows: &[(&str, &str)], texts: &Texts, group_of: &near::Group) -> DuplicateGroup {
    let mut members: Vec<u32> =
        group_of.texts.iter().flat_map(|&text| texts.rows[text as usize].clone()).collect();
    members.sort_unstable();
    group(rows, members, group_of.similarity, false)
}

fn group(rows: &[(&str, &str)], members: Vec<u32>, similarity: f64, exact: bool) -> DuplicateGroup {
    let mut labels: Vec<(&str, usize)> = Vec::new();
    for &row in &members {
        let label = rows[row as usize].1;
        match labels.iter_mut().find(|(name, _)| *name == label) {
            Some((_, n_rows)) => *n_rows += 1,
            None => labels.push((label, 1)),
        }
    }
    // The sort is stable: labels of as many rows stay in the order of the file.
    labels.sort_by_key(|&(_, n_rows)| std::cmp::Reverse(n_rows));
    let labels = labels.into_iter().map(|(name, _)| name.to_owned()).collect();
    DuplicateGroup { exact, similarity, rows: members, labels }
}

fn in_conflict(group: &DuplicateGroup) -> bool {
    group.labels.len() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[(&str, &str)]) -> Vec<DuplicateGroup> {
        find(rows, &Options::default())
    }

    #[test]
    fn case_and_blanks_do_not_tell_texts_apart_but_punctuation_does() {
        let rows = [("Où est ÉMILE", "a"), ("  où est\témile\n", "b"), ("où est émile?", "c")];
        let groups = find(&rows, &Options { near: false, ..Options::default() });
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].exact, &groups[0].rows[..]), (true, &[0, 1][..]));
    }

    #[test]
    fn texts_that_agree_on_their_label_are_no_group() {
        assert_eq!(found(&[("same text", "a"), ("same text", "a"), ("other", "b")]), []);
    }

    #[test]
    fn nothing_is_found_in_nothing() {
        assert_eq!(found(&[]), []);
        assert_eq!(found(&[("", "a")]), []);
    }

    #[test]
    fn empty_texts_are_the_same_text() {
        assert_eq!(found(&[("", "a"), (" ", "b")])[0].rows, [0, 1]);
    }

    #[test]
    fn a_changed_word_of_a_long_text_is_a_near_duplicate() {
        let rows = [
            ("please tell me where I can find the nearest branch of the bank today", "a"),
            ("please tell me where I can find the nearest branch of the bank now", "b"),
            ("something else entirely, about a lost card", "c"),
        ];
        let groups = found(&rows);
        assert_eq!(groups.len(), 1);
        assert!(
            !groups[0].exact && groups[0].similarity >= THRESHOLD && groups[0].similarity < 1.0
        );
        assert_eq!(groups[0].rows, [0, 1]);
    }

    #[test]
    fn exact_groups_stand_before_near_ones_and_claim_their_rows() {
        let text = "please tell me where I can find the nearest branch of the bank";
        let longer = format!("{text}!");
        let rows = [(longer.as_str(), "a"), (text, "a"), (text, "b")];
        let groups = found(&rows);
        let shown: Vec<_> = groups.iter().map(|it| (it.exact, it.rows.clone())).collect();
        assert_eq!(shown, [(true, vec![1, 2]), (false, vec![0, 1, 2])]);
        assert_eq!(by_row(&groups, 3), [Some(1), Some(0), Some(0)]);
    }

    #[test]
    fn labels_of_a_group_are_ordered_by_their_rows() {
        let rows = [("t", "a"), ("t", "b"), ("t", "b"), ("t", "c")];
        assert_eq!(found(&rows)[0].labels, ["b", "a", "c"]);
    }
}
