//! The networks of a phase and how they begin.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};
use lane_data::seed;
use lane_models::{Network, NetworkInput, Output};

use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::method::{Matrix, Phase};

/// The networks trained together, by index: 0 is the classifier that predicts.
#[derive(Module, Debug)]
pub struct Networks {
    /// In the order the method numbers them.
    pub members: Vec<Network>,
    /// Parameters of the method's own, in the order it gave them.
    pub own: Vec<Param<Tensor<2>>>,
}

impl Networks {
    /// Copies of the encoder, one for each network of `phase`, each with a head of its own drawn
    /// from `seed`.
    ///
    /// With a frozen encoder the networks are heads only.
    ///
    /// # Errors
    ///
    /// [`TrainError::Model`] if the encoder's weights cannot be read.
    pub fn fresh(
        encoder: &Encoder,
        phase: &Phase,
        n_classes: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let member = |index| {
            let seed = seed::stream(seed, "initialisation", &[index]);
            let network = encoder.network(n_classes + phase.extra_classes, seed, device)?;
            Ok(if phase.head_bias { network } else { network.without_bias() })
        };
        let members =
            (0..phase.n_networks as u64).map(member).collect::<Result<_, TrainError>>()?;
        Ok(Self { members, own: Vec::new() })
    }

    /// The same networks with other parameters of the method's own.
    #[must_use]
    pub fn with_own(self, matrices: &[Matrix], device: &Device) -> Self {
        let parameter = |matrix: &Matrix| {
            let data = TensorData::new(matrix.values.clone(), matrix.shape);
            Param::from_tensor(Tensor::from_data(data, device))
        };
        Self { own: matrices.iter().map(parameter).collect(), ..self }
    }

    /// The classifier's outputs with dropout off.
    pub fn predict(&self, network: usize, input: NetworkInput<'_>) -> Output {
        self.members[network].forward(input, lane_models::Mode::Evaluate)
    }
}
