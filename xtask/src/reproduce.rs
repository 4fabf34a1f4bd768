//! `cargo xtask reproduce`: trains methods on noisy labels over seeds, tabulates and draws.
//!
//! Without options: the built-in corpus with 20 % uniform noise, encoder `tiny`, three seeds. A
//! profile, or options on top of one, name other data, encoders and methods. One *cell* is one method
//! on one data set at one noise rate with one seed; `lane cells` lists them with everything they are
//! made of, and `lane run-cell` runs one in a folder of its own. A cell that is finished is kept, so a
//! command that was stopped goes on where it was.

mod cell;
mod cluster;
mod comparison;
mod contrast;
mod curves;
mod document;
mod drawings;
#[cfg(test)]
mod fake_lane;
mod few_shot;
mod figure;
mod grid;
mod local;
mod margins;
mod options;
mod overview;
mod paper;
mod paper_table;
mod place;
mod plan;
mod predictions;
mod profile;
mod queue;
mod report;
mod resamples;
mod result;
mod rows;
mod score;
mod stamp;
mod standing;
mod status;
mod summary;
mod table;
mod target;
mod training_data;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

pub(crate) use self::options::Options;

use self::cell::{Cell, Finished, Outcome, State};
use self::cluster::Engine;
use self::options::{Action, Manner, results};
use self::plan::Plan;
use crate::lane_binary::{self, Lane};

/// Everything one command does; exit code 1 where a cell failed.
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    let find = |manner: &Manner| lane_binary::find(root, manner.lane.as_deref());
    match &options.action {
        None => {
            let lane = find(&options.manner)?;
            run_plans(options.plans(root, &lane)?, &lane, &options.manner)
        }
        Some(Action::Resume { folder, manner }) => {
            let (lane, out) = (find(manner)?, results(folder)?);
            run_all(&Plan::read(&out)?, &lane, &out, manner)
        }
        Some(Action::Collect { folder }) => collect(&results(folder)?),
        Some(Action::Status { folder }) => {
            let out = results(folder)?;
            status::show(&out, &grid::read(&Plan::read(&out)?, &out)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// One plan after the other; exit code 1 where one of them has failures.
fn run_plans(plans: Vec<(Plan, PathBuf)>, lane: &Lane, manner: &Manner) -> Result<ExitCode> {
    let mut code = ExitCode::SUCCESS;
    for (plan, out) in plans {
        fs::create_dir_all(&out).with_context(|| format!("failed to create {}", out.display()))?;
        plan.write(&out)?;
        let of_plan = run_all(&plan, lane, &out, manner)?;
        if of_plan != ExitCode::SUCCESS {
            code = of_plan;
        }
    }
    Ok(code)
}

/// Runs every cell of the plan that is not finished, and makes the tables.
fn run_all(plan: &Plan, lane: &Lane, out: &Path, manner: &Manner) -> Result<ExitCode> {
    let listed = grid::prepare(plan, lane, out, manner.force)?;
    if manner.engine != Engine::Local {
        let memory_gib = plan.memory_gib;
        cluster::run(manner.engine, lane, out, &listed.cells, memory_gib, &manner.cluster)?;
        return Ok(exit_code(listed.failures.len()));
    }
    let outcomes = local::run(plan, lane, &listed.cells, manner);
    let asked = few_shot::run(plan, lane, out, &listed.cells);
    let outcomes: Vec<_> = listed.cells.into_iter().zip(outcomes).chain(asked).collect();
    let n_failed = report::write(plan, out, &outcomes)?;
    if plan.shows_rows {
        rows::write(plan, lane, out, &outcomes)?;
    }
    for (source, failure) in &listed.failures {
        let (name, noise, seed) = (&source.data_set.name, source.noise, source.seed);
        eprintln!(
            "no data for {name}, noise {noise}, seed {seed}: {}\n{}",
            failure.command, failure.stderr
        );
    }
    Ok(exit_code(n_failed + listed.failures.len()))
}

/// Makes the tables of what is finished.
fn collect(out: &Path) -> Result<ExitCode> {
    let plan = Plan::read(out)?;
    let cells = grid::read(&plan, out)?;
    let asked = few_shot::collected(&plan, out, &cells);
    let outcomes: Vec<Outcome> = cells.iter().map(outcome_of).collect();
    let outcomes: Vec<_> = cells.into_iter().zip(outcomes).chain(asked).collect();
    Ok(exit_code(report::write(&plan, out, &outcomes)?))
}

fn outcome_of(cell: &Cell) -> Outcome {
    let missing = |stderr: String| Err(status::failure(cell, stderr));
    match cell.state() {
        State::Finished(result) => Ok(Finished { result, is_kept: true }),
        State::Failed(message) => missing(message),
        State::Begun => missing("begun and not finished".to_owned()),
        State::Missing => missing("not run yet".to_owned()),
    }
}

fn exit_code(n_failed: usize) -> ExitCode {
    if n_failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
