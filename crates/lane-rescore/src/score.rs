//! The scores of a row, and which end of each is the suspicious one.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::error::RescoreError;

/// What to rank rows by; the ranking has a column for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Score {
    /// Mean margin of the given label, in logits.
    Aum,
    /// Mean label-aware margin, over the epochs that have one.
    Alm,
    /// Weight of the row's loss in the last epoch.
    Weight,
    /// Mean of −ln p(label).
    Loss,
    /// Mean of p(label).
    Confidence,
    /// Deviation of p(label).
    Variability,
    /// Epochs in which the label was predicted.
    Correctness,
    /// Times the label was predicted and then not.
    Forgetting,
}

impl Score {
    /// Every score, in the order of the columns.
    pub const ALL: [Self; 8] = [
        Self::Aum,
        Self::Alm,
        Self::Weight,
        Self::Loss,
        Self::Confidence,
        Self::Variability,
        Self::Correctness,
        Self::Forgetting,
    ];

    /// Its name, which is that of its column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aum => "aum",
            Self::Alm => "alm",
            Self::Weight => "weight",
            Self::Loss => "loss",
            Self::Confidence => "confidence",
            Self::Variability => "variability",
            Self::Correctness => "correctness",
            Self::Forgetting => "forgetting",
        }
    }

    /// Whether a high value speaks against the label.
    pub fn high_is_suspicious(self) -> bool {
        matches!(self, Self::Loss | Self::Variability | Self::Forgetting)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Score {
    type Err = RescoreError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|score| score.as_str() == text).ok_or_else(|| {
            RescoreError::Setting {
                setting: "score",
                found: format!("`{text}`"),
                expected: "aum, alm, weight, loss, confidence, variability, correctness or forgetting",
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_found_by_the_names_that_the_refusal_lists() {
        let said = "auc".parse::<Score>().unwrap_err().to_string();
        for score in Score::ALL {
            assert_eq!(score.as_str().parse::<Score>().unwrap(), score);
            assert!(said.contains(score.as_str()), "{said}");
        }
    }
}
