//! An audit as a person goes through it: the rows of the kinds asked for, most suspicious first.

use std::path::Path;

use lane_audit::reviewed::{Reviewed, Sample};
use lane_audit::{Audit, AuditError, AuditRow, RowKind};

use crate::agreement::Rule;
use crate::decision::Standing;
use crate::error::ReviewError;
use crate::estimate;

/// An audit and the rows of it that are to be looked at.
#[derive(Debug)]
pub struct Review {
    audit: Audit,
    /// Places in the ranking, in the order in which they are shown.
    queue: Vec<usize>,
    /// For each row of the file, its place in the ranking.
    ranked: Vec<usize>,
    /// For each row of the file, its place in the queue.
    queued: Vec<Option<usize>>,
    /// Rows drawn at random, by which the flags are judged.
    sample: Option<Sample>,
}

impl Review {
    /// Reads the folder of an audit; rows of other `kinds` are not shown.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Audit`]; [`ReviewError::NothingToShow`] where no row is left.
    pub fn open(folder: &Path, kinds: &[RowKind]) -> Result<Self, ReviewError> {
        let audit = lane_audit::read(folder)?;
        let ranked = places(&audit).map_err(|found| AuditError::NotAnAudit {
            path: folder.into(),
            found: format!("labels.csv {found}"),
        })?;
        let shown = audit.rows.iter().enumerate().filter(|(_, row)| kinds.contains(&row.kind));
        let queue: Vec<usize> = shown.map(|(place, _)| place).collect();
        if queue.is_empty() {
            let kinds: Vec<&str> = kinds.iter().map(|it| kind_name(*it)).collect();
            return Err(ReviewError::NothingToShow { kinds: kinds.join(", ") });
        }
        let queued = queued(&audit, &queue);
        Ok(Self { audit, queue, ranked, queued, sample: None })
    }

    /// Puts rows drawn at random, flagged ones and others, before all that is shown, whatever their
    /// kind; the audit's folder keeps which they are. By the decisions on them [`Review::estimate`]
    /// tells how right the flags are.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Audit`] where the sample cannot be kept.
    pub fn beginning_with_sample(mut self, folder: &Path) -> Result<Self, ReviewError> {
        let sample = estimate::sample(folder, &self)?;
        let mut queue: Vec<_> = sample.rows.iter().map(|it| self.ranked[it.row as usize]).collect();
        let first = queued(&self.audit, &queue);
        let is_later = |it: &&usize| first[self.audit.rows[**it].row as usize].is_none();
        queue.extend(self.queue.iter().filter(is_later));
        self.queued = queued(&self.audit, &queue);
        (self.queue, self.sample) = (queue, Some(sample));
        Ok(self)
    }

    /// How many rows of the sample are shown first.
    pub fn n_sampled(&self) -> usize {
        self.sample.as_ref().map_or(0, |it| it.rows.len())
    }

    /// How right the flags are, by decisions on the sample; nothing without a sample, and before a
    /// flagged row of it is decided.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Setting`] for a sample that cannot be.
    pub fn estimate(&self, standing: &[Standing]) -> Result<Option<Reviewed>, ReviewError> {
        let Some(sample) = &self.sample else { return Ok(None) };
        estimate::reviewed(sample, self, standing, Rule::UNANIMOUS)
    }

    /// The audit.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// How many rows are shown.
    pub fn n_shown(&self) -> usize {
        self.queue.len()
    }

    /// The row at a place of the queue.
    pub fn at(&self, place: usize) -> Option<&AuditRow> {
        self.queue.get(place).map(|ranked| &self.audit.rows[*ranked])
    }

    /// A row by its place in the file.
    pub fn row(&self, row: u32) -> Option<&AuditRow> {
        self.ranked.get(row as usize).map(|ranked| &self.audit.rows[*ranked])
    }

    /// The place in the queue of a row of the file.
    pub fn place_of(&self, row: u32) -> Option<usize> {
        self.queued.get(row as usize).copied().flatten()
    }

    /// Whether this is a label of the file.
    pub fn has_label(&self, label: &str) -> bool {
        self.audit.summary.labels.iter().any(|it| it == label)
    }

    /// The first place after `after`, from the end on to the beginning, whose row is one `wanted`.
    pub(crate) fn next(&self, after: usize, wanted: impl Fn(u32) -> bool) -> Option<usize> {
        let n = self.queue.len();
        let mut places = (1..=n).map(|step| (after % n + step) % n);
        places.find(|place| self.at(*place).is_some_and(|it| wanted(it.row)))
    }
}

/// The name of a kind, as in `labels.csv`.
pub(crate) fn kind_name(kind: RowKind) -> &'static str {
    match kind {
        RowKind::Fine => "fine",
        RowKind::Hard => "hard",
        RowKind::Conflict => "conflict",
        RowKind::Wrong => "wrong",
    }
}

/// For each row of the file, its place in the queue.
fn queued(audit: &Audit, queue: &[usize]) -> Vec<Option<usize>> {
    let mut queued = vec![None; audit.rows.len()];
    for (place, ranked) in queue.iter().enumerate() {
        queued[audit.rows[*ranked].row as usize] = Some(place);
    }
    queued
}

/// For each row of the file, its place in the ranking; every row must be ranked once.
fn places(audit: &Audit) -> Result<Vec<usize>, String> {
    let n_rows = audit.rows.len();
    let mut places = vec![None; n_rows];
    for (place, row) in audit.rows.iter().enumerate() {
        let slot = places.get_mut(row.row as usize);
        let slot = slot.ok_or_else(|| format!("names row {}, there are {n_rows}", row.row))?;
        if slot.replace(place).is_some() {
            return Err(format!("names row {} twice", row.row));
        }
    }
    // As many places as rows, none twice: each is taken.
    Ok(places.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use lane_audit::Summary;

    use super::*;

    fn audit(rows: &[u32]) -> Audit {
        let rows = rows.iter().map(|row| AuditRow { row: *row, ..AuditRow::default() }).collect();
        Audit { summary: Summary::default(), rows }
    }

    #[test]
    fn every_row_of_the_file_is_found_in_the_ranking() {
        assert_eq!(places(&audit(&[2, 0, 1])), Ok(vec![1, 2, 0]));
        assert_eq!(places(&audit(&[])), Ok(vec![]));
    }

    #[test]
    fn a_ranking_that_names_a_row_twice_or_one_too_many_is_refused() {
        assert_eq!(places(&audit(&[0, 0])), Err("names row 0 twice".into()));
        assert_eq!(places(&audit(&[0, 2])), Err("names row 2, there are 2".into()));
    }
}
