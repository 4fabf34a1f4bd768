//! A model folder, ready to translate.

use std::path::{Path, PathBuf};

use crate::config::MarianConfig;
use crate::error::TranslateError;
use crate::generation::Decoding;
use crate::model::{self, Marian};
use crate::search::{Output, search};
use crate::tokenizer::{Encoded, Tokenizer};

/// A model with its tokenizer and its settings.
#[derive(Debug)]
pub struct Translator {
    config: MarianConfig,
    tokenizer: Tokenizer,
    model: Marian,
    decoding: Decoding,
    folder: PathBuf,
}

impl Translator {
    /// Opens a folder; outputs have at most `max_tokens`, and `beams` instead of what the folder says.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the folder or the settings; everything is read before this returns.
    pub fn open(
        folder: &Path,
        beams: Option<usize>,
        max_tokens: usize,
    ) -> Result<Self, TranslateError> {
        let config = MarianConfig::read(folder)?;
        let mut decoding = Decoding::read(folder, &config, max_tokens)?;
        decoding.beams = beams.unwrap_or(decoding.beams);
        decoding.check(&config)?;
        let tokenizer = Tokenizer::open(folder, &config)?;
        let model = Marian::open(folder, &config)?;
        Ok(Self { config, tokenizer, model, decoding, folder: folder.into() })
    }

    /// How outputs are searched for.
    pub fn decoding(&self) -> &Decoding {
        &self.decoding
    }

    /// The same, to be changed; [`Decoding::check`] says what is allowed.
    pub fn decoding_mut(&mut self) -> &mut Decoding {
        &mut self.decoding
    }

    /// The shape of the model.
    pub fn config(&self) -> &MarianConfig {
        &self.config
    }

    /// The files that decide what comes out, settings of decoding aside.
    pub fn files(&self) -> Vec<PathBuf> {
        let in_folder = |name: &&str| self.folder.join(name);
        let weights = model::WEIGHT_FILES.iter().map(in_folder).find(|path| path.exists());
        let config = self.folder.join("config.json");
        [config].into_iter().chain(weights).chain(self.tokenizer.files().iter().cloned()).collect()
    }

    /// The ids of a text.
    ///
    /// # Errors
    ///
    /// As [`Tokenizer::encode`].
    pub fn encode(&self, text: &str) -> Result<Encoded, TranslateError> {
        self.tokenizer.encode(text)
    }

    /// Translates texts in one batch; each comes out as it would alone, up to the rounding of the
    /// model's products.
    ///
    /// # Errors
    ///
    /// [`TranslateError::NotFinite`], [`TranslateError::Compute`].
    pub fn translate(&self, texts: &[&[u32]]) -> Result<Vec<String>, TranslateError> {
        let outputs = self.generate(texts)?;
        outputs.iter().map(|output| self.tokenizer.decode(&output.ids)).collect()
    }

    /// The ids of the translations.
    ///
    /// # Errors
    ///
    /// As [`Translator::translate`].
    pub fn generate(&self, texts: &[&[u32]]) -> Result<Vec<Output>, TranslateError> {
        let source = self.model.encode(texts).map_err(TranslateError::compute)?;
        let mut decoder = self.model.decoder(&source).map_err(TranslateError::compute)?;
        search(&mut decoder, texts.len(), &self.decoding)
    }
}
