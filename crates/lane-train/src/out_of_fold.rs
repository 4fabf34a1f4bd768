//! `out_of_fold.csv`: what networks that never saw a row make of it, and confident learning over
//! that.
//!
//! ```text
//! row,id,label,predicted,
//! self_confidence,normalized_margin,confidence_weighted_entropy,      the lower, the more suspicious
//! flagged,prune_by_noise_rate,prune_by_class,confident_learning,predicted_neq_given,       1 or 0
//! p_<class>…
//! ```
//!
//! in the order of the rows. Scores and filters are those of [`lane_metrics::confident_learning`];
//! `flagged` is the filter `both`, `self_confidence` the probability of the given label.

use std::path::Path;

use lane_data::read::Table;
use lane_data::{Dataset, RowId};
use lane_metrics::confident_learning::{self, ConfidentJoint, Filter, LabeledRows, scores};
use lane_metrics::{ClassId, MetricsError, detection};
use serde::{Deserialize, Serialize};

use crate::error::TrainError;
use crate::experiment::Split;
use crate::record::RunResult;
use crate::run_folder::{RunFolder, write_atomically};

/// Its name in a folder.
pub(crate) const FILE: &str = "out_of_fold.csv";
/// The columns before the probabilities.
const COLUMNS: [&str; 12] = [
    "row",
    "id",
    "label",
    "predicted",
    "self_confidence",
    "normalized_margin",
    "confidence_weighted_entropy",
    "flagged",
    "prune_by_noise_rate",
    "prune_by_class",
    "confident_learning",
    "predicted_neq_given",
];
/// What the names of their columns begin with.
const PROBABILITY: &str = "p_";

/// Out-of-fold probabilities of the training rows, `[rows, classes]`.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfFold {
    probabilities: Vec<f64>,
    n_classes: usize,
}

impl OutOfFold {
    pub(crate) fn new(n_rows: usize, n_classes: usize) -> Self {
        Self { probabilities: vec![0.0; n_rows * n_classes], n_classes }
    }

    /// Takes probabilities as they are, row-major, shape `[rows, classes]`.
    pub(crate) fn of(probabilities: Vec<f64>, n_classes: usize) -> Self {
        Self { probabilities, n_classes }
    }

    /// The probabilities, row-major, shape `[rows, classes]`.
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Takes the logits of `rows`, the sums over `n_predictors` networks, row-major; columns beyond
    /// the classes of the data are left out.
    pub(crate) fn put(&mut self, rows: &[RowId], logits: &[f32], n_predictors: usize) {
        let width = logits.len() / rows.len().max(1);
        for (row, logits) in rows.iter().zip(logits.chunks_exact(width.max(1))) {
            let own = &mut self.probabilities[row.index() * self.n_classes..][..self.n_classes];
            softmax(&logits[..self.n_classes], n_predictors as f64, own);
        }
    }

    /// The probabilities of one row, shape `[n_classes]`.
    fn row(&self, row: usize) -> &[f64] {
        &self.probabilities[row * self.n_classes..][..self.n_classes]
    }

    /// Confident learning over the given labels.
    ///
    /// # Errors
    ///
    /// [`TrainError::Metrics`] if a probability is not finite.
    pub fn confident(&self, labels: &[ClassId]) -> Result<Confident, TrainError> {
        let rows = LabeledRows::new(&self.probabilities, labels, self.n_classes)?;
        let joint = confident_learning::estimate(rows)?;
        Ok(Confident {
            self_confidence: scores::self_confidence(rows),
            normalized_margin: scores::normalized_margin(rows),
            confidence_weighted_entropy: scores::confidence_weighted_entropy(rows),
            prune_by_noise_rate: flags(rows, &joint, Filter::PruneByNoiseRate)?,
            prune_by_class: flags(rows, &joint, Filter::PruneByClass)?,
            both: flags(rows, &joint, Filter::Both)?,
            confident_learning: flags(rows, &joint, Filter::ConfidentLearning)?,
            predicted_neq_given: flags(rows, &joint, Filter::PredictedNeqGiven)?,
        })
    }

