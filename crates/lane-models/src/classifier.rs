//! Whole classifiers, in and out. How they are saved is told at [`save_classifier`].

use std::path::Path;

use burn::tensor::Device;
use serde_json::{Map, Value, json};

use crate::{
    BertConfig, Head, LoadReport, ModelError, Network, Pooling, folder, names, parameters,
    pretrained::take_encoder,
    weights::{self, Entry, WeightFile},
};

/// The upstream class of a classifier with mean pooling.
const MODELING: &str = include_str!("modeling_lane.py");

/// Keys of `config.json` that describe the head, and so never survive from an older one.
const HEAD_KEYS: [&str; 7] =
    ["architectures", "auto_map", "id2label", "label2id", "num_labels", "problem_type", MAX_LENGTH];

/// Our key for the longest input; upstream's `max_length` is about generated text.
const MAX_LENGTH: &str = "lane_max_length";

/// A classifier as it was saved.
#[derive(Clone, Debug)]
pub struct Classifier {
    /// Its `config.json`.
    pub config: BertConfig,
    /// Encoder and head.
    pub network: Network,
    /// Names of the classes, in the order of the logits.
    pub labels: Vec<String>,
    /// Tokens at which texts were cut in training; all positions if the folder does not say.
    pub max_length: usize,
    /// What became of the names in the weight file.
    pub report: LoadReport,
}

/// Writes a classifier so that Hugging Face's `AutoModelForSequenceClassification` opens it and
/// gives the same logits: `config.json`, `model.safetensors` and, for mean pooling,
/// `modeling_lane.py`.
///
/// With \[CLS\] pooling the network is upstream's `BertForSequenceClassification`, name by name.
/// Mean pooling has no counterpart there. Such a model is saved as model type `lane-bert` with
/// its own class, which upstream runs only if told `trust_remote_code=True`; without, it refuses
/// to open the folder instead of silently giving other logits.
///
/// `config` is the encoder's; `labels` are the names of the classes, in the order of the
/// logits; `max_length` is the number of tokens at which texts were cut. Each file is replaced
/// whole.
///
/// # Errors
///
/// [`ModelError::NoEncoder`] for a head alone, [`ModelError::Labels`] if names and outputs do
/// not pair up, [`ModelError::Io`] if a file cannot be written, [`ModelError::Device`] if
/// a parameter cannot be read back.
pub fn save_classifier(
    dir: &Path,
    network: &Network,
    config: &BertConfig,
    labels: &[String],
    max_length: usize,
) -> Result<(), ModelError> {
    if network.encoder.is_none() {
        return Err(ModelError::NoEncoder);
    }
    let (n_labels, n_outputs) = (labels.len(), network.n_classes());
    if n_labels != n_outputs {
        return Err(ModelError::Labels { n_labels, n_outputs });
    }
    folder::create(dir)?;
    let pooling = network.pooling();
    weights::write(dir, &entries(network, pooling)?)?;
    if pooling == Pooling::Mean {
        folder::write(&dir.join("modeling_lane.py"), MODELING.as_bytes())?;
    }
    // Last, so that a folder with a config is a folder with everything.
    let path = dir.join("config.json");
    let mut config = with_head(config, labels, pooling);
    config.other.insert(MAX_LENGTH.into(), json!(max_length));
    let mut text = serde_json::to_vec_pretty(&config)
        .map_err(|source| ModelError::Config { path: path.clone(), source })?;
    text.push(b'\n');
    folder::write(&path, &text)
}

