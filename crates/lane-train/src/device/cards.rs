//! Graphics cards: listing them without opening any, and opening one without a panic.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{Device, DeviceType};

use super::{Backend, DeviceName};
use crate::error::TrainError;

/// A card that a driver lists.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub(super) device: Device,
    pub(super) kind: Kind,
}

/// What is behind a card's name, the fastest kind first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A card with memory of its own.
    Discrete,
    /// A part of the processor, in its memory.
    Integrated,
    /// Lent by a host, or of a kind that the driver does not name.
    Other,
    /// The processor in a card's place.
    Software,
}

impl Kind {
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Discrete => "a graphics card",
            Self::Integrated => "graphics within the processor",
            Self::Other => "graphics of another kind",
            Self::Software => "software on the processor",
        }
    }
}

/// The cards of a backend, in the order of their names.
pub(super) fn list(backend: Backend) -> Vec<Card> {
    match backend {
        #[cfg(feature = "wgpu")]
        Backend::Wgpu => wgpu(),
        #[cfg(feature = "cuda")]
        Backend::Cuda => cuda(),
        _ => Vec::new(),
    }
}

/// The adapters of wgpu, sorted by kind; none without a driver.
#[cfg(feature = "wgpu")]
fn wgpu() -> Vec<Card> {
    use burn::backend::{CubeDevice, DispatchDevice, WgpuDeviceKind};
    let kind = |device: &Device| match device.as_dispatch() {
        DispatchDevice::Cube(CubeDevice::Wgpu(it)) => match it.kind {
            WgpuDeviceKind::DiscreteGpu(_) => Kind::Discrete,
            WgpuDeviceKind::IntegratedGpu(_) => Kind::Integrated,
            WgpuDeviceKind::Cpu => Kind::Software,
            _ => Kind::Other,
        },
        _ => Kind::Other,
    };
    let all = Device::enumerate(DeviceType::Wgpu).into_iter();
    let mut cards: Vec<Card> = all.map(|device| Card { kind: kind(&device), device }).collect();
    cards.sort_by_key(|card| card.kind);
    cards
}

/// The cards that NVIDIA's driver lists; none without the driver.
#[cfg(feature = "cuda")]
fn cuda() -> Vec<Card> {
    let all = Device::enumerate(DeviceType::Cuda).into_iter();
    all.map(|device| Card { device, kind: Kind::Discrete }).collect()
}

/// Opens the card of this name.
pub(super) fn open(name: DeviceName, index: u16) -> Result<Device, TrainError> {
    let missing = |reason: String| TrainError::DeviceMissing { device: name, reason };
    let cards = list(name.backend());
    let Some(card) = cards.get(usize::from(index)) else {
        return Err(missing(match cards.len() {
            0 => none_of(name.backend()).into(),
            n => format!("the driver lists {n}, counted from 0"),
        }));
    };
    model(card).map_err(missing)?;
    Ok(card.device.clone())
}

/// Opens a card and asks what it calls itself.
pub(super) fn model(card: &Card) -> Result<String, String> {
    let name = attempt(|| card.device.identity().map(|identity| identity.name))?;
    Ok(name.unwrap_or_else(|| "unnamed".into()))
}

/// Uses a card for the first time; where the driver refuses, its reason on one line.
///
/// burn opens a card at its first use and panics where the driver refuses: too old, taken by
/// another process, out of memory. CUDA has no call that asks first, so the panic is caught here,
/// where a card is tried before anything else has begun. It starts on a thread of the driver's and
/// reaches this one as a lost connection, so the reason is taken from the hook that sees it first.
pub(super) fn attempt<T>(action: impl FnOnce() -> T) -> Result<T, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let reasons = Arc::new(Mutex::new(Vec::new()));
    let usual = panic::take_hook();
    let heard = Arc::clone(&reasons);
    panic::set_hook(Box::new(move |panic| {
        let reason = panic.payload_as_str().unwrap_or("no reason given");
        let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(reason.lines().next().unwrap_or_default().to_owned());
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(action));
    panic::set_hook(usual);
    result.map_err(|_| {
        let reasons = reasons.lock().unwrap_or_else(PoisonError::into_inner);
        let first = reasons.first().map_or("no reason given", String::as_str);
        format!("its driver does not open it: {first}")
    })
}

/// Why the list of a backend is empty.
pub(super) fn none_of(backend: Backend) -> &'static str {
    match backend {
        Backend::Cuda => "NVIDIA's driver (libcuda) is not installed, or lists no card",
        _ => "no graphics driver (Vulkan, Metal, DirectX 12 or OpenGL) offers an adapter",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_on_a_thread_of_the_driver_becomes_its_first_line() {
        let opens = || {
            let driver = std::thread::spawn(|| panic!("no memory\nbacktrace"));
            driver.join().map_err(|_| "lost connection").unwrap()
        };
        let said = attempt(opens).unwrap_err();
        assert_eq!(said, "its driver does not open it: no memory");
        assert_eq!(attempt(|| 7), Ok(7));
    }

    #[test]
    fn graphics_cards_come_before_software() {
        let mut kinds = [Kind::Software, Kind::Other, Kind::Discrete, Kind::Integrated];
        kinds.sort();
        assert_eq!(kinds, [Kind::Discrete, Kind::Integrated, Kind::Other, Kind::Software]);
    }
}
