//! The encoder a run starts from: a folder, one from the hub, or the built-in `tiny`.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use lane_data::Tokenizer;
use lane_models::{BertConfig, BertEncoder, Head, LoadReport, Network, Pooling, pretrained};
use sha2::{Digest, Sha256};

use crate::config::ModelConfig;
use crate::error::TrainError;
use crate::hub_folder::{self, Files};

/// The encoder that is built in, and knows nothing before it is trained.
pub const BUILT_IN: &str = "tiny";

/// Where an encoder comes from, as `--encoder` says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EncoderSource {
    /// Built in, trained from scratch; its vocabulary is made of the training texts.
    Tiny,
    /// A folder with `config.json`, `model.safetensors` and `tokenizer.json` or `vocab.txt`.
    Folder(PathBuf),
    /// `hub:ORG/NAME`.
    Hub(String),
}

impl From<&str> for EncoderSource {
    fn from(text: &str) -> Self {
        match text.strip_prefix("hub:") {
            Some(name) => Self::Hub(name.into()),
            None if text == BUILT_IN => Self::Tiny,
            None => Self::Folder(text.into()),
        }
    }
}

/// What an encoder on the hub consists of.
const FILES: Files<'_> = Files {
    required: &[&["config.json"], &["model.safetensors"], &["tokenizer.json", "vocab.txt"]],
    optional: &["tokenizer_config.json"],
};

/// An encoder ready to be put under heads.
#[derive(Debug)]
pub struct Encoder {
    /// Its shape.
    pub config: BertConfig,
    /// Its word pieces.
    pub tokenizer: Tokenizer,
    /// What was found in the weight file; none for `tiny`.
    pub report: Option<LoadReport>,
    /// Hash of shape and weights, so that cached embeddings are never mistaken.
    pub fingerprint: String,
    folder: Option<PathBuf>,
    settings: ModelConfig,
}

impl Encoder {
    /// Finds, fetches or makes the encoder that `settings` names.
    ///
    /// `texts` are the training texts; only `tiny` looks at them.
    ///
    /// # Errors
    ///
    /// [`TrainError::Model`] or [`TrainError::Data`] where the folder's files cannot be used,
    /// [`TrainError::Hub`] where the hub has them not, [`TrainError::Setting`] where the maximum
    /// length is beyond the encoder's positions.
    pub fn open<'a>(
        settings: &ModelConfig,
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<Self, TrainError> {
        match EncoderSource::from(settings.encoder.as_str()) {
            EncoderSource::Tiny => Self::tiny(settings, texts),
            EncoderSource::Folder(folder) => Self::from_folder(settings, folder),
            EncoderSource::Hub(name) => {
                Self::from_folder(settings, hub_folder::fetch(&name, FILES)?)
            }
        }
    }

