//! Word pieces of a sentencepiece model, `source.spm` or `target.spm`.
//!
//! Only unigram models without byte fallback are read, which is what OPUS-MT has; what is not
//! supported is refused. Pieces are those of the C++ library, byte for byte.

mod normalizer;
mod proto;
mod unigram;

use std::collections::HashSet;
use std::path::Path;

use prost::Message;

use self::normalizer::{Normalizer, Table};
use self::proto::Kind;
use self::unigram::Unigram;
use crate::error::TranslateError;

/// Stands for a space in pieces.
pub(crate) const SPACE: &str = "▁";

/// A sentencepiece model.
#[derive(Clone, Debug)]
pub struct SentencePiece {
    normalizer: Normalizer,
    unigram: Unigram,
    pieces: Vec<String>,
    control: HashSet<String>,
}

impl SentencePiece {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`TranslateError::Read`] and [`TranslateError::Parse`] where it is none,
    /// [`TranslateError::Unsupported`] for a model that is not unigram, falls back to bytes or puts
    /// spaces behind words.
    pub fn read(path: &Path) -> Result<Self, TranslateError> {
        let bytes = std::fs::read(path).map_err(TranslateError::read(path))?;
        let model = proto::Model::decode(bytes.as_slice())
            .map_err(|error| TranslateError::parse(path, error))?;
        if model.pieces.is_empty() {
            return Err(TranslateError::parse(path, "no pieces in it"));
        }
        check(path, &model)?;
        let of_kind = |kind: Kind| model.pieces.iter().filter(move |it| it.kind() == kind);
        let names = |kind: Kind| of_kind(kind).map(|it| it.text().to_owned());
        let symbols: Vec<String> = names(Kind::UserDefined).collect();
        let ordinary: Vec<_> =
            of_kind(Kind::Normal).map(|it| (it.text().to_owned(), it.score())).collect();
        Ok(Self {
            unigram: Unigram::new(&ordinary, &symbols),
            normalizer: normalizer(path, model.normalizer.as_ref(), symbols)?,
            control: names(Kind::Control).collect(),
            pieces: model.pieces.iter().map(|it| it.text().to_owned()).collect(),
        })
    }

    /// The pieces of a text, in order.
    pub fn pieces(&self, text: &str) -> Vec<String> {
        let normal = self.normalizer.normalize(text);
        self.unigram.cut(&normal).into_iter().map(ToOwned::to_owned).collect()
    }

    /// The piece with this number in the file.
    pub(crate) fn piece(&self, number: usize) -> Option<&str> {
        self.pieces.get(number).map(String::as_str)
    }

    /// Whether a piece marks something and is no text, such as `</s>`.
    pub(crate) fn is_control(&self, piece: &str) -> bool {
        self.control.contains(piece)
    }
}

fn check(path: &Path, model: &proto::Model) -> Result<(), TranslateError> {
    let trainer = model.trainer.clone().unwrap_or_default();
    let refuse = |key: &str, found: &str, expected: &str| {
        Err(TranslateError::unsupported(path, key, found, expected))
    };
    if trainer.model_type() != 1 {
        let found = match trainer.model_type() {
            2 => "byte pairs".into(),
            3 => "words".into(),
            4 => "characters".into(),
            other => other.to_string(),
        };
        return refuse("model_type", &found, "unigram");
    }
    if trainer.byte_fallback() || model.pieces.iter().any(|it| it.kind() == Kind::Byte) {
        return refuse("byte_fallback", "true", "false");
    }
    if trainer.treat_whitespace_as_suffix() {
        return refuse("treat_whitespace_as_suffix", "true", "false");
    }
    Ok(())
}

fn normalizer(
    path: &Path,
    spec: Option<&proto::Normalizer>,
    symbols: Vec<String>,
) -> Result<Normalizer, TranslateError> {
    let spec = spec.cloned().unwrap_or_default();
    let table = Some(spec.precompiled_charsmap()).filter(|bytes| !bytes.is_empty());
    let table = table
        .map(Table::read)
        .transpose()
        .map_err(|message| TranslateError::parse(path, message))?;
    Ok(Normalizer {
        table,
        add_prefix: spec.add_dummy_prefix(),
        squeeze: spec.remove_extra_whitespaces(),
        escape: spec.escape_whitespaces(),
        symbols,
    })
}
