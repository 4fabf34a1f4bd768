//! How outputs are searched for: the settings of a folder, and those asked for.
//!
//! They come from `generation_config.json`, and where a folder has none from `config.json`, as in
//! transformers. Without a number of beams in either the search is greedy, as there. A setting that
//! would change outputs and is not implemented is refused, never ignored.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::config::MarianConfig;
use crate::error::TranslateError;
use crate::files;

/// Settings of a search.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoding {
    /// Sentences kept in parallel; 1 is greedy.
    pub beams: usize,
    /// Most tokens of an output, the end included.
    pub max_tokens: usize,
    /// Scores are divided by the length to this power.
    pub length_penalty: f64,
    /// When a text is given up searching for better outputs.
    pub early_stopping: EarlyStopping,
    /// Ids that are never generated; the padding always is one.
    pub barred: Vec<u32>,
    /// The id that ends a sentence.
    pub end: u32,
    /// The id that the decoder starts from.
    pub start: u32,
    /// Whether the last token that fits is the end, whatever the model says.
    pub forced_end: bool,
    /// Whether log-probabilities sum to one again after ids were barred.
    pub renormalize: bool,
}

/// When beam search stops for a text that has as many finished outputs as beams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EarlyStopping {
    /// When the best unfinished one, at its present length, is worse than the worst finished one.
    #[default]
    Heuristic,
    /// At once.
    Yes,
    /// When no unfinished one can become better.
    Never,
}

/// Settings that change outputs, what they must be, and what that is called.
const NEUTRAL: &[(&str, f64)] = &[
    ("min_length", 0.0),
    ("min_new_tokens", 0.0),
    ("no_repeat_ngram_size", 0.0),
    ("encoder_no_repeat_ngram_size", 0.0),
    ("repetition_penalty", 1.0),
    ("encoder_repetition_penalty", 1.0),
    ("num_beam_groups", 1.0),
    ("diversity_penalty", 0.0),
    ("penalty_alpha", 0.0),
    ("guidance_scale", 1.0),
];

/// Settings that change outputs wherever they are given.
const ABSENT: &[&str] = &[
    "forced_bos_token_id",
    "suppress_tokens",
    "begin_suppress_tokens",
    "sequence_bias",
    "force_words_ids",
    "constraints",
    "exponential_decay_length_penalty",
    "forced_decoder_ids",
];

#[derive(Deserialize)]
struct Fields {
    num_beams: Option<usize>,
    length_penalty: Option<f64>,
    early_stopping: Option<Value>,
    bad_words_ids: Option<Vec<Vec<u32>>>,
    forced_eos_token_id: Option<u32>,
    eos_token_id: Option<u32>,
    decoder_start_token_id: Option<u32>,
    renormalize_logits: Option<bool>,
}

impl Decoding {
    /// The settings of a folder, for outputs of at most `max_tokens`.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Read`], [`TranslateError::Parse`]; [`TranslateError::Unsupported`] for a
    /// setting that is not implemented; [`TranslateError::Decoding`] as [`Decoding::check`].
    pub fn read(
        folder: &Path,
        config: &MarianConfig,
        max_tokens: usize,
    ) -> Result<Self, TranslateError> {
        let mut path = folder.join("generation_config.json");
        let settings: Map<String, Value> = if let Some(found) = files::optional_json(&path)? {
            found
        } else {
            path = folder.join("config.json");
            files::json(folder, "config.json")?
        };
        refuse_what_is_not_implemented(&path, &settings)?;
        let fields: Fields = serde_json::from_value(Value::Object(settings))
            .map_err(|error| TranslateError::parse(&path, error))?;
        let end = fields.eos_token_id.unwrap_or(config.eos_token_id);
        let decoding = Self {
            beams: fields.num_beams.unwrap_or(1),
            max_tokens,
            length_penalty: fields.length_penalty.unwrap_or(1.0),
            early_stopping: early_stopping(&path, fields.early_stopping.as_ref())?,
            barred: barred(&path, fields.bad_words_ids.unwrap_or_default(), config, end)?,
            end,
            start: fields.decoder_start_token_id.unwrap_or(config.decoder_start_token_id),
            forced_end: forced(&path, fields.forced_eos_token_id, end)?,
            renormalize: fields.renormalize_logits.unwrap_or(false),
        };
        decoding.check(config)?;
        Ok(decoding)
    }

