//! A saved classifier on a whole file: predicting and scoring.

use std::path::{Path, PathBuf};

use lane_data::read::{self, LabelPolicy};
use lane_data::write::{self, Existing};
use lane_data::{Columns, DataError, LabelSet};
use lane_metrics::ClassId;
use serde::Serialize;

use crate::device::DeviceName;
use crate::error::TrainError;
use crate::progress::Observer;
use crate::saved::{Classifier, Prediction};
use crate::scores::SplitScores;

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
