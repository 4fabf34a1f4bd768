//! The bytes of a text file, with its byte-order mark seen to.

use std::path::Path;

use super::hash;
use crate::error::DataError;
use crate::open;
use crate::place::Place;

const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";
const UTF16_MARKS: [&[u8]; 2] = [b"\xFF\xFE", b"\xFE\xFF"];

/// A text file without its mark; the hash is that of the file as it is on disk.
pub(crate) struct TextFile {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: String,
}

pub(crate) fn read(path: &Path) -> Result<TextFile, DataError> {
    let mut bytes =
        open::bytes(path).map_err(|source| DataError::Read { path: path.into(), source })?;
    let sha256 = hash::of_bytes(&bytes);
    if UTF16_MARKS.iter().any(|mark| bytes.starts_with(mark)) {
        return Err(DataError::Utf16 { path: path.into() });
    }
    if bytes.starts_with(UTF8_MARK) {
        bytes.drain(..UTF8_MARK.len());
    }
    match bytes.iter().position(|byte| *byte == 0) {
        Some(_) if is_utf16(&bytes) => Err(DataError::Utf16WithoutMark { path: path.into() }),
        Some(at) => {
            let (place, column) = place_of(&bytes, at);
            Err(DataError::Nul { path: path.into(), place, column })
        }
        None => Ok(TextFile { bytes, sha256 }),
    }
}

/// Plain text in two bytes a character: of each pair at the beginning, the same one is NUL.
fn is_utf16(bytes: &[u8]) -> bool {
    let pairs = bytes[..bytes.len().min(64)].as_chunks().0;
    let all = |nul: usize| pairs.iter().all(|pair: &[u8; 2]| pair[nul] == 0 && pair[1 - nul] != 0);
    !pairs.is_empty() && (all(0) || all(1))
}

/// Line and character of a byte, where columns are not known.
fn place_of(bytes: &[u8], at: usize) -> (Place, String) {
    let before = &bytes[..at];
    let line = before.split(|byte| *byte == b'\n').count() as u64;
    let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |it| it + 1);
    (Place::Line(line), format!("unknown (character {})", at - start + 1))
}

/// The first byte that is not UTF-8.
pub(crate) fn not_utf8(path: &Path, bytes: &[u8]) -> DataError {
    let at = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let (place, column) = place_of(bytes, at);
    let byte = bytes.get(at).copied().unwrap_or_default();
    DataError::NotUtf8 { path: path.into(), place, column, byte }
}
