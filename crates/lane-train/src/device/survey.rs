//! What this build and this machine offer, and which of it is recommended.
//!
//! The rule: a GPU of its own (no software, no part of the processor) whose products are exact, by
//! a measurement when it is asked for; else `flex`. Between the two devices of the CPU, `flex` with
//! its fused kernels is the faster one, as `docs/PERFORMANCE.md` measures. A GPU that rounds to
//! fewer bits stays a choice of the user's, since results would no longer compare.

use std::sync::OnceLock;

use serde::Serialize;

use super::{Backend, Cpu, DeviceName, exactness};

/// One device, or one backend without a device.
#[derive(Clone, Debug, Serialize)]
pub struct Offer {
    /// What `--device` takes.
    pub name: String,
    /// What it is: the processor, the adapter, or what is missing.
    pub description: String,
    /// Whether this program was built with the backend.
    pub in_build: bool,
    /// Whether this machine has it and opens it; unknown to a build without it.
    pub present: Option<bool>,
    /// Whether products are those of f32; known of what is present.
    pub exact: Option<bool>,
    /// Largest error of a product on it, relative to the largest entry.
    pub largest_error: Option<f64>,
    /// The processor, where that is what computes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Whether it is the processor in a graphics card's place.
    pub software: bool,
    /// Whether `--device` defaults to it.
    pub recommended: bool,
}

/// Every backend, with every device of it that this machine has.
pub fn survey() -> Vec<Offer> {
    let mut all: Vec<Offer> = Backend::ALL.into_iter().flat_map(offers).collect();
    let name = recommended().to_string();
    for offer in &mut all {
        offer.recommended = offer.name == name;
    }
    all
}

/// The device that is taken when none is named, found once per process.
pub fn recommended() -> DeviceName {
    static FOUND: OnceLock<DeviceName> = OnceLock::new();
    *FOUND.get_or_init(|| cards::exact().unwrap_or(DeviceName::Flex))
}

fn offers(backend: Backend) -> Vec<Offer> {
    match backend {
        _ if !backend.in_build() => vec![not_built(backend)],
        Backend::Flex => vec![on_cpu(DeviceName::Flex, "pure Rust")],
        Backend::Tch => vec![on_cpu(DeviceName::Tch, "libtorch")],
        Backend::Wgpu | Backend::Cuda => cards::offers(backend),
    }
}

fn on_cpu(name: DeviceName, kernels: &str) -> Offer {
    match name.open() {
        Ok(device) => {
            let cpu = Cpu::detect();
            let offer = here(name, format!("{cpu}; {kernels}"), exactness::largest_error(&device));
            Offer { cpu: Some(cpu), ..offer }
        }
        Err(error) => missing(name.to_string(), error.to_string()),
    }
}

fn here(name: DeviceName, description: String, error: f64) -> Offer {
    Offer {
        name: name.to_string(),
        description,
        in_build: true,
        present: Some(true),
        exact: Some(error <= exactness::LIMIT),
        largest_error: Some(error),
        cpu: None,
        software: false,
        recommended: false,
    }
}

fn missing(name: String, description: String) -> Offer {
    Offer {
        name,
        description,
        in_build: true,
        present: Some(false),
        exact: None,
        largest_error: None,
        cpu: None,
        software: false,
        recommended: false,
    }
}

fn not_built(backend: Backend) -> Offer {
    let name = backend.as_str();
    let what = match backend {
        Backend::Flex | Backend::Tch => "the CPU through libtorch",
        Backend::Wgpu => "graphics cards through Vulkan, Metal or DirectX 12",
        Backend::Cuda => "graphics cards of NVIDIA",
    };
    let description = format!("{what}; built with `--features {name}`");
    Offer { in_build: false, present: None, ..missing(name.into(), description) }
}

/// In a build that knows no graphics cards.
#[cfg(not(any(feature = "wgpu", feature = "cuda")))]
mod cards {
    use super::{Backend, DeviceName, Offer};

    pub(super) fn exact() -> Option<DeviceName> {
        None
    }

    pub(super) fn offers(_: Backend) -> Vec<Offer> {
        Vec::new()
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
mod cards {
    use super::{Backend, DeviceName, Offer, exactness, here, missing};
    use crate::device::cards::{Card, Kind, attempt, list, model, none_of};

    /// The first card of its own kind, of NVIDIA's driver before others, whose products are exact.
    pub(super) fn exact() -> Option<DeviceName> {
        [Backend::Cuda, Backend::Wgpu].into_iter().find_map(|backend| {
            let own = |(_, card): &(u16, Card)| card.kind == Kind::Discrete;
            let exact =
                |(_, card): &(u16, Card)| error(card).is_ok_and(|error| error <= exactness::LIMIT);
            let mut cards = (0..).zip(list(backend)).filter(own);
            cards.find(exact).map(|(index, _)| name(backend, index))
        })
    }

    pub(super) fn offers(backend: Backend) -> Vec<Offer> {
        let cards = list(backend);
        if cards.is_empty() {
            return vec![missing(backend.as_str().into(), none_of(backend).into())];
        }
        (0..).zip(&cards).map(|(index, card)| offer(name(backend, index), card)).collect()
    }

    fn offer(name: DeviceName, card: &Card) -> Offer {
        let measured = model(card).and_then(|model| Ok((model, error(card)?)));
        match measured {
            Ok((model, error)) => Offer {
                software: card.kind == Kind::Software,
                ..here(name, format!("{model}, {}", card.kind.describe()), error)
            },
            Err(reason) => missing(name.to_string(), reason),
        }
    }

    fn error(card: &Card) -> Result<f64, String> {
        attempt(|| exactness::largest_error(&card.device))
    }

    fn name(backend: Backend, index: u16) -> DeviceName {
        match backend {
            Backend::Cuda => DeviceName::Cuda(index),
            _ => DeviceName::Wgpu(index),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_backend_is_listed_and_one_device_is_recommended() {
        let all = survey();
        for backend in Backend::ALL {
            let of_backend = |offer: &&Offer| offer.name.starts_with(backend.as_str());
            let offer = all.iter().find(of_backend).unwrap();
            assert_eq!(offer.in_build, backend.in_build(), "{offer:?}");
            assert_eq!(offer.present.is_some(), offer.in_build, "{offer:?}");
        }
        let recommended: Vec<&Offer> = all.iter().filter(|offer| offer.recommended).collect();
        assert_eq!(recommended.len(), 1);
        assert_eq!((recommended[0].exact, recommended[0].software), (Some(true), false));
    }
}
