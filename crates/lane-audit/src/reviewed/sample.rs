//! Which rows a person looks at so that all can be judged: drawn at random, in a random order.

use std::path::Path;

use lane_data::sample;
use lane_data::seed::stream;
use serde::{Deserialize, Serialize};

use super::{Looked, Reviewed};
use crate::error::AuditError;
use crate::folder::replace;
use crate::model::Audit;
use crate::ranking_error::RankingError;

const NAME: &str = "sample.json";

/// How many rows are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleSize {
    /// Of the flagged rows.
    pub flagged: usize,
    /// Of the others.
    pub unflagged: usize,
}

impl Default for SampleSize {
    fn default() -> Self {
        Self { flagged: 30, unflagged: 30 }
    }
}

/// A row that was drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledRow {
    /// Its place in the audited file, from 0.
    pub row: u32,
    /// Whether it was flagged.
    pub flagged: bool,
}

/// Rows drawn at random from the flagged ones and from the others.
///
/// Both kinds are mixed in a random order, so that whoever looks does not know which is which by
/// its place, and so that those looked at are drawn at random too if somebody stops early.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// SHA-256 of the audited file.
    pub data_sha256: String,
    /// Drew the rows.
    pub seed: u64,
    /// Rows of the file that were flagged.
    pub n_flagged: usize,
    /// Rows of the file that were not.
    pub n_unflagged: usize,
    /// The rows, in the order in which they are to be looked at.
    pub rows: Vec<SampledRow>,
}

impl Sample {
    /// Draws from the rows of an audit; all of a kind where there are no more.
    pub fn draw(audit: &Audit, size: SampleSize, seed: u64) -> Self {
        let mut of_file: Vec<_> = audit.rows.iter().map(|it| (it.row, it.flagged)).collect();
        of_file.sort_unstable();
        let (flagged, others): (Vec<_>, Vec<_>) = of_file.into_iter().partition(|it| it.1);
        let part = |from: &[(u32, bool)], amount, name| {
            let drawn = sample::rows(from.len(), amount, stream(seed, name, &[]));
            drawn.into_iter().map(|it| from[it.index()]).collect::<Vec<_>>()
        };
        let mut drawn = part(&flagged, size.flagged, "audit/sample/flagged");
        drawn.extend(part(&others, size.unflagged, "audit/sample/unflagged"));
        let order = sample::permutation(drawn.len(), stream(seed, "audit/sample/order", &[]));
        let row = |(row, flagged): (u32, bool)| SampledRow { row, flagged };
        Self {
            data_sha256: audit.summary.data.sha256.clone(),
            seed,
            n_flagged: flagged.len(),
            n_unflagged: others.len(),
            rows: order.into_iter().map(|it| row(drawn[it.index()])).collect(),
        }
    }

    /// The sample kept in the folder of an audit; nothing where there is none, or one of other
    /// flags, which an earlier audit left.
    ///
    /// # Errors
    ///
    /// [`AuditError::NotAnAudit`] for a file that is no sample, [`AuditError::Io`].
    pub fn read(folder: &Path, audit: &Audit) -> Result<Option<Self>, AuditError> {
        let path = folder.join(NAME);
        let text = match std::fs::read(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            text => text.map_err(AuditError::io("read", &path))?,
        };
        let sample: Self = serde_json::from_slice(&text)
            .map_err(|error| AuditError::not_an_audit(folder, format!("{NAME}: {error}")))?;
        Ok(Some(sample).filter(|it| it.fits(audit)))
    }

    /// Keeps it in the folder of the audit, as `sample.json`.
    ///
    /// # Errors
    ///
    /// [`AuditError::Io`].
    pub fn write(&self, folder: &Path) -> Result<(), AuditError> {
        let path = folder.join(NAME);
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| AuditError::io("write", &path)(error.into()))?;
        text.push(b'\n');
        replace(&path, &text)
    }

    /// Whether it was drawn from the flags of this audit.
    pub fn fits(&self, audit: &Audit) -> bool {
        let flags: std::collections::BTreeMap<_, _> =
            audit.rows.iter().map(|it| (it.row, it.flagged)).collect();
        self.data_sha256 == audit.summary.data.sha256
            && self.n_flagged == audit.rows.iter().filter(|it| it.flagged).count()
            && self.n_flagged + self.n_unflagged == audit.rows.len()
            && self.rows.iter().all(|it| flags.get(&it.row) == Some(&it.flagged))
    }

    /// The estimates, where `is_wrong` says of a row whether its label was found wrong; nothing
    /// of a row that nobody decided.
    ///
    /// # Errors
    ///
    /// Those of [`Reviewed::new`], for a sample that names more rows than there are.
    pub fn estimate(
        &self,
        is_wrong: impl Fn(u32) -> Option<bool>,
    ) -> Result<Reviewed, RankingError> {
        let mut flagged = Looked { n_rows: self.n_flagged, ..Looked::default() };
        let mut unflagged = Looked { n_rows: self.n_unflagged, ..Looked::default() };
        for drawn in &self.rows {
            let kind = if drawn.flagged { &mut flagged } else { &mut unflagged };
            if let Some(wrong) = is_wrong(drawn.row) {
                kind.n_looked += 1;
                kind.n_wrong += usize::from(wrong);
            }
        }
        Reviewed::new(flagged, unflagged, self.seed)
    }
}
