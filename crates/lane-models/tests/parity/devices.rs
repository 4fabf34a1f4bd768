//! The devices that tests run on: those of `LANE_TEST_DEVICES` that this build and this machine have.

use std::io::Write;

use burn::tensor::{Device, Tensor};

/// A device under test.
pub(crate) struct Tested {
    pub(crate) name: String,
    pub(crate) device: Device,
    /// By how much more than in f32 the numbers may be off.
    #[allow(dead_code, reason = "not all that read this file compare numbers")]
    pub(crate) slack: f32,
}

/// `LANE_TEST_DEVICES` is a list such as `flex,wgpu`; without it, `flex` alone.
pub(crate) fn tested() -> Vec<Tested> {
    let names = std::env::var("LANE_TEST_DEVICES").unwrap_or_else(|_| "flex".into());
    let mut all = Vec::new();
    for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        match open(name) {
            Ok(device) => {
                let slack = if multiplies_in_f32(&device) { 1.0 } else { 500.0 };
                all.push(Tested { name: name.into(), device, slack });
            }
            Err(why) => {
                // Past the capture of passing tests: what was not tested must be seen.
                let mut seen = std::io::stderr().lock();
                writeln!(seen, "skipped on {name}: {why}").unwrap();
            }
        }
    }
    all
}

#[allow(unreachable_patterns, reason = "in a build with a backend its name is met before")]
fn open(name: &str) -> Result<Device, &'static str> {
    match name {
        "flex" => Ok(Device::flex()),
        #[cfg(feature = "tch")]
        #[expect(
            deprecated,
            reason = "burn deprecates its libtorch backend; it stays while burn has it"
        )]
        "tch" => Ok(Device::libtorch()),
        #[cfg(feature = "wgpu")]
        "wgpu" => first(burn::tensor::DeviceType::Wgpu),
        #[cfg(feature = "cuda")]
        "cuda" => first(burn::tensor::DeviceType::Cuda),
        "tch" | "wgpu" | "cuda" => Err("not in this build, its feature is off"),
        _ => panic!("LANE_TEST_DEVICES names `{name}`, expected flex, tch, wgpu or cuda"),
    }
}

#[cfg(any(feature = "wgpu", feature = "cuda"))]
fn first(of: burn::tensor::DeviceType) -> Result<Device, &'static str> {
    Device::enumerate(of).into_iter().next().ok_or("not on this machine, no driver offers a card")
}

/// Whether a factor of `1 + 2⁻¹²` survives a product: TF32, at 10 bits of fraction, makes it 1.
fn multiplies_in_f32(device: &Device) -> bool {
    let just_above_one = Tensor::<2>::full([64, 64], 1.0 + 2.0_f32.powi(-12), device);
    let product = just_above_one.clone().matmul(just_above_one).into_data();
    let product = product.try_to_vec::<f32>().unwrap();
    product.iter().all(|entry| 2.0_f32.powi(-12) < entry / 64.0 - 1.0)
}
