//! Beam search of one text.
//!
//! ```text
//! at each step, of all continuations of the n running beams, the 2n best by summed log-probability:
//!   those that end or reach the limit and are among the first n are finished,
//!       with score = sum / length^penalty; the best n finished ones are kept;
//!   the best n of the others run on.
//! ```
//!
//! The search ends when n are finished and, by [`EarlyStopping`], the best running beam cannot be
//! expected to beat the worst of them, or when the limit is reached. This is how transformers 5 does
//! it, its estimate included: with [`EarlyStopping::Heuristic`] the present length stands for the
//! length that a beam will have.

use super::scores;
use super::{Next, Output};
use crate::error::TranslateError;
use crate::generation::{Decoding, EarlyStopping};

/// The state of the search.
pub(super) struct Beams {
    running: Vec<Output>,
    finished: Vec<Output>,
}

/// A way to go on: a running beam, and the token it is continued by.
struct Continuation {
    beam: usize,
    token: u32,
    sum: f32,
    ends: bool,
}

impl Beams {
    pub(super) fn new() -> Self {
        Self { running: vec![Output { ids: Vec::new(), score: 0.0 }], finished: Vec::new() }
    }

    pub(super) fn n_running(&self) -> usize {
        self.running.len()
    }

    /// One step; `log_probabilities` has a row for each running beam.
    pub(super) fn advance(
        &mut self,
        log_probabilities: &[f32],
        width: usize,
        decoding: &Decoding,
    ) -> Result<Next, TranslateError> {
        let candidates = self.continuations(log_probabilities, width, decoding);
        if candidates.is_empty() {
            return Err(TranslateError::NotFinite);
        }
        let length = self.running[0].ids.len() + 1;
        let penalty = (length as f64).powf(decoding.length_penalty) as f32;
        for it in candidates.iter().take(decoding.beams).filter(|it| it.ends) {
            let output = Output { ids: self.extended(it), score: it.sum / penalty };
            let at = self.finished.partition_point(|other| output.score <= other.score);
            self.finished.insert(at, output);
            self.finished.truncate(decoding.beams);
        }
        let open: Vec<&Continuation> =
            candidates.iter().filter(|it| !it.ends).take(decoding.beams).collect();
        if open.is_empty() || self.nothing_to_gain(open[0].sum, length, decoding) {
            let best = self.finished.drain(..).next().ok_or(TranslateError::NotFinite)?;
            return Ok(Next::Done(best));
        }
        let next = open.iter().map(|it| (it.beam, it.token)).collect();
        self.running =
            open.iter().map(|it| Output { ids: self.extended(it), score: it.sum }).collect();
        Ok(Next::Rows(next))
    }

    fn continuations(
        &self,
        log_probabilities: &[f32],
        width: usize,
        decoding: &Decoding,
    ) -> Vec<Continuation> {
        let sums = log_probabilities
            .chunks_exact(width)
            .zip(&self.running)
            .flat_map(|(row, beam)| row.iter().map(|score| score + beam.score));
        let at_limit = self.running[0].ids.len() + 1 == decoding.max_tokens;
        scores::highest(sums, 2 * decoding.beams)
            .into_iter()
            .map(|(place, sum)| {
                let token = (place % width) as u32;
                let ends = at_limit || token == decoding.end;
                Continuation { beam: place / width, token, sum, ends }
            })
            .collect()
    }

    fn extended(&self, continuation: &Continuation) -> Vec<u32> {
        let ids = &self.running[continuation.beam].ids;
        ids.iter().copied().chain([continuation.token]).collect()
    }

    /// Whether all beams are finished and `best`, the best running sum, will not beat the worst.
    fn nothing_to_gain(&self, best: f32, length: usize, decoding: &Decoding) -> bool {
        if self.finished.len() < decoding.beams {
            return false;
        }
        let expected_length = match decoding.early_stopping {
            EarlyStopping::Yes => return true,
            EarlyStopping::Never if 0.0 < decoding.length_penalty => decoding.max_tokens,
            EarlyStopping::Never | EarlyStopping::Heuristic => length,
        };
        let penalty = (expected_length as f64).powf(decoding.length_penalty) as f32;
        self.finished.last().is_some_and(|worst| best / penalty <= worst.score)
    }
}
