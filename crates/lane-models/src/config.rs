//! The architecture, field for field the upstream `config.json`.
//!
//! A field that is absent takes the upstream default (BERT-base); keys this crate does not use
//! are kept aside and written back unchanged.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ModelError, folder};

/// Upper bound of widths and vocabularies, about a hundred times any BERT; a larger number is
/// a damaged file, and is refused before anything is allocated.
const LARGEST_SIZE: usize = 1 << 24;

/// Upper bound of the number of layers, for the same reason.
const MOST_LAYERS: usize = 1024;

/// Shape and constants of a BERT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BertConfig {
    /// `bert`, or `lane-bert` for classifiers of this crate with mean pooling.
    pub model_type: String,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Width of the hidden states; a multiple of the number of heads.
    pub hidden_size: usize,
    /// Number of transformer layers.
    pub num_hidden_layers: usize,
    /// Heads of each attention.
    pub num_attention_heads: usize,
    /// Width between the two feed-forward projections.
    pub intermediate_size: usize,
    /// Activation between the two; only `gelu`, in its exact form with erf.
    pub hidden_act: String,
    /// Dropout of embeddings, projections and, unless `classifier_dropout` is set, the pooled
    /// vector; in `0.0..1.0`.
    pub hidden_dropout_prob: f64,
    /// Dropout of the attention probabilities, in `0.0..1.0`.
    pub attention_probs_dropout_prob: f64,
    /// Rows of the position embedding: the longest input, in tokens.
    pub max_position_embeddings: usize,
    /// Rows of the segment embedding; inputs are single texts, so only row 0 is used.
    pub type_vocab_size: usize,
    /// Standard deviation of initial weights.
    pub initializer_range: f64,
    /// Added to the variance in every layer norm.
    pub layer_norm_eps: f64,
    /// Token that fills short rows.
    pub pad_token_id: Option<u32>,
    /// Only `absolute`.
    pub position_embedding_type: String,
    /// Dropout of the pooled vector; the hidden dropout if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classifier_dropout: Option<f64>,
    /// Everything else, in the order of the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for BertConfig {
    /// BERT-base, uncased.
    fn default() -> Self {
        Self {
            model_type: "bert".into(),
            vocab_size: 30_522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: "gelu".into(),
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: Some(0),
            position_embedding_type: "absolute".into(),
            classifier_dropout: None,
            other: Map::new(),
        }
    }
}

impl BertConfig {
    /// The built-in encoder, trained from scratch: one layer, 64 wide, two heads.
    ///
    /// Small enough that a training step of 32 rows of 20 tokens takes some ten milliseconds.
    /// Its weights start wider than upstream's 0.02, which suits 768 columns: at 64, signals
    /// keep their size from layer to layer near 1/√64 ≈ 0.1.
    pub fn tiny(vocab_size: usize) -> Self {
        Self {
            vocab_size,
            hidden_size: 64,
            num_hidden_layers: 1,
            num_attention_heads: 2,
            intermediate_size: 128,
            max_position_embeddings: 128,
            initializer_range: 0.1,
            ..Self::default()
        }
    }

    /// Reads and checks `config.json` in a model folder.
    ///
    /// # Errors
    ///
    /// [`ModelError::Io`] and [`ModelError::Config`] if the file cannot be read or parsed, and
    /// what [`BertConfig::validate`] refuses, as [`ModelError::In`].
    pub fn read(dir: &Path) -> Result<Self, ModelError> {
        let path = dir.join("config.json");
        let text = folder::read(&path)?;
        let config: Self = serde_json::from_slice(&text)
            .map_err(|source| ModelError::Config { path: path.clone(), source })?;
        match config.validate() {
            Ok(()) => Ok(config),
            Err(source) => Err(ModelError::In { path, source: Box::new(source) }),
        }
    }

