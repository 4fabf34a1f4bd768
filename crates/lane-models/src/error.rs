//! What can be wrong with a model folder.

use std::path::PathBuf;

/// Why a model could not be read, built or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file is missing, unreadable or cannot be written.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// `config.json` is not JSON, or a field has the wrong type.
    #[error("cannot understand `{}`", path.display())]
    Config {
        /// The `config.json`.
        path: PathBuf,
        /// What the parser says.
        #[source]
        source: serde_json::Error,
    },
    /// What `config.json` says cannot be.
    #[error("`{}`", path.display())]
    In {
        /// The `config.json`.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<ModelError>,
    },
    /// Another architecture would load without complaint and compute something else.
    #[error("`{field}` is `{found}`, expected {expected}")]
    Unsupported {
        /// Field of `config.json`.
        field: &'static str,
        /// Its value.
        found: String,
        /// The values understood.
        expected: &'static str,
    },
    /// A size, rate or count no network can have.
    #[error("`{field}` is {found}, expected {expected}")]
    OutOfRange {
        /// Field of `config.json`.
        field: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: String,
    },
    /// The folder holds weights, but in a format that is not read.
    #[error("`{}` has no `model.safetensors` but `{found}`; save the model again as one safetensors file", path.display())]
    WeightFormat {
        /// The folder.
        path: PathBuf,
        /// The file found instead.
        found: String,
    },
    /// The header of the weight file does not describe its contents.
    #[error("cannot understand `{}`", path.display())]
    Weights {
        /// The weight file.
        path: PathBuf,
        /// What the parser says.
        #[source]
        source: safetensors::SafeTensorError,
    },
    /// A weight file that lacks parameters belongs to another model; new values in their place
    /// would go unnoticed.
    #[error("`{}` lacks {}: {}", path.display(), count(names.len()), first(names))]
    MissingWeights {
        /// The weight file.
        path: PathBuf,
        /// Upstream names of what is missing.
        names: Vec<String>,
    },
    /// `config.json` and weight file disagree.
    #[error("`{name}` in `{}` has shape {found:?}, expected {expected:?} by config.json", path.display())]
    Shape {
        /// The weight file.
        path: PathBuf,
        /// Name in the file.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that follows from `config.json`.
        expected: Vec<usize>,
    },
    /// Integers and quantized weights are not converted.
    #[error("`{name}` in `{}` is {found}, expected F32, F16 or BF16", path.display())]
    Dtype {
        /// The weight file.
        path: PathBuf,
        /// Name in the file.
        name: String,
        /// Its type.
        found: String,
    },
    /// A damaged weight; every output would be NaN.
    #[error("`{name}` in `{}` holds {value}", path.display())]
    NotFinite {
        /// The weight file.
        path: PathBuf,
        /// Name in the file.
        name: String,
        /// The first value that is not finite.
        value: f32,
    },
    /// Label names and outputs must pair up.
    #[error("{n_labels} label names but {n_outputs} outputs")]
    Labels {
        /// Names given or found.
        n_labels: usize,
        /// Rows of the classifier.
        n_outputs: usize,
    },
    /// A head alone is no classifier of texts.
    #[error("the network has no encoder, so there is nothing to save beside its head")]
    NoEncoder,
    /// The values of a parameter could not be read back from the device.
    #[error("cannot read `{name}` from the device: {reason}")]
    Device {
        /// Upstream name of the parameter.
        name: String,
        /// What the device says.
        reason: String,
    },
}

fn count(n: usize) -> String {
    if n == 1 { "1 weight".into() } else { format!("{n} weights") }
}

/// The first names of a list; a file of another model lacks thousands.
fn first(names: &[String]) -> String {
    const MOST: usize = 8;
    let kept = names[..names.len().min(MOST)].join(", ");
    match names.len().saturating_sub(MOST) {
        0 => kept,
        n_more => format!("{kept} and {n_more} more"),
    }
}