    /// Writes the file, and scores confident learning where wrong labels are known.
    pub(crate) fn finish(
        &self,
        folder: &RunFolder,
        train: &Split,
        result: &mut RunResult,
    ) -> Result<(), TrainError> {
        let found = self.confident(&train.labels())?;
        self.write(&folder.file(FILE), &train.dataset, &found)?;
        if let (Some(detection), Some(wrong)) = (&mut result.detection, train.wrong()) {
            detection.confident_learning = Some(found.scores(&wrong)?);
        }
        Ok(())
    }

    /// Writes the file.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub fn write(&self, path: &Path, data: &Dataset, found: &Confident) -> Result<(), TrainError> {
        let failed = |error: csv::Error| TrainError::io("write", path)(error.into());
        let mut table = csv::Writer::from_writer(Vec::new());
        let labels = &data.labels;
        let classes = labels.names().iter().map(|it| format!("{PROBABILITY}{it}"));
        let header = COLUMNS.map(String::from).into_iter();
        table.write_record(header.chain(classes)).map_err(failed)?;
        for (row, example) in data.examples.iter().enumerate() {
            let probabilities = self.row(row);
            let line = [
                row.to_string(),
                example.id.clone(),
                labels.name(example.label).into(),
                labels.name(predicted(probabilities)).into(),
            ];
            let numbers = found.scores_of(row).into_iter().map(|it| it.to_string());
            let flags = found.flags_of(row).into_iter().map(|it| u8::from(it).to_string());
            let probabilities = probabilities.iter().map(ToString::to_string);
            let line = line.into_iter().chain(numbers).chain(flags).chain(probabilities);
            table.write_record(line).map_err(failed)?;
        }
        let bytes = table
            .into_inner()
            .map_err(|error| TrainError::io("write", path)(error.into_error()))?;
        write_atomically(path, &bytes)
    }

    /// Reads the probabilities of the file that a run left, of `data`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`] where the file is no table; [`TrainError::Mismatch`] where it is not of
    /// these rows and classes.
    pub fn read(path: &Path, data: &Dataset) -> Result<Self, TrainError> {
        let table = Table::read(path)?;
        let n_classes = data.n_classes();
        let columns = data.labels.names().iter().map(|it| format!("{PROBABILITY}{it}"));
        let header = COLUMNS.map(String::from).into_iter().chain(columns);
        let differs = |found: String| TrainError::Mismatch {
            found: format!("{found} in `{}`", path.display()),
            expected: format!(
                "{} rows of {n_classes} classes, as a run writes them",
                data.n_rows()
            ),
        };
        if !header.eq(table.header().iter().cloned()) {
            return Err(differs("other columns".into()));
        }
        let mut probabilities = Vec::with_capacity(data.n_rows() * n_classes);
        table.for_each(|line, record| {
            let values = record.get(COLUMNS.len()..).unwrap_or_default();
            for text in values {
                let value: f64 =
                    text.parse().map_err(|_| differs(format!("line {line}, `{text}`")))?;
                probabilities.push(value);
            }
            Ok::<_, TrainError>(())
        })?;
        if probabilities.len() != data.n_rows() * n_classes {
            return Err(differs(format!("{} numbers", probabilities.len())));
        }
        Ok(Self::of(probabilities, n_classes))
    }
}

fn flags(
    rows: LabeledRows<'_>,
    joint: &ConfidentJoint,
    filter: Filter,
) -> Result<Vec<bool>, MetricsError> {
    confident_learning::flags(rows, joint, filter)
}

/// softmax(logits / divisor).
fn softmax(logits: &[f32], divisor: f64, probabilities: &mut [f64]) {
    let highest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    for (probability, logit) in probabilities.iter_mut().zip(logits) {
        *probability = ((f64::from(*logit) - highest) / divisor).exp();
    }
    let total: f64 = probabilities.iter().sum();
    for probability in probabilities {
        *probability /= total;
    }
}

/// The most probable class, the lowest of several.
fn predicted(probabilities: &[f64]) -> ClassId {
    let better = |best: usize, class: usize| {
        if probabilities[class] > probabilities[best] { class } else { best }
    };
    ClassId((1..probabilities.len()).fold(0, better) as u16)
}