    /// Refuses what this crate would compute differently from upstream.
    ///
    /// # Errors
    ///
    /// [`ModelError::Unsupported`] for another architecture, activation or kind of position,
    /// [`ModelError::OutOfRange`] for a size or rate no network can have.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.check_kind()?;
        self.check_sizes()?;
        self.check_rates()
    }

    /// Dropout of the pooled vector.
    pub fn classifier_dropout(&self) -> f64 {
        self.classifier_dropout.unwrap_or(self.hidden_dropout_prob)
    }

    fn check_kind(&self) -> Result<(), ModelError> {
        let expect = |field, found: &str, one_of: &[&str], expected| {
            if one_of.contains(&found) {
                return Ok(());
            }
            Err(ModelError::Unsupported { field, found: found.into(), expected })
        };
        expect("model_type", &self.model_type, &["bert", "lane-bert"], "`bert` or `lane-bert`")?;
        expect("hidden_act", &self.hidden_act, &["gelu"], "`gelu`")?;
        let position = &self.position_embedding_type;
        expect("position_embedding_type", position, &["absolute"], "`absolute`")?;
        for field in ["is_decoder", "add_cross_attention"] {
            if self.other.get(field) == Some(&Value::Bool(true)) {
                let found = "true".into();
                return Err(ModelError::Unsupported { field, found, expected: "`false`" });
            }
        }
        Ok(())
    }

    fn check_sizes(&self) -> Result<(), ModelError> {
        for (field, found, most) in [
            ("vocab_size", self.vocab_size, LARGEST_SIZE),
            ("hidden_size", self.hidden_size, LARGEST_SIZE),
            ("num_hidden_layers", self.num_hidden_layers, MOST_LAYERS),
            ("num_attention_heads", self.num_attention_heads, LARGEST_SIZE),
            ("intermediate_size", self.intermediate_size, LARGEST_SIZE),
            ("max_position_embeddings", self.max_position_embeddings, LARGEST_SIZE),
            ("type_vocab_size", self.type_vocab_size, LARGEST_SIZE),
        ] {
            if found == 0 || found > most {
                let expected = format!("1 to {most}");
                return Err(ModelError::OutOfRange { field, found: found.to_string(), expected });
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            return Err(ModelError::OutOfRange {
                field: "hidden_size",
                found: self.hidden_size.to_string(),
                expected: format!("a multiple of {} heads", self.num_attention_heads),
            });
        }
        Ok(())
    }

    fn check_rates(&self) -> Result<(), ModelError> {
        let refuse = |field, found: f64, expected: &str| {
            let (found, expected) = (found.to_string(), expected.into());
            Err(ModelError::OutOfRange { field, found, expected })
        };
        for (field, found) in [
            ("hidden_dropout_prob", self.hidden_dropout_prob),
            ("attention_probs_dropout_prob", self.attention_probs_dropout_prob),
            ("classifier_dropout", self.classifier_dropout()),
        ] {
            if !(0.0..1.0).contains(&found) {
                return refuse(field, found, "at least 0 and below 1");
            }
        }
        for (field, found) in
            [("layer_norm_eps", self.layer_norm_eps), ("initializer_range", self.initializer_range)]
        {
            if !(found > 0.0 && found.is_finite()) {
                return refuse(field, found, "a number above 0");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(json: &str, expected: &str) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), json).unwrap();
        let shown = match BertConfig::read(dir.path()) {
            Ok(config) => format!("{} x {}", config.num_hidden_layers, config.hidden_size),
            Err(ModelError::In { path, source }) => {
                assert!(path.ends_with("config.json"));
                source.to_string()
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(shown, expected);
    }

    #[test]
    fn absent_fields_are_those_of_bert_base() {
        check("{}", "12 x 768");
    }

    #[test]
    fn another_architecture_is_refused() {
        check(
            r#"{"model_type": "roberta"}"#,
            "`model_type` is `roberta`, expected `bert` or `lane-bert`",
        );
    }

    #[test]
    fn another_activation_is_refused() {
        check(r#"{"hidden_act": "gelu_new"}"#, "`hidden_act` is `gelu_new`, expected `gelu`");
    }

    #[test]
    fn relative_positions_are_refused() {
        check(
            r#"{"position_embedding_type": "relative_key"}"#,
            "`position_embedding_type` is `relative_key`, expected `absolute`",
        );
    }

    #[test]
    fn a_decoder_is_refused() {
        check(r#"{"is_decoder": true}"#, "`is_decoder` is `true`, expected `false`");
    }

    #[test]
    fn heads_that_do_not_divide_the_width_are_refused() {
        check(
            r#"{"hidden_size": 10, "num_attention_heads": 3}"#,
            "`hidden_size` is 10, expected a multiple of 3 heads",
        );
    }

    #[test]
    fn a_size_no_machine_can_hold_is_refused() {
        check(
            r#"{"vocab_size": 99999999999}"#,
            "`vocab_size` is 99999999999, expected 1 to 16777216",
        );
    }

    #[test]
    fn dropping_everything_is_refused() {
        check(
            r#"{"hidden_dropout_prob": 1.0}"#,
            "`hidden_dropout_prob` is 1, expected at least 0 and below 1",
        );
    }

    #[test]
    fn a_file_that_is_not_json_names_itself() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("config.json"), "[").unwrap();
        let message = BertConfig::read(dir.path()).unwrap_err().to_string();
        assert!(message.starts_with("cannot understand `") && message.ends_with("config.json`"));
    }

    #[test]
    fn unknown_keys_survive_a_round_trip() {
        let text = r#"{"hidden_size": 24, "use_cache": true, "made_by": {"name": "x"}}"#;
        let config: BertConfig = serde_json::from_str(text).unwrap();
        let written = serde_json::to_value(&config).unwrap();
        assert_eq!(written["made_by"]["name"], "x");
        assert_eq!(written["use_cache"], true);
        assert_eq!(serde_json::from_value::<BertConfig>(written).unwrap(), config);
    }
}
