//! How much memory a training needs at least, and whether there is as much.
//!
//! ```text
//! held     16 bytes · parameters        weight, two moments, the best epoch's weight
//! a step   4 bytes · tokens · layers · (8·hidden + 2·feed-forward)         kept for the backward pass
//! ```
//!
//! of each network, and a gradient, 4 bytes · parameters, of one network at a time; tokens are those of
//! the longest texts that can meet in a step. In micro-batches one network at a time keeps something for
//! its backward pass. Kernels need more than this for what they work on, so it is a floor: a training
//! that is let through may still run short, one that is refused could not have run. Only devices whose
//! memory is the host's are asked.

mod available;

use crate::device::DeviceName;
use crate::error::TrainError;
use crate::experiment::Experiment;

/// Of a parameter: weight, two moments, the weight of the best epoch.
const BYTES_HELD: u64 = 16;
/// Of a parameter, besides, of the network that steps.
const BYTES_OF_GRADIENT: u64 = 4;
/// Of a value kept for the backward pass.
const F32: u64 = 4;

/// The least that a training takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Needed {
    /// From the first step to the last.
    pub held: u64,
    /// Within a step.
    pub in_a_step: u64,
}

impl Needed {
    /// For the networks and the batches of `experiment`.
    ///
    /// # Errors
    ///
    /// As the building of its method.
    pub fn of(experiment: &Experiment) -> Result<Self, TrainError> {
        let config = &experiment.config;
        let method = config.method.build(config, experiment.facts())?;
        let n_networks = method.phases().iter().map(|phase| phase.n_networks).max();
        let n_networks = n_networks.unwrap_or(1) as u64;
        let shape = &experiment.encoder.config;
        let [hidden, wide, layers] =
            [shape.hidden_size, shape.intermediate_size, shape.num_hidden_layers]
                .map(|it| it as u64);
        let head = hidden * hidden + hidden * experiment.labels().len() as u64;
        if config.model.freeze_encoder {
            return Ok(Self { held: held(n_networks, head), in_a_step: 0 });
        }
        let rows = shape.vocab_size + shape.max_position_embeddings + shape.type_vocab_size;
        let layer = 4 * hidden * hidden + 2 * hidden * wide;
        let parameters = rows as u64 * hidden + layers * layer + head;
        let of_token = F32 * layers * (8 * hidden + 2 * wide);
        let n_kept = if config.training.micro_batch.is_some() { 1 } else { n_networks };
        Ok(Self {
            held: held(n_networks, parameters),
            in_a_step: n_kept * of_token * tokens_in_a_step(experiment),
        })
    }

    /// Both together.
    pub fn total(self) -> u64 {
        self.held + self.in_a_step
    }

    /// Refuses what is more than `available` bytes.
    ///
    /// # Errors
    ///
    /// [`TrainError::Memory`] with what would help.
    pub fn check(self, available: u64) -> Result<(), TrainError> {
        if self.total() <= available {
            return Ok(());
        }
        let advice = if self.held < available {
            "a smaller --micro-batch, --batch-size or --max-length"
        } else {
            "a smaller encoder, or --freeze-encoder"
        };
        Err(TrainError::Memory { needed: self.total(), available, advice })
    }
}

/// Refuses a training that cannot fit into the memory that is free, where that is known.
///
/// # Errors
///
/// As [`Needed::of`] and [`Needed::check`].
pub fn check(experiment: &Experiment) -> Result<(), TrainError> {
    let on_host = matches!(experiment.config.device, DeviceName::Flex | DeviceName::Tch);
    match available::available_bytes().filter(|_| on_host) {
        Some(available) => Needed::of(experiment)?.check(available),
        None => Ok(()),
    }
}

fn held(n_networks: u64, parameters: u64) -> u64 {
    (n_networks * BYTES_HELD + BYTES_OF_GRADIENT) * parameters
}

/// Of the longest texts, as many as a network is run on at a time.
fn tokens_in_a_step(experiment: &Experiment) -> u64 {
    let training = &experiment.config.training;
    let n_views = experiment.train.inputs.n_views();
    let texts = (training.batch_size * n_views).min(training.micro_batch.unwrap_or(usize::MAX));
    let mut lengths = experiment.train.lengths.clone();
    lengths.sort_unstable_by(|left, right| right.cmp(left));
    let of_rows = lengths.iter().map(|&length| u64::from(length));
    let longest = of_rows.flat_map(|length| std::iter::repeat_n(length, n_views));
    longest.take(texts).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_refused_with_what_would_help() {
        let said = |held, in_a_step, available| {
            Needed { held, in_a_step }.check(available).err().map(|error| {
                assert!(error.is_usage());
                (error.to_string(), error.hint().unwrap())
            })
        };
        assert_eq!(said(6 << 30, 1 << 30, 7 << 30), None);
        let (message, hint) = said(2_000_000_000, 9_000_000_000, 8_000_000_000).unwrap();
        assert_eq!(message, "training needs at least 11.00 GB of memory, and 8.00 GB can be had");
        assert_eq!(hint, "try a smaller --micro-batch, --batch-size or --max-length");
        let (_, hint) = said(9_000_000_000, 1, 8_000_000_000).unwrap();
        assert_eq!(hint, "try a smaller encoder, or --freeze-encoder");
    }
}
