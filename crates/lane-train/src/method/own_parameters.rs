//! Parameters of a method that are no network.

/// Parameters that a method brings besides the networks, trained with them through one phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnParameters {
    /// Their first values.
    pub matrices: Vec<Matrix>,
    /// Their learning rate over that of the networks. They are not decayed.
    pub lr_factor: f64,
}

/// A matrix of first values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// As many as the shape says.
    pub values: Vec<f32>,
    /// Rows and columns.
    pub shape: [usize; 2],
}

impl Matrix {
    /// All zero.
    pub fn zeros(shape: [usize; 2]) -> Self {
        Self { values: vec![0.0; shape[0] * shape[1]], shape }
    }
}
