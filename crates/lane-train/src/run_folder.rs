//! The folder a run leaves behind.
//!
//! Every file but `metrics.jsonl`, which grows line by line, is written under a temporary name beside its
//! place and renamed, so that a reader never sees half of one; a folder that holds `result.json` is
//! finished and is not written to again unless asked.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::error::TrainError;

/// The folder within a run's that holds its checkpoints.
pub(crate) const CHECKPOINTS: &str = "checkpoint";
/// What names of files begin with that are not yet in their place.
pub(crate) const TEMPORARY: &str = ".lane-";

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder, or takes an unfinished one over; a finished one only with `force`.
    ///
    /// # Errors
    ///
    /// [`TrainError::OutputExists`] where a finished run stands, [`TrainError::Io`] where the folder
    /// cannot be made.
    pub fn create(path: &Path, force: bool) -> Result<Self, TrainError> {
        let folder = Self { path: path.into() };
        if folder.file("result.json").exists() {
            if !force {
                return Err(TrainError::OutputExists { path: path.into() });
            }
            let result = folder.file("result.json");
            std::fs::remove_file(&result).map_err(TrainError::io("replace", result))?;
        }
        std::fs::create_dir_all(path).map_err(TrainError::io("create", path))?;
        Ok(folder)
    }

    /// The folder at `path`, as it is.
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.into() }
    }

    /// Removes what a process that was killed had not yet put in its place.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub(crate) fn remove_leftovers(&self) -> Result<(), TrainError> {
        let entries = std::fs::read_dir(&self.path).map_err(TrainError::io("write", &self.path))?;
        for entry in entries.flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(TEMPORARY)) {
                let path = entry.path();
                let removed = if path.is_dir() {
                    std::fs::remove_dir_all(&path)
                } else {
                    std::fs::remove_file(&path)
                };
                removed.map_err(TrainError::io("remove", path))?;
            }
        }
        Ok(())
    }

    /// A file of the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a text file whole.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub fn write(&self, name: &str, text: &str) -> Result<(), TrainError> {
        write_atomically(&self.file(name), text.as_bytes())
    }

    /// Writes a value as indented JSON.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), TrainError> {
        let path = self.file(name);
        let mut text = serde_json::to_string_pretty(value)
            .map_err(std::io::Error::from)
            .map_err(TrainError::io("write", path))?;
        text.push('\n');
        self.write(name, &text)
    }
}

/// Writes a file under a temporary name beside its place, then renames it.
///
/// # Errors
///
/// [`TrainError::Io`] with the final path; nothing is left behind.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let folder =
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".lane-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        publish(file, path)
    };
    write().map_err(TrainError::io("write", path))
}

/// Renames a temporary file into place, readable as an ordinary file is; only a file is replaced.
pub(crate) fn publish(file: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    lane_data::open::check_target(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    }
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finished_folder_is_refused_without_force() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        let folder = RunFolder::create(&path, false).unwrap();
        folder.write("result.json", "{}").unwrap();
        let error = RunFolder::create(&path, false).unwrap_err();
        assert!(error.is_usage() && error.to_string().contains("already holds a finished run"));
        assert!(RunFolder::create(&path, true).is_ok());
    }

    #[test]
    fn an_unfinished_folder_is_taken_over() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::write(parent.path().join("metrics.jsonl"), "").unwrap();
        assert!(RunFolder::create(parent.path(), false).is_ok());
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let parent = tempfile::tempdir().unwrap();
        std::fs::create_dir(parent.path().join("taken")).unwrap();
        assert!(write_atomically(&parent.path().join("taken"), b"text").is_err());
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 1);
    }
}
