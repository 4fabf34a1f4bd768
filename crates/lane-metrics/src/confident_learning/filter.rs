//! Which rule decides that a label is wrong.

use serde::{Deserialize, Serialize};

/// A rule of flagging; the names are cleanlab's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// For each pair of given label j and true label k, as many rows as the joint says are
    /// mislabeled so, those with the largest `p_k` − `p_j`.
    PruneByNoiseRate,
    /// In each class, as many rows as the joint says are mislabeled, those with the lowest
    /// probability of their label.
    PruneByClass,
    /// Rows that both of these flag.
    #[default]
    Both,
    /// Rows confidently counted in another class than their label's.
    ConfidentLearning,
    /// Rows whose most probable class is not their label.
    PredictedNeqGiven,
    /// As many rows as [`ConfidentLearning`](Self::ConfidentLearning) flags, those with the lowest
    /// normalized margin.
    LowNormalizedMargin,
    /// As many rows as [`ConfidentLearning`](Self::ConfidentLearning) flags, those with the lowest
    /// probability of their label.
    LowSelfConfidence,
}

impl Filter {
    /// All of them, in the order of their declaration.
    pub const ALL: [Self; 7] = [
        Self::PruneByNoiseRate,
        Self::PruneByClass,
        Self::Both,
        Self::ConfidentLearning,
        Self::PredictedNeqGiven,
        Self::LowNormalizedMargin,
        Self::LowSelfConfidence,
    ];

    /// The name as it is written in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::PruneByNoiseRate => "prune_by_noise_rate",
            Self::PruneByClass => "prune_by_class",
            Self::Both => "both",
            Self::ConfidentLearning => "confident_learning",
            Self::PredictedNeqGiven => "predicted_neq_given",
            Self::LowNormalizedMargin => "low_normalized_margin",
            Self::LowSelfConfidence => "low_self_confidence",
        }
    }

    /// Whether a row whose most probable class is its label is left alone.
    pub(crate) fn spares_agreement(self) -> bool {
        !matches!(self, Self::LowNormalizedMargin | Self::LowSelfConfidence)
    }
}
