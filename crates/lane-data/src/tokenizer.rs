//! Text to token ids, as BERT reads them: `[CLS]` words `[SEP]`.
//!
//! A tokenizer comes from a folder ([`Tokenizer::open`]) or is made from the training texts
//! ([`Tokenizer::built_in`]); [`Tokenizer::save`] writes a folder that `AutoTokenizer` of
//! Hugging Face transformers opens.

mod built_in;
mod folder;

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use tokenizers::TruncationDirection;

use crate::augment::switchout::WordPieces;
use crate::error::DataError;
use crate::read::hash_of_bytes;

/// Ids that a vocabulary may have; the library lists it id by id, gaps included.
const MOST_IDS: u64 = 1 << 24;

/// The least length that holds the first and the last special token and one more.
const LEAST_LENGTH: usize = 3;

/// Turns texts into token ids; a function of the text alone.
#[derive(Clone)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    pad_id: u32,
    id_bound: u64,
    fingerprint: String,
    settings: folder::Settings,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("vocabulary_size", &self.vocabulary_size())
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// The tokenizer of a folder: `tokenizer.json`, or else `vocab.txt` as WordPiece with the
    /// lower-casing that `tokenizer_config.json` asks for.
    ///
    /// Truncation and padding stored in the file are ignored; they are the caller's affair.
    ///
    /// # Errors
    ///
    /// [`DataError::NoTokenizer`] if there is neither file, [`DataError::Tokenizer`] if it
    /// cannot be used, [`DataError::MissingToken`] if a special token has no id.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let (inner, settings) = folder::open(folder)?;
        Self::new(inner, settings, folder)
    }

    /// A WordPiece tokenizer made from `texts`, for the built-in encoder.
    ///
    /// Its vocabulary, at most `max_vocabulary` long, is the special tokens, the characters
    /// seen (each alone and as `##` continuation) and the most frequent words; a function of
    /// the texts alone, whatever their order.
    ///
    /// # Errors
    ///
    /// [`DataError::VocabularySize`] if there is no room for a single character.
    pub fn built_in<'a>(
        texts: impl IntoIterator<Item = &'a str>,
        max_vocabulary: usize,
    ) -> Result<Self, DataError> {
        let vocabulary = built_in::vocabulary(texts, max_vocabulary)?;
        let settings = folder::Settings::default();
        let path = Path::new("built-in");
        let inner = folder::word_piece(&vocabulary, &settings, path)?;
        Self::new(inner, settings, path)
    }

    fn new(
        mut inner: tokenizers::Tokenizer,
        settings: folder::Settings,
        path: &Path,
    ) -> Result<Self, DataError> {
        let refused = |reason: tokenizers::Error| folder::refused(path, &reason);
        inner.with_padding(None).with_truncation(None).map_err(refused)?;
        let id_bound = folder::caught(|| id_bound(&inner)).map_err(refused)?;
        if MOST_IDS < id_bound {
            let reason = format!("found the id {}, expected ids below {MOST_IDS}", id_bound - 1);
            return Err(folder::refused(path, &reason));
        }
        let pad_id = inner.token_to_id(&settings.pad_token).ok_or_else(|| {
            DataError::MissingToken { path: path.into(), token: settings.pad_token.clone() }
        })?;
        let whole = folder::caught(|| inner.to_string(false)).map_err(refused)?;
        let fingerprint = hash_of_bytes(whole.as_bytes());
        Ok(Self { inner, pad_id, id_bound, fingerprint, settings })
    }

    /// Token ids of each text, special tokens included, at most `max_length` long; in the order
    /// of the texts, however many threads work.
    ///
    /// # Errors
    ///
    /// [`DataError::MaxLength`] below 3; [`DataError::Encode`] if a text cannot be tokenized.
    pub fn encode<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        max_length: usize,
    ) -> Result<Vec<Vec<u32>>, DataError> {
        if max_length < LEAST_LENGTH {
            return Err(DataError::MaxLength { max_length });
        }
        let encode = |(index, text): (usize, &S)| {
            let ids = folder::caught(|| {
                let encoding = self.inner.encode_fast(text.as_ref(), false)?;
                self.finish(encoding, max_length)
            });
            ids.map_err(|err| DataError::Encode { index, reason: err.to_string() })
        };
        let encoded: Vec<Result<_, DataError>> = texts.par_iter().enumerate().map(encode).collect();
        // Gathered in order, so that of several faults the first is named.
        encoded.into_iter().collect()
    }

    /// Cut to length and put the special tokens around.
    fn finish(
        &self,
        mut encoding: tokenizers::Encoding,
        max_length: usize,
    ) -> tokenizers::Result<Vec<u32>> {
        use tokenizers::PostProcessor;
        let n_special = self.inner.get_post_processor().map_or(0, |it| it.added_tokens(false));
        encoding.truncate(max_length.saturating_sub(n_special), 0, TruncationDirection::Right);
        Ok(self.inner.post_process(encoding, None, true)?.get_ids().to_vec())
    }

    /// Write `tokenizer.json`, `tokenizer_config.json`, `special_tokens_map.json` and, for a
    /// WordPiece vocabulary, `vocab.txt`, replacing what is there.
    ///
    /// # Errors
    ///
    /// [`DataError::Write`] if the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<(), DataError> {
        folder::save(&self.inner, &self.settings, folder)
    }

    /// Tokens with an id, special tokens included.
    pub fn vocabulary_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The least number above every id: the rows that an embedding needs. More than
    /// [`vocabulary_size`](Self::vocabulary_size) where ids have gaps.
    pub fn id_bound(&self) -> u64 {
        self.id_bound
    }

    /// The word pieces that SwitchOut may exchange: all but the special tokens, and the
    /// `[unused…]` rows of BERT's vocabulary, which stand for no text.
    pub fn word_pieces(&self) -> WordPieces {
        let special: BTreeSet<u32> = self
            .inner
            .get_added_tokens_decoder()
            .into_iter()
            .filter_map(|(id, token)| token.special.then_some(id))
            .chain(self.settings.special_ids(&self.inner))
            .collect();
        let vocabulary = self.inner.get_vocab(true).into_iter();
        let is_piece =
            |token: &str, id: &u32| !token.starts_with("[unused") && !special.contains(id);
        WordPieces::new(vocabulary.filter_map(|(token, id)| is_piece(&token, &id).then_some(id)))
    }

    /// The id that fills up short rows.
    pub fn pad_id(&self) -> u32 {
        self.pad_id
    }

    /// SHA-256 of everything that decides the ids, lower-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }
}

/// The least number above the ids of the vocabulary and of the special tokens around a text.
fn id_bound(inner: &tokenizers::Tokenizer) -> tokenizers::Result<u64> {
    let around = inner.encode_fast("", true)?;
    let ids = around.get_ids().iter().copied().chain(inner.get_vocab(true).into_values());
    Ok(ids.max().map_or(0, |id| u64::from(id) + 1))
}
