//! The names of the noise rules, alike in commands, configs, records and tables.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::DataError;

/// A rule of [`noise`](crate::noise), where the rules are written out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoiseKind {
    /// A fixed number of rows, each to another class.
    #[default]
    Uniform,
    /// Each row by chance, to another class.
    UniformBernoulli,
    /// A fixed number of rows, each to any class, its own included.
    UniformInclusive,
    /// Labels exchanged among some rows; class counts stay.
    Shuffle,
    /// To the next class.
    Pairwise,
    /// By a given matrix.
    ClassConditional,
    /// By the features of the row.
    Instance,
}

impl NoiseKind {
    /// All kinds, in the order of the documentation.
    pub const ALL: [Self; 7] = [
        Self::Uniform,
        Self::UniformBernoulli,
        Self::UniformInclusive,
        Self::Shuffle,
        Self::Pairwise,
        Self::ClassConditional,
        Self::Instance,
    ];

    /// The name in commands and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::UniformBernoulli => "uniform-bernoulli",
            Self::UniformInclusive => "uniform-inclusive",
            Self::Shuffle => "shuffle",
            Self::Pairwise => "pairwise",
            Self::ClassConditional => "class-conditional",
            Self::Instance => "instance",
        }
    }
}

impl fmt::Display for NoiseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for NoiseKind {
    type Err = DataError;

    fn from_str(name: &str) -> Result<Self, DataError> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            DataError::UnknownName {
                what: "noise kind",
                name: name.into(),
                expected: Self::ALL.map(Self::name).join(", "),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_there_and_back_and_agree_with_serde() {
        for kind in NoiseKind::ALL {
            assert_eq!(kind.name().parse::<NoiseKind>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
        }
    }

    #[test]
    fn unknown_kind_is_answered_with_the_list() {
        assert_eq!(
            "unifrm".parse::<NoiseKind>().unwrap_err().to_string(),
            "unknown noise kind `unifrm`, expected one of: uniform, uniform-bernoulli, \
             uniform-inclusive, shuffle, pairwise, class-conditional, instance"
        );
    }
}
