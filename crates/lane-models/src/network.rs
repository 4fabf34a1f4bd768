//! Encoder and head together, or a head alone on the vectors of a frozen encoder.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};

use crate::{BertConfig, BertEncoder, Head, Kernels, Mode, Pooling, TokenBatch, initialize};

/// A classifier of texts.
#[derive(Module, Debug)]
pub struct Network {
    /// Absent when the inputs are features of a frozen encoder.
    pub encoder: Option<BertEncoder>,
    /// The classifier.
    pub head: Head,
    #[module(skip)]
    pooling: Pooling,
}

/// What a network is fed.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "one is made a step; a box would only be in the way")]
pub enum NetworkInput<'a> {
    /// Token ids, for a network with an encoder.
    Tokens(&'a TokenBatch),
    /// Pooled vectors of a frozen encoder, `[n, hidden]`; an encoder, if there, is passed by.
    Features(Tensor<2>),
}

/// What a forward pass gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// Before softmax, `[n, classes]`.
    pub logits: Tensor<2>,
    /// The sentence embedding `h`, `[n, hidden]`: of tokens the pooled last hidden state, before
    /// the head's dense layer; of features the hidden layer of the head.
    pub embedding: Tensor<2>,
}

impl Network {
    /// Puts parts together.
    ///
    /// A head trained on features becomes a whole classifier by joining the encoder that made
    /// them. Whether a pretrained pooler takes the place of the head's dense layer
    /// ([`Head::with_dense`]) is the caller's to say; upstream does so.
    pub fn new(encoder: Option<BertEncoder>, head: Head, pooling: Pooling) -> Self {
        Self { encoder, head, pooling }
    }

    /// The same network, its encoder computed by other kernels.
    #[must_use]
    pub fn with_kernels(self, kernels: Kernels) -> Self {
        Self { encoder: self.encoder.map(|encoder| encoder.with_kernels(kernels)), ..self }
    }

    /// The same network with logits that have no bias: it is zero and stays so.
    #[must_use]
    pub fn without_bias(self) -> Self {
        Self { head: self.head.without_bias(), ..self }
    }

    /// Encoder and head with random weights.
    pub fn init(
        config: &BertConfig,
        n_classes: usize,
        pooling: Pooling,
        seed: u64,
        device: &Device,
    ) -> Self {
        let blank = Self::blank(config, n_classes, pooling);
        initialize::fill(blank, config.initializer_range, seed, device)
    }

    pub(crate) fn blank(config: &BertConfig, n_classes: usize, pooling: Pooling) -> Self {
        Self::new(Some(BertEncoder::blank(config)), Head::blank_for(config, n_classes), pooling)
    }

    /// Logits and embedding of a batch.
    ///
    /// # Panics
    ///
    /// If tokens are given to a network without an encoder, and as [`BertEncoder::forward`].
    pub fn forward(&self, input: NetworkInput<'_>, mode: Mode<'_>) -> Output {
        match input {
            NetworkInput::Tokens(batch) => {
                let embedding = self.pooled(batch, mode);
                let hidden = self.head.hidden(embedding.clone());
                Output { logits: self.head.classify(hidden, mode), embedding }
            }
            NetworkInput::Features(features) => {
                let embedding = self.head.hidden(features);
                Output { logits: self.head.classify(embedding.clone(), mode), embedding }
            }
        }
    }

    /// Logits from an embedding as [`Network::forward`] returns it, `[n, classes]`: through the
    /// whole head in a network with an encoder, through the classifier alone in one without.
    pub fn classify(&self, embedding: Tensor<2>, mode: Mode<'_>) -> Tensor<2> {
        self.head.classify(self.hidden(embedding), mode)
    }

    /// What the classifier's matrix is multiplied with, from an embedding as [`Network::forward`]
    /// returns it, `[n, hidden]`; no dropout.
    pub fn hidden(&self, embedding: Tensor<2>) -> Tensor<2> {
        match &self.encoder {
            Some(_) => self.head.hidden(embedding),
            None => embedding,
        }
    }

    /// Which vector stands for a text.
    pub fn pooling(&self) -> Pooling {
        self.pooling
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.head.n_classes()
    }

    fn pooled(&self, batch: &TokenBatch, mode: Mode<'_>) -> Tensor<2> {
        let Some(encoder) = &self.encoder else {
            panic!("token ids given to a network without an encoder")
        };
        encoder.pooled(batch, self.pooling, mode)
    }
}
