//! The batches of a timed run: random ids of one width, or real texts as an epoch draws them.

use lane_data::order::{self, Bucketing};
use lane_data::read::{self, LabelPolicy};
use lane_data::{Columns, Dataset, RowId, Tokenizer, seed};
use lane_metrics::ClassId;
use rand::RngExt;

use super::step::{StepRequest, TextRequest};
use crate::error::TrainError;
use crate::evaluate::all_rows;
use crate::inputs::Inputs;
use crate::views::Views;

/// Classes of random labels.
pub(super) const N_CLASSES: usize = 4;

/// Batches by step, and what they are made of.
pub(super) struct Batches {
    pub(super) inputs: Inputs,
    pub(super) labels: Vec<ClassId>,
    pub(super) lengths: Vec<u32>,
    pub(super) by_step: Vec<Vec<RowId>>,
}

impl Batches {
    /// Full rows of ids below `vocabulary`, others at every step: a step of training meets words
    /// that it has not met before.
    pub(super) fn random(request: &StepRequest, width: usize, vocabulary: usize) -> Self {
        let n_steps = request.warmup + request.steps;
        let n_rows = n_steps * request.batch_size;
        let mut generator = seed::generator(request.seed, "bench/ids", &[]);
        let mut row = || (0..width).map(|_| generator.random_range(0..vocabulary as u32)).collect();
        let ids = (0..n_rows).map(|_| row()).collect();
        let mut generator = seed::generator(request.seed, "bench/labels", &[]);
        let mut label = || ClassId(generator.random_range(0..N_CLASSES as u16));
        Self {
            inputs: Inputs::Tokens { views: vec![ids], pad_id: 0 },
            labels: (0..n_rows).map(|_| label()).collect(),
            lengths: vec![width as u32; n_rows],
            by_step: all_rows(n_rows).chunks(request.batch_size).map(<[RowId]>::to_vec).collect(),
        }
    }

    /// The first batches of the first epoch over a file; the next epochs where one is too short.
    pub(super) fn of_texts(
        request: &StepRequest,
        text: &TextRequest,
        dataset: &Dataset,
        tokenizer: &Tokenizer,
        max_length: usize,
    ) -> Result<Self, TrainError> {
        let plain = Views::plain();
        let inputs = Inputs::tokenize(&dataset.texts(), tokenizer, max_length, &plain)?;
        let lengths = inputs.lengths();
        let by_step =
            drawn(&lengths, request.batch_size, request.seed, text.bucketing, request.n_steps());
        Ok(Self { inputs, labels: dataset.given_labels(), lengths, by_step })
    }

    /// Tokens of a step, and padding beside them.
    pub(super) fn tokens_and_padding(&self, step: usize) -> (u64, u64) {
        let lengths = || self.by_step[step].iter().map(|row| u64::from(self.lengths[row.index()]));
        let (tokens, widest) = (lengths().sum(), lengths().max().unwrap_or(0));
        (tokens, widest * self.by_step[step].len() as u64 - tokens)
    }
}

fn drawn(
    lengths: &[u32],
    batch_size: usize,
    seed: u64,
    bucketing: Bucketing,
    n_steps: usize,
) -> Vec<Vec<RowId>> {
    let rows = all_rows(lengths.len());
    (1..)
        .flat_map(|epoch| order::batches(lengths, &rows, batch_size, seed, epoch, bucketing))
        .take(n_steps)
        .collect()
}

/// A labelled file, read as a training split.
pub(super) fn read(text: &TextRequest) -> Result<Dataset, TrainError> {
    Ok(read::dataset(&text.path, &text.columns, LabelPolicy::Discover)?)
}

/// The texts of several files, one after the other, at most `max_rows`.
pub(super) fn texts(
    paths: &[std::path::PathBuf],
    columns: &Columns,
    max_rows: usize,
) -> Result<Vec<String>, TrainError> {
    let mut all = Vec::new();
    for path in paths {
        all.extend(read::texts(path, columns)?.texts);
    }
    all.truncate(max_rows);
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_those_of_the_first_epoch_and_then_of_the_next() {
        let lengths: Vec<u32> = (0..40).map(|row| 3 + row % 9).collect();
        let rows = all_rows(40);
        let of_epoch = |epoch| order::batches(&lengths, &rows, 8, 7, epoch, Bucketing::Length);
        let made = drawn(&lengths, 8, 7, Bucketing::Length, 7);
        assert_eq!(made[..5], of_epoch(1));
        assert_eq!(made[5..], of_epoch(2)[..2]);
    }
}