/// What confident learning says of the training rows, each list in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Confident {
    /// Probability of the given label.
    pub self_confidence: Vec<f64>,
    /// How far it leads the next class, moved to 0..=1.
    pub normalized_margin: Vec<f64>,
    /// Its share in the entropy over all classes, moved to 0..=1.
    pub confidence_weighted_entropy: Vec<f64>,
    /// Flags of the filter of that name, as the others.
    pub prune_by_noise_rate: Vec<bool>,
    /// See [`Filter::PruneByClass`].
    pub prune_by_class: Vec<bool>,
    /// See [`Filter::Both`].
    pub both: Vec<bool>,
    /// See [`Filter::ConfidentLearning`].
    pub confident_learning: Vec<bool>,
    /// See [`Filter::PredictedNeqGiven`].
    pub predicted_neq_given: Vec<bool>,
}

impl Confident {
    /// In the order of the columns.
    fn scores_of(&self, row: usize) -> [f64; 3] {
        [&self.self_confidence, &self.normalized_margin, &self.confidence_weighted_entropy]
            .map(|scores| scores[row])
    }

    /// In the order of the columns.
    fn flags_of(&self, row: usize) -> [bool; 5] {
        [
            &self.both,
            &self.prune_by_noise_rate,
            &self.prune_by_class,
            &self.confident_learning,
            &self.predicted_neq_given,
        ]
        .map(|flags| flags[row])
    }

    /// How well the wrong labels are found, by each filter and by self-confidence.
    ///
    /// # Errors
    ///
    /// [`TrainError::Metrics`] if the lists differ in length.
    pub fn scores(&self, wrong: &[bool]) -> Result<ConfidentScores, TrainError> {
        let suspicion: Vec<f64> = self.self_confidence.iter().map(|it| -it).collect();
        let of = |flagged: &[bool]| -> Result<FlagScores, MetricsError> {
            let found = detection::of_scores(&suspicion, wrong, flagged)?;
            Ok(FlagScores {
                precision: found.precision,
                recall: found.recall,
                f1: found.f1,
                balanced_accuracy: found.balanced_accuracy,
                n_flagged: found.n_flagged,
            })
        };
        Ok(ConfidentScores {
            prune_by_noise_rate: of(&self.prune_by_noise_rate)?,
            prune_by_class: of(&self.prune_by_class)?,
            both: of(&self.both)?,
            confident_learning: of(&self.confident_learning)?,
            predicted_neq_given: of(&self.predicted_neq_given)?,
            average_precision: detection::average_precision(&suspicion, wrong)?,
            auroc: detection::auroc(&suspicion, wrong)?,
        })
    }
}

/// How well the rows that a filter flags are the wrong ones, each in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlagScores {
    /// Share of the flagged rows that are wrong.
    pub precision: f64,
    /// Share of the wrong rows that are flagged.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Mean of the share of wrong rows flagged and the share of right rows not flagged.
    pub balanced_accuracy: f64,
    /// Rows flagged.
    pub n_flagged: usize,
}

/// How well confident learning over out-of-fold probabilities finds the wrong labels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConfidentScores {
    /// By the filter of that name, as the others.
    pub prune_by_noise_rate: FlagScores,
    /// See [`Filter::PruneByClass`].
    pub prune_by_class: FlagScores,
    /// See [`Filter::Both`].
    pub both: FlagScores,
    /// See [`Filter::ConfidentLearning`].
    pub confident_learning: FlagScores,
    /// See [`Filter::PredictedNeqGiven`].
    pub predicted_neq_given: FlagScores,
    /// By self-confidence, the lowest first.
    pub average_precision: Option<f64>,
    /// By self-confidence, the lowest first.
    pub auroc: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_of_several_networks_are_averaged_and_extra_columns_left_out() {
        let mut out = OutOfFold::new(2, 2);
        out.put(&[RowId(1)], &[2.0, 0.0, 9.0], 2);
        out.put(&[RowId(0)], &[0.0, 0.0], 1);
        assert_eq!(out.row(0), [0.5, 0.5]);
        let expected = 1.0 / (1.0 + (-1.0_f64).exp());
        assert!((out.row(1)[0] - expected).abs() < 1e-15, "{:?}", out.row(1));
        assert!((out.row(1).iter().sum::<f64>() - 1.0).abs() < 1e-15);
    }

    #[test]
    fn a_tie_is_predicted_as_the_lowest_class() {
        assert_eq!(predicted(&[0.4, 0.4, 0.2]), ClassId(0));
        assert_eq!(predicted(&[0.2, 0.4, 0.4]), ClassId(1));
    }
}
