//! Runs cells a few at a time and says, as each ends, how long the rest may take.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::cell::{Cell, Outcome};

/// One outcome for each cell, in their order, from `jobs` threads.
pub(super) fn run(
    cells: &[&Cell],
    jobs: usize,
    run_one: impl Fn(&Cell) -> Outcome + Sync,
) -> Vec<Outcome> {
    let (next, progress) = (AtomicUsize::new(0), Mutex::new(Progress::new(cells.len())));
    let work = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(cell) = cells.get(at) else { return done };
            let outcome = run_one(cell);
            let mut progress = progress.lock().unwrap_or_else(PoisonError::into_inner);
            eprintln!("{}", progress.line_for(cell, &outcome));
            done.push((at, outcome));
        }
    };
    let mut done = thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        let joined = threads
            .into_iter()
            .map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect::<Vec<_>>()
    });
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, outcome)| outcome).collect()
}

struct Progress {
    start: Instant,
    n_cells: usize,
    n_ended: usize,
    n_run: usize,
}

impl Progress {
    fn new(n_cells: usize) -> Self {
        Self { start: Instant::now(), n_cells, n_ended: 0, n_run: 0 }
    }

    fn line_for(&mut self, cell: &Cell, outcome: &Outcome) -> String {
        self.n_ended += 1;
        let what = match outcome {
            Ok(finished) if finished.is_kept => "kept".to_owned(),
            Ok(finished) => finished.result.headline(),
            Err(_) => "FAILED".to_owned(),
        };
        self.n_run += usize::from(!matches!(outcome, Ok(finished) if finished.is_kept));
        let elapsed = self.start.elapsed();
        let left = match remaining(elapsed, self.n_run, self.n_cells - self.n_ended) {
            Some(left) => format!(", about {} left", minutes(left)),
            None => String::new(),
        };
        let width = self.n_cells.to_string().len();
        let counted = format!("[{:>width$}/{}]", self.n_ended, self.n_cells);
        format!("{counted} {cell}: {what} ({} gone{left})", minutes(elapsed))
    }
}

/// At the pace of the cells that were really run; nothing while there is none, or no more to do.
fn remaining(elapsed: Duration, n_run: usize, n_left: usize) -> Option<Duration> {
    (n_run > 0 && n_left > 0).then(|| elapsed.mul_f64(n_left as f64 / n_run as f64))
}

fn minutes(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds / 3600 {
        0 => format!("{}:{:02}", seconds / 60, seconds % 60),
        hours => format!("{hours}:{:02}:{:02}", seconds % 3600 / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::reproduce::cell::Failure;

    fn cells(n_cells: u64) -> Vec<Cell> {
        (1..=n_cells).map(|seed| Cell::example("base", seed)).collect()
    }

    fn fail(cell: &Cell) -> Outcome {
        Err(Failure { command: cell.seed.to_string(), stderr: String::new() })
    }

    #[test]
    fn outcomes_come_in_the_order_of_the_cells_whatever_the_number_of_jobs() {
        for jobs in [1, 3, 40] {
            let cells = cells(20);
            let outcomes = run(&cells.iter().collect::<Vec<_>>(), jobs, fail);
            let seeds: Vec<_> = outcomes.into_iter().map(|it| it.unwrap_err().command).collect();
            assert_eq!(seeds, (1..=20).map(|seed| seed.to_string()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn jobs_run_side_by_side() {
        let threads = Mutex::new(BTreeSet::new());
        let cells = cells(8);
        run(&cells.iter().collect::<Vec<_>>(), 4, |cell| {
            thread::sleep(Duration::from_millis(20));
            threads.lock().unwrap().insert(format!("{:?}", thread::current().id()));
            fail(cell)
        });
        assert!(threads.into_inner().unwrap().len() > 1);
    }

    #[test]
    fn the_time_left_follows_the_pace_so_far() {
        assert_eq!(remaining(Duration::from_mins(1), 2, 4), Some(Duration::from_mins(2)));
        assert_eq!(remaining(Duration::from_mins(1), 0, 4), None);
        assert_eq!(remaining(Duration::from_mins(1), 4, 0), None);
        assert_eq!(minutes(Duration::from_secs(125)), "2:05");
        assert_eq!(minutes(Duration::from_secs(3_725)), "1:02:05");
    }

    #[test]
    fn a_line_says_which_cell_ended_how() {
        let cell = Cell::example("lane", 2);
        let line = Progress::new(12).line_for(&cell, &fail(&cell));
        assert!(line.starts_with("[ 1/12] builtin, noise 0.2, lane, seed 2: FAILED"), "{line}");
    }
}
