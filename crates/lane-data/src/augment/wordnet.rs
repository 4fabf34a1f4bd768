//! WordNet as a [`Thesaurus`]: a reader of its database files.
//!
//! ```text
//! index.noun   lemma pos n_synsets n_pointers pointer… n_senses n_tagged offset…
//! data.noun    offset file type n_words(hex) word id word id … | gloss
//! noun.exc     inflected base…
//! ```
//!
//! and the same for `verb`, `adj` and `adv`; lines that open with a blank are the licence. The
//! format is that of the manual page wndb(5WN), version 3.0 of the database the one tried.
//!
//! The synonyms of a word are the other words of its synsets. Only those of letters, hyphens and
//! underscores are kept, the latter two as spaces, in lower case; the code of AUM-ST instead
//! drops what is no letter, which makes *us* of *U.S.* An inflected word is looked up under its
//! base forms as well (*films* under *film*), as the NLTK reader of that code does, and
//! what comes back is not inflected again.
//!
//! There are crates that read these files (`wordnet-db` is alive); those tried do not answer a
//! broken line with a typed error that names file and line, and here pointers and glosses, most
//! of the bytes, need not be kept.

mod base_forms;
mod lines;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use self::lines::{Index, Synset};
use super::thesaurus::{PartOfSpeech, Thesaurus};
use crate::error::DataError;
use crate::read::hash_of_bytes;

/// The environment variable that WordNet's own programs read.
pub const FOLDER_VARIABLE: &str = "WNSEARCHDIR";

/// Where Debian's package `wordnet-base` puts the database.
pub const DEBIAN_FOLDER: &str = "/usr/share/wordnet";

/// The folder of the database: `WNSEARCHDIR`, else Debian's, if it is there.
pub fn installed() -> Option<PathBuf> {
    let named = std::env::var_os(FOLDER_VARIABLE).filter(|value| !value.is_empty());
    named.map(PathBuf::from).or_else(|| {
        let debian = PathBuf::from(DEBIAN_FOLDER);
        debian.join("index.noun").is_file().then_some(debian)
    })
}

/// The database, read whole.
pub struct WordNet {
    identity: String,
    parts: Vec<Part>,
}

impl std::fmt::Debug for WordNet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WordNet")
            .field("identity", &self.identity)
            .field("n_lemmas", &self.n_lemmas())
            .finish_non_exhaustive()
    }
}

/// The files of one part of speech.
struct Part {
    speech: PartOfSpeech,
    lemmas: HashMap<Box<str>, Index>,
    synsets: HashMap<u32, Synset>,
    exceptions: HashMap<Box<str>, Vec<Box<str>>>,
}

impl WordNet {
    /// Reads `index.*` and `data.*`, and `*.exc` where there are any, in `folder`.
    ///
    /// # Errors
    ///
    /// [`DataError::NoWordNet`] if a file of the database is not there, [`DataError::WordNetLine`]
    /// with file and line if one cannot be understood.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let read: Vec<Result<(Part, String), DataError>> =
            PartOfSpeech::ALL.par_iter().map(|speech| Part::read(folder, *speech)).collect();
        // Gathered in order, so that of several faults the same one is named each time.
        let read: Vec<(Part, String)> = read.into_iter().collect::<Result<_, _>>()?;
        let (parts, hashes): (Vec<Part>, Vec<String>) = read.into_iter().unzip();
        let identity = format!("wordnet 1 {}", hash_of_bytes(hashes.concat().as_bytes()));
        Ok(Self { identity, parts })
    }

    /// Lemmas of all parts of speech.
    pub fn n_lemmas(&self) -> usize {
        self.parts.iter().map(|part| part.lemmas.len()).sum()
    }
}

impl Thesaurus for WordNet {
    fn identity(&self) -> &str {
        &self.identity
    }

    /// Ordered by the number of senses that occur in WordNet's tagged texts, then by the number
    /// of senses.
    fn parts(&self, word: &str) -> Vec<PartOfSpeech> {
        let mut known: Vec<((u32, usize), PartOfSpeech)> = Vec::new();
        for part in &self.parts {
            let entries = part.entries(word);
            if !entries.is_empty() {
                let n_tagged = entries.iter().map(|entry| entry.n_tagged).sum();
                let n_senses = entries.iter().map(|entry| entry.synsets.len()).sum();
                known.push(((n_tagged, n_senses), part.speech));
            }
        }
        known.sort_by_key(|(senses, _)| std::cmp::Reverse(*senses));
        known.into_iter().map(|(_, speech)| speech).collect()
    }

    fn synonyms(&self, word: &str, speech: PartOfSpeech) -> Vec<String> {
        let parts = self.parts.iter().filter(|part| part.speech == speech);
        parts.flat_map(|part| part.words(word)).map(ToOwned::to_owned).collect()
    }
}

impl Part {
    fn read(folder: &Path, speech: PartOfSpeech) -> Result<(Self, String), DataError> {
        let name = match speech {
            PartOfSpeech::Noun => "noun",
            PartOfSpeech::Verb => "verb",
            PartOfSpeech::Adjective => "adj",
            PartOfSpeech::Adverb => "adv",
        };
        let data = File::read(folder, &format!("data.{name}"))?;
        let index = File::read(folder, &format!("index.{name}"))?;
        let exceptions = File::read_if_there(folder, &format!("{name}.exc"))?;
        let hash = [&data, &index, &exceptions].map(|file| hash_of_bytes(&file.bytes)).concat();
        let synsets = lines::synsets(&data)?;
        let lemmas = lines::index(&index, &synsets)?;
        let exceptions = lines::exceptions(&exceptions)?;
        Ok((Self { speech, lemmas, synsets, exceptions }, hash))
    }

    /// Entries of `word` and of its base forms.
    fn entries(&self, word: &str) -> Vec<&Index> {
        let forms = base_forms::of(word, self.speech, &self.exceptions);
        forms.iter().filter_map(|form| self.lemmas.get(form.as_str())).collect()
    }

    fn words(&self, word: &str) -> impl Iterator<Item = &str> {
        let offsets = self.entries(word).into_iter().flat_map(|entry| entry.synsets.iter());
        offsets.filter_map(|offset| self.synsets.get(offset)).flatten().map(AsRef::as_ref)
    }
}

/// One file of the database.
struct File {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl File {
    fn read(folder: &Path, name: &str) -> Result<Self, DataError> {
        if !folder.join(name).is_file() {
            return Err(DataError::NoWordNet { path: folder.into(), missing: name.into() });
        }
        Self::read_if_there(folder, name)
    }

    /// The file, or one without lines.
    fn read_if_there(folder: &Path, name: &str) -> Result<Self, DataError> {
        let path = folder.join(name);
        if !path.is_file() {
            return Ok(Self { path, bytes: Vec::new() });
        }
        match std::fs::read(&path) {
            Ok(bytes) => Ok(Self { path, bytes }),
            Err(source) => Err(DataError::Read { path, source }),
        }
    }
}

#[cfg(test)]
mod tests;
