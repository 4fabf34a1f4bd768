//! Versions of each text shown to the networks: which, and how strong.
//!
//! How they are made is in [`lane_data::augment`]; [`Views`] makes those of one split.

mod kept_on_disk;
mod making;
mod source;

use std::fmt;
use std::path::PathBuf;

use lane_data::augment::switchout::SwitchOutConfig;
use lane_data::augment::synonyms::SynonymConfig;
use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

pub use self::making::Views;
pub use lane_data::augment::ViewKind;

use crate::error::TrainError;
use crate::setting::{positive, within};

/// Versions of each text shown to the networks; the first is always the text itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ViewConfig {
    /// The views, in order; the first must be `original`. A number stands for a list: 1, 2 or 8
    /// ([`preset`]).
    #[serde(deserialize_with = "list_or_number")]
    pub kinds: Vec<ViewKind>,
    /// Chance of each word to go in view `deletion`, and in `switchout` where that is deletion; in
    /// 0..1.
    pub deletion_probability: f64,
    /// Where synonyms come from: a folder with WordNet's files, or `built-in`; absent = WordNet where
    /// it is installed, else the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thesaurus: Option<String>,
    /// The training texts translated there and back, `id<TAB>text`; absent = views that need them
    /// show synonyms and SwitchOut instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub back_translation: Option<PathBuf>,
    /// How many words become synonyms, and which may.
    pub synonym: SynonymConfig,
    /// How many word pieces are exchanged, and how.
    pub switchout: SwitchOutConfig,
}

impl Default for ViewConfig {
    fn default() -> Self {
        Self {
            kinds: vec![ViewKind::Original],
            deletion_probability: 0.1,
            thesaurus: None,
            back_translation: None,
            synonym: SynonymConfig::default(),
            switchout: SwitchOutConfig::default(),
        }
    }
}

impl ViewConfig {
    /// Whether some view has synonyms, those that stand in for back-translation included.
    pub fn needs_thesaurus(&self) -> bool {
        let without = self.back_translation.is_none();
        self.kinds
            .iter()
            .map(|kind| kind.alterations())
            .any(|it| it.synonym || (it.back_translation && without))
    }

    pub(crate) fn check(&self) -> Result<(), TrainError> {
        within("views.deletion_probability", self.deletion_probability, 0.0, 1.0)?;
        within("views.synonym.share", self.synonym.share, 0.0, 1.0)?;
        positive("views.synonym.words", self.synonym.words.unwrap_or(1) as f64)?;
        positive("views.switchout.temperature", self.switchout.temperature)?;
        if let Some(most) = self.synonym.most.filter(|most| *most < self.synonym.least) {
            let expected = format!("at least `views.synonym.least`, {}", self.synonym.least);
            return Err(TrainError::setting("views.synonym.most", most, expected));
        }
        if self.kinds.first() != Some(&ViewKind::Original) {
            let expected = "`original` first";
            return Err(TrainError::setting(
                "views.kinds",
                "a list that starts otherwise",
                expected,
            ));
        }
        Ok(())
    }
}

/// What the numbers of [`preset`] mean, for messages.
pub const PRESETS: &str = "1 (the text alone), 2 (the text, and with synonyms) or 8 (every subset of \
                           synonym, switchout and back-translation)";

/// The list of views that a number stands for; 8 is what we take the paper to use.
pub fn preset(n_views: u64) -> Option<Vec<ViewKind>> {
    match n_views {
        1 => Some(vec![ViewKind::Original]),
        2 => Some(vec![ViewKind::Original, ViewKind::SYNONYM]),
        8 => Some(ViewKind::SUBSETS.to_vec()),
        _ => None,
    }
}

fn list_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ViewKind>, D::Error> {
    deserializer.deserialize_any(ListOrNumber)
}

struct ListOrNumber;

impl<'de> Visitor<'de> for ListOrNumber {
    type Value = Vec<ViewKind>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of views, or {PRESETS}")
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Self::Value, E> {
        let known = u64::try_from(number).ok().and_then(preset);
        known.ok_or_else(|| E::invalid_value(de::Unexpected::Signed(number), &self))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Self::Value, E> {
        preset(number).ok_or_else(|| E::invalid_value(de::Unexpected::Unsigned(number), &self))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn resolve(setting: &str) -> Result<ViewConfig, TrainError> {
        let settings = ["data.train=rows.csv", setting].map(|text| text.parse().unwrap());
        Config::resolve(None, &settings).map(|config| config.views)
    }

    #[track_caller]
    fn refused(setting: &str, answers: &[&str]) {
        let error = resolve(setting).unwrap_err();
        assert!(error.is_usage());
        for answer in answers {
            assert!(error.to_string().contains(answer), "{setting}: no {answer:?} in {error}");
        }
    }

    #[test]
    fn number_stands_for_a_list_and_is_written_as_one() {
        for (number, n_views) in [(1, 1), (2, 2), (8, 8)] {
            let config = resolve(&format!("views.kinds={number}")).unwrap();
            assert_eq!(config.kinds.len(), n_views);
            let text = toml::to_string(&config).unwrap();
            assert!(text.starts_with("kinds = [\"original\""), "{text}");
            assert_eq!(toml::from_str::<ViewConfig>(&text).unwrap(), config);
        }
    }

    #[test]
    fn list_of_names_is_read_in_its_order() {
        let config =
            resolve("views.kinds=[\"original\", \"switchout+synonym\", \"repeat\"]").unwrap();
        let expected = [ViewKind::Original, ViewKind::SYNONYM_AND_SWITCHOUT, ViewKind::Repeat];
        assert_eq!(config.kinds, expected);
    }

    #[test]
    fn unknown_views_and_numbers_are_answered_with_what_can_be_said() {
        refused("views.kinds=3", &["integer `3`", "a list of views", "8 (every subset"]);
        refused("views.kinds=-1", &["a list of views"]);
        refused(
            "views.kinds=[\"original\", \"synonims\"]",
            &["unknown view `synonims`", "back-translation"],
        );
        refused("views.kinds=[\"synonym\"]", &["`views.kinds`", "`original` first"]);
        refused("views.kinds=[]", &["`original` first"]);
    }

    #[test]
    fn strengths_out_of_range_are_answered_with_the_range() {
        refused("views.synonym.share=1.5", &["`views.synonym.share` is 1.5", "0..=1"]);
        refused("views.synonym.words=0", &["`views.synonym.words` is 0", "above 0"]);
        refused("views.synonym.most=0", &["`views.synonym.most` is 0", "`views.synonym.least`, 1"]);
        refused("views.switchout.temperature=0", &["`views.switchout.temperature` is 0"]);
        refused("views.switchout.impl=wordpieces", &["wordpieces", "deletion"]);
        refused("views.switchout.tau=1", &["unknown field `tau`", "temperature"]);
    }

    #[test]
    fn thesaurus_is_needed_for_synonyms_and_for_what_stands_in_for_back_translation() {
        let needs = |kinds: &str, translated: bool| {
            let mut config = resolve(&format!("views.kinds=[\"original\", {kinds}]")).unwrap();
            config.back_translation = translated.then(|| "de.tsv".into());
            config.needs_thesaurus()
        };
        assert!(needs("\"synonym\"", false) && needs("\"back-translation\"", false));
        assert!(!needs("\"back-translation\"", true) && !needs("\"switchout\"", false));
    }
}
