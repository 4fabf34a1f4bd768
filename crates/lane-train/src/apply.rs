//! Whole-file jobs beside training: making noise, predicting, evaluating.

use std::path::{Path, PathBuf};

use lane_data::noise::{self, NoiseConfig, NoiseInput, NoiseKind, Transition};
use lane_data::read::{self, LabelPolicy};
use lane_data::write::{self, Existing};
use lane_data::{Columns, DataError, Dataset, LabelSet, sample};
use lane_metrics::ClassId;
use serde::Serialize;

use crate::config::{ModelConfig, ViewConfig};
use crate::device::DeviceName;
use crate::embeddings::{Embedder, cache_folder};
use crate::encoder::Encoder;
use crate::error::TrainError;
use crate::inputs::Inputs;
use crate::progress::Observer;
use crate::saved::{Classifier, Prediction};
use crate::scores::SplitScores;

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
            let similarity = read_similarity(path, &dataset.labels)?;
            Some(Transition::from_similarity(request.noise.rate, &similarity, dataset.n_classes())?)
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
    let device = request.device.open();
    let embedder = Embedder {
        encoder: &encoder,
        settings: &settings,
        batch_size: 64,
        device: &device,
        cache: cache_folder(),
    };
    match embedder.embed(
        &dataset.texts(),
        &ViewConfig::default(),
        request.seed,
        "train",
        observer,
    )? {
        Inputs::Features { views, width } => {
            Ok((noise::instance::standardize(&views[0], width), width))
        }
        Inputs::Tokens { .. } => {
            Err(TrainError::Mismatch { found: "token ids".into(), expected: "embeddings".into() })
        }
    }
}

/// A square table of similarities: first row the class names in any order, then one row a class.
fn read_similarity(path: &Path, labels: &LabelSet) -> Result<Vec<f64>, TrainError> {
    let refused = |message: String| TrainError::Config { path: Some(path.into()), message };
    let mut table = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| refused(error.to_string()))?;
    let header = table.headers().map_err(|error| refused(error.to_string()))?.clone();
    let classes: Vec<ClassId> = header
        .iter()
        .map(|name| {
            labels
                .id(name)
                .ok_or_else(|| refused(format!("column `{name}` is no class of the data")))
        })
        .collect::<Result<_, _>>()?;
    let n_classes = labels.len();
    if classes.len() != n_classes {
        return Err(refused(format!(
            "{} columns, expected one for each of {n_classes} classes",
            classes.len()
        )));
    }
    let mut similarity = vec![0.0; n_classes * n_classes];
    let mut n_rows = 0;
    for (record, from) in table.records().zip(&classes) {
        let record = record.map_err(|error| refused(error.to_string()))?;
        for (value, to) in record.iter().zip(&classes) {
            let value: f64 = value
                .parse()
                .map_err(|_| refused(format!("`{value}` in row {} is no number", n_rows + 2)))?;
            similarity[from.index() * n_classes + to.index()] = value;
        }
        n_rows += 1;
    }
    if n_rows != n_classes {
        return Err(refused(format!(
            "{n_rows} rows, expected one for each of {n_classes} classes"
        )));
    }
    Ok(similarity)
}

/// A file to predict, and where to.
#[derive(Clone, Debug)]
pub struct PredictRequest {
    /// A `model/` folder or a run folder.
    pub model: PathBuf,
    /// The file with the texts.
    pub data: PathBuf,
    /// Its columns; the label column is not needed.
    pub columns: Columns,
    /// The CSV to write.
    pub out: PathBuf,
    /// Write the logits of every class too.
    pub logits: bool,
    /// Where to compute.
    pub device: DeviceName,
    /// Rows of one batch.
    pub batch_size: usize,
    /// Replace an existing file.
    pub force: bool,
}

/// Predicts every text of a file: `id,text,predicted,probability` and, if asked, `logit_<class>`.
///
/// # Errors
///
/// Whatever is wrong with the model or the file; nothing is written then.
pub fn predict_file(
    request: &PredictRequest,
    observer: &mut dyn Observer,
) -> Result<usize, TrainError> {
    if request.out.exists() && !request.force {
        return Err(DataError::Exists { path: request.out.clone() }.into());
    }
    let classifier = Classifier::open(&request.model, request.device)?;
    let rows = read::texts(&request.data, &request.columns)?;
    let texts: Vec<&str> = rows.texts.iter().map(String::as_str).collect();
    let predictions = classifier.predict(&texts, request.batch_size, "data", observer)?;
    let existing = if request.force { Existing::Replace } else { Existing::Keep };
    write::file(&request.out, existing, |out| {
        let mut table = csv::Writer::from_writer(out);
        let mut header: Vec<String> =
            ["id", "text", "predicted", "probability"].map(Into::into).into();
        if request.logits {
            header.extend(classifier.labels().iter().map(|name| format!("logit_{name}")));
        }
        table.write_record(&header)?;
        for ((id, text), prediction) in rows.ids.iter().zip(&texts).zip(&predictions) {
            table.write_record(prediction_row(
                id,
                text,
                prediction,
                classifier.labels(),
                request.logits,
            ))?;
        }
        table.flush()
    })?;
    Ok(predictions.len())
}

fn prediction_row(
    id: &str,
    text: &str,
    prediction: &Prediction,
    labels: &[String],
    with_logits: bool,
) -> Vec<String> {
    let highest = prediction.logits[prediction.class.index()];
    let total: f32 = prediction.logits.iter().map(|logit| (logit - highest).exp()).sum();
    let mut row = vec![
        id.into(),
        text.into(),
        labels[prediction.class.index()].clone(),
        (1.0 / total).to_string(),
    ];
    if with_logits {
        row.extend(prediction.logits.iter().map(ToString::to_string));
    }
    row
}

/// Scores of a saved classifier on a labelled file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Rows scored.
    pub n_rows: usize,
    /// Scores over the whole file.
    #[serde(flatten)]
    pub scores: SplitScores,
}

/// Scores a saved classifier on a labelled file, against its gold labels where it has them.
///
/// # Errors
///
/// Whatever is wrong with the model or the file, a label the model does not know included.
pub fn evaluate_file(
    model: &Path,
    data: &Path,
    columns: &Columns,
    device: DeviceName,
    observer: &mut dyn Observer,
) -> Result<Evaluation, TrainError> {
    let classifier = Classifier::open(model, device)?;
    let labels = LabelSet::from_names(classifier.labels())?;
    let dataset = read::dataset(data, columns, LabelPolicy::Known(&labels))?;
    let predictions = classifier.predict(&dataset.texts(), 64, "data", observer)?;
    let truth = dataset.gold_labels().unwrap_or_else(|| dataset.given_labels());
    // The model numbers its classes by its own list, the file by the sorted one.
    let predicted: Option<Vec<ClassId>> = predictions
        .iter()
        .map(|prediction| labels.id(&classifier.labels()[prediction.class.index()]))
        .collect();
    let predicted = predicted.ok_or_else(|| TrainError::Mismatch {
        found: "a class without a name in the model".into(),
        expected: "a name for each".into(),
    })?;
    Ok(Evaluation {
        n_rows: dataset.n_rows(),
        scores: SplitScores::of(&truth, &predicted, labels.len())?,
    })
}
