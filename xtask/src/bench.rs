//! `cargo xtask bench`: how fast `lane` is here, and how that compares with PyTorch.
//!
//! A case is one piece of work that both can do. Its two sides run in turn (ours, theirs, ours,
//! theirs …), never at the same time, on the same cores and with the same number of threads, and
//! each warms up in every round. Figures are medians over all rounds; the spread of the ratio from
//! round to round stands beside it. Without `--against` only our side runs.

mod agreement;
mod case;
mod contender;
#[cfg(test)]
mod fakes;
mod files;
mod machine;
mod options;
mod outcome;
mod peers;
mod python;
mod report;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

pub(crate) use self::options::Options;

use self::case::{Case, Programs};
use self::contender::{Place, Sample};
use self::options::Plan;
use self::outcome::Outcome;
use crate::lane_binary;

/// Everything one command does; exit code 1 where a bar is missed and `--strict` was given.
pub(crate) fn run(root: &Path, options: &Options) -> Result<ExitCode> {
    if options.peers {
        let rounds = if options.quick { 1 } else { options.rounds };
        return peers::run(root, options, rounds);
    }
    let plan = options.plan(root)?;
    let lane = lane_binary::find(root, options.lane.as_deref())?;
    let python = plan.against.then(|| python::find(root, options)).transpose()?;
    fs::create_dir_all(plan.out.join("raw"))
        .with_context(|| format!("failed to create {}", plan.out.display()))?;
    let programs = Programs::new(root, &plan, &lane.path, python.as_deref());
    let machine = machine::describe(root, &programs)?;
    if let Some(warning) = machine.warning() {
        eprintln!("warning: {warning}");
    }
    let outcomes = measure(&plan, &programs)?;
    let _ = fs::remove_dir_all(plan.out.join("runs"));
    let n_missed = report::write(&plan, &machine, &outcomes)?;
    Ok(if plan.strict && n_missed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn measure(plan: &Plan, programs: &Programs<'_>) -> Result<Vec<Outcome>> {
    let mut work = Vec::new();
    for &threads in &plan.threads {
        let place = Place::new(threads, &plan.out);
        work.extend(
            case::all(plan, programs, threads).into_iter().map(|case| (case, place.clone())),
        );
    }
    if plan.quick {
        work.truncate(1);
    }
    let n_cases = work.len();
    let mut outcomes = Vec::new();
    for (number, (case, place)) in work.into_iter().enumerate() {
        let outcome = rounds_of(plan, case, &place)?;
        eprintln!("[{}/{n_cases}] {outcome}", number + 1);
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// Both sides of a case, in turn.
fn rounds_of(plan: &Plan, case: Case, place: &Place) -> Result<Outcome> {
    let (mut ours, mut theirs): (Vec<Sample>, Vec<Sample>) = (Vec::new(), Vec::new());
    for _ in 0..case.rounds(plan) {
        ours.push(case.ours.run(place)?);
        if let Some(rival) = &case.rival {
            theirs.push(rival.run(place)?);
            let round = ours.last().zip(theirs.last());
            round.map_or(Ok(()), |(ours, theirs)| agreement::check(ours, theirs))?;
        }
    }
    Ok(Outcome::new(case, place.threads, ours, theirs))
}
