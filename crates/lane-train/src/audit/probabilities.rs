//! Out-of-fold probabilities by softmax regression on a frozen encoder's hidden states.

use lane_audit::features::{self, Features, Layer};
use lane_audit::regression::{ChoiceConfig, choose};
use lane_data::Dataset;

use crate::config::Config;
use crate::embeddings::{Embedder, cache_folder};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::out_of_fold::OutOfFold;
use crate::progress::{Activity, Observer};

/// What models that did not see a row make of it; the seed deals the folds.
pub(super) fn by_regression(
    config: &Config,
    dataset: &Dataset,
    observer: &mut dyn Observer,
) -> Result<OutOfFold, TrainError> {
    let [last, three] = features(config, dataset, observer)?;
    observer.begin(&Activity::Judging, dataset.n_rows() as u64);
    let choice = choose(
        &[&last, &three],
        &dataset.given_labels(),
        dataset.n_classes(),
        &ChoiceConfig { seed: config.seed, ..ChoiceConfig::default() },
    );
    observer.end();
    Ok(OutOfFold::of(choice?.probabilities, dataset.n_classes()))
}

/// The last layer alone, and three layers side by side.
fn features(
    config: &Config,
    dataset: &Dataset,
    observer: &mut dyn Observer,
) -> Result<[Features; 2], TrainError> {
    let device = config.device.open()?;
    let encoder = Encoder::open(&config.model, dataset.texts().into_iter())?;
    let embedder = Embedder {
        encoder: &encoder,
        settings: &config.model,
        batch_size: config.training.scoring_batch_size,
        device: &device,
        cache: cache_folder(),
    };
    let states = embedder.state_means(&dataset.texts(), observer)?;
    let width = encoder.config.hidden_size;
    let [last, middle, first] = states.each_ref().map(|values| Layer::new(values, width));
    let last = last?;
    Ok([features::last(last), features::three([last, middle?, first?])?])
}
