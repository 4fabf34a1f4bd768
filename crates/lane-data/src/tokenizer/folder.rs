//! A tokenizer on disk, in the layout of Hugging Face.

use std::path::Path;

use serde_json::{Value, json};
use tokenizers::models::ModelWrapper;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, Tokenizer, decoders};

use crate::decoder;
use crate::error::DataError;
use crate::read::kind_of_json;
use crate::write::{self, Existing};

pub(super) const PAD: &str = "[PAD]";
pub(super) const UNK: &str = "[UNK]";
pub(super) const CLS: &str = "[CLS]";
pub(super) const SEP: &str = "[SEP]";
pub(super) const MASK: &str = "[MASK]";

/// Longer words are unknown, in WordPiece as published.
pub(super) const MAX_WORD_CHARACTERS: usize = 100;

/// Positions that BERT has; what a saved folder states when nothing else is known.
const DEFAULT_MAX_LENGTH: u64 = 512;

/// What `tokenizer_config.json` says, with the defaults of `BertTokenizer`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) lower_case: bool,
    pub(super) chinese_characters: bool,
    pub(super) strip_accents: Option<bool>,
    pub(super) max_length: u64,
    pub(super) pad_token: String,
    pub(super) unknown_token: String,
    pub(super) first_token: String,
    pub(super) last_token: String,
    pub(super) mask_token: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lower_case: true,
            chinese_characters: true,
            strip_accents: None,
            max_length: DEFAULT_MAX_LENGTH,
            pad_token: PAD.into(),
            unknown_token: UNK.into(),
            first_token: CLS.into(),
            last_token: SEP.into(),
            mask_token: MASK.into(),
        }
    }
}

impl Settings {
    fn from_json(config: &Value) -> Self {
        let default = Self::default();
        let flag = |key: &str, default: bool| config[key].as_bool().unwrap_or(default);
        // A token is a string, or an object with its text as `content`.
        let token = |key: &str, default: String| {
            let text = config[key].as_str().or_else(|| config[key]["content"].as_str());
            text.map_or(default, ToOwned::to_owned)
        };
        Self {
            lower_case: flag("do_lower_case", default.lower_case),
            chinese_characters: flag("tokenize_chinese_chars", default.chinese_characters),
            strip_accents: config["strip_accents"].as_bool(),
            max_length: config["model_max_length"].as_u64().unwrap_or(default.max_length),
            pad_token: token("pad_token", default.pad_token),
            unknown_token: token("unk_token", default.unknown_token),
            first_token: token("cls_token", default.first_token),
            last_token: token("sep_token", default.last_token),
            mask_token: token("mask_token", default.mask_token),
        }
    }

