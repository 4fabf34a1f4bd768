//! The scores that a ranking can be made by.

use std::fmt;
use std::str::FromStr;

use crate::model::Score;
use crate::training::TrainingScores;

/// A score to rank by. Whatever its sign where it comes from, here higher is more suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RankBy {
    /// [`suspicion`](crate::suspicion): the default wherever there are out-of-fold probabilities.
    Suspicion,
    /// Probability of the label out of fold, as in cleanlab.
    SelfConfidence,
    /// How far that probability leads the next, as in cleanlab.
    NormalizedMargin,
    /// Entropy over self-confidence, as in cleanlab.
    ConfidenceWeightedEntropy,
    /// Average label-aware margin (LANE).
    Alm,
    /// Average margin.
    Aum,
    /// Weight of the row's loss at the end of training.
    Weight,
    /// Mean cross-entropy over the epochs.
    Loss,
    /// Mean probability of the label over the epochs.
    Confidence,
    /// Deviation of that probability over the epochs.
    Variability,
    /// Epochs in which the label was predicted.
    Correctness,
    /// Times it was predicted in one epoch and not in the next.
    Forgetting,
}

/// Name, score, what it means with the most suspicious first.
const ALL: [(&str, RankBy, &str); 12] = [
    (
        "suspicion",
        RankBy::Suspicion,
        "how little chance the given label has beside the others, by a model that did not see the \
         row and by the estimated noise.",
    ),
    (
        "self-confidence",
        RankBy::SelfConfidence,
        "the probability of the given label by a model that did not see the row, lowest first.",
    ),
    (
        "normalized-margin",
        RankBy::NormalizedMargin,
        "how far the given label leads the next one for a model that did not see the row, lowest first.",
    ),
    (
        "confidence-weighted-entropy",
        RankBy::ConfidenceWeightedEntropy,
        "the entropy of a model that did not see the row over its probability of the given label.",
    ),
    (
        "alm",
        RankBy::Alm,
        "the label-aware margin of the given label, averaged over training, lowest first.",
    ),
    ("aum", RankBy::Aum, "the margin of the given label, averaged over training, lowest first."),
    (
        "weight",
        RankBy::Weight,
        "the weight of the row's loss at the end of training, lowest first.",
    ),
    ("loss", RankBy::Loss, "the cross-entropy of the given label, averaged over training."),
    (
        "confidence",
        RankBy::Confidence,
        "the probability of the given label, averaged over training, lowest first.",
    ),
    (
        "variability",
        RankBy::Variability,
        "how much the probability of the given label varied in training.",
    ),
    (
        "correctness",
        RankBy::Correctness,
        "the passes of training in which the given label was predicted, fewest first.",
    ),
    (
        "forgetting",
        RankBy::Forgetting,
        "how often the given label was predicted in one pass of training and not in the next.",
    ),
];

/// The text names no score.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown score `{found}`, expected one of {}", names().collect::<Vec<_>>().join(", "))]
pub struct UnknownScore {
    found: String,
}

/// The names of all scores.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|(name, ..)| name)
}

impl RankBy {
    fn entry(self) -> (&'static str, &'static str) {
        let found = ALL.into_iter().find(|(_, it, _)| *it == self);
        found.map_or(("", ""), |(name, _, meaning)| (name, meaning))
    }

    /// What the report says of it.
    pub fn score(self) -> Score {
        let (name, meaning) = self.entry();
        Score { name: name.into(), meaning: meaning.into() }
    }

    /// Whether it is made of probabilities of models that did not see the row.
    pub fn is_out_of_fold(self) -> bool {
        use RankBy::{ConfidenceWeightedEntropy, NormalizedMargin, SelfConfidence, Suspicion};
        matches!(self, Suspicion | SelfConfidence | NormalizedMargin | ConfidenceWeightedEntropy)
    }

    /// This score of a row, if it is one of training; higher is more suspicious.
    pub(crate) fn of_training(self, scores: &TrainingScores) -> Option<f64> {
        let lowest = |value: Option<f64>| value.map(|it| 0.0 - it);
        match self {
            Self::Alm => lowest(scores.alm),
            Self::Aum => lowest(scores.aum),
            Self::Weight => lowest(scores.weight),
            Self::Loss => scores.loss,
            Self::Confidence => lowest(scores.confidence),
            Self::Variability => scores.variability,
            Self::Correctness => lowest(scores.correctness.map(f64::from)),
            Self::Forgetting => scores.forgetting.map(f64::from),
            _ => None,
        }
    }
}

impl fmt::Display for RankBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.entry().0)
    }
}

impl FromStr for RankBy {
    type Err = UnknownScore;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = ALL.into_iter().find(|(name, ..)| *name == text);
        found.map(|(_, score, _)| score).ok_or_else(|| UnknownScore { found: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_back_and_forth() {
        for (name, score, meaning) in ALL {
            assert_eq!((score.to_string(), name.parse()), (name.to_owned(), Ok(score)));
            assert!(meaning.ends_with('.'), "{meaning}");
        }
        let refused = "best".parse::<RankBy>().unwrap_err().to_string();
        assert!(
            refused.starts_with("unknown score `best`, expected one of suspicion, "),
            "{refused}"
        );
    }

    #[test]
    fn every_score_is_either_of_training_or_out_of_fold() {
        let all = TrainingScores {
            alm: Some(1.0),
            aum: Some(1.0),
            weight: Some(1.0),
            loss: Some(1.0),
            confidence: Some(1.0),
            variability: Some(1.0),
            correctness: Some(1),
            forgetting: Some(1),
            rival: None,
        };
        for (name, score, _) in ALL {
            assert_ne!(score.of_training(&all).is_some(), score.is_out_of_fold(), "{name}");
        }
    }
}
