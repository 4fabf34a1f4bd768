//! Which cells are finished, failed or missing, and how to run the rest.

use std::fmt::Write as _;
use std::path::Path;

use super::cell::{Cell, Failure, State};
use crate::shell::{Invocation, quoted};

/// Prints it.
pub(super) fn show(out: &Path, cells: &[Cell]) {
    print!("{}", text(out, cells));
}

fn text(out: &Path, cells: &[Cell]) -> String {
    let states: Vec<State> = cells.iter().map(Cell::state).collect();
    let count = |is: fn(&State) -> bool| states.iter().filter(|state| is(state)).count();
    let n_finished = count(|state| matches!(state, State::Finished(_)));
    let mut text = format!(
        "{n_finished} of {} cells finished, {} failed, {} begun, {} missing\n",
        cells.len(),
        count(|state| matches!(state, State::Failed(_))),
        count(|state| *state == State::Begun),
        count(|state| *state == State::Missing),
    );
    for (cell, state) in cells.iter().zip(&states) {
        let (what, why) = match state {
            State::Finished(_) => continue,
            State::Failed(message) => ("failed", format!(": {message}")),
            State::Begun => ("begun", String::new()),
            State::Missing => ("missing", String::new()),
        };
        let _ = writeln!(text, "{what:7}  {cell} (index {}){why}", cell.index);
    }
    let folder = quoted(&out.display().to_string());
    text + &if n_finished < cells.len() {
        format!("\nto run the rest: cargo xtask reproduce resume {folder}\n")
    } else {
        format!("\nto make the tables: cargo xtask reproduce collect {folder}\n")
    }
}

/// A cell without a result, with the command that runs it alone.
pub(super) fn failure(cell: &Cell, stderr: String) -> Failure {
    let (list, index) = (cell.list.display().to_string(), cell.index.to_string());
    let command =
        Invocation::new("lane", &["run-cell", "--cells"]).with([list, "--index".into(), index]);
    Failure { command: command.to_string(), stderr }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_not_finished_is_listed_with_the_command_that_runs_it() {
        let parent = tempfile::tempdir().unwrap();
        let cells: Vec<Cell> = (1..=3)
            .map(|seed| {
                let folder = parent.path().join(seed.to_string());
                Cell { folder, index: seed as usize, ..Cell::example("base", seed) }
            })
            .collect();
        for (cell, file, content) in
            [(0, "result.json", "{}"), (1, "failed.json", "{\"error\": \"no disk\"}")]
        {
            let Cell { folder, id, .. } = &cells[cell];
            fs::create_dir_all(folder).unwrap();
            fs::write(folder.join("cell.json"), format!("{{\"id\": \"{id}\"}}")).unwrap();
            fs::write(folder.join(file), content).unwrap();
        }
        let shown = text(Path::new("results"), &cells);
        assert_eq!(
            shown,
            "1 of 3 cells finished, 1 failed, 0 begun, 1 missing\n\
             failed   builtin, noise 0.2, base, seed 2 (index 2): no disk\n\
             missing  builtin, noise 0.2, base, seed 3 (index 3)\n\n\
             to run the rest: cargo xtask reproduce resume results\n"
        );
        assert!(text(Path::new("results"), &cells[..1]).contains("reproduce collect results"));
    }
}
