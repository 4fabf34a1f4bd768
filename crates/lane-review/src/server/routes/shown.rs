//! What the page is shown of a row, of the progress and of disagreements.

use lane_audit::AuditRow;
use serde::Serialize;

use super::{Site, mine};
use crate::agreement::{Agreement, agree, opinions};
use crate::decision::{Decision, Standing};
use crate::error::ReviewError;

/// More texts that say the same would not help to decide.
const MAX_DUPLICATES: usize = 20;

/// A row of the queue.
#[derive(Debug, Serialize)]
pub(super) struct Item<'a> {
    place: usize,
    #[serde(flatten)]
    row: &'a AuditRow,
    duplicates_of: Option<Duplicates<'a>>,
    /// What the annotator of this server decided before.
    decided: Option<&'a Standing>,
}

/// Texts that say the same as that of a row.
#[derive(Debug, Serialize)]
struct Duplicates<'a> {
    exact: bool,
    similarity: f64,
    /// How many there are besides the row.
    n_others: usize,
    /// The first of them.
    others: Vec<Duplicate<'a>>,
}

#[derive(Debug, Serialize)]
struct Duplicate<'a> {
    row: u32,
    text: &'a str,
    label: &'a str,
}

impl<'a> Item<'a> {
    pub(super) fn of(site: &'a Site, place: usize, row: &'a AuditRow, all: &'a [Standing]) -> Self {
        let decided = mine(site, all).get(&row.row).copied();
        Self { place, row, duplicates_of: duplicates(site, row), decided }
    }
}

fn duplicates<'a>(site: &'a Site, row: &AuditRow) -> Option<Duplicates<'a>> {
    let group = site.review.audit().summary.duplicates.get(row.duplicates? as usize)?;
    let others = group.rows.iter().filter(|it| **it != row.row);
    let others = others.filter_map(|it| site.review.row(*it));
    let shown = |it: &'a AuditRow| Duplicate { row: it.row, text: &it.text, label: &it.label };
    Some(Duplicates {
        exact: group.exact,
        similarity: group.similarity,
        n_others: others.clone().count(),
        others: others.take(MAX_DUPLICATES).map(shown).collect(),
    })
}

/// How far the annotator of this server is, and how far annotators agree.
#[derive(Debug, Serialize)]
pub(super) struct Progress {
    /// Rows of the queue.
    n: usize,
    /// Of them, rows that have a label by this annotator.
    n_decided: usize,
    /// Of those, rows whose label is to change.
    n_changed: usize,
    /// Rows of the queue that this annotator skipped.
    n_skipped: usize,
    agreement: Agreement,
    /// How right the flags are, in words, where that can be told.
    estimate: Option<String>,
}

impl Progress {
    pub(super) fn of(site: &Site, standing: &[Standing]) -> Result<Self, ReviewError> {
        let (mut n_decided, mut n_changed, mut n_skipped) = (0, 0, 0);
        for (row, decided) in mine(site, standing) {
            if site.review.place_of(row).is_none() {
                continue;
            }
            let given = site.review.row(row).map(|it| it.label.as_str());
            let changes = decided.new_label.is_some() && decided.new_label.as_deref() != given;
            n_skipped += usize::from(decided.decision == Decision::Skip);
            n_decided += usize::from(decided.decision != Decision::Skip);
            n_changed += usize::from(changes);
        }
        let agreement = Agreement::of(&opinions(standing));
        let estimate = site.review.estimate(standing)?.map(|it| it.sentence());
        Ok(Self { n: site.review.n_shown(), n_decided, n_changed, n_skipped, agreement, estimate })
    }
}

/// A row that annotators decided differently.
#[derive(Debug, Serialize)]
pub(super) struct Disagreement<'a> {
    row: u32,
    /// Its place in the queue, if it is shown there.
    place: Option<usize>,
    text: &'a str,
    label: &'a str,
    opinions: Vec<&'a Standing>,
}

impl<'a> Disagreement<'a> {
    pub(super) fn of(site: &'a Site, row: u32, opinions: &[&'a Standing]) -> Option<Self> {
        let shown = site.review.row(row).filter(|_| !agree(opinions))?;
        Some(Self {
            row,
            place: site.review.place_of(row),
            text: &shown.text,
            label: &shown.label,
            opinions: opinions.to_vec(),
        })
    }
}
