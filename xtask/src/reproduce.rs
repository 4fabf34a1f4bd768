//! `cargo xtask reproduce`: trains methods on noisy labels over seeds, tabulates and draws.
//!
//! Without options: the built-in corpus with 20 % uniform noise, encoder `tiny`, three seeds. With
//! `--data-dir` and `--dataset` the same on real data. One *cell* is one method on one data set at
//! one noise rate with one seed; each is a run of `lane train` in a folder of its own. A cell that
//! is finished and was asked for with the same settings and data is not run again, so a command
//! that was stopped goes on where it was.

mod cell;
#[cfg(test)]
mod fake_lane;
mod figure;
mod options;
mod queue;
mod report;
mod result;
mod stamp;
mod summary;
mod table;
mod training_data;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

pub(crate) use self::options::Options;

use self::cell::{Cell, Outcome};
use self::options::Plan;
use self::training_data::TrainingFiles;
use crate::lane_binary::{self, Lane};

/// Everything one command does; exit code 1 where a cell failed.
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let plan = options.plan(root)?;
    fs::create_dir_all(&plan.out)
        .with_context(|| format!("failed to create {}", plan.out.display()))?;
    let lane = lane_binary::find(root, options.lane.as_deref())?;
    let outcomes = outcomes_of(&plan, &lane)?;
    let n_failed = report::write(&plan, &lane, &outcomes)?;
    Ok(if n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One outcome for each cell of the plan, in its order.
fn outcomes_of(plan: &Plan, lane: &Lane) -> Result<Vec<(Cell, Outcome)>> {
    let files = TrainingFiles::prepare(plan, lane)?;
    let run_one = |cell: &Cell| -> Outcome {
        match files.of(cell) {
            Ok(train) => cell.run(plan, lane, train),
            Err(failure) => Err(failure.clone()),
        }
    };
    let (places, cells): (Vec<usize>, Vec<Cell>) = running_order(plan).into_iter().unzip();
    let outcomes = queue::run(&cells, plan.jobs, run_one);
    let mut placed: Vec<_> = places.into_iter().zip(cells.into_iter().zip(outcomes)).collect();
    placed.sort_by_key(|(place, _)| *place);
    Ok(placed.into_iter().map(|(_, outcome)| outcome).collect())
}

/// The cells with their places in the plan, in the order to run them.
///
/// With a frozen encoder the first cell of each set of texts goes first: it embeds them for all that
/// follow, and several at a time should not embed the same texts.
fn running_order(plan: &Plan) -> Vec<(usize, Cell)> {
    let cells = plan.cells().into_iter().enumerate();
    if !plan.freeze_encoder {
        return cells.collect();
    }
    let mut seen = BTreeSet::new();
    let (mut first, rest): (Vec<_>, Vec<_>) = cells.partition(|(_, cell)| {
        let drawn_by = plan.max_train.map(|_| cell.seed);
        seen.insert((cell.data_set.name.clone(), drawn_by))
    });
    first.extend(rest);
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(arguments: &[&str]) -> Vec<usize> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let fixed = ["--methods", "base,lane", "--seeds", "2", "--noise", "0,0.2"];
        let options = Options::parsed(&[&fixed[..], arguments].concat()).unwrap();
        running_order(&options.plan(root).unwrap()).into_iter().map(|(place, _)| place).collect()
    }

    #[test]
    fn cells_run_in_their_order() {
        assert_eq!(order(&[]), [0, 1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn the_first_cell_of_each_set_of_texts_goes_first_where_they_are_embedded() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let folder = root.join("fixtures").display().to_string();
        let two_sets =
            ["--freeze-encoder", "--data-dir", &folder, "--dataset", "builtin,./builtin"];
        assert_eq!(order(&two_sets)[..4], [0, 8, 1, 2]);
        let drawn = [&two_sets[..], &["--max-train", "100"]].concat();
        assert_eq!(order(&drawn)[..6], [0, 1, 8, 9, 2, 3]);
    }
}
