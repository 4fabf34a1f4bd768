//! The views of one split, made.

use std::borrow::Cow;
use std::path::PathBuf;

use lane_data::augment::back_translation::{Kept, Translated, Translations};
use lane_data::augment::switchout::{Implementation, WordPieces, switch_out};
use lane_data::augment::{ViewKind, delete_words, synonyms};
use lane_data::{Dataset, Tokenizer, seed};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use super::source::{self, Source};
use super::{ViewConfig, kept_on_disk};
use crate::error::TrainError;
use crate::progress::Observer;

/// Makes the views of the rows of one split.
///
/// Every view of every row has its own seed, a function of the run's seed, the view's place in the
/// list and the row's in the file, so that neither order nor threads matter.
pub struct Views {
    kinds: Vec<ViewKind>,
    config: ViewConfig,
    seed: u64,
    source: Option<Source>,
    translations: Option<Translations>,
    translated: Vec<Option<String>>,
    cache: Option<PathBuf>,
}

impl std::fmt::Debug for Views {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Views").field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl Views {
    /// The text alone.
    pub fn plain() -> Self {
        Self {
            kinds: vec![ViewKind::Original],
            config: ViewConfig::default(),
            seed: 0,
            source: None,
            translations: None,
            translated: Vec::new(),
            cache: None,
        }
    }

    /// The views of `config`; texts that are made are kept in the folder `cache`, if there is one.
    ///
    /// Without translations, views that need them show synonyms and SwitchOut instead, and
    /// `observer` is told.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`] if the thesaurus or the translations cannot be read,
    /// [`TrainError::Mismatch`] if the translations are of other rows.
    pub fn open(
        config: &ViewConfig,
        seed: u64,
        dataset: &Dataset,
        cache: Option<PathBuf>,
        observer: &mut dyn Observer,
    ) -> Result<Self, TrainError> {
        let mut views = Self { config: config.clone(), seed, cache, ..Self::plain() };
        views.kinds.clone_from(&config.kinds);
        let wanted = config.kinds.iter().any(|kind| kind.alterations().back_translation);
        match &config.back_translation {
            Some(path) if wanted => {
                views.translate(Translations::read(path)?, dataset, observer)?;
            }
            Some(path) => observer.note(&format!(
                "no view shows the translations of `{}`; --views 8 does",
                path.display()
            )),
            None if wanted => views.do_without_translations(dataset.n_rows(), observer),
            None => {}
        }
        if config.needs_thesaurus() {
            views.source = Some(source::open(config.thesaurus.as_deref(), observer)?);
        }
        Ok(views)
    }

    fn translate(
        &mut self,
        translations: Translations,
        dataset: &Dataset,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let rows = dataset.examples.iter().map(|it| (it.id.as_str(), it.text.as_str()));
        let Translated { texts, kept } = translations.of(rows);
        let shown = translations.path().display();
        let n_rows = dataset.n_rows();
        let Kept { missing, empty, identical } = kept;
        if missing == n_rows {
            return Err(TrainError::Mismatch {
                found: format!("`{shown}` has no translation of any of the {n_rows} training rows"),
                expected: "the ids of the training file, one row a line".into(),
            });
        }
        if 0 < kept.total() {
            observer.note(&format!(
                "back-translation: {} of {n_rows} rows keep their text ({missing} not in `{shown}`, \
                 {empty} empty, {identical} unchanged)",
                kept.total()
            ));
        }
        self.translated = texts;
        self.translations = Some(translations);
        Ok(())
    }

    /// The fallback of the specification: synonyms and SwitchOut, drawn anew for each view.
    fn do_without_translations(&mut self, n_rows: usize, observer: &mut dyn Observer) {
        let mut n_views = 0;
        for kind in self.kinds.iter_mut().filter(|kind| kind.alterations().back_translation) {
            *kind = ViewKind::SYNONYM_AND_SWITCHOUT;
            n_views += 1;
        }
        observer.note(&format!(
            "no translations given (--back-translation): {n_views} of {} views show {} in place of \
             back-translation; none of the {n_rows} rows is translated",
            self.kinds.len(),
            ViewKind::SYNONYM_AND_SWITCHOUT,
        ));
    }

    /// The views as they are made, in order.
    pub fn kinds(&self) -> &[ViewKind] {
        &self.kinds
    }

    /// The setting that names the thesaurus in use, if one is.
    pub fn thesaurus(&self) -> Option<&str> {
        self.source.as_ref().map(|source| source.name.as_str())
    }

    /// Edition and hash of the thesaurus in use, if one is.
    pub fn thesaurus_identity(&self) -> Option<&str> {
        self.source.as_ref().map(|source| source.thesaurus.identity())
    }

    /// The translations in use, if any are.
    pub fn translations(&self) -> Option<&Translations> {
        self.translations.as_ref()
    }

