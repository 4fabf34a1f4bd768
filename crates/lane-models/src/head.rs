//! The classifier on top of a pooled vector.
//!
//! ```text
//! pooled = tanh(W_d h + b_d)                  upstream: the pooler
//! logits = W_c dropout(pooled) + b_c          upstream: the classifier
//! ```

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor, activation::tanh},
};

use crate::{BertConfig, Mode, initialize, parameters};

/// Dense layer with tanh, and the classifier.
#[derive(Module, Debug)]
pub struct Head {
    /// `hidden → hidden`.
    pub dense: Linear,
    /// `hidden → classes`.
    pub classifier: Linear,
    dropout: f64,
}

impl Head {
    /// A new head with random weights, a function of the seed and the sizes.
    ///
    /// `dropout` is that of the pooled vector ([`BertConfig::classifier_dropout`]), in `0.0..1.0`,
    /// `initializer_range` the standard deviation of the weights.
    pub fn init(
        hidden_size: usize,
        n_classes: usize,
        dropout: f64,
        initializer_range: f64,
        seed: u64,
        device: &Device,
    ) -> Self {
        let blank = Self::blank(hidden_size, n_classes, dropout);
        initialize::fill(blank, initializer_range, seed, device)
    }

    pub(crate) fn blank(hidden_size: usize, n_classes: usize, dropout: f64) -> Self {
        Self {
            dense: parameters::blank_linear(hidden_size, hidden_size),
            classifier: parameters::blank_linear(hidden_size, n_classes),
            dropout,
        }
    }

    /// A blank head as an encoder's configuration describes it.
    pub(crate) fn blank_for(config: &BertConfig, n_classes: usize) -> Self {
        Self::blank(config.hidden_size, n_classes, config.classifier_dropout())
    }

    /// The same head with another dense layer, such as a pretrained pooler's.
    #[must_use]
    pub fn with_dense(self, dense: Linear) -> Self {
        Self { dense, ..self }
    }

    /// The same head with logits that have no bias.
    ///
    /// The parameter stays, zero and without a gradient, so that the head is saved and read as any
    /// other.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.classifier.bias =
            self.classifier.bias.map(|bias| bias.map(|it| it.zeros_like()).set_require_grad(false));
        self
    }

    /// `tanh` of the dense layer, `[n, hidden]`.
    pub fn hidden(&self, x: Tensor<2>) -> Tensor<2> {
        tanh(self.dense.forward(x))
    }

    /// Logits from the hidden layer, `[n, classes]`.
    pub fn classify(&self, hidden: Tensor<2>, mode: Mode<'_>) -> Tensor<2> {
        self.classifier.forward(mode.dropout(hidden, self.dropout, 1))
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        let [_, n_classes] = self.classifier.weight.dims();
        n_classes
    }
}
