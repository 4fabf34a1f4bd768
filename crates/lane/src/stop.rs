//! Signals: the first asks a run to stop once it is kept, the second ends the program at once.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use lane_train::TrainError;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Which signal came, if one did.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Listens to SIGINT and SIGTERM from now on.
    pub(crate) fn on_signals() -> io::Result<Self> {
        let (stop, asked) = (Self::default(), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            // What is registered first is done first: the second signal finds `asked` true.
            flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
            flag::register(signal, Arc::clone(&asked))?;
            flag::register_usize(signal, Arc::clone(&stop.0), signal.unsigned_abs() as usize)?;
        }
        Ok(stop)
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
