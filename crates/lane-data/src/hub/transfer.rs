//! One try at one file.
//!
//! `hf-hub` asks for the first byte to learn commit, name of the contents (etag) and size, then
//! appends the rest to `blobs/ETAG.part`, which a later try goes on with, and renames that to
//! `blobs/ETAG` when the connection ends without error. It does not compare sizes, so a server
//! that ignores `Range` or closes early without a length could leave a wrong file that counts as
//! whole; and it asks for nothing sensible when the part is whole already.

use std::path::{Path, PathBuf};

use hf_hub::api::Progress;
use hf_hub::api::sync::{Api, ApiError};
use hf_hub::{Cache, Repo};

use super::{Fault, Transfers};
use crate::read::hash_of_file;

/// Fetches `path` into the cache; returns its place there.
pub(super) fn once(
    server: &Api,
    cache: &Cache,
    repo: &Repo,
    path: &str,
    transfers: &mut dyn Transfers,
) -> Result<PathBuf, Fault> {
    let remote = server.repo(repo.clone());
    let announced = server.metadata(&remote.url(path)).map_err(fault)?;
    let (etag, size) = (announced.etag().to_owned(), announced.size() as u64);
    let blob = cache.repo(repo.clone()).blob_path(&etag);
    remove_spent_part(&blob, size)?;
    let fetched = remote.download_with_progress(path, Told { transfers: &mut *transfers });
    transfers.end();
    let pointer = fetched.map_err(fault)?;
    let checked = check(&pointer, &etag, size);
    if checked.is_err() {
        for file in [&pointer, &blob] {
            std::fs::remove_file(file).or_else(forgive_missing).map_err(io)?;
        }
    }
    checked.map(|()| pointer)
}

/// A part that is as long as the file cannot be gone on with.
fn remove_spent_part(blob: &Path, size: u64) -> Result<(), Fault> {
    let part = blob.with_extension("part");
    match std::fs::metadata(&part) {
        Ok(found) if size <= found.len() => std::fs::remove_file(&part).map_err(io),
        _ => Ok(()),
    }
}

fn check(file: &Path, etag: &str, expected: u64) -> Result<(), Fault> {
    let found = std::fs::metadata(file).map_err(io)?.len();
    if found != expected {
        return Err(Fault::Size { found, expected });
    }
    // Large files are named by their SHA-256, small ones by git's own hash.
    if etag.len() != 64 || !etag.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(());
    }
    let found = hash_of_file(file).map_err(|error| Fault::Other { reason: error.to_string() })?;
    if found == etag { Ok(()) } else { Err(Fault::Hash { found, expected: etag.into() }) }
}

fn forgive_missing(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

fn io(error: std::io::Error) -> Fault {
    Fault::Other { reason: error.to_string() }
}

fn fault(error: ApiError) -> Fault {
    let reason = error.to_string();
    match error {
        ApiError::RequestError(error) => match *error {
            ureq::Error::StatusCode(404) => Fault::NotFound,
            ureq::Error::StatusCode(status @ (401 | 403)) => Fault::Refused { status },
            ureq::Error::StatusCode(status) => Fault::Status { status },
            ureq::Error::Io(error) if is_cut(&error) => Fault::BrokeOff { reason },
            _ => Fault::Unreachable { reason },
        },
        ApiError::IoError(error) if is_cut(&error) => Fault::BrokeOff { reason },
        // While a body is read the client wraps its errors in those of the system.
        ApiError::IoError(error) if error.kind() == std::io::ErrorKind::Other => {
            Fault::BrokeOff { reason }
        }
        _ => Fault::Other { reason },
    }
}

fn is_cut(error: &std::io::Error) -> bool {
    use std::io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
    )
}

struct Told<'a> {
    transfers: &'a mut dyn Transfers,
}

impl Progress for Told<'_> {
    fn init(&mut self, size: usize, filename: &str) {
        self.transfers.begin(filename, size as u64);
    }

    fn update(&mut self, size: usize) {
        self.transfers.advance(size as u64);
    }

    fn finish(&mut self) {}
}