    /// Whether a model of this shape can be searched so.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Decoding`] for no beams, more than half as many as there are pieces, no
    /// tokens, more of them than there are positions, or ids beyond the vocabulary.
    pub fn check(&self, config: &MarianConfig) -> Result<(), TranslateError> {
        let refuse =
            |what, found, expected| Err(TranslateError::Decoding { what, found, expected });
        let most = (config.vocab_size / 2).saturating_sub(1).max(1);
        if !(1..=most).contains(&self.beams) {
            return refuse("the number of beams", self.beams, format!("1 to {most}"));
        }
        let positions = config.max_position_embeddings;
        if !(1..=positions).contains(&self.max_tokens) {
            let expected = format!("1 to {positions}, the positions of the model");
            return refuse("the most tokens of an output", self.max_tokens, expected);
        }
        let ids = self.barred.iter().chain([&self.end, &self.start]);
        match ids.copied().find(|id| config.vocab_size <= *id as usize) {
            Some(id) => {
                let expected = format!("below {}, the size of the vocabulary", config.vocab_size);
                refuse("an id of generation_config.json", id as usize, expected)
            }
            None => Ok(()),
        }
    }
}

fn refuse_what_is_not_implemented(
    path: &Path,
    settings: &Map<String, Value>,
) -> Result<(), TranslateError> {
    let given = |key: &str| settings.get(key).filter(|value| !value.is_null());
    for (key, neutral) in NEUTRAL {
        let Some(value) = given(key) else { continue };
        if !value.as_f64().is_some_and(|it| it.total_cmp(neutral).is_eq()) {
            return Err(TranslateError::unsupported(path, *key, value, neutral.to_string()));
        }
    }
    if let Some(value) = given("do_sample").filter(|value| **value != Value::Bool(false)) {
        return Err(TranslateError::unsupported(path, "do_sample", value, "false"));
    }
    match ABSENT.iter().find_map(|key| given(key).map(|value| (*key, value))) {
        Some((key, value)) => Err(TranslateError::unsupported(path, key, value, "none")),
        None => Ok(()),
    }
}

fn early_stopping(path: &Path, value: Option<&Value>) -> Result<EarlyStopping, TranslateError> {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => Ok(EarlyStopping::Heuristic),
        Some(Value::Bool(true)) => Ok(EarlyStopping::Yes),
        Some(Value::String(word)) if word == "never" => Ok(EarlyStopping::Never),
        Some(other) => Err(TranslateError::unsupported(
            path,
            "early_stopping",
            other,
            "true, false or \"never\"",
        )),
    }
}

/// Single ids only; the end cannot be barred, and padding always is.
fn barred(
    path: &Path,
    words: Vec<Vec<u32>>,
    config: &MarianConfig,
    end: u32,
) -> Result<Vec<u32>, TranslateError> {
    let mut ids = vec![config.pad_token_id];
    for word in words {
        match word.as_slice() {
            [id] => ids.push(*id),
            other => {
                let found = format!("{other:?}");
                return Err(TranslateError::unsupported(
                    path,
                    "bad_words_ids",
                    found,
                    "single ids",
                ));
            }
        }
    }
    ids.retain(|id| *id != end);
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn forced(path: &Path, id: Option<u32>, end: u32) -> Result<bool, TranslateError> {
    match id {
        Some(other) if other != end => Err(TranslateError::unsupported(
            path,
            "forced_eos_token_id",
            other,
            format!("{end}, the end of a sentence"),
        )),
        id => Ok(id.is_some()),
    }
}
