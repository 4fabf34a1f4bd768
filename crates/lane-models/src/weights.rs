//! `model.safetensors`: named tensors in, checked; named tensors out.
//!
//! The header of a file is a claim. Offsets, lengths and types are checked by the parser,
//! shapes against `config.json`, values for being finite; nothing is skipped in silence.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use burn::tensor::{bf16, f16};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{
    ModelError, folder, names,
    parameters::{Layout, Place},
};

/// Name of the weight file in a model folder.
pub(crate) const FILE: &str = "model.safetensors";

/// A weight file in memory.
pub(crate) struct WeightFile {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl WeightFile {
    /// Reads the weight file of a model folder.
    pub(crate) fn read(dir: &Path) -> Result<Self, ModelError> {
        let path = dir.join(FILE);
        if !path.exists() {
            for found in ["model.safetensors.index.json", "pytorch_model.bin", "tf_model.h5"] {
                if dir.join(found).exists() {
                    let found = found.into();
                    return Err(ModelError::WeightFormat { path: dir.into(), found });
                }
            }
        }
        Ok(Self { bytes: folder::read(&path)?, path })
    }

    /// The named tensors within.
    pub(crate) fn tensors(&self) -> Result<Tensors<'_>, ModelError> {
        let parsed = SafeTensors::deserialize(&self.bytes)
            .map_err(|source| ModelError::Weights { path: self.path.clone(), source })?;
        let by_name: BTreeMap<String, (String, TensorView<'_>)> = parsed
            .tensors()
            .into_iter()
            .map(|(name, view)| (names::modern(&name), (name, view)))
            .collect();
        Ok(Tensors { path: &self.path, by_name, used: BTreeSet::new() })
    }
}

/// The tensors of a file under their present names, and which of them were taken.
pub(crate) struct Tensors<'a> {
    path: &'a Path,
    by_name: BTreeMap<String, (String, TensorView<'a>)>,
    used: BTreeSet<String>,
}

impl Tensors<'_> {
    /// `bert.` if the file says so, else nothing: a bare encoder is saved without.
    pub(crate) fn prefix(&self) -> &'static str {
        if self.by_name.keys().any(|name| name.starts_with("bert.")) { "bert." } else { "" }
    }

    pub(crate) fn holds(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    /// Shape of a tensor as the file has it.
    pub(crate) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.by_name.get(name).map(|(_, view)| view.shape())
    }

    /// An error that names those of `names` which the file lacks, if it lacks any.
    pub(crate) fn require(
        &self,
        names: impl IntoIterator<Item = String>,
    ) -> Result<(), ModelError> {
        let names: Vec<String> = names.into_iter().filter(|name| !self.holds(name)).collect();
        if names.is_empty() {
            return Ok(());
        }
        Err(ModelError::MissingWeights { path: self.path.into(), names })
    }

    /// The values for a place, in its own axis order.
    pub(crate) fn take(&mut self, name: &str, place: &Place) -> Result<Vec<f32>, ModelError> {
        self.require([name.to_owned()])?;
        let (in_file, view) = &self.by_name[name];
        let mut expected = place.shape.clone();
        if place.layout == Layout::Transposed {
            expected.reverse();
        }
        if view.shape() != expected {
            return Err(ModelError::Shape {
                path: self.path.into(),
                name: in_file.clone(),
                found: view.shape().into(),
                expected,
            });
        }
        let values = self.decode(in_file, view)?;
        self.used.insert(in_file.clone());
        Ok(match (place.layout, expected.as_slice()) {
            (Layout::Transposed, &[rows, columns]) => transpose(&values, rows, columns),
            _ => values,
        })
    }

    /// Names as in the file: those taken, and the rest.
    pub(crate) fn into_used_and_unused(self) -> (Vec<String>, Vec<String>) {
        self.by_name.into_values().map(|(name, _)| name).partition(|name| self.used.contains(name))
    }

    fn decode(&self, name: &str, view: &TensorView<'_>) -> Result<Vec<f32>, ModelError> {
        let bytes = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|&it| f32::from_le_bytes(it)).collect(),
            Dtype::F16 => {
                bytes.as_chunks().0.iter().map(|&it| f16::from_le_bytes(it).to_f32()).collect()
            }
            Dtype::BF16 => {
                bytes.as_chunks().0.iter().map(|&it| bf16::from_le_bytes(it).to_f32()).collect()
            }
            found => {
                let (path, name) = (self.path.into(), name.into());
                return Err(ModelError::Dtype { path, name, found: format!("{found:?}") });
            }
        };
        match values.iter().find(|value| !value.is_finite()) {
            Some(&value) => {
                Err(ModelError::NotFinite { path: self.path.into(), name: name.into(), value })
            }
            None => Ok(values),
        }
    }
}

/// A tensor on its way into a file: upstream name, shape and little-endian bytes of f32.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl Entry {
    /// Values in the axis order of a place, for the axis order of a file.
    pub(crate) fn new(name: String, place: &Place, values: Vec<f32>) -> Self {
        let (shape, values) = match (place.layout, place.shape.as_slice()) {
            (Layout::Transposed, &[rows, columns]) => {
                (vec![columns, rows], transpose(&values, rows, columns))
            }
            _ => (place.shape.clone(), values),
        };
        let bytes = values.into_iter().flat_map(f32::to_le_bytes).collect();
        Self { name, shape, bytes }
    }
}

/// Writes the weight file of a model folder.
pub(crate) fn write(dir: &Path, entries: &[Entry]) -> Result<(), ModelError> {
    let path = dir.join(FILE);
    let failed = |source| ModelError::Weights { path: path.clone(), source };
    let mut views = Vec::with_capacity(entries.len());
    for entry in entries {
        let view =
            TensorView::new(Dtype::F32, entry.shape.clone(), &entry.bytes).map_err(failed)?;
        views.push((&entry.name, view));
    }
    // Upstream refuses a file that does not say which library's axis order it has.
    let metadata = [("format".to_owned(), "pt".to_owned())].into();
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(failed)?;
    folder::write(&path, &bytes)
}

/// A row-major `rows × columns` matrix as `columns × rows`.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| (0..rows).map(move |row| values[row * columns + column]))
        .collect()
}
