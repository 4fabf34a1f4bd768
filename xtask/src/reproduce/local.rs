//! Cells on this machine: a few processes at a time, as many as cores and memory bear.

use std::collections::BTreeSet;
use std::fs;
use std::thread::available_parallelism;

use super::cell::{Cell, Outcome};
use super::options::Manner;
use super::plan::Plan;
use super::queue;
use crate::lane_binary::Lane;

/// One outcome for each cell, in their order.
pub(super) fn run(plan: &Plan, lane: &Lane, cells: &[Cell], manner: &Manner) -> Vec<Outcome> {
    let n_cores = available_parallelism().map_or(1, usize::from);
    let wanted = manner.jobs.map_or_else(
        || n_cores.min(bearable(available_memory_gib(), plan.memory_gib)),
        |jobs| jobs as usize,
    );
    let n_jobs = wanted.min(cells.len()).max(1);
    let n_threads = (n_cores / n_jobs).max(1);
    let order = running_order(plan, cells);
    let ordered: Vec<&Cell> = order.iter().map(|&at| &cells[at]).collect();
    let outcomes = queue::run(&ordered, n_jobs, |cell| cell.run(lane, n_threads, manner.force));
    let mut placed: Vec<_> = order.into_iter().zip(outcomes).collect();
    placed.sort_by_key(|(at, _)| *at);
    placed.into_iter().map(|(_, outcome)| outcome).collect()
}

/// Runs that fit into memory side by side; one in any case.
fn bearable(available_gib: Option<f64>, of_one_gib: f64) -> usize {
    let Some(available) = available_gib.filter(|_| of_one_gib > 0.0) else { return usize::MAX };
    #[expect(clippy::cast_sign_loss, reason = "both are positive")]
    let n = (available / of_one_gib) as usize;
    n.max(1)
}

/// What the system could give away, where it tells.
fn available_memory_gib() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kibibytes: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes / f64::from(1 << 20))
}

/// Places of the cells in the order to run them.
///
/// With a frozen encoder the first cell of each set of texts goes first: it embeds them for all that
/// follow, and several at a time should not embed the same texts.
fn running_order(plan: &Plan, cells: &[Cell]) -> Vec<usize> {
    if !plan.is_frozen() {
        return (0..cells.len()).collect();
    }
    let mut seen = BTreeSet::new();
    let (mut first, rest): (Vec<usize>, Vec<usize>) = (0..cells.len()).partition(|&at| {
        let drawn_by = plan.max_train.map(|_| cells[at].seed);
        seen.insert((cells[at].data_set.name.clone(), drawn_by))
    });
    first.extend(rest);
    first
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::reproduce::plan::DataSet;

    /// Two sets, two rates, two methods, two seeds.
    fn order(max_train: Option<u64>, is_frozen: bool) -> Vec<usize> {
        let mut cells = Vec::new();
        for name in ["one", "other"] {
            for noise in [0.0, 0.2] {
                for seed in 1..=2 {
                    for method in ["base", "lane"] {
                        let data_set = DataSet::new(name, "".into());
                        cells.push(Cell { data_set, noise, ..Cell::example(method, seed) });
                    }
                }
            }
        }
        let plan: Plan = serde_json::from_value(json!({
            "title": "", "departs": [], "data_sets": [], "noise": [], "noise_kind": "uniform",
            "variants": [], "seeds": 2, "max_train": max_train, "memory_gib": 1.0,
            "settings": {"model.freeze_encoder": is_frozen},
        }))
        .unwrap();
        running_order(&plan, &cells)
    }

    #[test]
    fn cells_run_in_their_order() {
        assert_eq!(order(None, false), (0..16).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_cell_of_each_set_of_texts_goes_first_where_they_are_embedded() {
        assert_eq!(order(None, true)[..4], [0, 8, 1, 2]);
        assert_eq!(order(Some(100), true)[..6], [0, 2, 8, 10, 1, 3]);
    }

    #[test]
    fn memory_bounds_the_jobs_and_leaves_one_in_any_case() {
        assert_eq!(bearable(Some(20.0), 3.0), 6);
        assert_eq!(bearable(Some(1.0), 3.0), 1);
        assert_eq!(bearable(None, 3.0), usize::MAX);
    }
}
