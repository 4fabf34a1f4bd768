//! The tokenizer of an OPUS-MT folder: two sentencepiece models and one vocabulary.

use std::collections::HashMap;
use std::path::Path;

use super::check_ids;
use crate::config::MarianConfig;
use crate::error::TranslateError;
use crate::files;
use crate::sentence_piece::{SPACE, SentencePiece};

const UNKNOWN: &str = "<unk>";
const END: &str = "</s>";
const PADDING: &str = "<pad>";
/// Special pieces: found in texts as they stand, left out of outputs.
const SPECIAL: [&str; 3] = [UNKNOWN, END, PADDING];

/// Pieces by `source.spm`, ids by `vocab.json`.
#[derive(Debug)]
pub(super) struct SpmTokenizer {
    source: SentencePiece,
    target: SentencePiece,
    ids: HashMap<String, u32>,
    pieces: Vec<Option<String>>,
    unknown: u32,
}

impl SpmTokenizer {
    pub(super) fn open(folder: &Path, config: &MarianConfig) -> Result<Self, TranslateError> {
        let target = folder.join("target.spm");
        if !target.exists() {
            return Err(TranslateError::Missing { folder: folder.into(), expected: "target.spm" });
        }
        let ids: HashMap<String, u32> = files::json(folder, "vocab.json")?;
        let path = folder.join("vocab.json");
        check_ids(&path, ids.values().copied(), config)?;
        check_special(&path, &ids, config)?;
        let mut pieces = vec![None; config.vocab_size];
        #[expect(clippy::iter_over_hash_type, reason = "each goes to its own place")]
        for (piece, id) in &ids {
            pieces[*id as usize] = Some(piece.clone());
        }
        Ok(Self {
            source: SentencePiece::read(&folder.join("source.spm"))?,
            target: SentencePiece::read(&target)?,
            unknown: ids.get(UNKNOWN).copied().unwrap_or_default(),
            pieces,
            ids,
        })
    }

    /// The ids of a text, without the end.
    pub(super) fn encode(&self, text: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let special = first_special(rest);
            let (before, piece) = special.map_or((rest, ""), |(at, piece)| (&rest[..at], piece));
            ids.extend(self.cut(before).iter().map(|piece| self.id(piece)));
            ids.extend(Some(piece).filter(|it| !it.is_empty()).map(|piece| self.id(piece)));
            rest = &rest[before.len() + piece.len()..];
        }
        ids
    }

    /// The pieces of a text without special ones; a language code at its start is one piece.
    fn cut(&self, text: &str) -> Vec<String> {
        let code = text.strip_prefix(">>").and_then(|rest| rest.find("<<")).map(|at| at + 4);
        let (code, text) = text.split_at(code.unwrap_or(0));
        let code = Some(code).filter(|it| !it.is_empty()).map(ToOwned::to_owned);
        code.into_iter().chain(self.source.pieces(text)).collect()
    }

    fn id(&self, piece: &str) -> u32 {
        self.ids.get(piece).copied().unwrap_or(self.unknown)
    }

    /// The text of ids.
    pub(super) fn decode(&self, ids: &[u32]) -> String {
        // An id that the vocabulary leaves out is looked up in `target.spm`, as upstream does.
        let piece = |id: &u32| {
            let number = *id as usize;
            let known = self.pieces.get(number).and_then(Option::as_deref);
            known.or_else(|| self.target.piece(number)).unwrap_or_default()
        };
        let is_text = |piece: &&str| !SPECIAL.contains(piece) && !self.source.is_control(piece);
        let joined: String = ids.iter().map(piece).filter(is_text).collect();
        joined.replace(SPACE, " ").trim().to_owned()
    }
}

/// The first special piece in a text, and where it begins.
fn first_special(text: &str) -> Option<(usize, &'static str)> {
    SPECIAL.iter().filter_map(|piece| text.find(piece).map(|at| (at, *piece))).min()
}

fn check_special(
    path: &Path,
    ids: &HashMap<String, u32>,
    config: &MarianConfig,
) -> Result<(), TranslateError> {
    let expected =
        [(UNKNOWN, None), (END, Some(config.eos_token_id)), (PADDING, Some(config.pad_token_id))];
    for (piece, wanted) in expected {
        let found = ids.get(piece).copied();
        if found.is_none() || wanted.is_some_and(|wanted| found != Some(wanted)) {
            let found = found.map_or("missing".into(), |id| id.to_string());
            let wanted = wanted.map_or("an id".into(), |id| format!("{id}, as in config.json"));
            return Err(TranslateError::unsupported(path, piece, found, wanted));
        }
    }
    Ok(())
}
