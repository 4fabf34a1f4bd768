//! Small files of a model folder.

use std::path::Path;

use serde::de::DeserializeOwned;

use crate::error::TranslateError;

/// A JSON file; none where it is missing.
pub(crate) fn optional_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, TranslateError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TranslateError::read(path)(error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| TranslateError::parse(path, error))
}

/// A JSON file that must be there.
pub(crate) fn json<T: DeserializeOwned>(
    folder: &Path,
    name: &'static str,
) -> Result<T, TranslateError> {
    let missing = || TranslateError::Missing { folder: folder.into(), expected: name };
    optional_json(&folder.join(name))?.ok_or_else(missing)
}
