//! `lane cells` and `lane run-cell`.

use std::path::Path;

use anyhow::Context;
use lane_train::cell::{self, Cell, Outcome, Request};
use lane_train::grid::{Grid, write_cells};
use serde_json::json;

use crate::args::cells::{CellsArgs, RunCellArgs};
use crate::commands::{Manner, invocation};
use crate::stop::Stop;
use crate::{print, progress::Bars};

/// Makes the list of cells of a grid.
pub(crate) fn list(args: &CellsArgs, manner: Manner) -> anyhow::Result<()> {
    let base = args.grid.parent().unwrap_or(Path::new(""));
    let of_grid = || format!("grid `{}`", args.grid.display());
    let cells = Grid::read(&args.grid)?.cells(base).with_context(of_grid)?;
    let path = base.join("cells.jsonl");
    write_cells(&path, &cells)?;
    if manner.json {
        return print::json(&json!({"cells": cells.len(), "path": path}));
    }
    print::line(&format!("{} cells: {}", cells.len(), path.display()));
    Ok(())
}

/// Runs one cell, or keeps what is finished.
pub(crate) fn run(args: &RunCellArgs, manner: Manner) -> anyhow::Result<()> {
    let Cell { id, out, .. } = Cell::read(&args.cells, args.index)?;
    let out = args.cells.parent().unwrap_or(Path::new("")).join(out);
    let request = Request {
        list: &args.cells,
        index: args.index,
        force: args.force,
        every: args.checkpoint_every,
        invocation: &invocation(),
    };
    let stop = Stop::on_signals()?;
    let outcome = cell::run(&request, &mut Bars::new(manner.quiet).until(&stop))
        .map_err(|error| stop.explain(error, "give the same command again"))?;
    if manner.json {
        let (what, result) = match outcome {
            Outcome::Ran(result) => ("ran", Some(result)),
            Outcome::Kept => ("kept", None),
        };
        return print::json(&json!({"id": id, "out": out, "outcome": what, "result": result}));
    }
    match outcome {
        Outcome::Ran(result) => print::result(&result, &out),
        Outcome::Kept => print::line(&format!("kept: {} is finished", out.display())),
    }
    Ok(())
}
