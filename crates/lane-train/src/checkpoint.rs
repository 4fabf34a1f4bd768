//! Checkpoints: all that a run needs to go on as if it had never been stopped, to the last bit.
//!
//! ```text
//! checkpoint/lock                   held by the process that writes here
//! checkpoint/dynamics/epoch-*       the finished epochs of `dynamics.parquet`, written once each
//! checkpoint/000000001200/          after 1200 steps; the last two are kept
//!     state.cbor                    place in the run, averages, dynamics, history, the method's memory
//!     networks.safetensors          every network and the method's own parameters
//!     moments.safetensors           those of AdamW
//!     best.safetensors              the networks of the best epoch, once there is one
//!     checkpoint.json               format, program, SHA-256 of the files above and of itself
//! ```
//!
//! A checkpoint is built under another name, read back against its hashes and renamed; only then, and
//! once the one before is on the disk itself, does the third one go. So whenever a process dies, the
//! last one is there, and whenever the power goes, one of the two: nobody waits for the disk, which
//! has had all the time between two checkpoints. The one that a run stops with is waited for.
//!
//! Order of rows, initial weights, dropout, views and every other random choice are functions of the
//! seed and the place in the run, so that no generator has a state to keep. What a method gathers
//! comes from [`Method::memory`](crate::method::Method::memory).

mod every;
mod fit;
mod identity;
mod lock;
mod manifest;
mod state;
mod tensors;

use std::fs::{self, File};
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;

use crate::error::TrainError;
use crate::method::Remembered;
use crate::networks::Networks;
use crate::optimizer::Optimizer;
use crate::record::Program;
use crate::run_folder::{CHECKPOINTS, RunFolder, TEMPORARY};

pub use every::Every;
pub(crate) use fit::{Extent, ensure};
pub(crate) use identity::Identity;
pub(crate) use lock::Lock;
use manifest::{Manifest, Refused};
pub(crate) use state::{Position, State};
use tensors::TensorFile;

const STATE: &str = "state.cbor";
const NETWORKS: &str = "networks.safetensors";
const MOMENTS: &str = "moments.safetensors";
const BEST: &str = "best.safetensors";
/// What an error says of a checkpoint that could not be written.
const FAILED: &str = "write checkpoint";

/// The checkpoints of a run under way.
pub struct Checkpoints {
    folder: PathBuf,
    /// Held as long as the run writes.
    lock: Lock,
    every: Every,
    identity: Identity,
    program: Program,
    n_steps_at_last: u64,
    last: Instant,
    started: Instant,
    seconds_before: f64,
}

/// What goes into a checkpoint.
pub(crate) struct Snapshot<'a> {
    pub(crate) state: State<'a>,
    pub(crate) memory: Vec<&'a mut dyn Remembered>,
    pub(crate) networks: &'a Networks,
    pub(crate) best: Option<&'a Networks>,
    pub(crate) optimizer: &'a Optimizer,
}

/// What a run may be written under.
pub(crate) struct Keeping {
    pub(crate) every: Every,
    pub(crate) identity: Identity,
    pub(crate) program: Program,
    pub(crate) started: Instant,
}

