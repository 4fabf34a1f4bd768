//! What a command runs: everything chosen, every file seen to be there.
//!
//! Kept as `plan.json` in the folder of results, so that these can be looked at, gone on with and
//! tabulated later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::few_shot::LanguageModel;
use super::profile::{Settings, Variant};
use crate::whole_file::write_whole;

const FILE: &str = "plan.json";

/// Checked options with every default filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Plan {
    pub(super) title: String,
    /// Where it is not what the paper did.
    pub(super) departs: Vec<String>,
    pub(super) data_sets: Vec<DataSet>,
    pub(super) noise: Vec<f64>,
    pub(super) noise_kind: String,
    pub(super) variants: Vec<Variant>,
    pub(super) seeds: u64,
    pub(super) max_train: Option<u64>,
    /// Settings of every run; a variant's own win.
    pub(super) settings: Settings,
    /// Memory that one run takes at most.
    pub(super) memory_gib: f64,
    /// Tables of the paper that are wanted whole, with the cells that cannot be had; where empty,
    /// published cells stand beside those that were run.
    #[serde(default)]
    pub(super) paper_tables: Vec<u8>,
    /// Whether single rows are shown with their margins.
    #[serde(default)]
    pub(super) shows_rows: bool,
    /// Language models that are asked too.
    #[serde(default)]
    pub(super) language_models: Vec<LanguageModel>,
}

/// A data set: its name and the folder of its three files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct DataSet {
    pub(super) name: String,
    pub(super) folder: PathBuf,
    /// Which of the paper's data sets it is, or is taken from.
    #[serde(default)]
    pub(super) paper: Option<String>,
    /// How its wrong labels are drawn, where not as the plan says.
    #[serde(default)]
    pub(super) noise_kind: Option<String>,
}

impl DataSet {
    /// A data set that the paper does not have, or has under the same name.
    pub(super) fn new(name: &str, folder: PathBuf) -> Self {
        Self { name: name.to_owned(), folder, paper: Some(name.to_owned()), noise_kind: None }
    }

    pub(super) fn file(&self, split: &str) -> PathBuf {
        self.folder.join(format!("{split}.csv"))
    }
}

/// What one training file is made of: a data set, a rate and a seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Source {
    pub(super) data_set: DataSet,
    pub(super) noise: f64,
    pub(super) seed: u64,
}

impl Plan {
    /// Reads the plan that the results in `folder` were made by.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("failed to read {}; is this a folder of `reproduce`?", path.display())
        })?;
        serde_json::from_str(&text).with_context(|| format!("failed to parse {}", path.display()))
    }

    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        write_whole(&folder.join(FILE), &(serde_json::to_string_pretty(self)? + "\n"))
    }

    /// What is compared, by the names in tables.
    pub(super) fn methods(&self) -> impl Iterator<Item = &str> {
        let models = self.language_models.iter().map(|model| &*model.label);
        self.variants.iter().map(|variant| &*variant.label).chain(models)
    }

    /// `(data set, noise rate)` of each table.
    pub(super) fn tables(&self) -> Vec<(&DataSet, f64)> {
        let rates = |data_set| self.noise.iter().map(move |&noise| (data_set, noise));
        self.data_sets.iter().flat_map(rates).collect()
    }

    /// What each training file is made of, those of one table together.
    pub(super) fn sources(&self) -> Vec<Source> {
        let of_table = |(data_set, noise): (&DataSet, f64)| {
            let data_set = data_set.clone();
            (1..=self.seeds).map(move |seed| Source { data_set: data_set.clone(), noise, seed })
        };
        self.tables().into_iter().flat_map(of_table).collect()
    }

    /// How many runs there are.
    #[cfg(test)]
    pub(super) fn n_cells(&self) -> usize {
        self.sources().len() * self.variants.len()
    }

    /// Whether the encoder is frozen, so that its embeddings are computed once.
    pub(super) fn is_frozen(&self) -> bool {
        self.settings.get("model.freeze_encoder").is_some_and(|value| value == true)
    }
}

#[cfg(test)]
impl Plan {
    /// The built-in corpus at 20 % noise, with these methods.
    pub(super) fn example(methods: &[&str]) -> Self {
        Self {
            title: "an example".to_owned(),
            departs: Vec::new(),
            data_sets: vec![DataSet::new("builtin", PathBuf::new())],
            noise: vec![0.2],
            noise_kind: "uniform".to_owned(),
            variants: methods.iter().map(|method| Variant::plain(method)).collect(),
            seeds: 2,
            max_train: None,
            settings: Settings::new(),
            memory_gib: 1.0,
            paper_tables: Vec::new(),
            shows_rows: false,
            language_models: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_none_of_ours_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let message = Plan::read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("plan.json") && message.contains("reproduce"), "{message}");
    }
}
