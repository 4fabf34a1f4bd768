//! A folder for the files of a case: readers take paths.
//!
//! It stands where temporary files go (`TMPDIR`), which `cargo xtask fuzz` puts into memory.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

thread_local! {
    static FOLDER: TempDir = tempfile::tempdir().expect("there must be room for temporary files");
}

/// The folder of this thread, the same for every case.
pub fn folder() -> PathBuf {
    FOLDER.with(|folder| folder.path().to_owned())
}

/// An empty folder in it.
pub fn empty(name: &str) -> PathBuf {
    let path = folder().join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).expect("a folder of ours can be removed");
    }
    std::fs::create_dir_all(&path).expect("a folder can be made");
    path
}

/// Writes a file into the folder of this thread.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    put(&folder(), name, bytes)
}

/// Writes a file into `folder`.
pub fn put(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).expect("a file can be written");
    path
}