    /// View `number` of each of `texts`, as far as it is made of words.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`] if the cache cannot be written.
    pub fn texts<'a>(
        &'a self,
        number: usize,
        texts: &[&'a str],
    ) -> Result<Vec<Cow<'a, str>>, TrainError> {
        if !self.alters_words(number) {
            return Ok(texts.iter().map(|&text| text.into()).collect());
        }
        // Looking up synonyms is the one slow part.
        let cache = self.cache.as_ref().filter(|_| self.kinds[number].alterations().synonym);
        let path = cache.map(|folder| folder.join(self.file_name(number, texts)));
        if let Some(kept) = path.as_deref().and_then(|path| kept_on_disk::read(path, texts.len())) {
            return Ok(kept.into_iter().map(Cow::Owned).collect());
        }
        let rows = texts.par_iter().enumerate();
        let made: Vec<Cow<'a, str>> =
            rows.map(|(row, text)| self.words_of(number, row, text)).collect();
        if let Some(path) = path {
            kept_on_disk::write(&path, &made)?;
        }
        Ok(made)
    }

    /// Token ids of view `number` of each of `texts`, which are that view's already.
    ///
    /// # Errors
    ///
    /// [`TrainError::Data`] if a text cannot be tokenized.
    pub(crate) fn tokenize(
        &self,
        number: usize,
        texts: &[&str],
        tokenizer: &Tokenizer,
        max_length: usize,
    ) -> Result<Vec<Vec<u32>>, TrainError> {
        let mut ids = tokenizer.encode(texts, max_length)?;
        if self.switches_pieces(number) {
            self.switch(number, &mut ids, &tokenizer.word_pieces());
        }
        Ok(ids)
    }

    fn switch(&self, number: usize, ids: &mut [Vec<u32>], pieces: &WordPieces) {
        ids.par_iter_mut().enumerate().for_each(|(row, ids)| {
            switch_out(ids, pieces, &self.config.switchout, self.seed_of(number, row));
        });
    }

    /// What decides the word pieces of a view beyond its texts, for cache keys; none where nothing
    /// does.
    pub(crate) fn key_of_pieces(&self, number: usize) -> Option<String> {
        let switchout = self.switches_pieces(number).then_some(&self.config.switchout)?;
        Some(format!("{switchout:?}\0{}\0{number}\0", self.seed))
    }

    fn switches_pieces(&self, number: usize) -> bool {
        let is_ours = self.config.switchout.implementation == Implementation::Switchout;
        is_ours && self.kinds[number].alterations().switchout
    }

    fn deletes(&self, number: usize) -> bool {
        let by_name = self.config.switchout.implementation == Implementation::Deletion;
        let kind = self.kinds[number];
        kind == ViewKind::Deletion || (by_name && kind.alterations().switchout)
    }

    fn alters_words(&self, number: usize) -> bool {
        let does = self.kinds[number].alterations();
        does.back_translation || does.synonym || self.deletes(number)
    }

    fn words_of<'a>(&'a self, number: usize, row: usize, text: &'a str) -> Cow<'a, str> {
        let (does, seed) = (self.kinds[number].alterations(), self.seed_of(number, row));
        let mut made = Cow::Borrowed(text);
        if let Some(Some(translated)) = self.translated.get(row).filter(|_| does.back_translation) {
            made = Cow::Borrowed(translated);
        }
        if let Some(source) = self.source.as_ref().filter(|_| does.synonym) {
            let thesaurus = source.thesaurus.as_ref();
            made = synonyms::replace(&made, thesaurus, &self.config.synonym, seed).into();
        }
        if self.deletes(number) {
            made = delete_words(&made, self.config.deletion_probability, seed).into();
        }
        made
    }

    fn seed_of(&self, number: usize, row: usize) -> u64 {
        seed::stream(self.seed, "augmentation", &[number as u64, row as u64])
    }

    /// A hash over seed, operator, strength, thesaurus, translations and texts.
    fn file_name(&self, number: usize, texts: &[&str]) -> String {
        let does = self.kinds[number].alterations();
        let mut hasher = Sha256::new();
        let mut put = |part: &str| {
            hasher.update((part.len() as u64).to_le_bytes());
            hasher.update(part);
        };
        put(&format!("1 {} {number} {}", self.seed, self.kinds[number]));
        put(&format!("{:?} {}", self.config.synonym, self.config.deletion_probability));
        put(&format!("{:?}", self.config.switchout.implementation));
        put(self.thesaurus_identity().unwrap_or_default());
        let translations = self.translations.as_ref().filter(|_| does.back_translation);
        put(translations.map_or("", Translations::sha256));
        for text in texts {
            put(text);
        }
        format!("{}.json", crate::hex(&hasher.finalize()))
    }
}

#[cfg(test)]
mod tests;
