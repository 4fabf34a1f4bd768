//! Files of the Hugging Face hub: from the cache where they are there, else from the server.
//!
//! | variable | meaning |
//! |---|---|
//! | `HF_HOME` | folder of the cache (in its `hub/`) and of the file `token`; default `~/.cache/huggingface` |
//! | `HF_HUB_CACHE` | folder of the cache itself, wherever `HF_HOME` is |
//! | `HF_ENDPOINT` | another server than `https://huggingface.co`, such as a mirror |
//! | `HF_TOKEN` | an access token, before the one in the file `token` |
//! | `HF_HUB_OFFLINE` | `1`, `true`, `yes` or `on`: the cache only, no server is asked |
//!
//! The layout of the cache is that of the Python library, so each finds what the other fetched.
//! The client is `hf-hub`; what it leaves unchecked is checked here ([`Hub::file`]): that a file
//! has the size the server announced and, where the server announces one, the SHA-256.

mod error;
mod transfer;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use hf_hub::api::sync::{Api, ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};

use self::error::Failure;
pub use self::error::{Fault, HubError};

/// Told of transfers while they go on.
pub trait Transfers {
    /// A transfer of `bytes` begins, perhaps once more.
    fn begin(&mut self, file: &str, bytes: u64);
    /// So many more bytes are there.
    fn advance(&mut self, bytes: u64);
    /// The transfer is over, well or not.
    fn end(&mut self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quiet;

impl Transfers for Quiet {
    fn begin(&mut self, _: &str, _: u64) {}
    fn advance(&mut self, _: u64) {}
    fn end(&mut self) {}
}

/// A repository of the hub, at a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    id: String,
    revision: String,
    is_model: bool,
}

impl Repository {
    /// The model repository `OWNER/NAME`, at `main`.
    pub fn model(id: &str) -> Self {
        Self { id: id.into(), revision: "main".into(), is_model: true }
    }

    /// The data-set repository `OWNER/NAME`, at `revision` or else at `main`.
    pub fn data_set(id: &str, revision: Option<&str>) -> Self {
        Self { id: id.into(), revision: revision.unwrap_or("main").into(), is_model: false }
    }

    fn repo(&self) -> Repo {
        let kind = if self.is_model { RepoType::Model } else { RepoType::Dataset };
        Repo::with_revision(self.id.clone(), kind, self.revision.clone())
    }
}

/// A file in the cache.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubFile {
    /// Where it is.
    pub path: PathBuf,
    /// The commit it belongs to.
    pub commit: String,
    /// The name the server gives to its contents, where the cache keeps it.
    pub etag: Option<String>,
}

/// The cache, and the server behind it unless offline.
#[derive(Debug)]
pub struct Hub {
    cache: Cache,
    /// None when offline.
    server: Option<Api>,
    endpoint: String,
    has_token: bool,
}

impl Hub {
    /// The hub that the environment describes; nothing is asked of it yet.
    ///
    /// # Errors
    ///
    /// [`HubError`] if there is no folder for a cache, or the client cannot be made.
    pub fn from_env() -> Result<Self, HubError> {
        guarded(Self::open).unwrap_or_else(|| Err(Fault::NoCache)).map_err(HubError::general)
    }

