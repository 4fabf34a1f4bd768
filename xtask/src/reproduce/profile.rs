//! Profiles: what is run, on what, and what that departs from, in a file of `xtask/profiles/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Where they are, from the root of the repository.
const FOLDER: &str = "xtask/profiles";
/// What a value begins with that is read from the environment.
const FROM_ENVIRONMENT: &str = "env:";

/// Settings of `lane train` by dotted key.
pub(super) type Settings = BTreeMap<String, Value>;

/// One file, as written.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Profile {
    /// In the heading of the report.
    pub(super) title: String,
    /// What it is good for.
    pub(super) about: String,
    /// Where it is not what the paper did.
    pub(super) departs: Vec<String>,
    /// How long it takes.
    pub(super) hours: Vec<Hours>,
    pub(super) encoder: String,
    /// Folder of data sets; the built-in corpus where absent.
    pub(super) data: Option<String>,
    #[serde(default)]
    pub(super) data_sets: Vec<String>,
    pub(super) noise: Vec<f64>,
    #[serde(default = "uniform")]
    pub(super) noise_kind: String,
    /// `all` for those of `lane methods`.
    pub(super) methods: Vec<String>,
    /// Methods under settings of their own.
    #[serde(default)]
    pub(super) variants: Vec<Variant>,
    pub(super) seeds: u64,
    pub(super) max_train: Option<u64>,
    /// Memory that one run takes at most.
    #[serde(default = "one")]
    pub(super) memory_gib: f64,
    #[serde(default)]
    pub(super) settings: Settings,
}

/// What a profile costs on a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hours {
    pub(super) hardware: String,
    #[serde(rename = "hours")]
    pub(super) n: f64,
    /// Measured, or reckoned from what.
    pub(super) basis: String,
}

/// A method under settings of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    /// Its name in folders and tables.
    pub(super) label: String,
    pub(super) method: String,
    #[serde(default)]
    pub(super) settings: Settings,
}

impl Variant {
    /// A method as it is.
    pub(super) fn plain(method: &str) -> Self {
        Self { label: method.to_owned(), method: method.to_owned(), settings: Settings::new() }
    }
}

fn uniform() -> String {
    "uniform".to_owned()
}

fn one() -> f64 {
    1.0
}

impl Profile {
    /// The profile called `name`.
    pub(super) fn read(root: &Path, name: &str) -> Result<Self> {
        let folder = root.join(FOLDER);
        let path = folder.join(name).with_added_extension("toml");
        ensure!(
            path.is_file(),
            "no profile `{name}`, expected one of {}",
            names_in(&folder)?.join(", ")
        );
        let text = fs::read_to_string(&path)?;
        toml::from_str(&text).with_context(|| format!("failed to parse {}", path.display()))
    }
}

pub(super) fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder)
        .with_context(|| format!("failed to read {}", folder.display()))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut names: Vec<String> = entries
        .iter()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    Ok(names)
}

/// `value`, or what the variable holds that it names.
pub(super) fn resolved(value: &str) -> Result<String> {
    let Some(name) = value.strip_prefix(FROM_ENVIRONMENT) else { return Ok(value.to_owned()) };
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => bail!("this profile takes {name} from the environment, where it is not set"),
    }
}

/// An encoder's folder seen from anywhere; `tiny` and `hub:ORG/NAME` as they are.
pub(super) fn encoder_from_anywhere(name: &str) -> String {
    if name == "tiny" || name.starts_with("hub:") {
        return name.to_owned();
    }
    let path = PathBuf::from(name);
    std::path::absolute(&path).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
    }

    #[test]
    fn every_profile_says_what_it_departs_from_and_how_long_it_takes() {
        let names = names_in(&root().join(FOLDER)).unwrap();
        assert_eq!(names, ["builtin", "frozen", "paper", "small"]);
        for name in names {
            let profile = Profile::read(&root(), &name).unwrap();
            assert!(!profile.departs.is_empty() && !profile.about.is_empty(), "{name}");
            assert!(!profile.hours.is_empty(), "{name}");
            for hours in &profile.hours {
                let says = ["measured", "reckoned"].iter().any(|it| hours.basis.starts_with(it));
                assert!(says && hours.n > 0.0, "{name}: {}", hours.basis);
            }
        }
    }

    #[test]
    fn a_profile_that_is_not_there_is_answered_with_those_that_are() {
        let message = Profile::read(&root(), "quick").unwrap_err().to_string();
        assert_eq!(message, "no profile `quick`, expected one of builtin, frozen, paper, small");
    }

    #[test]
    fn a_variable_that_is_not_set_is_named() {
        let message = resolved("env:LANE_NO_SUCH_VARIABLE").unwrap_err().to_string();
        assert!(message.contains("LANE_NO_SUCH_VARIABLE"), "{message}");
        assert_eq!(resolved("dir").unwrap(), "dir");
    }
}
