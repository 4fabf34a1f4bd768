//! The bytes of a text file, with its byte-order mark seen to.

use std::path::Path;

use super::hash;
use crate::error::DataError;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";
const UTF16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// A text file without its mark; the hash is that of the file as it is on disk.
pub(crate) struct TextFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: String,
}

pub(crate) fn read(path: &Path) -> Result<TextFile, DataError> {
    let mut bytes =
        std::fs::read(path).map_err(|source| DataError::Read { path: path.into(), source })?;
    let sha256 = hash::of_bytes(&bytes);
    if UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(DataError::Utf16 { path: path.into() });
    }
    if bytes.starts_with(UTF8_MARK) {
        bytes.drain(..UTF8_MARK.len());
    }
    Ok(TextFile { bytes, sha256 })
}
