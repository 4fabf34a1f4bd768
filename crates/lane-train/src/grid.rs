//! A grid of runs: which data, which variants of methods, and the list of cells that comes of it.
//!
//! A grid is a JSON file. It becomes `cells.jsonl` beside it, one [`Cell`] a line, every default filled
//! in and every input hashed, so that a cell can be run anywhere and is known again whatever became of
//! the defaults since.
//!
//! ```json
//! {
//!   "data": [{"name": "trec6", "noise": 0.4, "seed": 1,
//!             "train": "data/trec6.csv", "validation": null, "test": "data/test.csv"}],
//!   "variants": [{"label": "lane-8-views", "method": "lane", "settings": {"views.kinds": 8}}],
//!   "settings": {"model.encoder": "/encoders/minilm", "training.epochs": 10}
//! }
//! ```
//!
//! Paths that are not absolute stand from the folder of the grid.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cell::{self, Cell, Inputs, Place};
use crate::config::Config;
use crate::error::TrainError;
use crate::run_folder::write_atomically;
use crate::setting::{Setting, within};

/// Bytes that file systems allow a name, less some for what is put before it.
const LONGEST_NAME: usize = 200;

/// Settings by dotted key, as `--set` takes them.
pub type Settings = BTreeMap<String, serde_json::Value>;

/// Every variant on every data entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// What is learned from.
    pub data: Vec<GridData>,
    /// What learns.
    pub variants: Vec<Variant>,
    /// Settings of all cells; a variant's own win.
    #[serde(default)]
    pub settings: Settings,
}

/// Files to learn from and to be scored on, with one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridData {
    /// The data set.
    pub name: String,
    /// Share of its labels made wrong.
    pub noise: f64,
    /// Of the wrong labels, and of the runs.
    pub seed: u64,
    /// Rows to learn from.
    pub train: PathBuf,
    /// Rows that choose the epoch.
    #[serde(default)]
    pub validation: Option<PathBuf>,
    /// Rows that are only scored.
    #[serde(default)]
    pub test: Option<PathBuf>,
}

/// A method under settings of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name in folders and tables; the method's where absent.
    #[serde(default)]
    pub label: Option<String>,
    /// The method, as `lane methods` lists it.
    pub method: String,
    /// Settings of its own.
    #[serde(default)]
    pub settings: Settings,
}

impl Variant {
    /// Its name in folders and tables.
    pub fn label(&self) -> &str {
        self.label.as_deref().unwrap_or(&self.method)
    }
}

impl Grid {
    /// Reads a grid.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`], [`TrainError::Config`] where it does not parse.
    pub fn read(path: &Path) -> Result<Self, TrainError> {
        let text = lane_data::open::text(path)?;
        serde_json::from_str(&text).map_err(|error| TrainError::Config {
            path: Some(path.into()),
            message: error.to_string(),
        })
    }

    /// Its cells, in order: data by data, variant by variant; `base` is the folder of the grid.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with a setting or a file, and [`TrainError::Mismatch`] where two cells would
    /// write into one folder.
    pub fn cells(&self, base: &Path) -> Result<Vec<Cell>, TrainError> {
        let (mut cells, mut places) = (Vec::new(), BTreeSet::new());
        let mut hashes = Hashes { base, known: BTreeMap::new() };
        for data in &self.data {
            for variant in &self.variants {
                check_names(data, variant)?;
                let cell = self.cell(data, variant, &mut hashes)?;
                if !places.insert(cell.out.clone()) {
                    return Err(TrainError::Mismatch {
                        found: format!("two cells that would write into `{}`", cell.out.display()),
                        expected: "data and variants that differ in name, noise, seed or label"
                            .into(),
                    });
                }
                cells.push(cell);
            }
        }
        Ok(cells)
    }

    fn cell(
        &self,
        data: &GridData,
        variant: &Variant,
        hashes: &mut Hashes<'_>,
    ) -> Result<Cell, TrainError> {
        let mut settings = vec![
            Setting::new("method", variant.method.clone()),
            Setting::new("seed", data.seed.cast_signed()),
        ];
        let files = [
            ("train", Some(&data.train)),
            ("validation", data.validation.as_ref()),
            ("test", data.test.as_ref()),
        ];
        for (split, path) in files {
            let path = path.map(|path| path.display().to_string());
            settings.extend(path.map(|path| Setting::new(format!("data.{split}"), path)));
        }
        for (key, value) in self.settings.iter().chain(&variant.settings) {
            settings.push(Setting::new(key.clone(), of_json(key, value)?));
        }
        let config = Config::resolve(None, &settings)?;
        let inputs = hashes.of(&config)?;
        let place = Place {
            dataset: data.name.clone(),
            noise: data.noise,
            variant: variant.label().to_owned(),
            seed: data.seed,
        };
        Cell::new(place, config, inputs)
    }
}

/// Writes `cells.jsonl`, whole.
///
/// # Errors
///
/// [`TrainError::Io`].
pub fn write_cells(path: &Path, cells: &[Cell]) -> Result<(), TrainError> {
    let mut text = String::new();
    for cell in cells {
        let line = serde_json::to_string(cell).map_err(std::io::Error::from);
        text.push_str(&line.map_err(TrainError::io("write", path))?);
        text.push('\n');
    }
    write_atomically(path, text.as_bytes())
}

/// Names become folders of the grid's own: one level each, and none that leads out.
fn check_names(data: &GridData, variant: &Variant) -> Result<(), TrainError> {
    for (key, name) in [("data.name", data.name.as_str()), ("variants.label", variant.label())] {
        let mut parts = Path::new(name).components();
        let is_one = matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None));
        let is_plain = !name.contains(['/', '\\', '\0']);
        if !is_one || !is_plain || LONGEST_NAME < name.len() {
            let expected = format!("the name of a folder, at most {LONGEST_NAME} bytes");
            return Err(TrainError::setting(key, format!("`{name}`"), expected));
        }
    }
    if data.seed.cast_signed() < 0 {
        // TOML, in which the run keeps its seed, has no larger numbers.
        return Err(TrainError::setting("data.seed", data.seed, format!("at most {}", i64::MAX)));
    }
    within("data.noise", data.noise, 0.0, 1.0)
}

fn of_json(key: &str, value: &serde_json::Value) -> Result<toml::Value, TrainError> {
    toml::Value::try_from(value)
        .map_err(|_| TrainError::setting(key, value, "a value that TOML knows"))
}

/// Hashes of input files, each file read once.
struct Hashes<'a> {
    base: &'a Path,
    known: BTreeMap<String, String>,
}

impl Hashes<'_> {
    fn of(&mut self, config: &Config) -> Result<Inputs, TrainError> {
        let mut inputs = Inputs::new();
        for (role, name) in cell::files_of(&cell::seen_from(self.base, config.clone())) {
            let hash = match self.known.get(&name) {
                Some(known) => Some(known.clone()),
                None => cell::hash_of(role, &name)?,
            };
            if let Some(hash) = hash {
                self.known.insert(name, hash.clone());
                inputs.insert(role.into(), hash);
            }
        }
        Ok(inputs)
    }
}

#[cfg(test)]
mod tests;
