//! Where the time of a step goes.
//!
//! Off, a clock costs one relaxed load; on, two readings of the system's clock for each of some
//! dozen parts of a layer. Time is that of the thread that hands the work out, so it adds up to the
//! wall time of a step, not to that of all threads.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A part of the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Matrix products, with what finishes their tiles (bias, GELU).
    Product,
    /// Attention: its products, softmax and dropout.
    Attention,
    /// Norms, residuals, dropout, sums of columns.
    Elementwise,
    /// Tables of words and positions.
    Embedding,
}

/// All parts, in the order of [`read`].
pub const PARTS: [Part; 4] = [Part::Product, Part::Attention, Part::Elementwise, Part::Embedding];

static RUNS: AtomicBool = AtomicBool::new(false);
static NANOSECONDS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

/// Starts all clocks at zero.
pub fn start() {
    NANOSECONDS.iter().for_each(|it| it.store(0, Ordering::Relaxed));
    RUNS.store(true, Ordering::Relaxed);
}

/// What they show, by [`PARTS`].
pub fn read() -> [Duration; 4] {
    std::array::from_fn(|part| Duration::from_nanos(NANOSECONDS[part].load(Ordering::Relaxed)))
}

/// Does `work` on the clock of `part`.
pub(crate) fn timed<R>(part: Part, work: impl FnOnce() -> R) -> R {
    if !RUNS.load(Ordering::Relaxed) {
        return work();
    }
    let start = Instant::now();
    let result = work();
    let took = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
    NANOSECONDS[part as usize].fetch_add(took, Ordering::Relaxed);
    result
}
