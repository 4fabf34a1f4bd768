//! `NAME.changes.csv`: what differs from the audited file, who wanted it, and why it was looked at.

use std::io;
use std::path::Path;

use lane_data::write::{Existing, file};

use super::Change;
use crate::error::ReviewError;
use crate::review::Review;

const HEADER: [&str; 8] =
    ["row", "id", "text", "label", "new_label", "annotator", "decided_at", "reason"];
/// In the place of an annotator where a suggestion was taken unseen.
const NOBODY: &str = "--accept-flagged";

pub(super) fn write(
    path: &Path,
    existing: Existing,
    review: &Review,
    changes: &[Change],
) -> Result<(), ReviewError> {
    file(path, existing, |out| {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(HEADER)?;
        for change in changes {
            let Some(audited) = review.row(change.row) else {
                return Err(io::Error::other(format!("row {} is not in the audit", change.row)));
            };
            let annotators = match change.annotators.as_slice() {
                [] => NOBODY.to_owned(),
                names => names.join("; "),
            };
            csv.write_record([
                change.row.to_string().as_str(),
                &audited.id,
                &audited.text,
                &audited.label,
                &change.new_label,
                &annotators,
                &change.decided_at,
                &audited.reason,
            ])?;
        }
        csv.flush()
    })
    .map_err(ReviewError::from)
}
