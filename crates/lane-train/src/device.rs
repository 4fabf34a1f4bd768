//! Which devices this build can compute on.

use burn::tensor::Device;

use crate::error::TrainError;

/// A device by the name the command line uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceName {
    /// burn's own CPU kernels: pure Rust, always there.
    Flex,
}

impl DeviceName {
    /// Every device of this build, the recommended one first.
    pub const ALL: &'static [Self] = &[Self::Flex];

    /// The name used in commands, configurations and records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flex => "flex",
        }
    }

    /// What it is, in one line.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Flex => "CPU, pure Rust kernels, as many threads as RAYON_NUM_THREADS allows",
        }
    }

    /// The device itself, without gradients.
    pub fn open(self) -> Device {
        match self {
            Self::Flex => Device::flex(),
        }
    }
}

impl std::str::FromStr for DeviceName {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        Self::ALL.iter().copied().find(|device| device.as_str() == name).ok_or_else(|| {
            TrainError::Device {
                found: name.into(),
                expected: Self::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", "),
            }
        })
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.as_str())
    }
}
