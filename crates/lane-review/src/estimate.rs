//! How right the flags are, by what people decided on rows drawn at random.
//!
//! Only the rows of the audit's `sample.json` count: those that people look at by themselves are the
//! most suspicious ones, and say nothing of the rest. A row is wrong where annotators want another
//! label than it has; rows that were skipped, or on which they disagree, count as not looked at.

use std::path::Path;

use lane_audit::reviewed::{Reviewed, Sample, SampleSize};

use crate::agreement::{Outcome, Rule, opinions};
use crate::decision::Standing;
use crate::error::ReviewError;
use crate::review::Review;

/// The sample of the audit in `folder`; drawn, and kept there, where there is none yet.
pub(crate) fn sample(folder: &Path, review: &Review) -> Result<Sample, ReviewError> {
    let audit = review.audit();
    if let Some(sample) = Sample::read(folder, audit)? {
        return Ok(sample);
    }
    let sample = Sample::draw(audit, SampleSize::default(), audit.summary.provenance.seed);
    sample.write(folder)?;
    Ok(sample)
}

/// What the decisions on `sample` say of all rows; nothing before one is on a flagged row.
pub(crate) fn reviewed(
    sample: &Sample,
    review: &Review,
    standing: &[Standing],
    rule: Rule,
) -> Result<Option<Reviewed>, ReviewError> {
    let opinions = opinions(standing);
    let is_wrong = |row: u32| match rule.outcome(opinions.get(&row)?) {
        Outcome::Label(label, _) => Some(label != review.row(row)?.label),
        Outcome::Disagreement | Outcome::TooFew => None,
    };
    let reviewed = sample.estimate(is_wrong).map_err(|error| ReviewError::Setting {
        setting: "the sample of rows",
        found: error.to_string(),
        expected: "rows of the audit",
    })?;
    Ok(reviewed.precision.is_some().then_some(reviewed))
}
