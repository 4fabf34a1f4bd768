//! Targets: which part of the paper is wanted, in a file of `xtask/targets/`.
//!
//! A target says what is compared (tables, methods, rates, data sets); a [profile](super::profile)
//! says how it is run (data, encoder, rows, epochs). Any target goes with any profile.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use super::plan::DataSet;
use super::profile::{Settings, Variant, names_in};

/// Where they are, from the root of the repository.
const FOLDER: &str = "xtask/targets";
/// Data sets that are a part of one of the paper's, with what they lack.
const STAND_INS: [(&str, &str, &str); 3] = [
    ("goemotions27", "goemotions", "a reduction of GoEmotions to one of 27 labels a row"),
    ("yahoo_answers_mini", "yahoo_answers", "a few hundred rows of Yahoo Answers"),
    ("amazon_full_mini", "amazon_review", "a few hundred rows of Amazon reviews"),
];

/// One file, as written.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    /// In the heading of the report.
    pub(super) title: String,
    /// What is compared.
    pub(super) about: String,
    /// Other targets that this one is made of; each gets a folder of its own.
    #[serde(default)]
    pub(super) parts: Vec<String>,
    /// Tables of the paper that are wanted whole.
    #[serde(default)]
    pub(super) paper_tables: Vec<u8>,
    #[serde(default)]
    pub(super) noise: Vec<f64>,
    /// How wrong labels are drawn; as the profile says where empty.
    #[serde(default)]
    pub(super) noise_kinds: Vec<String>,
    #[serde(default)]
    pub(super) methods: Vec<String>,
    /// Methods under settings of their own.
    #[serde(default)]
    pub(super) variants: Vec<Variant>,
    /// By the names of `lane data`; those of the profile where empty.
    #[serde(default)]
    pub(super) data_sets: Vec<String>,
    /// Whether single rows are shown with their margins.
    #[serde(default)]
    pub(super) shows_rows: bool,
    #[serde(default)]
    pub(super) settings: Settings,
}

impl Target {
    /// The target called `name`.
    pub(super) fn read(root: &Path, name: &str) -> Result<Self> {
        let folder = root.join(FOLDER);
        let path = folder.join(name).with_added_extension("toml");
        ensure!(
            path.is_file(),
            "no target `{name}`, expected one of {}, or status, collect, resume",
            names_in(&folder)?.join(", ")
        );
        let text = std::fs::read_to_string(&path)?;
        toml::from_str(&text).with_context(|| format!("failed to parse {}", path.display()))
    }

    /// Those of its data sets that are in `folder`, under their own name or as a stand-in.
    pub(super) fn data_sets_in(&self, folder: &Path) -> Result<Vec<DataSet>> {
        let found: Vec<DataSet> = (self.data_sets.iter())
            .filter_map(|paper| {
                names_of(paper).map(|name| data_set(name, folder)).find(|it| it.folder.is_dir())
            })
            .collect();
        ensure!(
            !found.is_empty(),
            "{} has none of the data sets of {}: {}; `lane data fetch NAME --out {}` gets one",
            folder.display(),
            self.title,
            self.data_sets.join(", "),
            folder.display()
        );
        Ok(found)
    }
}

/// The names under which a data set of the paper may be found.
fn names_of(paper: &str) -> impl Iterator<Item = &str> {
    let stand_ins = STAND_INS.iter().filter(move |(_, of, _)| *of == paper);
    std::iter::once(paper).chain(stand_ins.map(|(name, ..)| *name))
}

/// The data set in a folder of that name.
pub(super) fn data_set(name: &str, parent: &Path) -> DataSet {
    let path = parent.join(name);
    let folder = std::path::absolute(&path).unwrap_or(path);
    let mut data_set = DataSet::new(name, folder);
    if let Some((_, paper, _)) = STAND_INS.iter().find(|(stand_in, ..)| *stand_in == name) {
        data_set.paper = Some((*paper).to_owned());
    }
    data_set
}

/// What is to be said of the stand-ins among `data_sets`.
pub(super) fn departures(data_sets: &[DataSet]) -> Vec<String> {
    let line = |(name, paper, what): &(&str, &str, &str)| {
        let is_there = data_sets.iter().any(|it| it.folder.ends_with(name));
        is_there.then(|| format!("`{name}` is {what}; it stands beside the paper's `{paper}`"))
    };
    STAND_INS.iter().filter_map(line).collect()
}

/// `data_sets` once for each kind of noise; the first kind goes without saying.
pub(super) fn under_each_kind(data_sets: Vec<DataSet>, kinds: &[String]) -> Vec<DataSet> {
    let Some((first, others)) = kinds.split_first() else { return data_sets };
    let of_kind = |it: &DataSet, kind: &String, name: String| DataSet {
        name,
        noise_kind: Some(kind.clone()),
        ..it.clone()
    };
    let one = |it: &DataSet| -> Vec<DataSet> {
        let others = others.iter().map(|kind| of_kind(it, kind, format!("{}-{kind}", it.name)));
        std::iter::once(of_kind(it, first, it.name.clone())).chain(others).collect()
    };
    data_sets.iter().flat_map(one).collect()
}

/// The folder of each part of what is asked for.
pub(super) fn parts(root: &Path, name: &str, out: &Path) -> Result<Vec<(Target, PathBuf)>> {
    let target = Target::read(root, name)?;
    if target.parts.is_empty() {
        return Ok(vec![(target, out.to_owned())]);
    }
    target.parts.iter().map(|part| Ok((Target::read(root, part)?, out.join(part)))).collect()
}