impl Checkpoints {
    /// Makes the folder ready, whose `lock` keeps other processes out; with `from` the checkpoint
    /// that the run goes on from is kept, else none.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub(crate) fn open(
        run: &RunFolder,
        lock: Lock,
        keeping: Keeping,
        from: Option<&Opened>,
    ) -> Result<Self, TrainError> {
        let folder = run.file(CHECKPOINTS);
        run.remove_leftovers()?;
        remove(&folder, |name| match from {
            // Newer ones were refused as damaged.
            Some(from) => name.starts_with(TEMPORARY) || from.name() < name && is_checkpoint(name),
            None => name != lock::NAME,
        })?;
        let Keeping { every, identity, program, started } = keeping;
        let (n_steps_at_last, seconds_before) =
            from.map_or((0, 0.0), |from| (from.state.position.n_steps, from.state.seconds));
        let last = Instant::now();
        Ok(Self {
            folder,
            lock,
            every,
            identity,
            program,
            n_steps_at_last,
            last,
            started,
            seconds_before,
        })
    }

    /// Whether one is to be written after `n_steps` steps.
    pub(crate) fn is_due(&self, n_steps: u64) -> bool {
        match self.every {
            Every::Never => false,
            Every::Steps(steps) => n_steps - self.n_steps_at_last >= steps,
            Every::Time(time) => self.last.elapsed() >= time,
        }
    }

    /// Seconds that the run has taken, all its processes together.
    pub(crate) fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }

    /// The last one, and after how many steps it was written.
    pub(crate) fn last(&self) -> Option<(PathBuf, u64)> {
        let n_steps = self.n_steps_at_last;
        (0 < n_steps).then(|| (self.folder.join(name_of(n_steps)), n_steps))
    }

    /// The run folder.
    pub(crate) fn run(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    /// What the run is made of, and how often it is kept.
    pub(crate) fn terms(&self) -> (&Identity, Every) {
        (&self.identity, self.every)
    }

    /// Writes a checkpoint, verifies it, and lets the third one go; `is_last` waits for the disk.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`]; the checkpoints before are as they were.
    pub(crate) fn save(&mut self, snapshot: Snapshot<'_>, is_last: bool) -> Result<(), TrainError> {
        let n_steps = snapshot.state.position.n_steps;
        let target = self.folder.join(name_of(n_steps));
        self.write(&target, snapshot).map_err(TrainError::io(FAILED, &target))?;
        (self.n_steps_at_last, self.last) = (n_steps, Instant::now());
        let names = checkpoints(&self.folder);
        if let [gone @ .., before, _] = names.as_slice() {
            let before = self.folder.join(before);
            sync(&before).map_err(TrainError::io(FAILED, before))?;
            remove(&self.folder, |name| gone.iter().any(|old| old == name))?;
        }
        if is_last {
            sync(&target).map_err(TrainError::io(FAILED, target))?;
        }
        Ok(())
    }

    fn write(&self, target: &Path, snapshot: Snapshot<'_>) -> io::Result<()> {
        let Snapshot { state, memory, networks, best, optimizer } = snapshot;
        let building = tempfile::Builder::new().prefix(TEMPORARY).tempdir_in(&self.folder)?;
        let mut manifest = Manifest::new(building.path(), self.program.clone());
        manifest.add(STATE, |to| {
            ciborium::into_writer(&state, &mut *to).map_err(io::Error::other)?;
            memory.iter().try_for_each(|part| part.write(to))
        })?;
        manifest.add(NETWORKS, |to| tensors::write_module(networks, to))?;
        manifest.add(MOMENTS, |to| tensors::write_moments(networks, optimizer, to))?;
        if let Some(best) = best {
            manifest.add(BEST, |to| tensors::write_module(best, to))?;
        }
        manifest.finish()?;
        Manifest::verify(building.path())
            .map_err(|refused| io::Error::other(refused.to_string()))?;
        // Renamed before it is kept from being removed: where the rename fails, it goes.
        fs::rename(building.path(), target)?;
        let _ = building.keep();
        Ok(())
    }

    /// Removes them all: the run is finished.
    ///
    /// # Errors
    ///
    /// [`TrainError::Io`].
    pub(crate) fn remove(self) -> Result<(), TrainError> {
        remove(&self.folder, |name| name != lock::NAME)?;
        // The folder, empty but for its lock, goes with that.
        drop(self.lock);
        Ok(())
    }
}

/// Removes from a finished run what a process left of its checkpoints that was killed while it removed
/// them. Another process may be at it still, and what cannot go is in nobody's way.
pub(crate) fn remove_of_finished(run: &Path) {
    let folder = run.join(CHECKPOINTS);
    // Empty, it has lost its lock already.
    let is_gone = fs::remove_dir(&folder).is_ok();
    if !is_gone && let Ok(Some(lock)) = Lock::of_begun(run) {
        let _ = remove(&folder, |name| name != lock::NAME);
        drop(lock);
    }
}

/// Whether a run left a checkpoint in its folder.
pub fn exist(run: &Path) -> bool {
    !checkpoints(&run.join(CHECKPOINTS)).is_empty()
}

/// What is counted of every parameter of `networks`.
pub(crate) fn counts(
    networks: &Networks,
    optimizer: &Optimizer,
) -> Vec<Option<crate::optimizer::Counts>> {
    tensors::counts(networks, optimizer)
}

/// A checkpoint that passed its checks.
pub(crate) struct Opened {
    folder: PathBuf,
    pub(crate) program: Program,
    pub(crate) state: State<'static>,
    memory: Cursor<Vec<u8>>,
}

