//! What a run is made of: its settings and the hashes of all it reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cell::without_places;
use crate::error::TrainError;
use crate::experiment::Experiment;

/// Settings and inputs of a run, wherever its files lie.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// As JSON, without the places of files.
    settings: String,
    /// Hashes by role.
    inputs: BTreeMap<String, String>,
}

impl Identity {
    /// The identity of a run that is ready to begin.
    pub(crate) fn of(experiment: &Experiment) -> Result<Self, TrainError> {
        let splits =
            [Some(&experiment.train), experiment.validation.as_ref(), experiment.test.as_ref()];
        let splits = splits.into_iter().flatten();
        let mut inputs: BTreeMap<String, String> =
            splits.map(|split| (split.name.into(), split.dataset.sha256.clone())).collect();
        inputs.insert("encoder".into(), experiment.encoder.fingerprint.clone());
        if let Some(translations) = experiment.views.translations() {
            inputs.insert("back-translation".into(), translations.sha256().into());
        }
        if let Some(thesaurus) = experiment.views.thesaurus_identity() {
            inputs.insert("thesaurus".into(), thesaurus.into());
        }
        Ok(Self { settings: without_places(&experiment.config)?.to_string(), inputs })
    }

    /// Refuses to go on with this run from a checkpoint of `other`.
    ///
    /// # Errors
    ///
    /// [`TrainError::Mismatch`] with what changed.
    pub(crate) fn check(&self, other: &Self) -> Result<(), TrainError> {
        if self == other {
            return Ok(());
        }
        let short = |hash: Option<&String>| {
            hash.map_or("none".into(), |hash| hash.chars().take(12).collect::<String>())
        };
        // Files first: a vocabulary made from them changes with them.
        let files = ["train", "validation", "test"].map(str::to_owned);
        for role in files.iter().chain(self.inputs.keys()).chain(other.inputs.keys()) {
            let (found, expected) = (self.inputs.get(role), other.inputs.get(role));
            if found != expected {
                return Err(TrainError::Mismatch {
                    found: format!(
                        "{role} has hash {}…: it changed since the run was begun",
                        short(found)
                    ),
                    expected: format!(
                        "{}…; --force starts over with what is there now",
                        short(expected)
                    ),
                });
            }
        }
        Err(TrainError::Mismatch {
            found: format!(
                "settings that changed since the run was begun: {}",
                self.differing(other)
            ),
            expected: "those the checkpoint was written under".into(),
        })
    }

    /// The first setting that differs, with both values.
    fn differing(&self, other: &Self) -> String {
        let parse = |text: &str| serde_json::from_str(text).unwrap_or(Value::Null);
        first_difference("", &parse(&self.settings), &parse(&other.settings)).unwrap_or_default()
    }
}

fn first_difference(key: &str, found: &Value, expected: &Value) -> Option<String> {
    if found == expected {
        return None;
    }
    let (Some(of_found), Some(of_expected)) = (found.as_object(), expected.as_object()) else {
        return Some(format!("`{key}` is {found}, was {expected}"));
    };
    of_found.keys().chain(of_expected.keys()).find_map(|name| {
        let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
        let of = |object: &serde_json::Map<String, Value>| {
            object.get(name).cloned().unwrap_or(Value::Null)
        };
        first_difference(&key, &of(of_found), &of(of_expected))
    })
}
