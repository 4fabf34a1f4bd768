//! Files written whole or not at all, and told apart by their bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Writes under another name and renames, so that nobody reads half a file.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let partial = path.with_extension("partial");
    fs::write(&partial, text)
        .and_then(|()| fs::rename(&partial, path))
        .with_context(|| format!("failed to write {}", path.display()))
}

/// 64-bit FNV-1a of a file's bytes: tells versions of a file apart, guards against nobody.
pub(crate) fn fingerprint(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
    Ok(format!("{:016x}", fnv1a(&bytes)))
}

/// The same of bytes at hand, as a number.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xCBF2_9CE4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_is_the_published_function() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "foobar").unwrap();
        assert_eq!(fingerprint(&path).unwrap(), "85944171f73967e8");
    }
}
