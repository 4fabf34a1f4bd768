//! The loss of a batch none of whose rows is learnt from.

use burn::tensor::{Device, Tensor};

use super::Loss;

/// Marks a loss over no rows among its terms.
const NO_ROWS: &str = "no_rows";

impl Loss {
    /// The loss of a batch none of whose rows is learnt from. The step is skipped, since weight decay
    /// and old momentum would still move the networks, and counted.
    pub fn of_no_rows(device: &Device) -> Self {
        let total = Tensor::zeros([1], device);
        Self { terms: vec![(NO_ROWS, total.clone())], total }
    }

    /// Whether this is [`of_no_rows`](Self::of_no_rows).
    pub fn is_of_no_rows(&self) -> bool {
        self.terms.iter().any(|(name, _)| *name == NO_ROWS)
    }
}
