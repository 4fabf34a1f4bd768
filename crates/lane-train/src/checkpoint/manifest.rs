//! `checkpoint.json`: which files a checkpoint has, and how each is known to be whole.
//!
//! Its fields `format` and `sha256` stay what they are in every format to come, so that a checkpoint
//! of another version can be told from a damaged one: the hash is that of the file's other fields.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::record::Program;

/// The form of a checkpoint. It grows when one of before cannot be gone on with.
const FORMAT: u64 = 1;
const NAME: &str = "checkpoint.json";

/// What is said of the files of a checkpoint.
#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    #[serde(skip)]
    folder: PathBuf,
    format: u64,
    program: Program,
    files: BTreeMap<String, Entry>,
}

/// A file as it was written.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    sha256: String,
}

/// Why a checkpoint cannot be gone on with.
#[derive(Debug)]
pub(super) enum Refused {
    /// It is not what was written.
    Damaged(String),
    /// It is whole, and of another version.
    Format(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Damaged(message) | Self::Format(message)) = self;
        formatter.write_str(message)
    }
}

impl Manifest {
    pub(super) fn new(folder: &Path, program: Program) -> Self {
        Self { folder: folder.into(), format: FORMAT, program, files: BTreeMap::new() }
    }

    /// Writes a file and notes its hash.
    pub(super) fn add(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let file = File::create_new(self.folder.join(name))?;
        let mut hashed =
            Hashed { to: BufWriter::with_capacity(1 << 18, file), hasher: Sha256::new(), bytes: 0 };
        write(&mut hashed)?;
        hashed.flush()?;
        let sha256 = crate::hex(&hashed.hasher.finalize());
        self.files.insert(name.into(), Entry { bytes: hashed.bytes, sha256 });
        Ok(())
    }

    /// Writes the manifest itself.
    pub(super) fn finish(self) -> io::Result<()> {
        let mut value = serde_json::to_value(&self)?;
        value["sha256"] = hash_of(&value).into();
        let mut file = File::create_new(self.folder.join(NAME))?;
        file.write_all(serde_json::to_string_pretty(&value)?.as_bytes())
    }

    /// Reads every file of the checkpoint in `folder` and compares; gives the program that wrote it.
    pub(super) fn verify(folder: &Path) -> Result<Program, Refused> {
        let manifest = Self::read(folder)?;
        for (name, expected) in &manifest.files {
            let found = Entry::of(&folder.join(name))
                .map_err(|error| Refused::Damaged(format!("`{name}` cannot be read: {error}")))?;
            if found.bytes != expected.bytes {
                let (found, expected) = (found.bytes, expected.bytes);
                let message = format!("`{name}` has {found} bytes, expected {expected}");
                return Err(Refused::Damaged(message));
            }
            if found != *expected {
                let message =
                    format!("`{name}` is damaged: its hash is not the one it was written with");
                return Err(Refused::Damaged(message));
            }
        }
        Ok(manifest.program)
    }

    fn read(folder: &Path) -> Result<Self, Refused> {
        let damaged =
            |error: &dyn fmt::Display| Refused::Damaged(format!("`{NAME}` is damaged: {error}"));
        let text = std::fs::read_to_string(folder.join(NAME)).map_err(|error| damaged(&error))?;
        let mut value: Value = serde_json::from_str(&text).map_err(|error| damaged(&error))?;
        let own = value.as_object_mut().and_then(|fields| fields.shift_remove("sha256"));
        if own.and_then(|own| own.as_str().map(ToOwned::to_owned)) != Some(hash_of(&value)) {
            return Err(damaged(&"its hash is not the one it was written with"));
        }
        match value["format"].as_u64() {
            Some(FORMAT) => serde_json::from_value(value).map_err(|error| damaged(&error)),
            found => {
                let found = found.map_or("none".into(), |found| found.to_string());
                let writer =
                    value["program"]["version"].as_str().unwrap_or("another version of lane");
                Err(Refused::Format(format!(
                    "it has format {found}, written by {writer}; this program goes on from format {FORMAT} only"
                )))
            }
        }
    }
}

/// Of the fields of a manifest but its own hash.
fn hash_of(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    crate::hex(&Sha256::digest(sorted.to_string()))
}

impl Entry {
    fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut hasher, mut bytes) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 18];
        loop {
            let n = file.read(&mut buffer)?;
            if n == 0 {
                return Ok(Self { bytes, sha256: crate::hex(&hasher.finalize()) });
            }
            hasher.update(&buffer[..n]);
            bytes += n as u64;
        }
    }
}

/// A writer that hashes what goes through it.
struct Hashed {
    to: BufWriter<File>,
    hasher: Sha256,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let n = self.to.write(buffer)?;
        self.hasher.update(&buffer[..n]);
        self.bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let program = Program { version: "lane 0.0.0".into(), ..Program::default() };
        let mut manifest = Manifest::new(folder.path(), program);
        manifest.add("one", |to| to.write_all(b"some bytes")).unwrap();
        manifest.add("two", |to| to.write_all(&[7; 3000])).unwrap();
        manifest.finish().unwrap();
        folder
    }

    fn change(folder: &Path, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let path = folder.join(name);
        let mut bytes = std::fs::read(&path).unwrap();
        change(&mut bytes);
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn any_flipped_bit_of_any_file_is_damage() {
        let folder = written();
        assert!(Manifest::verify(folder.path()).is_ok());
        for name in ["one", "two", NAME] {
            let n = std::fs::metadata(folder.path().join(name)).unwrap().len() as usize;
            for at in (0..n).step_by(n.div_ceil(40)) {
                change(folder.path(), name, |bytes| bytes[at] ^= 1 << (at % 8));
                // White space of the manifest says nothing, and may be flipped into other white space.
                let refused = Manifest::verify(folder.path());
                assert!(matches!(refused, Err(Refused::Damaged(_)) | Ok(_)), "{name}, {at}");
                assert!(refused.is_err() || name == NAME, "{name}, {at}");
                change(folder.path(), name, |bytes| bytes[at] ^= 1 << (at % 8));
            }
        }
        assert!(Manifest::verify(folder.path()).is_ok());
    }

    #[test]
    fn a_file_cut_short_or_gone_is_named() {
        let folder = written();
        change(folder.path(), "two", |bytes| bytes.truncate(5));
        let said = |folder: &Path| Manifest::verify(folder).err().unwrap().to_string();
        assert_eq!(said(folder.path()), "`two` has 5 bytes, expected 3000");
        std::fs::remove_file(folder.path().join("one")).unwrap();
        assert!(said(folder.path()).starts_with("`one` cannot be read: "));
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let folder = written();
        change(folder.path(), NAME, |bytes| {
            let mut value: Value = serde_json::from_slice(bytes).unwrap();
            value.as_object_mut().unwrap().shift_remove("sha256");
            value["format"] = 0.into();
            value["program"]["version"] = "lane 0.0.9".into();
            value["sha256"] = hash_of(&value).into();
            *bytes = value.to_string().into_bytes();
        });
        let Err(Refused::Format(message)) = Manifest::verify(folder.path()) else { panic!("read") };
        assert_eq!(
            message,
            "it has format 0, written by lane 0.0.9; this program goes on from format 1 only"
        );
    }
}
