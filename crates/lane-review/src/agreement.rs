//! What several annotators decided together.
//!
//! An annotator who skipped a row has no opinion on it. Two agree where both want the same label,
//! by whichever key they chose it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::decision::Standing;
use crate::error::ReviewError;

/// The opinions on each row that anyone has one on.
pub fn opinions(standing: &[Standing]) -> BTreeMap<u32, Vec<&Standing>> {
    let mut rows = BTreeMap::<u32, Vec<&Standing>>::new();
    for decision in standing.iter().filter(|it| it.new_label.is_some()) {
        rows.entry(decision.row).or_default().push(decision);
    }
    rows
}

/// How far annotators agree on the rows that more than one decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Annotators with an opinion on some row.
    pub n_annotators: usize,
    /// Rows that more than one decided.
    pub n_shared: usize,
    /// Of them, rows on which all who decided agree.
    pub n_agreeing: usize,
}

impl Agreement {
    /// Of these opinions.
    pub fn of(opinions: &BTreeMap<u32, Vec<&Standing>>) -> Self {
        let mut names: Vec<&str> =
            opinions.values().flatten().map(|it| it.annotator.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let shared = opinions.values().filter(|it| 1 < it.len());
        let (mut n_shared, mut n_agreeing) = (0, 0);
        for row in shared {
            n_shared += 1;
            n_agreeing += usize::from(agree(row));
        }
        Self { n_annotators: names.len(), n_shared, n_agreeing }
    }
}

/// Whether all want the same label.
pub fn agree(opinions: &[&Standing]) -> bool {
    opinions.windows(2).all(|pair| pair[0].new_label == pair[1].new_label)
}

/// When a label counts as decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    min_agreement: f64,
    min_annotators: usize,
}

/// What a [`Rule`] makes of the opinions on a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// This label, by these opinions.
    Label(&'a str, Vec<&'a Standing>),
    /// Too few want the same.
    Disagreement,
    /// Too few decided.
    TooFew,
}

impl Rule {
    /// All who decided agree, and somebody did.
    pub(crate) const UNANIMOUS: Self = Self { min_agreement: 1.0, min_annotators: 1 };

    /// The label that at least the share `min_agreement` of those who decided want, where at least
    /// `min_annotators` did.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Setting`] for a share of a half or less, by which two labels could win, or above
    /// 1, and for no annotators.
    pub fn new(min_agreement: f64, min_annotators: usize) -> Result<Self, ReviewError> {
        if !(0.5 < min_agreement && min_agreement <= 1.0) {
            return Err(ReviewError::Setting {
                setting: "the least agreement",
                found: min_agreement.to_string(),
                expected: "a share above 0.5, at most 1",
            });
        }
        if min_annotators == 0 {
            return Err(ReviewError::Setting {
                setting: "the least number of annotators",
                found: "0".into(),
                expected: "1 or more",
            });
        }
        Ok(Self { min_agreement, min_annotators })
    }

    /// What it makes of the opinions on a row.
    pub fn outcome<'a>(self, opinions: &[&'a Standing]) -> Outcome<'a> {
        if opinions.len() < self.min_annotators {
            return Outcome::TooFew;
        }
        let mut votes = BTreeMap::<&str, Vec<&Standing>>::new();
        for opinion in opinions.iter().copied() {
            if let Some(label) = &opinion.new_label {
                votes.entry(label).or_default().push(opinion);
            }
        }
        // 2 of 3 must pass for 0.6667 written by hand; no two counts of people are so close.
        let slack = 1e-3 / opinions.len().max(1) as f64;
        let enough = |it: &Vec<&Standing>| {
            self.min_agreement <= it.len() as f64 / opinions.len() as f64 + slack
        };
        match votes.into_iter().find(|(_, it)| enough(it)) {
            Some((label, voters)) => Outcome::Label(label, voters),
            None => Outcome::Disagreement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::Decision;

    fn opinion(row: u32, annotator: &str, label: Option<&str>) -> Standing {
        Standing {
            number: 1,
            row,
            decision: if label.is_some() { Decision::Other } else { Decision::Skip },
            new_label: label.map(Into::into),
            annotator: annotator.into(),
            decided_at: "2026-11-22T05:41:22Z".into(),
        }
    }

    #[track_caller]
    fn check(rule: (f64, usize), labels: &[&str], expected: &str) {
        let all: Vec<_> = labels.iter().map(|it| opinion(0, it, Some(it))).collect();
        let all: Vec<_> = all.iter().collect();
        let shown = match Rule::new(rule.0, rule.1).unwrap().outcome(&all) {
            Outcome::Label(label, voters) => format!("{label} by {}", voters.len()),
            Outcome::Disagreement => "disagreement".into(),
            Outcome::TooFew => "too few".into(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn by_default_everyone_who_decided_must_agree() {
        check((1.0, 1), &["a"], "a by 1");
        check((1.0, 1), &["a", "a"], "a by 2");
        check((1.0, 1), &["a", "b"], "disagreement");
    }

    #[test]
    fn a_share_lets_a_majority_decide_but_never_a_tie() {
        check((0.6667, 1), &["a", "b", "a"], "a by 2");
        check((0.7, 1), &["a", "b", "a"], "disagreement");
        check((0.51, 1), &["a", "b"], "disagreement");
        check((0.51, 1), &["a", "b", "c"], "disagreement");
    }

    #[test]
    fn a_least_number_of_annotators_leaves_the_others_open() {
        check((1.0, 2), &["a"], "too few");
        check((1.0, 2), &["a", "a"], "a by 2");
        check((1.0, 1), &[], "too few");
    }

    #[test]
    fn a_rule_by_which_two_labels_could_win_is_refused() {
        for share in [0.5, 0.0, 1.1, f64::NAN] {
            let message = Rule::new(share, 1).unwrap_err().to_string();
            assert!(message.starts_with("the least agreement is "), "{message}");
        }
        assert!(Rule::new(1.0, 0).is_err());
    }

    #[test]
    fn those_who_skipped_have_no_opinion() {
        let all = [
            opinion(0, "ann", Some("x")),
            opinion(0, "bob", None),
            opinion(1, "ann", Some("x")),
            opinion(1, "bob", Some("y")),
            opinion(2, "ann", Some("x")),
            opinion(2, "bob", Some("x")),
        ];
        let expected = Agreement { n_annotators: 2, n_shared: 2, n_agreeing: 1 };
        assert_eq!(Agreement::of(&opinions(&all)), expected);
        assert_eq!(Agreement::of(&opinions(&[])), Agreement::default());
    }
}
