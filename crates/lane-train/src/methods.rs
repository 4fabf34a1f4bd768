//! The methods, one file each, named as in the tables.

pub mod base;
pub mod lane;
pub mod lane_alm;
pub mod lane_fixed;
pub mod lane_sim;
pub mod margin_mixture;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::TrainError;
use crate::method::Method;

/// A method by the name used in commands, configurations, records and tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MethodName {
    /// Plain cross-entropy.
    Base,
    /// Label-aware margins weigh the cross-entropy, beside a label-aware contrastive loss.
    Lane,
    /// `lane` with the plain margin (AUM) in place of the label-aware one.
    LaneSim,
    /// `lane` without weights.
    LaneAlm,
    /// `lane` with the threshold fixed at mean 0 and deviation 1.
    LaneFixedMu0,
    /// `lane` with the threshold fixed at mean −1 and deviation 1.
    #[serde(rename = "lane-fixed-mu-1")]
    LaneFixedMuMinus1,
    /// Weights from a two-component mixture over averaged margins (ours).
    MarginMixture,
}

impl MethodName {
    /// Every method, in the order of the tables.
    pub const ALL: &'static [Self] = &[
        Self::Base,
        Self::Lane,
        Self::LaneSim,
        Self::LaneAlm,
        Self::LaneFixedMu0,
        Self::LaneFixedMuMinus1,
        Self::MarginMixture,
    ];

    /// The name used in commands, configurations, records and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Lane => "lane",
            Self::LaneSim => "lane-sim",
            Self::LaneAlm => "lane-alm",
            Self::LaneFixedMu0 => "lane-fixed-mu0",
            Self::LaneFixedMuMinus1 => "lane-fixed-mu-1",
            Self::MarginMixture => "margin-mixture",
        }
    }

    /// What it does, in one line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Base => "plain cross-entropy on the given labels",
            Self::Lane => {
                "Gaussian weights from averaged label-aware margins, with a label-aware contrastive loss"
            }
            Self::LaneSim => "lane with the plain margin (AUM) in place of the label-aware one",
            Self::LaneAlm => "lane without weights: both auxiliary terms only",
            Self::LaneFixedMu0 => "lane with the threshold fixed at mean 0, deviation 1",
            Self::LaneFixedMuMinus1 => "lane with the threshold fixed at mean -1, deviation 1",
            Self::MarginMixture => {
                "weights from a two-component mixture over averaged margins (not in the paper)"
            }
        }
    }

    /// The method with the settings of `config`, over `n_rows` training rows.
    pub fn build(self, config: &Config, n_rows: usize) -> Box<dyn Method> {
        match self {
            Self::Base => Box::new(base::Base::new(config)),
            Self::Lane => Box::new(lane::Lane::new(config)),
            Self::LaneSim => Box::new(lane_sim::lane_sim(config)),
            Self::LaneAlm => Box::new(lane_alm::lane_alm(config)),
            Self::LaneFixedMu0 => Box::new(lane_fixed::lane_fixed(config, 0.0)),
            Self::LaneFixedMuMinus1 => Box::new(lane_fixed::lane_fixed(config, -1.0)),
            Self::MarginMixture => Box::new(margin_mixture::MarginMixture::new(config, n_rows)),
        }
    }
}

impl std::str::FromStr for MethodName {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        Self::ALL.iter().copied().find(|method| method.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::ALL.iter().map(|method| method.as_str()).collect();
            TrainError::setting("method", name, format!("one of {}", known.join(", ")))
        })
    }
}

impl std::fmt::Display for MethodName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::MethodName;

    #[test]
    fn every_name_is_the_same_in_text_and_in_configurations() {
        for method in MethodName::ALL {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            assert_eq!(method.as_str().parse::<MethodName>().unwrap(), *method);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "lame".parse::<MethodName>().unwrap_err().to_string();
        assert!(error.contains("`method` is lame") && error.contains("margin-mixture"), "{error}");
    }
}