    fn tiny<'a>(
        settings: &ModelConfig,
        texts: impl Iterator<Item = &'a str>,
    ) -> Result<Self, TrainError> {
        if settings.freeze_encoder {
            return Err(frozen_tiny());
        }
        let tokenizer = Tokenizer::built_in(texts, settings.tiny_vocabulary)?;
        let mut config = BertConfig::tiny(tokenizer.vocabulary_size());
        if settings.max_length > config.max_position_embeddings {
            config.max_position_embeddings = settings.max_length;
        }
        config.classifier_dropout = settings.dropout.or(config.classifier_dropout);
        let fingerprint = format!("tiny-{}", tokenizer.fingerprint());
        Ok(Self {
            config,
            tokenizer,
            report: None,
            fingerprint,
            folder: None,
            settings: settings.clone(),
        })
    }

    fn from_folder(settings: &ModelConfig, folder: PathBuf) -> Result<Self, TrainError> {
        let mut config = BertConfig::read(&folder)?;
        config.classifier_dropout = settings.dropout.or(config.classifier_dropout);
        if settings.max_length > config.max_position_embeddings {
            return Err(TrainError::setting(
                "model.max_length",
                settings.max_length,
                format!(
                    "at most {}, the positions of `{}`",
                    config.max_position_embeddings,
                    folder.display()
                ),
            ));
        }
        let tokenizer = Tokenizer::open(&folder)?;
        check_fit(&tokenizer, &config, &folder)?;
        let report = pretrained::load_encoder(&folder, &Device::flex())?.report;
        let fingerprint = fingerprint(&folder)?;
        Ok(Self {
            config,
            tokenizer,
            report: Some(report),
            fingerprint,
            folder: Some(folder),
            settings: settings.clone(),
        })
    }

    /// Whether this is `tiny`, whose weights are drawn and not read.
    pub(crate) fn is_built_in(&self) -> bool {
        self.folder.is_none()
    }

    /// The bare pretrained encoder on `device`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Model`] if the weights cannot be read; [`TrainError::Setting`] for `tiny`,
    /// which has none.
    pub fn load(&self, device: &Device) -> Result<BertEncoder, TrainError> {
        match &self.folder {
            Some(folder) => {
                let loaded = pretrained::load_encoder(folder, device)?;
                Ok(loaded.encoder.with_kernels(self.settings.kernels))
            }
            None => Err(frozen_tiny()),
        }
    }

    /// A classifier: the encoder (unless frozen) under a head drawn from `seed`.
    ///
    /// With `[CLS]` pooling the head's first layer starts from the folder's pooler, if it has one,
    /// as in the upstream library; a head on a frozen encoder is drawn whole.
    ///
    /// # Errors
    ///
    /// [`TrainError::Model`] if the weights cannot be read.
    pub fn network(
        &self,
        n_classes: usize,
        seed: u64,
        device: &Device,
    ) -> Result<Network, TrainError> {
        let pooling = self.settings.pooling();
        let Some(folder) = &self.folder else {
            let network = Network::init(&self.config, n_classes, pooling, seed, device);
            return Ok(network.with_kernels(self.settings.kernels));
        };
        let (width, range) = (self.config.hidden_size, self.config.initializer_range);
        let head =
            Head::init(width, n_classes, self.config.classifier_dropout(), range, seed, device);
        if self.settings.freeze_encoder {
            return Ok(Network::new(None, head, pooling));
        }
        let loaded = pretrained::load_encoder(folder, device)?;
        let head = match (pooling, loaded.pooler) {
            (Pooling::Cls, Some(pooler)) => head.with_dense(pooler),
            _ => head,
        };
        let encoder = loaded.encoder.with_kernels(self.settings.kernels);
        Ok(Network::new(Some(encoder), head, pooling))
    }
}

/// Every id that the tokenizer gives must have its row in the embedding.
pub(crate) fn check_fit(
    tokenizer: &Tokenizer,
    config: &BertConfig,
    folder: &Path,
) -> Result<(), TrainError> {
    let n_rows = config.vocab_size;
    if tokenizer.id_bound() <= n_rows as u64 {
        return Ok(());
    }
    Err(TrainError::Mismatch {
        found: format!(
            "a tokenizer of {} word pieces with ids up to {} in `{}`",
            tokenizer.vocabulary_size(),
            tokenizer.id_bound().saturating_sub(1),
            folder.display()
        ),
        expected: format!("ids below the `vocab_size` {n_rows} of its config.json"),
    })
}

fn frozen_tiny() -> TrainError {
    TrainError::setting(
        "model.freeze_encoder",
        true,
        "a pretrained encoder; `tiny` knows nothing yet",
    )
}

/// The hash over shape and weights of the encoder that `name` stands for; none for `tiny`, which has
/// no weights before it sees a text.
///
/// # Errors
///
/// [`TrainError::Io`] where files are missing, [`TrainError::Hub`] if it cannot be fetched.
pub fn fingerprint_of(name: &str) -> Result<Option<String>, TrainError> {
    match EncoderSource::from(name) {
        EncoderSource::Tiny => Ok(None),
        EncoderSource::Folder(folder) => fingerprint(&folder).map(Some),
        EncoderSource::Hub(name) => fingerprint(&hub_folder::fetch(&name, FILES)?).map(Some),
    }
}

fn fingerprint(folder: &Path) -> Result<String, TrainError> {
    let paths = ["config.json", "model.safetensors"].map(|name| folder.join(name));
    Ok(crate::hex(&hash_of(&paths)?.finalize()))
}

/// A hash that has read some files, one after the other.
pub(crate) fn hash_of(paths: &[PathBuf]) -> Result<Sha256, TrainError> {
    let mut hasher = Sha256::new();
    for path in paths {
        let mut file = lane_data::open::ordinary(path).map_err(TrainError::io("read", path))?;
        std::io::copy(&mut file, &mut HashWriter(&mut hasher))
            .map_err(TrainError::io("read", path))?;
    }
    Ok(hasher)
}

struct HashWriter<'a>(&'a mut Sha256);

impl std::io::Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::EncoderSource;

    #[test]
    fn the_three_sources_are_told_apart_by_their_form() {
        assert_eq!(EncoderSource::from("tiny"), EncoderSource::Tiny);
        assert_eq!(EncoderSource::from("hub:org/name"), EncoderSource::Hub("org/name".into()));
        assert_eq!(EncoderSource::from("./tiny"), EncoderSource::Folder("./tiny".into()));
    }
}
