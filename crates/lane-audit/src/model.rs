//! What an audit says.

use lane_data::provenance::{Machine, Program};
use serde::{Deserialize, Serialize};

/// An audit: every row, most suspicious first, and what holds of all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Audit {
    /// What holds of all rows.
    pub summary: Summary,
    /// The rows, most suspicious first.
    pub rows: Vec<AuditRow>,
}

/// One row of the audited file; a line of `labels.csv`.
///
/// A score that was not computed is empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Its place in the file, from 0.
    pub row: u32,
    /// Its id: that of the file, else its place.
    pub id: String,
    /// Its text.
    pub text: String,
    /// The label it has.
    pub label: String,
    /// The label that fits best; the same where nothing speaks against it.
    pub suggested: String,
    /// How suspicious the label is: higher is more so; by [`Summary::score`].
    pub score: f64,
    /// Weight of the row's loss at the end of training.
    pub weight: Option<f64>,
    /// 1 where the label is held to be wrong.
    #[serde(with = "as_number")]
    pub flagged: bool,
    /// Why, in one sentence.
    pub reason: String,
    /// Its place in the ranking, from 1.
    pub rank: u32,
    /// What kind of row it is.
    pub kind: RowKind,
    /// Probability that the label is wrong, by the estimate of [`Summary::cut_off`].
    pub p_wrong: Option<f64>,
    /// Probability of the given label, out of fold.
    pub p_label: Option<f64>,
    /// Probability of the suggested label, out of fold.
    pub p_suggested: Option<f64>,
    /// How far apart the two labels are for the model, in 0 (never told apart) to 1 (never confused).
    pub label_distance: Option<f64>,
    /// Average label-aware margin.
    pub alm: Option<f64>,
    /// Average margin.
    pub aum: Option<f64>,
    /// Mean cross-entropy over the epochs.
    pub loss: Option<f64>,
    /// Mean probability of the label over the epochs.
    pub confidence: Option<f64>,
    /// Deviation of that probability over the epochs.
    pub variability: Option<f64>,
    /// Epochs in which the label was predicted.
    pub correctness: Option<u32>,
    /// Epochs after which it was no longer predicted.
    pub forgetting: Option<u32>,
    /// Group of texts that say the same, by its place in [`Summary::duplicates`], from 0; the first
    /// where there are two.
    pub duplicates: Option<u32>,
}

/// What kind of row it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RowKind {
    /// Nothing speaks against the label.
    #[default]
    Fine,
    /// Hard for the model, but nothing says that the label is wrong.
    Hard,
    /// The same text, or nearly, stands under another label too.
    Conflict,
    /// The label is likely wrong.
    Wrong,
}

/// What holds of all rows: the contents of `audit.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Format of the folder.
    pub format: u32,
    /// The audited file.
    pub data: DataFile,
    /// Names of the classes.
    pub labels: Vec<String>,
    /// The score that ranks.
    pub score: Score,
    /// Rows whose label is held to be wrong.
    pub n_flagged: usize,
    /// How far the flags can be trusted; absent where that was not estimated.
    pub cut_off: Option<CutOff>,
    /// How right the audit is, where the file has true labels.
    pub known: Option<Known>,
    /// Class by class, in the order of `labels`.
    pub classes: Vec<ClassHealth>,
    /// Which label is given where which is meant, most rows first.
    pub pairs: Vec<ClassPair>,
    /// Estimated probability of the given label (column) where a label is true (row).
    pub noise_matrix: Option<Vec<Vec<f64>>>,
    /// Texts that say the same under different labels, exact groups first; a row may be in an exact
    /// group and in a near one.
    pub duplicates: Vec<DuplicateGroup>,
    /// Training, epoch by epoch.
    pub curves: Vec<EpochPoint>,
    /// What a reader should know first, in sentences.
    pub notes: Vec<String>,
    /// Where the audit came from.
    pub provenance: Provenance,
}

/// The audited file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Its path, absolute.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Rows.
    pub n_rows: usize,
    /// The column of the text.
    pub text_column: String,
    /// The column of the label.
    pub label_column: String,
    /// The column of the id, where there is one.
    pub id_column: Option<String>,
}

/// The score that ranks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// Its name.
    pub name: String,
    /// What it is, in a sentence.
    pub meaning: String,
}

/// A number with an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// How far the flags can be trusted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CutOff {
    /// Rows of at least this score are flagged.
    pub threshold: f64,
    /// Share of the flagged rows whose label is wrong.
    pub precision: Estimate,
    /// Share of the wrong labels that are flagged.
    pub recall: Estimate,
    /// Share of all labels that are wrong.
    pub share_wrong: Estimate,
    /// How sure the intervals are, such as 0.9.
    pub confidence: f64,
    /// Labels that were changed on purpose to find this out.
    pub n_planted: usize,
    /// How it was found out, in a sentence.
    pub method: String,
}

/// How right the audit is, where the file has true labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Known {
    /// Labels that are wrong.
    pub n_wrong: usize,
    /// Of the ranking.
    pub average_precision: Option<f64>,
    /// Of the flagged rows.
    pub precision: f64,
    /// Of the flagged rows.
    pub recall: f64,
}

/// One class.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassHealth {
    /// Its name.
    pub label: String,
    /// Rows with this label.
    pub n_rows: usize,
    /// Of them, flagged.
    pub n_flagged: usize,
    /// Rows with another label that is flagged, for which this one is suggested.
    pub n_suggested: usize,
    /// Share of its rows whose label is right, by estimate.
    pub health: f64,
    /// Mean probability of the label over its rows, out of fold.
    pub self_confidence: Option<f64>,
}

/// A label given where another is meant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassPair {
    /// The label given.
    pub label: String,
    /// The label suggested.
    pub suggested: String,
    /// Flagged rows of this kind.
    pub n_rows: usize,
    /// Their share of the rows with the given label.
    pub share: f64,
}

/// Texts that say the same under different labels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DuplicateGroup {
    /// Whether they are the same but for case and blanks.
    pub exact: bool,
    /// Similarity of the first text to the one least like it, 1 for exact groups.
    pub similarity: f64,
    /// The rows, by their place in the file.
    pub rows: Vec<u32>,
    /// The different labels, most rows first.
    pub labels: Vec<String>,
}

/// Training after one epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochPoint {
    /// Epoch, from 1.
    pub epoch: u32,
    /// Mean loss.
    pub loss: f64,
    /// Share of rows whose given label was predicted.
    pub agreement: f64,
}

/// Where an audit came from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The program.
    pub program: Program,
    /// The machine.
    pub machine: Option<Machine>,
    /// The command line.
    pub command: Vec<String>,
    /// The method that was trained; absent where scores came from elsewhere.
    pub method: Option<String>,
    /// The encoder, as given.
    pub encoder: Option<String>,
    /// The models that did not see the rows they judged.
    pub judge: Option<String>,
    /// The seed.
    pub seed: u64,
    /// Seconds from start to result.
    pub seconds: f64,
    /// Largest resident memory, in bytes.
    pub peak_memory_bytes: Option<u64>,
}

/// Flags as 0 and 1, as in every other file.
mod as_number {
    use serde::{Deserialize, Deserializer, Serializer, de};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(flag: &bool, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(u8::from(*flag))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(source: D) -> Result<bool, D::Error> {
        match u8::deserialize(source)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(de::Error::custom(format!("expected 0 or 1, found {other}"))),
        }
    }
}
