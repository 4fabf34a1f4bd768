//! Trained classifiers on disk: saving the model of a run, and predicting with it.

use std::path::Path;

use burn::tensor::Device;
use lane_data::{RowId, Tokenizer};
use lane_metrics::ClassId;
use lane_models::{Network, pretrained};

use crate::device::DeviceName;
use crate::encoder;
use crate::error::TrainError;
use crate::evaluate::{RowNames, Scoring, all_rows, argmax};
use crate::experiment::Experiment;
use crate::inputs::Inputs;
use crate::networks::Networks;
use crate::progress::{Activity, Observer};
use crate::views::Views;

/// Folder within a model's that holds the next network of those that predict together.
const NEXT: &str = "second";

/// Writes the first `n_predictors` networks with their tokenizer: the first as a folder that Hugging
/// Face opens, the next within it as `second/`, and so on.
///
/// The folder is built under a temporary name and renamed.
///
/// # Errors
///
/// [`TrainError::Io`] or [`TrainError::Model`] if it cannot be written.
pub fn save_model(
    folder: &Path,
    experiment: &Experiment,
    networks: &Networks,
    n_predictors: usize,
) -> Result<(), TrainError> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    let building = tempfile::Builder::new()
        .prefix(".lane-")
        .tempdir_in(parent)
        .map_err(TrainError::io("write", folder))?;
    let mut inner = building.path().to_path_buf();
    for network in &networks.members[..n_predictors] {
        save_network(&inner, experiment, network)?;
        inner = inner.join(NEXT);
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(TrainError::io("replace", folder))?;
    }
    let built = building.keep();
    std::fs::rename(&built, folder).map_err(TrainError::io("write", folder))
}

fn save_network(
    folder: &Path,
    experiment: &Experiment,
    network: &Network,
) -> Result<(), TrainError> {
    std::fs::create_dir_all(folder).map_err(TrainError::io("write", folder))?;
    let settings = &experiment.config.model;
    let mut network = network.clone();
    if settings.freeze_encoder {
        let encoder = experiment.encoder.load(&experiment.device)?;
        network = Network::new(Some(encoder), network.head, settings.pooling());
    }
    let names = experiment.labels().names();
    let config = &experiment.encoder.config;
    pretrained::save_classifier(folder, &network, config, names, settings.max_length)
        .map_err(TrainError::Save)?;
    experiment.encoder.tokenizer.save(folder).map_err(TrainError::SaveTokenizer)
}

/// A trained classifier, opened.
pub struct Classifier {
    networks: Networks,
    tokenizer: Tokenizer,
    labels: Vec<String>,
    max_length: usize,
    device: Device,
}

/// What a classifier says of one text.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The class of the highest logit.
    pub class: ClassId,
    /// Logits by class.
    pub logits: Vec<f32>,
}

impl Classifier {
    /// Opens a `model/` folder, or a run folder that holds one.
    ///
    /// # Errors
    ///
    /// [`TrainError::Model`] or [`TrainError::Data`] if a file is missing or does not fit.
    pub fn open(folder: &Path, device: DeviceName) -> Result<Self, TrainError> {
        let inner = folder.join("model");
        let folder = if inner.join("config.json").exists() { inner.as_path() } else { folder };
        let device = device.open()?;
        let loaded = pretrained::load_classifier(folder, &device)?;
        let mut members = vec![loaded.network];
        let mut next = folder.join(NEXT);
        while next.is_dir() {
            members.push(pretrained::load_classifier(&next, &device)?.network);
            next = next.join(NEXT);
        }
        let tokenizer = Tokenizer::open(folder)?;
        encoder::check_fit(&tokenizer, &loaded.config, folder)?;
        Ok(Self {
            tokenizer,
            networks: Networks { members, own: Vec::new() },
            labels: loaded.labels,
            max_length: loaded.max_length,
            device,
        })
    }

    /// The class names, by class.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Predicts every text, in order.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`] if a text cannot be tokenized, [`TrainError::LogitsNotFinite`].
    pub fn predict(
        &self,
        texts: &[&str],
        batch_size: usize,
        split: &'static str,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Prediction>, TrainError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let inputs = Inputs::tokenize(texts, &self.tokenizer, self.max_length, &Views::plain())?;
        let rows: Vec<RowId> = all_rows(texts.len());
        observer.begin(&Activity::Scoring { split }, rows.len() as u64);
        let names = RowNames { split, examples: None };
        let scoring = Scoring { inputs: &inputs, batch_size, device: &self.device, names };
        let n_predictors = self.networks.members.len();
        let all = scoring.sums(&self.networks, n_predictors, &rows, |n| observer.advance(n))?;
        observer.end();
        let of_row = |row: &[f32]| Prediction { class: argmax(row), logits: row.to_vec() };
        Ok(all.chunks_exact(self.labels.len()).map(of_row).collect())
    }
}
