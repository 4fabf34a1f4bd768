//! The two ways, one after the other.

use std::collections::HashSet;
use std::path::PathBuf;

use lane_data::augment::back_translation::same_words;
use lane_data::read;
use lane_data::write::{self, Existing};
use lane_data::{DataError, Unlabelled};
use lane_translate::{Encoded, Translator};
use sha2::Digest;

use super::kept_on_disk::Kept;
use super::{TranslateRequest, TranslateSummary};
use crate::encoder::hash_of;
use crate::error::TrainError;
use crate::hub_folder::{self, Files};
use crate::progress::{Activity, Observer};

/// What a Marian model on the hub consists of.
const FILES: Files<'_> = Files {
    required: &[
        &["config.json"],
        &["model.safetensors", "pytorch_model.bin"],
        &["source.spm", "tokenizer.json"],
    ],
    optional: &["generation_config.json", "target.spm", "vocab.json", "tokenizer_config.json"],
};

pub(super) fn translate_file(
    request: &TranslateRequest,
    observer: &mut dyn Observer,
) -> Result<TranslateSummary, TrainError> {
    if request.out.exists() && !request.force {
        return Err(DataError::Exists { path: request.out.clone() }.into());
    }
    let rows = read::texts(&request.data, &request.columns)?;
    check_ids(&rows)?;
    let mut forward = Leg::open(&request.forward, "forward", request)?;
    let mut back = Leg::open(&request.back, "back", request)?;
    let texts: Vec<&str> = rows.texts.iter().map(String::as_str).collect();
    let there = forward.translate(&texts, request.batch_size, observer)?;
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    let made = back.translate(&there, request.batch_size, observer)?;
    let mut summary = TranslateSummary {
        n_rows: texts.len(),
        n_cut: forward.n_cut + back.n_cut,
        n_from_cache: forward.n_from_cache + back.n_from_cache,
        out: request.out.clone(),
        ..TranslateSummary::default()
    };
    let shown: Vec<&str> =
        texts.iter().zip(&made).map(|(text, made)| choose(text, made, &mut summary)).collect();
    report(&summary, observer);
    write_rows(request, &rows.ids, &shown)?;
    Ok(summary)
}

/// The translation, or the text itself where that says nothing else.
fn choose<'a>(text: &'a str, made: &'a str, summary: &mut TranslateSummary) -> &'a str {
    let (counter, shown) = if made.trim().is_empty() {
        (&mut summary.n_empty, text)
    } else if same_words(made, text) {
        (&mut summary.n_identical, text)
    } else {
        (&mut summary.n_translated, made)
    };
    *counter += 1;
    shown
}

fn report(summary: &TranslateSummary, observer: &mut dyn Observer) {
    let TranslateSummary { n_rows, n_empty, n_identical, n_cut, .. } = summary;
    if 0 < n_empty + n_identical {
        observer.note(&format!(
            "{} of {n_rows} rows keep their text ({n_empty} came back empty, {n_identical} unchanged)",
            n_empty + n_identical
        ));
    }
    if 0 < *n_cut {
        observer.note(&format!(
            "{n_cut} texts, there or back, are longer than the model takes and lost their end"
        ));
    }
}

/// Ids go before a tab, one row a line.
fn check_ids(rows: &Unlabelled) -> Result<(), TrainError> {
    let breaks = |id: &&String| id.contains(['\t', '\n', '\r']);
    match rows.ids.iter().find(breaks) {
        Some(id) => Err(TrainError::Mismatch {
            found: format!("`{}` has the id {id:?}", rows.path.display()),
            expected: "ids without tabs and line breaks, for a file of lines `id<TAB>text`".into(),
        }),
        None => Ok(()),
    }
}

fn write_rows(
    request: &TranslateRequest,
    ids: &[String],
    texts: &[&str],
) -> Result<(), TrainError> {
    let existing = if request.force { Existing::Replace } else { Existing::Keep };
    let written = write::file(&request.out, existing, |out| {
        ids.iter()
            .zip(texts)
            .try_for_each(|(id, text)| writeln!(out, "{id}\t{}", text.replace(['\n', '\r'], " ")))
    });
    Ok(written?)
}

/// One way: a model, and what it has translated so far.
struct Leg {
    translator: Translator,
    direction: &'static str,
    kept: Kept,
    n_cut: usize,
    n_from_cache: usize,
}

impl Leg {
    fn open(
        model: &str,
        direction: &'static str,
        request: &TranslateRequest,
    ) -> Result<Self, TrainError> {
        let folder = match model.strip_prefix("hub:") {
            Some(name) => hub_folder::fetch(name, FILES)?,
            None => PathBuf::from(model),
        };
        let translator = Translator::open(&folder, request.beams, request.max_tokens)?;
        let mut hasher = hash_of(&translator.files())?;
        hasher.update(format!("1 {:?}", translator.decoding()));
        let key = crate::hex(&hasher.finalize());
        let kept = Kept::open(request.cache.as_deref(), &key);
        Ok(Self { translator, direction, kept, n_cut: 0, n_from_cache: 0 })
    }

    /// The translations of `texts`, each different one made once; nothing becomes nothing.
    fn translate(
        &mut self,
        texts: &[&str],
        batch_size: usize,
        observer: &mut dyn Observer,
    ) -> Result<Vec<String>, TrainError> {
        let mut seen = HashSet::new();
        let mut todo: Vec<(&str, Encoded)> = Vec::new();
        for text in texts.iter().filter(|text| !text.trim().is_empty() && seen.insert(**text)) {
            let encoded = self.translator.encode(text)?;
            self.n_cut += usize::from(encoded.cut);
            match self.kept.get(text) {
                Some(_) => self.n_from_cache += 1,
                None => todo.push((text, encoded)),
            }
        }
        // Texts of like length meet, so that little padding is computed; stable, so that runs agree.
        todo.sort_by_key(|(_, encoded)| encoded.ids.len());
        observer.begin(&Activity::Translating { direction: self.direction }, todo.len() as u64);
        for batch in todo.chunks(batch_size) {
            let ids: Vec<&[u32]> = batch.iter().map(|(_, it)| it.ids.as_slice()).collect();
            let names: Vec<&str> = batch.iter().map(|(text, _)| *text).collect();
            self.kept.add(&names, &self.translator.translate(&ids)?)?;
            observer.advance(batch.len() as u64);
        }
        observer.end();
        Ok(texts.iter().map(|text| self.kept.get(text).unwrap_or_default().to_owned()).collect())
    }
}
