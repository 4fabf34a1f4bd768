//! Where to compute: names of devices, which of them this build knows, and opening one.
//!
//! A name is a backend of burn, with the number of the card where there may be several. Any build
//! reads any name, so that the configuration of a run made elsewhere stays readable; what a build
//! or a machine lacks is refused when it is opened, before anything else is done.

#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod cards;
mod cpu;
mod exactness;
mod survey;

use burn::tensor::Device;

use crate::error::TrainError;

pub use cpu::{Cpu, Simd};
pub use survey::{Offer, recommended, survey};

/// A backend of burn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// burn's own CPU kernels: pure Rust, always there.
    Flex,
    /// libtorch on the CPU.
    Tch,
    /// GPUs through Vulkan, Metal or DirectX 12.
    Wgpu,
    /// GPUs of NVIDIA.
    Cuda,
}

impl Backend {
    /// Every backend, in any build.
    pub const ALL: [Self; 4] = [Self::Flex, Self::Tch, Self::Wgpu, Self::Cuda];

    /// The name used in commands, and the feature that builds it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flex => "flex",
            Self::Tch => "tch",
            Self::Wgpu => "wgpu",
            Self::Cuda => "cuda",
        }
    }

    /// Whether this program was built with it.
    pub fn in_build(self) -> bool {
        match self {
            Self::Flex => true,
            Self::Tch => cfg!(feature = "tch"),
            Self::Wgpu => cfg!(feature = "wgpu"),
            Self::Cuda => cfg!(feature = "cuda"),
        }
    }
}

/// A device by the name the command line uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DeviceName {
    /// The CPU through burn's own kernels.
    Flex,
    /// The CPU through libtorch.
    Tch,
    /// A graphics card through wgpu, by its place in `lane devices`.
    Wgpu(u16),
    /// A card of NVIDIA, by the driver's number.
    Cuda(u16),
}

impl DeviceName {
    /// The backend it belongs to.
    pub fn backend(self) -> Backend {
        match self {
            Self::Flex => Backend::Flex,
            Self::Tch => Backend::Tch,
            Self::Wgpu(_) => Backend::Wgpu,
            Self::Cuda(_) => Backend::Cuda,
        }
    }

    /// The device itself, without gradients.
    ///
    /// # Errors
    ///
    /// [`TrainError::DeviceNotBuilt`] if this build lacks the backend, [`TrainError::DeviceMissing`]
    /// if the machine lacks the device or its driver does not open it.
    pub fn open(self) -> Result<Device, TrainError> {
        match self {
            Self::Flex => Ok(Device::flex()),
            #[cfg(feature = "tch")]
            #[expect(
                deprecated,
                reason = "burn deprecates its libtorch backend; it stays while burn has it"
            )]
            Self::Tch => {
                lane_models::libtorch::use_rayon_threads();
                Ok(Device::libtorch())
            }
            #[cfg(feature = "wgpu")]
            Self::Wgpu(index) => cards::open(self, index),
            #[cfg(feature = "cuda")]
            Self::Cuda(index) => cards::open(self, index),
            #[cfg(not(all(feature = "tch", feature = "wgpu", feature = "cuda")))]
            _ => Err(TrainError::DeviceNotBuilt { device: self, feature: self.backend().as_str() }),
        }
    }
}

impl std::str::FromStr for DeviceName {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        let unknown = || TrainError::Device {
            found: name.into(),
            expected: "flex, tch, wgpu, cuda; with several cards also wgpu:1, cuda:1 and so on",
        };
        let (backend, index) = match name.split_once(':') {
            Some((backend, index)) => (backend, Some(index.parse().map_err(|_| unknown())?)),
            None => (name, None),
        };
        match (backend, index) {
            ("flex", None) => Ok(Self::Flex),
            ("tch", None) => Ok(Self::Tch),
            ("wgpu", index) => Ok(Self::Wgpu(index.unwrap_or(0))),
            ("cuda", index) => Ok(Self::Cuda(index.unwrap_or(0))),
            _ => Err(unknown()),
        }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = TrainError;

    fn try_from(name: String) -> Result<Self, TrainError> {
        name.parse()
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.to_string()
    }
}

impl std::fmt::Display for DeviceName {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = self.backend().as_str();
        match self {
            Self::Flex | Self::Tch => formatter.write_str(backend),
            Self::Wgpu(index) | Self::Cuda(index) => write!(formatter, "{backend}:{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_as_themselves_and_an_index_may_be_left_out() {
        for name in ["flex", "tch", "wgpu:0", "wgpu:3", "cuda:0", "cuda:1"] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        assert_eq!("cuda".parse::<DeviceName>().unwrap(), DeviceName::Cuda(0));
        assert_eq!("wgpu".parse::<DeviceName>().unwrap(), DeviceName::Wgpu(0));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for name in ["", "gpu", "flex:0", "tch:1", "cuda:", "cuda:-1", "cuda:x", "CUDA", "cuda:0:0"]
        {
            let error = name.parse::<DeviceName>().unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("flex, tch, wgpu, cuda"));
        }
    }

    #[test]
    fn a_device_that_is_not_in_this_build_names_the_feature_that_builds_it() {
        for name in ["tch", "wgpu", "cuda:1"] {
            let name: DeviceName = name.parse().unwrap();
            if name.backend().in_build() {
                continue;
            }
            let error = name.open().unwrap_err();
            let feature = format!("--features {}", name.backend().as_str());
            assert!(error.is_usage() && error.to_string().contains(&feature), "{error}");
        }
    }

    #[test]
    fn a_card_that_is_not_there_is_an_error_and_no_panic() {
        for name in [DeviceName::Wgpu(999), DeviceName::Cuda(999)] {
            let error = name.open().unwrap_err();
            assert!(error.is_usage(), "{error}");
        }
    }
}
