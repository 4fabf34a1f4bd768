//! Text to ids and back, as `MarianTokenizer` of transformers does it.
//!
//! An OPUS-MT folder has `source.spm` and `target.spm`, which cut texts into pieces, and `vocab.json`,
//! which numbers the pieces of both. A piece without a number is unknown. A text may begin with a
//! language code, `>>deu<<`, which is one piece. `tokenizer.json`, the form of the crate `tokenizers`, is
//! read where there is no `source.spm`.

mod spm;

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Number;

use self::spm::SpmTokenizer;
use crate::config::MarianConfig;
use crate::error::TranslateError;
use crate::files;

/// A text as ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The ids, the end of the sentence the last.
    pub ids: Vec<u32>,
    /// Whether the text was longer than the model takes, and its rest left out.
    pub cut: bool,
}

/// The tokenizer of a model folder.
#[derive(Debug)]
pub struct Tokenizer {
    form: Form,
    most: usize,
    end: u32,
    clean_up: bool,
    files: Vec<PathBuf>,
}

#[derive(Debug)]
enum Form {
    Spm(Box<SpmTokenizer>),
    Json(Box<tokenizers::Tokenizer>),
}

#[derive(Default, Deserialize)]
struct Settings {
    // Some folders have 1e30 here.
    model_max_length: Option<Number>,
    #[serde(default)]
    clean_up_tokenization_spaces: bool,
    #[serde(default)]
    separate_vocabs: bool,
}

/// Longest input where `tokenizer_config.json` says nothing, as upstream.
const USUAL_MOST: usize = 512;

impl Tokenizer {
    /// Reads the tokenizer files of a folder.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Missing`], [`TranslateError::Read`], [`TranslateError::Parse`];
    /// [`TranslateError::Unsupported`] where the vocabulary is not that of `config`.
    pub fn open(folder: &Path, config: &MarianConfig) -> Result<Self, TranslateError> {
        let settings_path = folder.join("tokenizer_config.json");
        let settings: Settings = files::optional_json(&settings_path)?.unwrap_or_default();
        if settings.separate_vocabs {
            let key = "separate_vocabs";
            return Err(TranslateError::unsupported(settings_path, key, "true", "false"));
        }
        let (form, names) = if folder.join("source.spm").exists() {
            let form = Form::Spm(Box::new(SpmTokenizer::open(folder, config)?));
            (form, ["source.spm", "target.spm", "vocab.json"].as_slice())
        } else if folder.join("tokenizer.json").exists() {
            (Form::Json(Box::new(json(folder, config)?)), ["tokenizer.json"].as_slice())
        } else {
            let expected =
                "tokenizer: source.spm with target.spm and vocab.json, or tokenizer.json";
            return Err(TranslateError::Missing { folder: folder.into(), expected });
        };
        let mut files: Vec<PathBuf> = names.iter().map(|name| folder.join(name)).collect();
        files.extend(Some(settings_path).filter(|path| path.exists()));
        let positions = config.max_position_embeddings;
        let whole = |number: Number| number.as_u64().map_or(usize::MAX, |most| most as usize);
        let most = settings.model_max_length.map_or(USUAL_MOST, whole);
        Ok(Self {
            form,
            most: most.clamp(1, positions),
            end: config.eos_token_id,
            clean_up: settings.clean_up_tokenization_spaces,
            files,
        })
    }

    /// The ids of a text; what is longer than the model takes is cut, and the end kept.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Compute`] if `tokenizer.json` fails on it.
    pub fn encode(&self, text: &str) -> Result<Encoded, TranslateError> {
        let mut ids = match &self.form {
            Form::Spm(tokenizer) => tokenizer.encode(text),
            Form::Json(tokenizer) => {
                let encoded = tokenizer.encode_fast(text, false);
                let message = |error: tokenizers::Error| error.to_string();
                let failed = |message| TranslateError::Compute { message };
                encoded.map_err(message).map_err(failed)?.get_ids().to_vec()
            }
        };
        let cut = self.most < ids.len() + 1;
        ids.truncate(self.most - 1);
        ids.push(self.end);
        Ok(Encoded { ids, cut })
    }

    /// The text of ids, less what marks the end, padding and unknown pieces.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Compute`] if `tokenizer.json` fails on them.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TranslateError> {
        let text = match &self.form {
            Form::Spm(tokenizer) => tokenizer.decode(ids),
            Form::Json(tokenizer) => {
                let failed = |error: tokenizers::Error| TranslateError::Compute {
                    message: error.to_string(),
                };
                tokenizer.decode(ids, true).map_err(failed)?
            }
        };
        Ok(if self.clean_up { cleaned_up(&text) } else { text })
    }

    /// The files it was read from.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }
}

fn json(folder: &Path, config: &MarianConfig) -> Result<tokenizers::Tokenizer, TranslateError> {
    let path = folder.join("tokenizer.json");
    let mut tokenizer = tokenizers::Tokenizer::from_file(&path)
        .map_err(|error| TranslateError::parse(&path, error))?;
    tokenizer.with_padding(None);
    tokenizer.with_truncation(None).map_err(|error| TranslateError::parse(&path, error))?;
    let ids = tokenizer.get_vocab(true).into_values();
    check_ids(&path, ids, config)?;
    Ok(tokenizer)
}

fn check_ids(
    path: &Path,
    ids: impl Iterator<Item = u32>,
    config: &MarianConfig,
) -> Result<(), TranslateError> {
    match ids.max() {
        Some(id) if config.vocab_size <= id as usize => {
            let expected = format!("ids below {}, `vocab_size` of config.json", config.vocab_size);
            Err(TranslateError::unsupported(path, "the highest id", id, expected))
        }
        _ => Ok(()),
    }
}

/// What upstream does to spaces where a folder asks for it.
fn cleaned_up(text: &str) -> String {
    const RULES: [(&str, &str); 10] = [
        (" .", "."),
        (" ?", "?"),
        (" !", "!"),
        (" ,", ","),
        (" ' ", "'"),
        (" n't", "n't"),
        (" 'm", "'m"),
        (" 's", "'s"),
        (" 've", "'ve"),
        (" 're", "'re"),
    ];
    RULES.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

#[cfg(test)]
mod tests;
