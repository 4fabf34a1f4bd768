//! The thesaurus that the views of a run use.

use std::path::Path;

use lane_data::augment::thesaurus::{BuiltIn, Thesaurus};
use lane_data::augment::wordnet::{self, WordNet};

use crate::error::TrainError;
use crate::progress::Observer;

/// The name of the built-in thesaurus in settings.
pub(super) const BUILT_IN: &str = "built-in";

/// A thesaurus, and the setting that names it again.
pub(super) struct Source {
    pub(super) name: String,
    pub(super) thesaurus: Box<dyn Thesaurus>,
}

/// Opens what `setting` names; without it WordNet where it is installed, else the built-in one,
/// which is said.
pub(super) fn open(
    setting: Option<&str>,
    observer: &mut dyn Observer,
) -> Result<Source, TrainError> {
    let installed = || wordnet::installed().map(|folder| folder.display().to_string());
    match setting.map(ToOwned::to_owned).or_else(installed) {
        Some(name) if name != BUILT_IN => {
            let thesaurus = Box::new(WordNet::open(Path::new(&name))?);
            Ok(Source { name, thesaurus })
        }
        named => {
            if named.is_none() {
                observer.note(
                    "no WordNet found (WNSEARCHDIR, /usr/share/wordnet): synonyms come from the built-in \
                     thesaurus, which knows few words; Debian has WordNet as `wordnet-base`",
                );
            }
            Ok(Source { name: BUILT_IN.into(), thesaurus: Box::new(BuiltIn) })
        }
    }
}
