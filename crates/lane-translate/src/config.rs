//! The shape of a Marian model, as its `config.json` says it.

use std::path::Path;

use serde::Deserialize;

use crate::error::TranslateError;
use crate::files;

const NAME: &str = "config.json";

/// Field for field the upstream `config.json`, less what only training needs.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct MarianConfig {
    /// Always `marian`.
    pub model_type: String,
    /// Word pieces with an id.
    pub vocab_size: usize,
    /// Those of the decoder, where they are others.
    pub decoder_vocab_size: Option<usize>,
    /// Longest sequence there is a position for.
    pub max_position_embeddings: usize,
    /// Width of a hidden state.
    pub d_model: usize,
    /// Layers of the encoder.
    pub encoder_layers: usize,
    /// Heads of the encoder's attention.
    pub encoder_attention_heads: usize,
    /// Width inside the encoder's feed-forward.
    pub encoder_ffn_dim: usize,
    /// Layers of the decoder.
    pub decoder_layers: usize,
    /// Heads of the decoder's attention.
    pub decoder_attention_heads: usize,
    /// Width inside the decoder's feed-forward.
    pub decoder_ffn_dim: usize,
    /// Between the two products of a feed-forward.
    pub activation_function: Activation,
    /// Whether embeddings are multiplied by the root of their width.
    #[serde(default)]
    pub scale_embedding: bool,
    /// Whether source and target have one table of embeddings.
    #[serde(default = "yes")]
    pub share_encoder_decoder_embeddings: bool,
    /// Whether the output layer is that table too.
    #[serde(default = "yes")]
    pub tie_word_embeddings: bool,
    /// The id that fills up short rows.
    pub pad_token_id: u32,
    /// The id that ends a sentence.
    pub eos_token_id: u32,
    /// The id that the decoder starts from.
    pub decoder_start_token_id: u32,
}

/// Functions between the two products of a feed-forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// x · sigmoid(x), which OPUS-MT has.
    #[serde(alias = "silu")]
    Swish,
    /// max(x, 0).
    Relu,
    /// x · Φ(x).
    Gelu,
}

fn yes() -> bool {
    true
}

impl MarianConfig {
    /// Reads and checks `config.json` of a folder.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Missing`], [`TranslateError::Read`], [`TranslateError::Parse`];
    /// [`TranslateError::Unsupported`] for a model of another kind, two vocabularies, or sizes that
    /// do not fit each other.
    pub fn read(folder: &Path) -> Result<Self, TranslateError> {
        // What kind of model it is comes first: others lack the fields, and that would be the answer.
        let kind: Kind = files::json(folder, NAME)?;
        let path = folder.join(NAME);
        if kind.model_type != "marian" {
            let found = format!("`{}`", kind.model_type);
            return Err(TranslateError::unsupported(path, "model_type", found, "`marian`"));
        }
        let config: Self = files::json(folder, NAME)?;
        config.check(&path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<(), TranslateError> {
        let refuse = |key: &str, found: String, expected: &str| {
            Err(TranslateError::unsupported(path, key, found, expected))
        };
        if !self.share_encoder_decoder_embeddings || !self.tie_word_embeddings {
            let key = "share_encoder_decoder_embeddings, tie_word_embeddings";
            return refuse(key, "false".into(), "one table of embeddings");
        }
        if let Some(size) = self.decoder_vocab_size.filter(|size| *size != self.vocab_size) {
            return refuse("decoder_vocab_size", size.to_string(), "`vocab_size`");
        }
        for (key, heads) in [
            ("encoder_attention_heads", self.encoder_attention_heads),
            ("decoder_attention_heads", self.decoder_attention_heads),
        ] {
            if heads == 0 || !self.d_model.is_multiple_of(heads) {
                return refuse(key, heads.to_string(), "a divisor of `d_model`");
            }
        }
        if self.d_model == 0 || !self.d_model.is_multiple_of(2) {
            return refuse("d_model", self.d_model.to_string(), "an even number");
        }
        if self.max_position_embeddings < 2 {
            let found = self.max_position_embeddings.to_string();
            return refuse("max_position_embeddings", found, "2 or more");
        }
        for (key, id) in [
            ("pad_token_id", self.pad_token_id),
            ("eos_token_id", self.eos_token_id),
            ("decoder_start_token_id", self.decoder_start_token_id),
        ] {
            if self.vocab_size <= id as usize {
                return refuse(key, id.to_string(), &format!("below {}", self.vocab_size));
            }
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    model_type: String,
}
