//! Hugging Face folders: encoders in, classifiers in and out.
//!
//! The folder holds `config.json` and `model.safetensors`, of a bare encoder or of any model
//! on top of one: names may carry the prefix `bert.`, layer norms may be called by their old
//! names, and what belongs to another head is reported as unused.

use std::path::Path;

use burn::{nn::Linear, tensor::Device};

use crate::{
    BertConfig, BertEncoder, ModelError, names, parameters,
    weights::{Tensors, WeightFile},
};
pub use crate::{
    classifier::{Classifier, load_classifier, save_classifier},
    names::upstream_name,
};

/// What became of the names in a weight file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Names in the file that were loaded.
    pub matched: Vec<String>,
    /// Names the file lacks and the model can do without: a pooler, which starts anew. Anything
    /// else missing is an error.
    pub missing: Vec<String>,
    /// Names in the file that nothing asked for.
    pub unused: Vec<String>,
}

/// An encoder as it was pretrained.
#[derive(Clone, Debug)]
pub struct PretrainedEncoder {
    /// Its `config.json`.
    pub config: BertConfig,
    /// Its layers.
    pub encoder: BertEncoder,
    /// The dense layer of its pooler, if the file has one.
    pub pooler: Option<Linear>,
    /// What became of the names in the file.
    pub report: LoadReport,
}

/// Loads an encoder from a folder.
///
/// # Errors
///
/// Every [`ModelError`] about reading: a file that is not there, an architecture that is not
/// BERT, a weight file that lacks parameters (all of them are named), has other shapes than
/// `config.json` says, other types than F32, F16 and BF16, or is damaged.
pub fn load_encoder(dir: &Path, device: &Device) -> Result<PretrainedEncoder, ModelError> {
    let config = BertConfig::read(dir)?;
    let file = WeightFile::read(dir)?;
    let mut tensors = file.tensors()?;
    let encoder = take_encoder(&mut tensors, &config, device)?;
    let pooler_names =
        ["weight", "bias"].map(|leaf| format!("{}pooler.dense.{leaf}", tensors.prefix()));
    let has_pooler = pooler_names.iter().all(|name| tensors.holds(name));
    let pooler = if has_pooler { Some(take_pooler(&mut tensors, &config, device)?) } else { None };
    let missing = pooler_names.into_iter().filter(|name| !tensors.holds(name)).collect();
    let (matched, unused) = tensors.into_used_and_unused();
    let report = LoadReport { matched, missing, unused };
    Ok(PretrainedEncoder { config, encoder, pooler, report })
}

/// The encoder's share of a file.
pub(crate) fn take_encoder(
    tensors: &mut Tensors<'_>,
    config: &BertConfig,
    device: &Device,
) -> Result<BertEncoder, ModelError> {
    let blank = BertEncoder::blank(config);
    let prefix = tensors.prefix();
    let name = |path: &str| format!("{prefix}{}", names::of_encoder(path));
    tensors.require(parameters::places(&blank).iter().map(|place| name(&place.path)))?;
    parameters::fill(blank, device, |place| tensors.take(&name(&place.path), place))
}

fn take_pooler(
    tensors: &mut Tensors<'_>,
    config: &BertConfig,
    device: &Device,
) -> Result<Linear, ModelError> {
    let blank = parameters::blank_linear(config.hidden_size, config.hidden_size);
    let prefix = tensors.prefix();
    parameters::fill(blank, device, |place| {
        tensors.take(&format!("{prefix}pooler.dense.{}", place.path), place)
    })
}
