//! Translations of one model with one set of settings, kept in a file that grows batch by batch.
//!
//! A line is `["SHA-256 of the text", "translation"]`. A line that does not parse, as a stopped run may
//! leave one, is passed over.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::TrainError;

/// The translations there are.
pub(super) struct Kept {
    path: Option<PathBuf>,
    known: HashMap<String, String>,
}

impl Kept {
    /// Those in `folder` under `key`; none are kept without a folder.
    pub(super) fn open(folder: Option<&Path>, key: &str) -> Self {
        let path = folder.map(|folder| folder.join(format!("translations-{key}.jsonl")));
        let bytes = path.as_ref().and_then(|path| std::fs::read(path).ok()).unwrap_or_default();
        let lines = bytes.split(|byte| *byte == b'\n');
        let known = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
        Self { path, known }
    }

    pub(super) fn get(&self, text: &str) -> Option<&str> {
        self.known.get(&name(text)).map(String::as_str)
    }

    /// Adds translations, here and on disk.
    pub(super) fn add(&mut self, texts: &[&str], made: &[String]) -> Result<(), TrainError> {
        // A line of its own, even after half a line.
        let mut bytes = vec![b'\n'];
        for (text, made) in texts.iter().zip(made) {
            let name = name(text);
            serde_json::to_writer(&mut bytes, &(&name, made))
                .map_err(|error| self.failed(error.into()))?;
            bytes.push(b'\n');
            self.known.insert(name, made.clone());
        }
        self.append(&bytes).map_err(|error| self.failed(error))
    }

    fn append(&self, bytes: &[u8]) -> std::io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(bytes)
    }

    fn failed(&self, error: std::io::Error) -> TrainError {
        TrainError::io("write", self.path.clone().unwrap_or_default())(error)
    }
}

fn name(text: &str) -> String {
    crate::hex(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_found_again_and_half_a_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let open = || Kept::open(Some(folder.path()), "key");
        open().add(&["a", "b"], &["A\n".into(), String::new()]).unwrap();
        let path = folder.path().join("translations-key.jsonl");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend_from_slice(b"[\"half");
        std::fs::write(&path, bytes).unwrap();
        open().add(&["c"], &["C".into()]).unwrap();
        let kept = open();
        assert_eq!(
            (kept.get("a"), kept.get("b"), kept.get("c")),
            (Some("A\n"), Some(""), Some("C"))
        );
        assert_eq!(kept.get("d"), None);
        assert_eq!(Kept::open(Some(folder.path()), "other").get("a"), None);
    }

    #[test]
    fn without_a_folder_nothing_is_written() {
        let mut kept = Kept::open(None, "key");
        kept.add(&["a"], &["A".into()]).unwrap();
        assert_eq!(kept.get("a"), Some("A"));
    }
}