    fn special_tokens(&self) -> [(&'static str, &String); 5] {
        [
            ("unk_token", &self.unknown_token),
            ("sep_token", &self.last_token),
            ("pad_token", &self.pad_token),
            ("cls_token", &self.first_token),
            ("mask_token", &self.mask_token),
        ]
    }

    /// Ids of the special tokens that the vocabulary has.
    pub(super) fn special_ids(&self, tokenizer: &Tokenizer) -> Vec<u32> {
        self.special_tokens().iter().filter_map(|(_, token)| tokenizer.token_to_id(token)).collect()
    }

    fn special_tokens_map(&self) -> Value {
        self.special_tokens()
            .into_iter()
            .map(|(key, token)| (key.to_owned(), json!(token)))
            .collect()
    }

    fn tokenizer_config(&self) -> Value {
        let mut config = json!({
            "tokenizer_class": "BertTokenizer",
            "do_lower_case": self.lower_case,
            "tokenize_chinese_chars": self.chinese_characters,
            "strip_accents": self.strip_accents,
            "model_max_length": self.max_length,
        });
        for (key, token) in self.special_tokens() {
            config[key] = json!(token);
        }
        config
    }
}

pub(super) fn refused(path: &Path, reason: &dyn std::fmt::Display) -> DataError {
    DataError::Tokenizer { path: path.into(), reason: reason.to_string() }
}

/// Damaged models can make the library panic, as can texts that they are run on.
pub(super) fn caught<T>(run: impl FnOnce() -> tokenizers::Result<T>) -> tokenizers::Result<T> {
    decoder::catch(run).unwrap_or_else(|| Err("the tokenizer gave up on damaged data".into()))
}

pub(super) fn open(folder: &Path) -> Result<(Tokenizer, Settings), DataError> {
    let config_path = folder.join("tokenizer_config.json");
    let settings = if config_path.is_file() {
        let text = read(&config_path)?;
        let config: Value =
            serde_json::from_str(&text).map_err(|err| refused(&config_path, &err))?;
        if !config.is_object() {
            let reason = format!("found {}, expected an object", kind_of_json(&config));
            return Err(refused(&config_path, &reason));
        }
        Settings::from_json(&config)
    } else {
        Settings::default()
    };
    let (whole, vocabulary) = (folder.join("tokenizer.json"), folder.join("vocab.txt"));
    if whole.is_file() {
        let text = read(&whole)?;
        let mut tokenizer =
            caught(|| Tokenizer::from_bytes(text)).map_err(|err| refused(&whole, &err))?;
        check_unknown(&tokenizer, &whole)?;
        if tokenizer.get_post_processor().is_none() {
            let template = template(&tokenizer, &settings, &whole)?;
            tokenizer.with_post_processor(Some(template));
        }
        Ok((tokenizer, settings))
    } else if vocabulary.is_file() {
        let tokens: Vec<String> =
            read(&vocabulary)?.lines().map(|line| line.trim_end().to_owned()).collect();
        Ok((word_piece(&tokens, &settings, &vocabulary)?, settings))
    } else {
        Err(DataError::NoTokenizer { path: folder.into() })
    }
}

/// Word pieces need a token for what they cannot spell, or the first such word is the end of a run.
fn check_unknown(tokenizer: &Tokenizer, path: &Path) -> Result<(), DataError> {
    match tokenizer.get_model() {
        ModelWrapper::WordPiece(model) if tokenizer.token_to_id(&model.unk_token).is_none() => {
            Err(DataError::MissingToken { path: path.into(), token: model.unk_token.clone() })
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<String, DataError> {
    crate::open::text(path)
}

/// BERT's WordPiece over `tokens`, whose ids are their positions.
pub(super) fn word_piece(
    tokens: &[String],
    settings: &Settings,
    path: &Path,
) -> Result<Tokenizer, DataError> {
    let vocabulary =
        WordPiece::read_bytes(tokens.join("\n").as_bytes()).map_err(|err| refused(path, &err))?;
    for (_, token) in settings.special_tokens() {
        // Nothing here uses the mask; a vocabulary may lack it.
        if *token != settings.mask_token && !vocabulary.contains_key(token) {
            return Err(DataError::MissingToken { path: path.into(), token: token.clone() });
        }
    }
    let special: Vec<AddedToken> = settings
        .special_tokens()
        .into_iter()
        .filter(|(_, token)| vocabulary.contains_key(*token))
        .map(|(_, token)| AddedToken::from(token.clone(), true))
        .collect();
    let model = WordPiece::builder()
        .vocab(vocabulary)
        .unk_token(settings.unknown_token.clone())
        .max_input_chars_per_word(MAX_WORD_CHARACTERS)
        .build()
        .map_err(|err| refused(path, &err))?;
    let mut tokenizer = Tokenizer::new(model);
    let normalizer = BertNormalizer::new(
        true,
        settings.chinese_characters,
        settings.strip_accents,
        settings.lower_case,
    );
    tokenizer.with_normalizer(Some(normalizer)).map_err(|err| refused(path, &err))?;
    tokenizer
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_decoder(Some(decoders::wordpiece::WordPiece::default()));
    tokenizer.add_special_tokens(special).map_err(|err| refused(path, &err))?;
    let template = template(&tokenizer, settings, path)?;
    tokenizer.with_post_processor(Some(template));
    Ok(tokenizer)
}

/// `[CLS]` before and `[SEP]` after.
fn template(
    tokenizer: &Tokenizer,
    settings: &Settings,
    path: &Path,
) -> Result<TemplateProcessing, DataError> {
    let (first, last) = (&settings.first_token, &settings.last_token);
    let id = |token: &String| {
        let missing = || DataError::MissingToken { path: path.into(), token: token.clone() };
        tokenizer.token_to_id(token).ok_or_else(missing)
    };
    let special = vec![(first.clone(), id(first)?), (last.clone(), id(last)?)];
    TemplateProcessing::builder()
        .try_single(format!("{first}:0 $A:0 {last}:0"))
        .and_then(|it| it.try_pair(format!("{first}:0 $A:0 {last}:0 $B:1 {last}:1")))
        .map_err(|reason| refused(path, &reason))?
        .special_tokens(special)
        .build()
        .map_err(|err| refused(path, &err))
}

pub(super) fn save(
    tokenizer: &Tokenizer,
    settings: &Settings,
    folder: &Path,
) -> Result<(), DataError> {
    let put = |name: &str, text: String| {
        write::file(&folder.join(name), Existing::Replace, |out| out.write_all(text.as_bytes()))
    };
    let whole = caught(|| tokenizer.to_string(false)).map_err(|err| refused(folder, &err))?;
    put("tokenizer.json", whole)?;
    put("tokenizer_config.json", format!("{:#}\n", settings.tokenizer_config()))?;
    put("special_tokens_map.json", format!("{:#}\n", settings.special_tokens_map()))?;
    match vocabulary_lines(tokenizer) {
        Some(lines) => put("vocab.txt", lines),
        None => Ok(()),
    }
}

/// One token a line in the order of ids, if ids are exactly the line numbers.
fn vocabulary_lines(tokenizer: &Tokenizer) -> Option<String> {
    let size = u32::try_from(tokenizer.get_vocab_size(true)).ok()?;
    let tokens: Option<Vec<String>> = (0..size).map(|id| tokenizer.id_to_token(id)).collect();
    tokens.map(|tokens| tokens.join("\n") + "\n")
}