    fn open() -> Result<Self, Fault> {
        let home = Cache::from_env();
        let token = variable("HF_TOKEN").or_else(|| home.token());
        let cache = variable("HF_HUB_CACHE").map_or(home, |folder| Cache::new(folder.into()));
        let endpoint = variable("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into());
        let endpoint = endpoint.trim_end_matches('/').to_owned();
        let has_token = token.is_some();
        let server = if is_offline() {
            None
        } else {
            let builder = ApiBuilder::from_cache(cache.clone()).with_endpoint(endpoint.clone());
            let built = builder.with_token(token).with_progress(false).build();
            Some(built.map_err(|error| Fault::Other { reason: error.to_string() })?)
        };
        Ok(Self { cache, server, endpoint, has_token })
    }

    /// The server that is asked.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The file at `path` of `repository`, fetched first unless it is in the cache.
    ///
    /// A transfer that breaks off is taken up again, [`ATTEMPTS`] times in all; what arrived stays
    /// for the next call. A file of another size or hash than announced does not stay.
    ///
    /// # Errors
    ///
    /// [`HubError`], which says what the server answered.
    pub fn file(
        &self,
        repository: &Repository,
        path: &str,
        transfers: &mut dyn Transfers,
    ) -> Result<HubFile, HubError> {
        if let Some(file) = self.cached(repository, path) {
            return Ok(file);
        }
        let Some(server) = &self.server else {
            let cache = self.cache.path().clone();
            return Err(self.failed(repository, path, Fault::Offline { cache }));
        };
        let mut attempt = 1;
        loop {
            let once = || transfer::once(server, &self.cache, &repository.repo(), path, transfers);
            let fetched = guarded(once).unwrap_or_else(|| {
                Err(Fault::Other { reason: "the client cannot read the server's answer".into() })
            });
            match fetched {
                Ok(pointer) => return Ok(described(pointer)),
                Err(fault) if attempt < ATTEMPTS && fault.may_pass() => {
                    std::thread::sleep(PAUSE * attempt);
                    attempt += 1;
                }
                Err(fault) => return Err(self.failed(repository, path, fault)),
            }
        }
    }

    /// The file, if it is in the cache.
    fn cached(&self, repository: &Repository, path: &str) -> Option<HubFile> {
        let repo = self.cache.repo(repository.repo());
        // The Python library writes no reference for a revision that is a commit itself.
        let of_commit = || Some(repo.pointer_path(&repository.revision).join(path));
        let found = repo.get(path).or_else(of_commit)?;
        found.is_file().then(|| described(found))
    }

    fn failed(&self, repository: &Repository, path: &str, fault: Fault) -> HubError {
        HubError(Box::new(Failure {
            file: Some(path.into()),
            repository: repository.id.clone(),
            revision: repository.revision.clone(),
            endpoint: self.endpoint.clone(),
            has_token: self.has_token,
            fault,
        }))
    }
}

/// How often a transfer is tried.
pub const ATTEMPTS: u32 = 3;

/// Between tries; twice as long before the third. Long enough for a restarted server, short enough
/// for somebody who waits.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(400);

/// The client panics on some answers that no server should give, and without a home folder.
fn guarded<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|it| !it.is_empty())
}

fn is_offline() -> bool {
    let value = variable("HF_HUB_OFFLINE").unwrap_or_default().to_lowercase();
    ["1", "true", "yes", "on"].contains(&value.as_str())
}

/// What the path of a cached file says: `…/snapshots/COMMIT/PATH`, a link to `…/blobs/ETAG`.
fn described(path: PathBuf) -> HubFile {
    let steps: Vec<_> = path.components().map(|it| it.as_os_str().to_string_lossy()).collect();
    let commit =
        steps.iter().rposition(|step| step == "snapshots").and_then(|at| steps.get(at + 1));
    let commit = commit.map(ToString::to_string).unwrap_or_default();
    let blob = std::fs::read_link(&path).ok();
    let etag =
        blob.as_deref().and_then(Path::file_name).map(|it| it.to_string_lossy().into_owned());
    HubFile { path, commit, etag }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commit_is_read_off_the_path_in_the_cache() {
        let path = PathBuf::from("/c/hub/datasets--o--n/snapshots/abc/data/snapshots.csv");
        assert_eq!(described(path).commit, "abc");
    }

    #[test]
    fn work_that_panics_gives_nothing() {
        assert_eq!(guarded(|| 1), Some(1));
        assert_eq!(guarded(|| -> i32 { panic!("meant to be") }), None);
    }
}
