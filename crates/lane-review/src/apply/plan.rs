//! Which labels change, by whom, and which rows are left because people disagree.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::agreement::{Outcome, Rule, opinions};
use crate::decision::Standing;
use crate::error::ReviewError;
use crate::review::Review;

/// A label that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The row, by its place in the file.
    pub row: u32,
    /// The label it gets.
    pub new_label: String,
    /// Who wants it; nobody where a suggestion is taken unseen.
    pub annotators: Vec<String>,
    /// When the last of them decided.
    pub decided_at: String,
}

/// A row on which annotators disagree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disagreement {
    /// The row, by its place in the file.
    pub row: u32,
    /// Its id.
    pub id: String,
    /// The label it has, and keeps.
    pub label: String,
    /// What each annotator wants.
    pub wanted: BTreeMap<String, String>,
}

/// All that changes, by row.
pub(super) struct Plan {
    pub(super) changes: Vec<Change>,
    pub(super) disagreements: Vec<Disagreement>,
    pub(super) n_decided: usize,
    pub(super) n_kept: usize,
    pub(super) n_too_few: usize,
}

impl Plan {
    pub(super) fn new(
        review: &Review,
        standing: &[Standing],
        rule: Rule,
        accept_flagged: bool,
    ) -> Result<Self, ReviewError> {
        let mut plan = Self {
            changes: Vec::new(),
            disagreements: Vec::new(),
            n_decided: 0,
            n_kept: 0,
            n_too_few: 0,
        };
        for (row, opinions) in opinions(standing) {
            plan.decide(review, row, &opinions, rule)?;
        }
        if accept_flagged {
            plan.accept_flagged(review, standing);
        }
        plan.changes.sort_by_key(|it| it.row);
        Ok(plan)
    }

    fn decide(
        &mut self,
        review: &Review,
        row: u32,
        opinions: &[&Standing],
        rule: Rule,
    ) -> Result<(), ReviewError> {
        let Some(audited) = review.row(row) else {
            return Err(ReviewError::Setting {
                setting: "the row of a decision",
                found: row.to_string(),
                expected: "a row of the audited file",
            });
        };
        self.n_decided += 1;
        match rule.outcome(opinions) {
            Outcome::TooFew => self.n_too_few += 1,
            Outcome::Label(label, _) if label == audited.label => self.n_kept += 1,
            Outcome::Label(label, voters) => self.changes.push(Change {
                row,
                new_label: label.to_owned(),
                annotators: voters.iter().map(|it| it.annotator.clone()).collect(),
                decided_at: voters.iter().map(|it| it.decided_at.clone()).max().unwrap_or_default(),
            }),
            Outcome::Disagreement => {
                let wanted = |it: &&Standing| Some((it.annotator.clone(), it.new_label.clone()?));
                self.disagreements.push(Disagreement {
                    row,
                    id: audited.id.clone(),
                    label: audited.label.clone(),
                    wanted: opinions.iter().filter_map(wanted).collect(),
                });
            }
        }
        Ok(())
    }

    /// Suggestions for flagged rows that nobody had on the screen; who skipped a row did.
    fn accept_flagged(&mut self, review: &Review, standing: &[Standing]) {
        let seen: Vec<u32> = standing.iter().map(|it| it.row).collect();
        let unseen = |row: u32| seen.binary_search(&row).is_err();
        let rows = review.audit().rows.iter();
        let flagged = rows.filter(|it| it.flagged && it.suggested != it.label && unseen(it.row));
        self.changes.extend(flagged.map(|it| Change {
            row: it.row,
            new_label: it.suggested.clone(),
            annotators: Vec::new(),
            decided_at: String::new(),
        }));
    }

    /// The new label of each row that gets one.
    pub(super) fn labels(&self) -> BTreeMap<usize, &str> {
        self.changes.iter().map(|it| (it.row as usize, it.new_label.as_str())).collect()
    }
}
