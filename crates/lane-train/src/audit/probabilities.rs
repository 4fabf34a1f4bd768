//! Out-of-fold probabilities by softmax regression on a frozen encoder's hidden states, or on words where
//! there is no encoder that knows anything.

use lane_audit::features::{self, Features, Layer};
use lane_audit::regression::{ChoiceConfig, choose};
use lane_audit::tf_idf;
use lane_data::Dataset;

use crate::config::Config;
use crate::embeddings::{Embedder, cache_folder};
use crate::encoder::{BUILT_IN, Encoder};
use crate::error::TrainError;
use crate::out_of_fold::OutOfFold;
use crate::progress::{Activity, Observer};

/// What models that did not see a row make of it, and what they look at; the seed deals the folds.
pub(super) fn by_regression(
    config: &Config,
    dataset: &Dataset,
    observer: &mut dyn Observer,
) -> Result<(OutOfFold, String), TrainError> {
    let n_classes = dataset.n_classes();
    let (names, features) = if config.model.encoder == BUILT_IN {
        let texts = dataset.texts();
        let features = [tf_idf::words(&texts, n_classes), tf_idf::letters(&texts, n_classes)];
        (["words and pairs of words", "pieces of words"], features)
    } else {
        (["the last layer", "three layers"], features(config, dataset, observer)?)
    };
    observer.begin(&Activity::Judging, dataset.n_rows() as u64);
    let choice = choose(
        &features.each_ref(),
        &dataset.given_labels(),
        n_classes,
        &ChoiceConfig { seed: config.seed, ..ChoiceConfig::default() },
    );
    observer.end();
    let choice = choice?;
    let (name, penalty) = (names[choice.chosen.features], choice.chosen.inverse_penalty);
    let judge = format!("softmax regression on {name}, C = {penalty}");
    Ok((OutOfFold::of(choice.probabilities, n_classes), judge))
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
