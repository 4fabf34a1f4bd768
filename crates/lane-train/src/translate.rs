//! Texts there and back: the file that `--back-translation` reads, made with two Marian models.
//!
//! The models run in a build with feature `translate`; without it [`translate_file`] refuses. Every
//! translation is kept on disk under the hash of its model, its settings and its text, so that a run
//! that was stopped goes on where it stood.

#[cfg(feature = "translate")]
mod kept_on_disk;
#[cfg(feature = "translate")]
mod legs;

use std::path::PathBuf;

use lane_data::Columns;
use serde::Serialize;

use crate::error::TrainError;
use crate::progress::Observer;

/// Texts to translate, and how.
#[derive(Clone, Debug)]
pub struct TranslateRequest {
    /// The file with the texts.
    pub data: PathBuf,
    /// Its columns; the label column is not needed.
    pub columns: Columns,
    /// The model that goes there: a folder, or `hub:ORG/NAME`.
    pub forward: String,
    /// The model that comes back.
    pub back: String,
    /// The file to write, `id<TAB>text` a line.
    pub out: PathBuf,
    /// Beams of the search, 1 for greedy; none = what each model's settings say.
    pub beams: Option<usize>,
    /// Most tokens of an output.
    pub max_tokens: usize,
    /// Texts of one batch.
    pub batch_size: usize,
    /// Replace an existing file.
    pub force: bool,
    /// Where translations are kept; none = nowhere.
    pub cache: Option<PathBuf>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TranslateSummary {
    /// Rows of the file.
    pub n_rows: usize,
    /// Those whose text is another now.
    pub n_translated: usize,
    /// Those that keep their text because nothing came back.
    pub n_empty: usize,
    /// Those that came back as they were, but for white space.
    pub n_identical: usize,
    /// Texts, on the way there or back, that were longer than the model takes and lost their end.
    pub n_cut: usize,
    /// Translations that were on disk already, of both ways.
    pub n_from_cache: usize,
    /// The file written.
    pub out: PathBuf,
}

/// Translates every text of a file there and back.
///
/// A row whose text comes back empty or unchanged keeps its text, and is counted.
///
/// # Errors
///
/// [`TrainError::NotBuilt`] without feature `translate`. Whatever is wrong with the file, the models or
/// the settings, before anything is translated; [`TrainError::Translate`] if a model fails. Nothing is
/// written then.
#[cfg(feature = "translate")]
pub fn translate_file(
    request: &TranslateRequest,
    observer: &mut dyn Observer,
) -> Result<TranslateSummary, TrainError> {
    legs::translate_file(request, observer)
}

/// Refuses, since no models are in this build.
///
/// # Errors
///
/// [`TrainError::NotBuilt`].
#[cfg(not(feature = "translate"))]
pub fn translate_file(
    _request: &TranslateRequest,
    _observer: &mut dyn Observer,
) -> Result<TranslateSummary, TrainError> {
    Err(TrainError::NotBuilt { what: "translating", feature: "translate" })
}

#[cfg(test)]
mod tests;
