//! A noisy copy of a labelled file.

use std::path::PathBuf;

use lane_data::noise::{self, NoiseConfig, NoiseInput, NoiseKind};
use lane_data::read::{self, LabelPolicy};
use lane_data::write::{self, Existing};
use lane_data::{Columns, Dataset, sample};
use serde::Serialize;

use crate::config::ModelConfig;
use crate::device::DeviceName;
use crate::embeddings::{Embedder, cache_folder};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::inputs::Inputs;
use crate::progress::Observer;
use crate::similarity;
use crate::views::Views;

/// What `lane noise` is asked for.
#[derive(Clone, Debug)]
pub struct NoiseRequest {
    /// The file to read.
    pub data: PathBuf,
    /// Its columns.
    pub columns: Columns,
    /// The file to write; its record goes beside it.
    pub out: PathBuf,
    /// Kind and rate.
    pub noise: NoiseConfig,
    /// Seed of noise and sampling.
    pub seed: u64,
    /// Keep a random part of the rows, at most this many.
    pub max_rows: Option<usize>,
    /// For `class-conditional`: a CSV of class × class similarities, header = class names.
    pub similarity: Option<PathBuf>,
    /// For `instance`: the encoder whose embeddings decide, and how to use it.
    pub model: ModelConfig,
    /// For `instance`: where to embed.
    pub device: DeviceName,
    /// Replace an existing file.
    pub force: bool,
}

impl NoiseRequest {
    /// Some kinds need more than labels.
    fn check(&self) -> Result<(), TrainError> {
        match self.noise.kind {
            NoiseKind::ClassConditional if self.similarity.is_none() => Err(TrainError::setting(
                "--similarity",
                "absent",
                "a CSV of similarities for `class-conditional`",
            )),
            NoiseKind::Instance if self.model.encoder == "tiny" => {
                Err(TrainError::setting("--encoder", "tiny", "a pretrained encoder for `instance`"))
            }
            _ => Ok(()),
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoiseSummary {
    /// Kind of noise.
    pub kind: NoiseKind,
    /// Seed.
    pub seed: u64,
    /// Rate asked for.
    pub requested_rate: f64,
    /// Share of rows whose label changed.
    pub realised_rate: f64,
    /// Rows written.
    pub n_rows: usize,
    /// Rows whose label changed.
    pub n_flipped: usize,
    /// The record beside the data.
    pub record: PathBuf,
}

/// Injects noise into the labels of a file and writes it with the true labels beside them.
///
/// # Errors
///
/// Whatever is wrong with the file, the rate or the extra input; nothing is written then.
pub fn noise_file(
    request: &NoiseRequest,
    observer: &mut dyn Observer,
) -> Result<NoiseSummary, TrainError> {
    let mut dataset = read::dataset(&request.data, &request.columns, LabelPolicy::Discover)?;
    if let Some(max_rows) = request.max_rows {
        dataset = dataset.subset(&sample::rows(dataset.n_rows(), max_rows, request.seed))?;
    }
    request.check()?;
    let transition = match (&request.similarity, request.noise.kind) {
        (Some(path), NoiseKind::ClassConditional) => {
            let similarity = similarity::read(path, &dataset.labels)?;
            Some(similarity::transition(path, request.noise.rate, &similarity, &dataset.labels)?)
        }
        _ => None,
    };
    let features = match request.noise.kind {
        NoiseKind::Instance => Some(instance_features(request, &dataset, observer)?),
        _ => None,
    };
    let input = NoiseInput {
        transition: transition.as_ref(),
        features: features.as_ref().map(|(values, width)| (values.as_slice(), *width)),
    };
    let labels = dataset.given_labels();
    let injection =
        noise::inject(&labels, dataset.n_classes(), &request.noise, request.seed, input)?;
    for warning in dataset.warnings.iter().chain(&injection.warnings) {
        observer.note(warning);
    }
    let existing = if request.force { Existing::Replace } else { Existing::Keep };
    let record = write::noisy_csv(&request.out, &dataset, &injection, existing)?;
    Ok(NoiseSummary {
        kind: injection.kind,
        seed: injection.seed,
        requested_rate: injection.requested_rate,
        realised_rate: injection.realised_rate,
        n_rows: dataset.n_rows(),
        n_flipped: injection.n_flipped(),
        record,
    })
}

fn instance_features(
    request: &NoiseRequest,
    dataset: &Dataset,
    observer: &mut dyn Observer,
) -> Result<(Vec<f32>, usize), TrainError> {
    let settings = ModelConfig { freeze_encoder: true, ..request.model.clone() };
    let encoder = Encoder::open(&settings, dataset.texts().into_iter())?;
    let device = request.device.open()?;
    let embedder = Embedder {
        encoder: &encoder,
        settings: &settings,
        batch_size: 64,
        device: &device,
        cache: cache_folder(),
    };
    match embedder.embed(&dataset.texts(), &Views::plain(), "train", observer)? {
        Inputs::Features { views, width } => {
            Ok((noise::instance::standardize(&views[0], width), width))
        }
        Inputs::Tokens { .. } => {
            Err(TrainError::Mismatch { found: "token ids".into(), expected: "embeddings".into() })
        }
    }
}
