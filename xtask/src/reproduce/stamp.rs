//! What a finished piece of work was made of, kept beside it, so that it is not made twice.
//!
//! Two pieces are the same when settings and the contents of the input files are. Where files lie
//! does not count, so a folder of results may be moved. The build of `lane` is kept but does not
//! count either: a long sweep outlives small changes; the report says where builds are mixed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::whole_file::{fingerprint, write_whole};

/// Written as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    pub(super) settings: Vec<String>,
    /// Fingerprints of the input files by what they are used as.
    pub(super) inputs: BTreeMap<String, String>,
    /// Fingerprint of the binary.
    pub(super) lane: String,
}

impl Stamp {
    /// Reads the input files.
    pub(super) fn new(settings: Vec<String>, inputs: &[(&str, &Path)], lane: &str) -> Result<Self> {
        let of_file = |(role, path): &(&str, &Path)| Ok(((*role).to_owned(), fingerprint(path)?));
        let inputs = inputs.iter().map(of_file).collect::<Result<_>>()?;
        Ok(Self { settings, inputs, lane: lane.to_owned() })
    }

    /// The stamp at `path`, if it says the same.
    pub(super) fn kept_at(&self, path: &Path) -> Option<Self> {
        let kept: Self = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
        (kept.settings == self.settings && kept.inputs == self.inputs).then_some(kept)
    }

    pub(super) fn write(&self, path: &Path) -> Result<()> {
        write_whole(path, &(serde_json::to_string_pretty(self)? + "\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_kept_until_settings_or_contents_change() {
        let folder = tempfile::tempdir().unwrap();
        let (data, place) = (folder.path().join("data"), folder.path().join("cell.json"));
        let stamp = |setting: &str, lane: &str| {
            Stamp::new(vec![setting.to_owned()], &[("train", data.as_path())], lane).unwrap()
        };
        fs::write(&data, "one").unwrap();
        stamp("a", "1").write(&place).unwrap();
        assert!(stamp("a", "1").kept_at(&place).is_some());
        assert_eq!(stamp("a", "2").kept_at(&place).unwrap().lane, "1");
        assert_eq!(stamp("b", "1").kept_at(&place), None);
        fs::write(&data, "two").unwrap();
        assert_eq!(stamp("a", "1").kept_at(&place), None);
    }
}
