//! The folder of a set: what stands there, and how a new one takes its place.

use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{FetchError, Record};

const RECORD: &str = "source.json";

/// Where a set goes, looked at beforehand.
pub(super) struct Target {
    out: PathBuf,
    name: String,
    earlier: Option<Record>,
}

impl Target {
    /// Looks at `out/name`: absent and empty will do, and so will a set prepared earlier.
    pub(super) fn open(out: &Path, name: &str) -> Result<Self, FetchError> {
        let folder = out.join(name);
        let earlier = read_record(&folder);
        let is_free = match std::fs::read_dir(&folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if earlier.is_none() && !is_free {
            return Err(FetchError::Occupied { folder });
        }
        Ok(Self { out: out.into(), name: name.into(), earlier })
    }

    /// The record of the set that stands there.
    pub(super) fn earlier(&self) -> Option<&Record> {
        self.earlier.as_ref()
    }

    pub(super) fn folder(&self) -> PathBuf {
        self.out.join(&self.name)
    }

    /// A folder beside the target, which vanishes unless it is finished.
    pub(super) fn begin(&self) -> Result<TempDir, FetchError> {
        std::fs::create_dir_all(&self.out).map_err(failed("create", &self.out))?;
        let mut builder = tempfile::Builder::new();
        let prefix = format!(".lane-{}-", self.name);
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            builder.permissions(std::fs::Permissions::from_mode(0o777));
        }
        builder.tempdir_in(&self.out).map_err(failed("create", &self.out))
    }

    /// Writes the record and moves the folder into place.
    pub(super) fn finish(&self, work: TempDir, record: &Record) -> Result<PathBuf, FetchError> {
        let path = work.path().join(RECORD);
        let mut text = serde_json::to_string_pretty(record)
            .map_err(|error| failed("write", &path)(error.into()))?;
        text.push('\n');
        std::fs::write(&path, text).map_err(failed("write", &path))?;
        let folder = self.folder();
        // What stands there is set aside first: a rename does not replace a folder with files.
        let aside = self.begin()?;
        let old = aside.path().join("old");
        match std::fs::rename(&folder, &old) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(failed("replace", &folder)(error));
            }
            _ => {}
        }
        if let Err(error) = std::fs::rename(work.path(), &folder) {
            // Best effort: the error that is told is the one that matters.
            std::fs::rename(&old, &folder).ok();
            return Err(failed("replace", &folder)(error));
        }
        Ok(folder)
    }
}

fn read_record(folder: &Path) -> Option<Record> {
    let text = std::fs::read_to_string(folder.join(RECORD)).ok()?;
    serde_json::from_str(&text).ok()
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FetchError {
    let path = path.to_owned();
    move |source| FetchError::Folder { action, path, source }
}
