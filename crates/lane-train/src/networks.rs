//! The networks of a phase and how they begin.

use burn::module::Module;
use burn::tensor::Device;
use lane_data::seed;
use lane_models::{Network, NetworkInput, Output};

use crate::encoder::Encoder;
use crate::error::TrainError;

/// The networks trained together, by index: 0 is the classifier that predicts.
#[derive(Module, Debug)]
pub struct Networks {
    /// In the order the method numbers them.
    pub members: Vec<Network>,
}

impl Networks {
    /// `n_networks` copies of the encoder, each with a head of its own drawn from `seed`.
    ///
    /// With a frozen encoder the networks are heads only.
    ///
    /// # Errors
    ///
    /// [`TrainError::Model`] if the encoder's weights cannot be read.
    pub fn fresh(
        encoder: &Encoder,
        n_networks: usize,
        n_classes: usize,
        run_seed: u64,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let members = (0..n_networks as u64)
            .map(|index| {
                encoder.network(
                    n_classes,
                    seed::stream(run_seed, "initialisation", &[index]),
                    device,
                )
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { members })
    }

    /// The classifier's outputs with dropout off.
    pub fn predict(&self, network: usize, input: NetworkInput<'_>) -> Output {
        self.members[network].forward(input, lane_models::Mode::Evaluate)
    }
}