impl Opened {
    /// The newest checkpoint that is whole; none where there was never one. `note` hears of damaged
    /// ones.
    ///
    /// # Errors
    ///
    /// [`TrainError::Checkpoint`] where all are damaged, or one is of another format.
    pub(crate) fn newest(
        run: &Path,
        note: &mut dyn FnMut(&str),
    ) -> Result<Option<Self>, TrainError> {
        let folder = run.join(CHECKPOINTS);
        let mut damaged = None;
        for name in checkpoints(&folder).iter().rev() {
            let path = folder.join(name);
            match Self::read(&path) {
                Ok(opened) => return Ok(Some(opened)),
                Err(Refused::Damaged(message)) => {
                    let before = damaged.replace(TrainError::Checkpoint {
                        path: path.clone(),
                        message: message.clone(),
                    });
                    if before.is_none() {
                        note(&format!(
                            "checkpoint `{}`: {message}; looking for the one before",
                            path.display()
                        ));
                    }
                }
                Err(Refused::Format(message)) => {
                    return Err(TrainError::Checkpoint { path, message });
                }
            }
        }
        damaged.map_or(Ok(None), Err)
    }

    fn read(folder: &Path) -> Result<Self, Refused> {
        let program = Manifest::verify(folder)?;
        let damaged = |error: &dyn std::fmt::Display| Refused::Damaged(error.to_string());
        let bytes = fs::read(folder.join(STATE)).map_err(|error| damaged(&error))?;
        let mut memory = Cursor::new(bytes);
        let state = ciborium::from_reader(&mut memory).map_err(|error| damaged(&error))?;
        Ok(Self { folder: folder.into(), program, state, memory })
    }

    fn name(&self) -> &str {
        self.folder.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Refuses what is not of this run.
    pub(crate) fn check(&self, run: &Extent<'_>) -> Result<(), TrainError> {
        self.state.check(run).map_err(|error| self.refused(STATE, &io::Error::other(error)))
    }

    /// Gives a method back what it had gathered.
    pub(crate) fn remember(&mut self, memory: Vec<&mut dyn Remembered>) -> Result<(), TrainError> {
        let from = &mut self.memory;
        let read = || {
            memory.into_iter().try_for_each(|part| part.read(from))?;
            if from.position() == from.get_ref().len() as u64 {
                return Ok(());
            }
            Err(io::Error::other("the method has less to remember than was written"))
        };
        read().map_err(|error| self.refused(STATE, &error))
    }

    /// The networks and the optimizer, the first in the form that `like` has.
    pub(crate) fn learner(
        &self,
        like: Networks,
        optimizer: &mut Optimizer,
        device: &Device,
    ) -> Result<Networks, TrainError> {
        let refused = |name| move |error| self.refused(name, &error);
        let file = self.tensors(NETWORKS)?;
        let networks = file.fill(like, device).map_err(refused(NETWORKS))?;
        drop(file);
        let (file, counts) = (self.tensors(MOMENTS)?, self.state.counts.clone());
        file.fill_moments(&networks, counts, optimizer, device).map_err(refused(MOMENTS))?;
        Ok(networks)
    }

    /// The networks of the best epoch, if there was one.
    pub(crate) fn best(
        &self,
        like: impl FnOnce() -> Result<Networks, TrainError>,
        device: &Device,
    ) -> Result<Option<Networks>, TrainError> {
        if !self.folder.join(BEST).exists() {
            return Ok(None);
        }
        let filled = self.tensors(BEST)?.fill(like()?, device);
        filled.map(Some).map_err(|error| self.refused(BEST, &error))
    }

    fn tensors(&self, name: &str) -> Result<TensorFile, TrainError> {
        let file = File::open(self.folder.join(name));
        file.and_then(TensorFile::read).map_err(|error| self.refused(name, &error))
    }

    fn refused(&self, name: &str, error: &io::Error) -> TrainError {
        TrainError::Checkpoint { path: self.folder.join(name), message: error.to_string() }
    }
}

/// The names of all checkpoints in `folder`, oldest first.
fn checkpoints(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| is_checkpoint(name)).collect();
    names.sort();
    names
}

fn name_of(n_steps: u64) -> String {
    format!("{n_steps:012}")
}

fn is_checkpoint(name: &str) -> bool {
    name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Removes what `is_to_go` names.
fn remove(folder: &Path, is_to_go: impl Fn(&str) -> bool) -> Result<(), TrainError> {
    let entries = fs::read_dir(folder).map_err(TrainError::io("write", folder))?;
    for entry in entries.flatten() {
        if entry.file_name().to_str().is_some_and(&is_to_go) {
            let path = entry.path();
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.map_err(TrainError::io("remove", path))?;
        }
    }
    Ok(())
}

/// Brings a checkpoint, and its name, to the disk itself.
fn sync(checkpoint: &Path) -> io::Result<()> {
    for entry in fs::read_dir(checkpoint)? {
        File::open(entry?.path())?.sync_all()?;
    }
    #[cfg(unix)]
    for folder in [Some(checkpoint), checkpoint.parent()].into_iter().flatten() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
