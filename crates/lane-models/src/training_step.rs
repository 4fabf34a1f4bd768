//! What the forward passes of one training step share, and what they leave for its end.

use std::sync::{Mutex, PoisonError};

use burn::module::ParamId;
use burn::tensor::{Gradients, Tensor};

use crate::dropout::DropoutStream;

/// Dropout masks of one step, and the rows of embeddings it read.
///
/// A batch reads a few hundred of the thirty thousand rows of a word embedding. With fused kernels
/// those rows are leaves of their own in the graph, and their gradients are asked for here
/// ([`TrainingStep::take_row_gradients`]) instead of being spread over a table of zeros.
#[derive(Debug)]
pub struct TrainingStep {
    dropout: DropoutStream,
    first_text: usize,
    read: Mutex<Vec<RowsRead>>,
}

#[derive(Debug)]
struct RowsRead {
    parameter: ParamId,
    rows: Vec<u32>,
    values: Tensor<2>,
}

/// The gradient of an embedding where it is not zero.
#[derive(Clone, Debug)]
pub struct RowGradients {
    /// The embedding.
    pub parameter: ParamId,
    /// Rows of it, each once, ascending.
    pub rows: Vec<u32>,
    /// Their gradients, `[rows, hidden]`.
    pub gradient: Tensor<2>,
}

impl TrainingStep {
    /// A step whose dropout masks are a function of `seed`.
    pub fn new(seed: u64) -> Self {
        Self { dropout: DropoutStream::new(seed), first_text: 0, read: Mutex::default() }
    }

    /// The same step of a part of its batch that begins with text `first_text`.
    ///
    /// A part padded to the width of the whole batch drops what the whole batch would, if as many
    /// masks were drawn before.
    #[must_use]
    pub fn from_text(self, first_text: usize) -> Self {
        Self { first_text, ..self }
    }

    pub(crate) fn first_text(&self) -> usize {
        self.first_text
    }

    pub(crate) fn dropout(&self) -> &DropoutStream {
        &self.dropout
    }

    /// Notes that `values`, a leaf, stand for `rows` of an embedding.
    pub(crate) fn note(&self, parameter: ParamId, rows: Vec<u32>, values: Tensor<2>) {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.push(RowsRead { parameter, rows, values });
    }

    /// Gradients of the rows read since the last call; one entry for each forward pass that a
    /// gradient reached.
    pub fn take_row_gradients(&self, gradients: &mut Gradients) -> Vec<RowGradients> {
        let read = std::mem::take(&mut *self.read.lock().unwrap_or_else(PoisonError::into_inner));
        let taken = read.into_iter().filter_map(|RowsRead { parameter, rows, values }| {
            let gradient = values.grad_remove(gradients)?;
            Some(RowGradients { parameter, rows, gradient })
        });
        taken.collect()
    }
}
