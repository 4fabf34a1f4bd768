//! The methods, one file each, named as in the tables.
//!
//! Each file ends in the list below with one [`Entry`]: its name, one line about it, and how it is
//! built. Everything else that knows methods (the command line, configurations, records, the tests
//! that run each of them) reads the list.

pub mod aum;
pub mod base;
pub mod cartography;
pub mod co_teaching;
pub mod disc;
pub mod dividemix;
pub mod hmw;
pub mod lane;
pub mod lane_alm;
pub mod lane_fixed;
pub mod lane_sim;
pub mod lcl;
pub mod margin_mixture;
pub mod noise_layer;
pub mod peer_loss;
pub mod robust;
pub mod scl;
#[cfg(test)]
mod staged;
pub mod unicon;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::Config;
use crate::error::TrainError;
use crate::method::Method;

/// Every method, in the order of the tables.
const METHODS: &[Entry] = &[
    base::BASE,
    lane::LANE,
    lane_sim::LANE_SIM,
    lane_alm::LANE_ALM,
    lane_fixed::LANE_FIXED_MU0,
    lane_fixed::LANE_FIXED_MU_MINUS_1,
    margin_mixture::MARGIN_MIXTURE,
    cartography::CARTOGRAPHY_EASY,
    cartography::CARTOGRAPHY_HARD,
    cartography::CARTOGRAPHY_AMBIGUOUS,
    noise_layer::NOISE_LAYER,
    peer_loss::PEER_LOSS,
    aum::AUM,
    scl::SCL,
    lcl::LCL,
    hmw::HMW,
    co_teaching::CO_TEACHING,
    dividemix::DIVIDEMIX,
    disc::DISC,
    unicon::UNICON,
    robust::BLURRY,
    robust::PIECEWISE_ZERO,
    robust::FOCAL,
    robust::GCE,
    robust::MAE,
    robust::SCE,
    robust::NCE_RCE,
    robust::ANL_CE,
    robust::ANL_FL,
];

/// One line of the list of methods.
#[derive(Debug)]
pub struct Entry {
    /// The name used in commands, configurations, records and tables.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Views of a text that it cannot do without.
    pub least_views: usize,
    /// The method with the settings of a configuration.
    ///
    /// Called before anything is trained, so that it may refuse settings and data.
    pub build: Build,
}

/// How a method comes out of a configuration.
pub type Build = fn(&Config, Facts) -> Result<Box<dyn Method>, TrainError>;

/// What a method may know of the data when it is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Training rows.
    pub n_rows: usize,
    /// Classes of the data.
    pub n_classes: usize,
}

/// A method by the name used in commands, configurations, records and tables.
#[derive(Clone, Copy)]
pub struct MethodName(&'static Entry);

impl MethodName {
    /// Plain cross-entropy.
    pub const BASE: Self = Self(&base::BASE);
    /// LANE.
    pub const LANE: Self = Self(&lane::LANE);

    /// Every method, in the order of the tables.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        METHODS.iter().map(Self)
    }

    /// The name used in commands, configurations, records and tables.
    pub fn as_str(self) -> &'static str {
        self.0.name
    }

    /// What it does, in one line.
    pub fn describe(self) -> &'static str {
        self.0.about
    }

    /// Views of a text that it cannot do without; a run with fewer gets two, the text and one with
    /// synonyms.
    pub fn least_views(self) -> usize {
        self.0.least_views
    }

    /// The method with the settings of `config`, for data of which `facts` are known.
    ///
    /// # Errors
    ///
    /// [`TrainError::Setting`] or [`TrainError::Loss`] where a setting is out of its range or there
    /// are fewer views than [`least_views`](Self::least_views),
    /// [`TrainError::Refused`] where the method is not defined for it or for the data.
    pub fn build(self, config: &Config, facts: Facts) -> Result<Box<dyn Method>, TrainError> {
        let n_views = config.views.kinds.len();
        if n_views < self.least_views() {
            let expected = format!("at least {} views for `{self}`", self.least_views());
            return Err(TrainError::setting("views.kinds", n_views, expected));
        }
        (self.0.build)(config, facts).map_err(|error| match error {
            TrainError::Metrics(source) => TrainError::Refused { method: self.as_str(), source },
            other => other,
        })
    }
}

impl FromStr for MethodName {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        Self::all().find(|method| method.as_str() == name).ok_or_else(|| {
            let known: Vec<_> = Self::all().map(Self::as_str).collect();
            TrainError::setting("method", name, format!("one of {}", known.join(", ")))
        })
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for MethodName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("MethodName").field(&self.as_str()).finish()
    }
}

impl PartialEq for MethodName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for MethodName {}

impl PartialOrd for MethodName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MethodName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl Hash for MethodName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Serialize for MethodName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MethodName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::MethodName;

    #[test]
    fn every_name_is_the_same_in_text_and_in_configurations() {
        for method in MethodName::all() {
            assert_eq!(serde_json::to_value(method).unwrap(), method.as_str());
            assert_eq!(method.as_str().parse::<MethodName>().unwrap(), method);
        }
    }

    #[test]
    fn no_name_stands_twice() {
        let names: BTreeSet<_> = MethodName::all().collect();
        assert_eq!(names.len(), MethodName::all().len());
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "lame".parse::<MethodName>().unwrap_err().to_string();
        assert!(error.contains("`method` is lame") && error.contains("margin-mixture"), "{error}");
    }
}
