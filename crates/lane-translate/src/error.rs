//! Why a model folder cannot be used, or a translation not be made.

use std::path::PathBuf;

/// An error of this crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TranslateError {
    /// A file could not be read.
    #[error("failed to read `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file that a model folder must have is missing.
    #[error("`{}` has no {expected}", .folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
        /// What was looked for.
        expected: &'static str,
    },
    /// A file is not what its name says.
    #[error("`{}` does not parse: {message}", .path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the parser said.
        message: String,
    },
    /// The folder holds another kind of model, or one with a part that is not supported.
    #[error("`{}`: `{key}` is {found}, expected {expected}", .path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The key in it.
        key: String,
        /// Its value.
        found: String,
        /// What would do.
        expected: String,
    },
    /// The weights are not those of the configuration.
    #[error("the weights in `{}` do not fit its config.json: {message}", .folder.display())]
    Weights {
        /// The folder.
        folder: PathBuf,
        /// What does not fit.
        message: String,
    },
    /// A setting of decoding that has no meaning for this model.
    #[error("{what} is {found}, expected {expected}")]
    Decoding {
        /// Which setting.
        what: &'static str,
        /// Its value.
        found: usize,
        /// What would do.
        expected: String,
    },
    /// The model gave a score that is no number.
    #[error("the model gave scores that are not numbers; its weights are broken")]
    NotFinite,
    /// A tensor operation failed.
    #[error("failed to compute: {message}")]
    Compute {
        /// What the library said.
        message: String,
    },
}

impl TranslateError {
    /// Whether the fault lies in the folder or the settings, and not in the run.
    pub fn is_usage(&self) -> bool {
        !matches!(self, Self::NotFinite | Self::Compute { .. })
    }

    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Read { path, source }
    }

    #[cfg(feature = "candle")]
    pub(crate) fn compute(error: candle_core::Error) -> Self {
        Self::Compute { message: error.to_string() }
    }

    pub(crate) fn parse(path: impl Into<PathBuf>, message: impl ToString) -> Self {
        Self::Parse { path: path.into(), message: message.to_string() }
    }

    pub(crate) fn unsupported(
        path: impl Into<PathBuf>,
        key: impl Into<String>,
        found: impl ToString,
        expected: impl Into<String>,
    ) -> Self {
        Self::Unsupported {
            path: path.into(),
            key: key.into(),
            found: found.to_string(),
            expected: expected.into(),
        }
    }
}
