//! Files of a model folder: read whole, written under a temporary name and renamed.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::ModelError;

/// The whole of an ordinary file; a pipe or a device may have no end.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    let bytes = fs::metadata(path).and_then(|found| {
        if found.is_file() || found.is_dir() {
            return fs::read(path);
        }
        Err(io::Error::other("found a pipe or a device, expected an ordinary file"))
    });
    bytes.map_err(|source| failed("read", path, source))
}

/// Creates a folder and those above it.
pub(crate) fn create(dir: &Path) -> Result<(), ModelError> {
    fs::create_dir_all(dir).map_err(|source| failed("create", dir, source))
}

/// Writes a file so that a reader sees the old one or the new one, never a part.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<(), ModelError> {
    let temporary = beside(path);
    fs::write(&temporary, contents)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|source| failed("write", path, source))
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    path.with_file_name(name)
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> ModelError {
    ModelError::Io { action, path: path.into(), source }
}
