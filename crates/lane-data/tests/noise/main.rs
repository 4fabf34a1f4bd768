//! Noise: the reference values, the laws of each kind, and what is refused.

#![expect(clippy::unwrap_used, reason = "the helpers of a test may fail it like the test itself")]

mod golden;
mod laws;
mod refusals;
mod written;

use lane_data::noise::{self, Injection, NoiseConfig, NoiseInput, NoiseKind};
use lane_data::{ClassId, DataError};

fn labels(numbers: &[u16]) -> Vec<ClassId> {
    numbers.iter().copied().map(ClassId).collect()
}

fn inject(
    kind: NoiseKind,
    rate: f64,
    labels: &[ClassId],
    n_classes: usize,
    seed: u64,
) -> Result<Injection, DataError> {
    let config = NoiseConfig::new(kind, rate);
    noise::inject(labels, n_classes, &config, seed, NoiseInput::default())
}