/// Reads a classifier saved by this crate or by upstream's `BertForSequenceClassification`.
///
/// # Errors
///
/// As [`load_encoder`](crate::pretrained::load_encoder); here pooler and classifier must be there too.
pub fn load_classifier(dir: &Path, device: &Device) -> Result<Classifier, ModelError> {
    let config = BertConfig::read(dir)?;
    let pooling = if config.model_type == "lane-bert" { Pooling::Mean } else { Pooling::Cls };
    let file = WeightFile::read(dir)?;
    let mut tensors = file.tensors()?;
    let n_outputs = tensors.shape("classifier.weight").and_then(|it| it.first().copied());
    let n_outputs = n_outputs.unwrap_or_default();
    let blank = Head::blank_for(&config, n_outputs);
    let name = |path: &str| names::of_head(path, pooling);
    tensors.require(parameters::places(&blank).iter().map(|place| name(&place.path)))?;
    let labels = label_names(&config, n_outputs)?;
    let head = parameters::fill(blank, device, |place| tensors.take(&name(&place.path), place))?;
    let encoder = take_encoder(&mut tensors, &config, device)?;
    let max_length = max_length(&config)?;
    let (matched, unused) = tensors.into_used_and_unused();
    let report = LoadReport { matched, missing: Vec::new(), unused };
    let network = Network::new(Some(encoder), head, pooling);
    Ok(Classifier { config, network, labels, max_length, report })
}

fn entries(network: &Network, pooling: Pooling) -> Result<Vec<Entry>, ModelError> {
    parameters::values(network)
        .into_iter()
        .map(|(place, data)| {
            let name = names::upstream_name(&place.path, pooling);
            match data.try_to_vec::<f32>() {
                Ok(values) => Ok(Entry::new(name, &place, values)),
                Err(reason) => Err(ModelError::Device { name, reason: format!("{reason:?}") }),
            }
        })
        .collect()
}

/// The encoder's config with a description of the head.
fn with_head(config: &BertConfig, labels: &[String], pooling: Pooling) -> BertConfig {
    let mut config = config.clone();
    config.other.retain(|key, _| !HEAD_KEYS.contains(&key.as_str()));
    let numbered = || labels.iter().enumerate();
    let id2label: Map<String, Value> =
        numbered().map(|(id, label)| (id.to_string(), json!(label))).collect();
    let label2id: Map<String, Value> =
        numbered().map(|(id, label)| (label.clone(), json!(id))).collect();
    let (model_type, architecture) = match pooling {
        Pooling::Cls => ("bert", "BertForSequenceClassification"),
        Pooling::Mean => ("lane-bert", "LaneBertForSequenceClassification"),
    };
    config.model_type = model_type.into();
    config.other.insert("architectures".into(), json!([architecture]));
    config.other.insert("num_labels".into(), json!(labels.len()));
    config.other.insert("id2label".into(), id2label.into());
    config.other.insert("label2id".into(), label2id.into());
    config.other.insert("problem_type".into(), json!("single_label_classification"));
    if pooling == Pooling::Mean {
        let auto_map = json!({
            "AutoConfig": "modeling_lane.LaneBertConfig",
            "AutoModelForSequenceClassification": "modeling_lane.LaneBertForSequenceClassification",
        });
        config.other.insert("auto_map".into(), auto_map);
    }
    config
}

/// Names from `id2label`; numbers, as upstream calls them, where there is none.
fn label_names(config: &BertConfig, n_outputs: usize) -> Result<Vec<String>, ModelError> {
    let id2label = config.other.get("id2label").and_then(Value::as_object);
    let n_labels = id2label.map_or(n_outputs, Map::len);
    if n_labels != n_outputs || n_outputs == 0 {
        return Err(ModelError::Labels { n_labels, n_outputs });
    }
    let Some(id2label) = id2label else {
        return Ok((0..n_outputs).map(|id| format!("LABEL_{id}")).collect());
    };
    let name = |id: usize| id2label.get(&id.to_string())?.as_str().map(str::to_owned);
    let unnamed = |id| ModelError::OutOfRange {
        field: "id2label",
        found: format!("without a name for {id}"),
        expected: format!("a name for each of 0 to {}", n_outputs - 1),
    };
    (0..n_outputs).map(|id| name(id).ok_or_else(|| unnamed(id))).collect()
}

fn max_length(config: &BertConfig) -> Result<usize, ModelError> {
    let positions = config.max_position_embeddings;
    let Some(found) = config.other.get(MAX_LENGTH) else {
        return Ok(positions);
    };
    match found.as_u64().and_then(|it| usize::try_from(it).ok()) {
        Some(it) if (1..=positions).contains(&it) => Ok(it),
        _ => Err(ModelError::OutOfRange {
            field: MAX_LENGTH,
            found: found.to_string(),
            expected: format!("1 to the {positions} positions"),
        }),
    }
}
