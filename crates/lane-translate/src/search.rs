//! Outputs of a decoder: the likeliest token at each step, or beam search, for many texts at once.
//!
//! Both give what `generate` of transformers 5 gives. Each text has its own search, and texts that
//! are finished leave the batch, so that the others are what they would be alone.

mod beam;
mod scores;

use self::beam::Beams;
use crate::error::TranslateError;
use crate::generation::Decoding;

/// A model that continues sentences.
pub trait Decoder {
    /// Scores of every token to come next, row-major `[rows, vocabulary]`.
    ///
    /// Row `i` continues row `parents[i]` of the step before by `tokens[i]`; at the first step
    /// `parents` are the texts.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Compute`] if it cannot be computed.
    fn step(&mut self, parents: &[u32], tokens: &[u32]) -> Result<Vec<f32>, TranslateError>;
}

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its tokens; the end is the last where it was reached.
    pub ids: Vec<u32>,
    /// The sum of log-probabilities over the length to the power of the penalty; 0 if greedy.
    pub score: f32,
}

/// The best output of each text that `decoder` was made for.
///
/// # Errors
///
/// Whatever `decoder` answers; [`TranslateError::NotFinite`] if no token has a score.
pub fn search(
    decoder: &mut dyn Decoder,
    n_texts: usize,
    decoding: &Decoding,
) -> Result<Vec<Output>, TranslateError> {
    let mut outputs: Vec<Option<Output>> = vec![None; n_texts];
    let mut live: Vec<(usize, Search)> =
        (0..n_texts).map(|text| (text, Search::new(decoding))).collect();
    let mut parents: Vec<u32> = (0..n_texts as u32).collect();
    let mut tokens = vec![decoding.start; n_texts];
    for n_before in 0..decoding.max_tokens {
        if live.is_empty() {
            break;
        }
        let mut logits = decoder.step(&parents, &tokens)?;
        let width = logits.len() / tokens.len();
        (parents, tokens) = (Vec::new(), Vec::new());
        let (mut rows, mut first) = (logits.as_mut_slice(), 0);
        let mut still = Vec::with_capacity(live.len());
        for (text, mut search) in live {
            let n_rows = search.n_rows();
            let (own, others) = rows.split_at_mut(n_rows * width);
            rows = others;
            match search.advance(own, width, n_before, decoding)? {
                Next::Done(output) => outputs[text] = Some(output),
                Next::Rows(next) => {
                    parents.extend(next.iter().map(|(beam, _)| first + *beam as u32));
                    tokens.extend(next.iter().map(|(_, token)| *token));
                    still.push((text, search));
                }
            }
            first += n_rows as u32;
        }
        live = still;
    }
    outputs.into_iter().map(|it| it.ok_or(TranslateError::NotFinite)).collect()
}

/// What a text needs next.
enum Next {
    /// Nothing, this is its output.
    Done(Output),
    /// These rows: which of its own rows each continues, and by what.
    Rows(Vec<(usize, u32)>),
}

enum Search {
    Greedy(Vec<u32>),
    Beam(Beams),
}

impl Search {
    fn new(decoding: &Decoding) -> Self {
        if decoding.beams == 1 { Self::Greedy(Vec::new()) } else { Self::Beam(Beams::new()) }
    }

    fn n_rows(&self) -> usize {
        match self {
            Self::Greedy(_) => 1,
            Self::Beam(beams) => beams.n_running(),
        }
    }

    /// `logits` are those of this text's rows, after `n_before` tokens.
    fn advance(
        &mut self,
        logits: &mut [f32],
        width: usize,
        n_before: usize,
        decoding: &Decoding,
    ) -> Result<Next, TranslateError> {
        match self {
            Self::Greedy(ids) => {
                scores::restrict(logits, n_before, decoding);
                let token = scores::likeliest(logits).ok_or(TranslateError::NotFinite)?;
                ids.push(token);
                if token == decoding.end || ids.len() == decoding.max_tokens {
                    return Ok(Next::Done(Output { ids: std::mem::take(ids), score: 0.0 }));
                }
                Ok(Next::Rows(vec![(0, token)]))
            }
            Self::Beam(beams) => {
                for row in logits.chunks_exact_mut(width) {
                    scores::log_softmax(row);
                    scores::restrict(row, n_before, decoding);
                    if decoding.renormalize {
                        scores::log_softmax(row);
                    }
                }
                beams.advance(logits, width, decoding)
            }
        }
    }
}

#[cfg(test)]
mod tests;
