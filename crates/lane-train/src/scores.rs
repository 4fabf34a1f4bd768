//! Scores of one split, and of finding the wrong labels.

use lane_metrics::ClassId;
use lane_metrics::classification::ConfusionCounts;
use lane_metrics::detection;
use serde::{Deserialize, Serialize};

use crate::config::SelectionMetric;
use crate::error::TrainError;
use crate::method::Verdict;
use crate::out_of_fold::ConfidentScores;

/// Classification scores of one split, each in 0..=1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitScores {
    /// Share of rows predicted right.
    pub accuracy: f64,
    /// F1 over pooled counts; equals accuracy where every row has one label.
    pub micro_f1: f64,
    /// Mean F1 over the classes present in truth or prediction.
    pub macro_f1: f64,
    /// Mean F1 weighted by class size.
    pub weighted_f1: f64,
    /// Mean recall over the classes present in the truth.
    pub balanced_accuracy: f64,
}

impl SplitScores {
    /// Scores of `predicted` against `truth`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Metrics`] if the two differ in length or name a class out of range.
    pub fn of(
        truth: &[ClassId],
        predicted: &[ClassId],
        n_classes: usize,
    ) -> Result<Self, TrainError> {
        let scores = ConfusionCounts::new(truth, predicted, n_classes)?.scores();
        Ok(Self {
            accuracy: scores.accuracy,
            micro_f1: scores.micro_f1,
            macro_f1: scores.macro_f1,
            weighted_f1: scores.weighted_f1,
            balanced_accuracy: scores.balanced_accuracy,
        })
    }

    /// The score that chooses the best epoch.
    pub fn by(&self, metric: SelectionMetric) -> f64 {
        match metric {
            SelectionMetric::Accuracy => self.accuracy,
            SelectionMetric::MacroF1 => self.macro_f1,
            SelectionMetric::WeightedF1 => self.weighted_f1,
        }
    }
}

/// How well one ranking finds the wrong labels; null where there is none or nothing but, or where
/// not every row was ranked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Area under the precision-recall curve, by steps.
    pub average_precision: Option<f64>,
    /// Chance that a wrong row ranks above a right one, ties half.
    pub auroc: Option<f64>,
}

/// How well a method finds the wrong labels of its training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectionScores {
    /// By the method's own suspicion.
    pub average_precision: Option<f64>,
    /// By the method's own suspicion.
    pub auroc: Option<f64>,
    /// Of the rows the method flags.
    pub precision: f64,
    /// Of the rows the method flags.
    pub recall: f64,
    /// Of the rows the method flags.
    pub f1: f64,
    /// Mean of the share of wrong rows the method flags and the share of right rows it does not.
    pub balanced_accuracy: f64,
    /// Rows flagged.
    pub n_flagged: usize,
    /// Rows whose label differs from the true one.
    pub n_wrong: usize,
    /// By minus AUM and, where there is an auxiliary network, minus ALM.
    pub by: RankingsByMargin,
    /// By confident learning over out-of-fold probabilities, where the run had folds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub confident_learning: Option<ConfidentScores>,
}

/// The two margin rankings, whatever the method's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RankingsByMargin {
    /// By minus AUM.
    pub aum: Ranking,
    /// By minus ALM.
    pub alm: Option<Ranking>,
}

/// A ranking of all rows by `scores`, higher = more suspicious.
///
/// # Errors
///
/// [`TrainError::Metrics`] if a score is not finite.
pub fn ranking(scores: &[f64], wrong: &[bool]) -> Result<Ranking, TrainError> {
    Ok(Ranking {
        average_precision: detection::average_precision(scores, wrong)?,
        auroc: detection::auroc(scores, wrong)?,
    })
}

/// Detection by verdicts, and by the two averaged margins.
///
/// # Errors
///
/// [`TrainError::Metrics`] if a score is not finite.
pub fn detection_scores(
    verdicts: &[Verdict],
    wrong: &[bool],
    by: RankingsByMargin,
) -> Result<DetectionScores, TrainError> {
    let suspicion: Vec<f64> = verdicts.iter().map(|verdict| verdict.suspicion).collect();
    let flagged: Vec<bool> = verdicts.iter().map(|verdict| verdict.flagged).collect();
    let scores = detection::of_scores(&suspicion, wrong, &flagged)?;
    Ok(DetectionScores {
        average_precision: scores.average_precision,
        auroc: scores.auroc,
        precision: scores.precision,
        recall: scores.recall,
        f1: scores.f1,
        balanced_accuracy: scores.balanced_accuracy,
        n_flagged: scores.n_flagged,
        n_wrong: scores.n_wrong,
        by,
        confident_learning: None,
    })
}
