//! The network of a timed run and the batches it is fed.

use burn::tensor::Device;
use lane_data::{Dataset, seed};
use lane_models::{Network, Pooling};

use super::Shape;
use super::batches::{self, Batches, N_CLASSES};
use super::step::{NetworkRequest, StepRequest};
use crate::config::ModelConfig;
use crate::encoder::Encoder;
use crate::error::TrainError;

/// What a run is made of.
pub(super) struct Opened {
    pub(super) network: Network,
    pub(super) batches: Batches,
    pub(super) dropout: f64,
}

/// Opens what `request` names.
pub(super) fn open(request: &StepRequest, device: &Device) -> Result<Opened, TrainError> {
    match &request.network {
        NetworkRequest::Shape(shape) => of_shape(request, *shape, device),
        NetworkRequest::Encoder(name) => of_encoder(request, name, device),
    }
}

fn of_shape(request: &StepRequest, shape: Shape, device: &Device) -> Result<Opened, TrainError> {
    let dropout = request.dropout.unwrap_or(0.1);
    let mut config = shape.config();
    config.hidden_dropout_prob = dropout;
    config.attention_probs_dropout_prob = dropout;
    let width = request.width();
    check_width(width, config.max_position_embeddings)?;
    let network = Network::init(&config, N_CLASSES, Pooling::Cls, initialisation(request), device)
        .with_kernels(request.kernels);
    let batches = Batches::random(request, width, config.vocab_size);
    Ok(Opened { network, batches, dropout })
}

fn of_encoder(request: &StepRequest, name: &str, device: &Device) -> Result<Opened, TrainError> {
    let width = request.width();
    let settings = ModelConfig {
        encoder: name.into(),
        pooling: Some(Pooling::Cls),
        max_length: width,
        kernels: request.kernels,
        ..ModelConfig::default()
    };
    let dataset = request.text.as_ref().map(batches::read).transpose()?;
    let texts = dataset.as_ref().map(Dataset::texts).unwrap_or_default();
    // Only `tiny` looks at the texts, and makes its vocabulary of them.
    let texts = if texts.is_empty() { vec!["no text"] } else { texts };
    let mut encoder = Encoder::open(&settings, texts.into_iter())?;
    check_width(width, encoder.config.max_position_embeddings)?;
    let dropout = choose_dropout(request.dropout, &mut encoder)?;
    let n_classes = dataset.as_ref().map_or(N_CLASSES, Dataset::n_classes);
    let network = encoder.network(n_classes, initialisation(request), device)?;
    let batches = match (&request.text, &dataset) {
        (Some(text), Some(dataset)) => {
            Batches::of_texts(request, text, dataset, &encoder.tokenizer, width)?
        }
        _ => Batches::random(request, width, encoder.config.vocab_size),
    };
    Ok(Opened { network, batches, dropout })
}

/// As the first network of a run's first phase is drawn.
fn initialisation(request: &StepRequest) -> u64 {
    let phase = seed::stream(request.seed, "phase", &[0]);
    seed::stream(phase, "initialisation", &[0])
}

/// The dropout of an encoder: any for `tiny`; for one from a folder its own, or none.
fn choose_dropout(wanted: Option<f64>, encoder: &mut Encoder) -> Result<f64, TrainError> {
    let own = encoder.config.hidden_dropout_prob;
    let Some(wanted) = wanted else { return Ok(own) };
    if encoder.is_built_in() {
        encoder.config.hidden_dropout_prob = wanted;
        encoder.config.attention_probs_dropout_prob = wanted;
        return Ok(wanted);
    }
    let same = |rate: f64| (rate - wanted).abs() < f64::EPSILON;
    if wanted > 0.0 && !(same(own) && same(encoder.config.attention_probs_dropout_prob)) {
        let expected = format!("0, or the {own} of the encoder's config.json");
        return Err(TrainError::setting("--dropout", wanted, expected));
    }
    Ok(wanted)
}

fn check_width(width: usize, positions: usize) -> Result<(), TrainError> {
    if width <= positions {
        return Ok(());
    }
    let expected = format!("at most {positions}, the positions of the encoder");
    Err(TrainError::setting("--width", width, expected))
}
