//! One process at a time writes to a run: a lock on `checkpoint/lock`, which goes with the process,
//! however it ends.
//!
//! The run that finishes removes the file, and its folder, while it still holds the lock. Who opened
//! the file just before would then lock a file without a name, beside a later process with a new one;
//! so a lock counts only if its name still leads to it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::TrainError;
use crate::run_folder::CHECKPOINTS;

/// Its name in the folder of checkpoints.
pub(super) const NAME: &str = "lock";
/// How often the name may be taken away between opening and locking.
const ATTEMPTS: usize = 100;

/// Held while a process writes to a run.
#[derive(Debug)]
pub(crate) struct Lock {
    folder: PathBuf,
    /// Open, it holds the lock.
    _file: File,
}

impl Lock {
    /// Takes the lock of the run at `run`.
    ///
    /// # Errors
    ///
    /// [`TrainError::InUse`] where another process has it, [`TrainError::Io`].
    pub(crate) fn take(run: &Path) -> Result<Self, TrainError> {
        let folder = run.join(CHECKPOINTS);
        fs::create_dir_all(run).map_err(TrainError::io("create", run))?;
        for _ in 0..ATTEMPTS {
            match fs::create_dir_all(&folder) {
                // It was there, and went before it could be looked at.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && !folder.exists() => {}
                made => made.map_err(TrainError::io("write", &folder))?,
            }
            if let Some(lock) = Self::open(run, OpenOptions::new().create(true).truncate(false))? {
                return Ok(lock);
            }
        }
        Err(TrainError::InUse { path: run.into() })
    }

    /// The same where the run was begun before; elsewhere nothing is made.
    ///
    /// # Errors
    ///
    /// As [`Lock::take`].
    pub(crate) fn of_begun(run: &Path) -> Result<Option<Self>, TrainError> {
        Self::open(run, &mut OpenOptions::new())
    }

    /// None where there is no such file, or none any more.
    fn open(run: &Path, options: &mut OpenOptions) -> Result<Option<Self>, TrainError> {
        let folder = run.join(CHECKPOINTS);
        let path = folder.join(NAME);
        let file = match options.write(true).open(&path) {
            Err(error) if is_absent(&error) => return Ok(None),
            opened => opened.map_err(TrainError::io("write", &path))?,
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(TrainError::InUse { path: run.into() }),
            Err(TryLockError::Error(error)) => return Err(TrainError::io("lock", path)(error)),
        }
        let is_ours = leads_to(&path, &file).map_err(TrainError::io("lock", path))?;
        // Made only if it is: dropping one removes the name, which may be another's by now.
        Ok(is_ours.then(|| Self { folder, _file: file }))
    }
}

/// No such file, or a file where its folder would be.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// A lock that stands alone is no run: it goes, and its folder.
impl Drop for Lock {
    fn drop(&mut self) {
        let is_alone = fs::read_dir(&self.folder).is_ok_and(|entries| entries.count() == 1);
        if is_alone && fs::remove_file(self.folder.join(NAME)).is_ok() {
            // Another process may have come in; then the folder is its own.
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

/// Whether the file at `path` is the open one.
#[cfg(unix)]
fn leads_to(path: &Path, file: &File) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let identity = |it: fs::Metadata| (it.dev(), it.ino());
    match fs::metadata(path) {
        Ok(found) => Ok(identity(found) == identity(file.metadata()?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Elsewhere the name of an open file is not given to another.
#[cfg(not(unix))]
fn leads_to(_: &Path, _: &File) -> io::Result<bool> {
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_until_it_lets_go_and_nothing_is_left() {
        let parent = tempfile::tempdir().unwrap();
        let run = parent.path().join("run");
        assert!(Lock::of_begun(&run).unwrap().is_none());
        assert!(!run.exists());
        let lock = Lock::take(&run).unwrap();
        for other in [Lock::take(&run).map(Some), Lock::of_begun(&run)] {
            let error = other.unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("another process is writing"));
        }
        drop(lock);
        assert_eq!(fs::read_dir(&run).unwrap().count(), 0);
        drop(Lock::take(&run).unwrap());
    }

    #[test]
    fn the_lock_of_a_run_that_can_go_on_stays() {
        let parent = tempfile::tempdir().unwrap();
        let lock = Lock::take(parent.path()).unwrap();
        fs::create_dir(parent.path().join(CHECKPOINTS).join("000000000001")).unwrap();
        drop(lock);
        assert!(Lock::of_begun(parent.path()).unwrap().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_lost_its_name_is_not_taken_for_the_lock() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("lock");
        let before = File::create(&path).unwrap();
        assert!(leads_to(&path, &before).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!leads_to(&path, &before).unwrap());
        let after = File::create(&path).unwrap();
        assert!(!leads_to(&path, &before).unwrap() && leads_to(&path, &after).unwrap());
    }

    #[test]
    fn many_at_once_are_never_two() {
        let parent = tempfile::tempdir().unwrap();
        let (run, holders) = (parent.path(), std::sync::atomic::AtomicUsize::new(0));
        let turn = || {
            for _ in 0..200 {
                let lock = match Lock::take(run) {
                    Ok(lock) => lock,
                    Err(TrainError::InUse { .. }) => continue,
                    Err(error) => panic!("{error}"),
                };
                assert_eq!(holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                std::thread::yield_now();
                holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                drop(lock);
            }
        };
        std::thread::scope(|scope| (0..8).for_each(|_| drop(scope.spawn(turn))));
    }
}
