//! Signals: the first asks a run to stop once it is kept, the second ends the program at once.
//!
//! SIGHUP, which a terminal that goes sends, often twice, only asks; where it is ignored, as under
//! `nohup`, it stays so.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lane_train::TrainError;
#[cfg(target_os = "linux")]
use signal_hook::consts::SIGHUP;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Which signal came, if one did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Listens to SIGINT and SIGTERM from now on, on Linux to SIGHUP too.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let (stop, asked) = (Self::default(), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            // What is registered first is done first: the second signal finds `asked` true.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
            stop.listen(signal, &asked)?;
        }
        #[cfg(target_os = "linux")]
        if !is_ignored(SIGHUP) {
            stop.listen(SIGHUP, &asked)?;
        }
        Ok(stop)
    }

    fn listen(&self, signal: i32, asked: &Arc<AtomicBool>) -> io::Result<()> {
        flag::register(signal, Arc::clone(asked))?;
        flag::register_usize(signal, Arc::clone(&self.0), signal.unsigned_abs() as usize)?;
        Ok(())
    }

    /// Whether a signal came.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// The error of a run, with the exit code of the signal and `how_to_go_on` where it was stopped.
    pub(crate) fn explain(&self, error: TrainError, how_to_go_on: &str) -> anyhow::Error {
        if !error.is_stop() {
            return error.into();
        }
        let code = u8::try_from(128 + self.0.load(Ordering::Relaxed)).unwrap_or(1);
        Stopped { code, said: format!("{error}\nto go on: {how_to_go_on}") }.into()
    }
}

/// Whether this process was started to ignore `signal`; so it is held where that cannot be told.
#[cfg(target_os = "linux")]
fn is_ignored(signal: i32) -> bool {
    let ignored = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        Some(u64::from_str_radix(mask.trim(), 16).ok()? >> (signal - 1) & 1 == 1)
    };
    ignored().unwrap_or(true)
}

/// A run that a signal stopped.
#[derive(Debug)]
pub(crate) struct Stopped {
    /// What the program leaves with: 128 and the signal's number.
    pub(crate) code: u8,
    said: String,
}

impl fmt::Display for Stopped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.said)
    }
}

impl std::error::Error for Stopped {}
