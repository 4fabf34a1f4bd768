//! Files as they are opened: ordinary ones, and small text files whole.
//!
//! A pipe that nobody writes to would be waited for without end, and a device such as `/dev/zero`
//! has no end; both are refused before a byte is read.

use std::fs::{File, FileType};
use std::io::{self, Read};
use std::path::Path;

use crate::error::DataError;
use crate::read::text;

/// The most bytes of a configuration, a grid or a table of classes; more is another file.
const MOST_BYTES: u64 = 64 << 20;

/// Opens an ordinary file, or a link to one, for reading.
///
/// # Errors
///
/// Those of the system, and one that names what was found where it is a folder, a pipe or a device.
pub fn ordinary(path: &Path) -> io::Result<File> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        let found = kind(found.file_type());
        return Err(io::Error::other(format!("found {found}, expected an ordinary file")));
    }
    File::open(path)
}

/// All bytes of an ordinary file.
///
/// # Errors
///
/// As [`ordinary`].
pub fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    ordinary(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A small text file without its byte-order mark.
///
/// # Errors
///
/// [`DataError::Read`]; [`DataError::TooLarge`] beyond 64 MiB; [`DataError::Utf16`],
/// [`DataError::Nul`] and [`DataError::NotUtf8`] for what is no UTF-8.
pub fn text(path: &Path) -> Result<String, DataError> {
    let refused = |source| DataError::Read { path: path.into(), source };
    let n_bytes = ordinary(path).and_then(|file| file.metadata()).map_err(refused)?.len();
    if MOST_BYTES < n_bytes {
        return Err(DataError::TooLarge { path: path.into(), n_bytes, limit: MOST_BYTES });
    }
    let bytes = text::read(path)?.bytes;
    String::from_utf8(bytes).map_err(|error| text::not_utf8(path, error.as_bytes()))
}

/// Refuses to put a file where something else than a file stands.
///
/// A file is written beside its place and renamed, which would replace a link or a device itself.
///
/// # Errors
///
/// One that names what was found, or the system's where the name is too long.
pub fn check_target(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path).map(|found| found.file_type()) {
        Ok(found) if !found.is_file() => {
            let found = kind(found);
            let found = format!("found {found} there, expected a file or nothing");
            Err(io::Error::new(io::ErrorKind::InvalidInput, found))
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidFilename => Err(error),
        _ => Ok(()),
    }
}

/// Whether what could not be created or written has a name under which it cannot stand, whatever room
/// and leave the system gives.
pub fn is_wrong_place(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::AlreadyExists
            | Kind::InvalidFilename
            | Kind::InvalidInput
            | Kind::IsADirectory
            | Kind::NotADirectory
            | Kind::NotFound
    )
}

fn kind(found: FileType) -> &'static str {
    if found.is_dir() {
        return "a folder";
    }
    if found.is_symlink() {
        return "a symbolic link";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a pipe";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    "something else"
}
