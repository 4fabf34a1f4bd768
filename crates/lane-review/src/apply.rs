//! The corrected file: what people decided, put into a copy of what was audited.
//!
//! Only the labels that change are touched. Of CSV, TSV and JSONL every other byte is copied; a Parquet
//! file keeps its columns, their types and its compression. The copy is read back and compared before it
//! gets its name. Without [`ApplyRequest::accept_flagged`] no suggestion gets in that nobody confirmed.

mod change_log;
mod copy;
mod delimited;
mod json_lines;
mod parquet;
mod plan;

use std::path::{Path, PathBuf};

use lane_audit::reviewed::{Reviewed, Sample};
use lane_audit::{Audit, RowKind};
use lane_data::Columns;
use lane_data::read;
use lane_data::write::Existing;
use serde::Serialize;

use self::copy::Target;
use self::plan::Plan;
pub use self::plan::{Change, Disagreement};
use crate::agreement::Rule;
use crate::error::ReviewError;
use crate::estimate;
use crate::review::Review;
use crate::store::Store;

/// What to apply, and how.
#[derive(Clone, Debug)]
pub struct ApplyRequest {
    /// The folder of the audit.
    pub folder: PathBuf,
    /// The audited file, where it is not at the path that the audit names.
    pub data: Option<PathBuf>,
    /// Share of those who decided that must want the same label, above 0.5.
    pub min_agreement: f64,
    /// Annotators that must have decided.
    pub min_annotators: usize,
    /// Whether flagged rows that nobody looked at get the suggested label.
    pub accept_flagged: bool,
    /// Whether existing files are replaced.
    pub force: bool,
    /// Whether nothing is written.
    pub dry_run: bool,
}

/// What was applied.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ApplySummary {
    /// The audited file.
    pub data: PathBuf,
    /// The corrected copy of it.
    pub corrected: PathBuf,
    /// The list of what differs.
    pub changes: PathBuf,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Rows of the file.
    pub n_rows: usize,
    /// Rows that anyone decided.
    pub n_decided: usize,
    /// Of them, rows whose label was found right.
    pub n_kept: usize,
    /// Labels that differ from those of the audited file.
    pub n_changed: usize,
    /// Of them, suggestions that nobody looked at.
    pub n_accepted: usize,
    /// Rows that fewer than the least number of annotators decided, left as they are.
    pub n_too_few: usize,
    /// Rows on which annotators disagree, left as they are.
    pub n_disagreements: usize,
    /// Those rows.
    pub disagreements: Vec<Disagreement>,
    /// How right the flags were, by the decisions on rows drawn at random; nothing where none were
    /// drawn.
    pub estimate: Option<Reviewed>,
}

/// Writes the corrected file and the list of changes beside the audited one.
///
/// # Errors
///
/// [`ReviewError::SourceChanged`] where the file is not the audited one, [`ReviewError::NoDecisions`],
/// [`ReviewError::Data`] where a file exists already, and what reading and writing may say.
pub fn apply(request: &ApplyRequest) -> Result<ApplySummary, ReviewError> {
    let rule = Rule::new(request.min_agreement, request.min_annotators)?;
    let review = Review::open(&request.folder, &ALL_KINDS)?;
    let audit = review.audit();
    let source = request.data.clone().unwrap_or_else(|| PathBuf::from(&audit.summary.data.path));
    check_source(&source, audit)?;
    let standing = match Store::open_existing(&request.folder, &audit.summary.data)? {
        Some(store) => store.standing()?,
        None if request.accept_flagged => Vec::new(),
        None => {
            let path = Store::path_in(&request.folder);
            return Err(ReviewError::NoDecisions { path });
        }
    };
    let plan = Plan::new(&review, &standing, rule, request.accept_flagged)?;
    let sample = Sample::read(&request.folder, audit)?;
    let estimate =
        sample.map(|it| estimate::reviewed(&it, &review, &standing, rule)).transpose()?;
    let (corrected, changes) =
        (beside(&source, "corrected", None), beside(&source, "changes", Some("csv")));
    let existing = if request.force { Existing::Replace } else { Existing::Keep };
    if !request.dry_run {
        for path in [&corrected, &changes] {
            copy::refuse_existing(path, existing)?;
        }
    }
    let columns = columns(audit);
    let target = Target { path: &corrected, existing, dry_run: request.dry_run };
    let copy = copy::make(&source, &columns, &plan.labels(), &target)?;
    if !request.dry_run {
        // The list first: without it the copy would say less than it should.
        change_log::write(&changes, existing, &review, &plan.changes)?;
        copy::rename(copy, &target)?;
    }
    let files = Files { data: source, corrected, changes };
    let summary = summary(request, plan, files, audit.rows.len());
    Ok(ApplySummary { estimate: estimate.flatten(), ..summary })
}

const ALL_KINDS: [RowKind; 4] = [RowKind::Wrong, RowKind::Conflict, RowKind::Hard, RowKind::Fine];

struct Files {
    data: PathBuf,
    corrected: PathBuf,
    changes: PathBuf,
}

fn summary(request: &ApplyRequest, plan: Plan, files: Files, n_rows: usize) -> ApplySummary {
    let Files { data, corrected, changes } = files;
    ApplySummary {
        data,
        corrected,
        changes,
        dry_run: request.dry_run,
        n_rows,
        n_decided: plan.n_decided,
        n_kept: plan.n_kept,
        n_changed: plan.changes.len(),
        n_accepted: plan.changes.iter().filter(|it| it.annotators.is_empty()).count(),
        n_too_few: plan.n_too_few,
        n_disagreements: plan.disagreements.len(),
        disagreements: plan.disagreements,
        estimate: None,
    }
}

/// The columns that were audited.
fn columns(audit: &Audit) -> Columns {
    let data = &audit.summary.data;
    Columns {
        text: data.text_column.clone(),
        label: data.label_column.clone(),
        gold: None,
        id: data.id_column.clone(),
    }
}

fn check_source(source: &Path, audit: &Audit) -> Result<(), ReviewError> {
    let (found, expected) = (read::hash_of_file(source)?, audit.summary.data.sha256.clone());
    if found != expected {
        return Err(ReviewError::SourceChanged { path: source.into(), found, expected });
    }
    Ok(())
}

/// `NAME.what.csv` beside `NAME.csv`, with another extension if one is given.
fn beside(source: &Path, what: &str, extension: Option<&str>) -> PathBuf {
    let name = source.file_stem().unwrap_or_default().to_string_lossy();
    let own = source.extension().unwrap_or_default().to_string_lossy();
    source.with_file_name(format!("{name}.{what}.{}", extension.unwrap_or(&own)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_stand_beside_the_audited_one_and_say_whose_they_are() {
        let source = Path::new("/data/my.reviews.TSV");
        let corrected = beside(source, "corrected", None);
        assert_eq!(corrected, Path::new("/data/my.reviews.corrected.TSV"));
        let changes = beside(source, "changes", Some("csv"));
        assert_eq!(changes, Path::new("/data/my.reviews.changes.csv"));
    }
}
