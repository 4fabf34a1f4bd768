//! `lane rescore`.

use lane_rescore::{RescoreRequest, rescore};

use crate::args::rescore::RescoreArgs;
use crate::commands::Manner;
use crate::print;

pub(crate) fn run(args: RescoreArgs, manner: Manner) -> anyhow::Result<()> {
    let request = RescoreRequest {
        dynamics: args.dynamics,
        score: args.score,
        out: args.out,
        memory: args.memory,
        epochs: args.epochs,
        include_ci: args.include_ci,
        threads: args.threads.map(usize::from),
        spill: args.spill,
        force: args.force,
    };
    let summary = rescore(&request)?;
    if manner.json {
        return print::json(&summary);
    }
    print::line(&format!(
        "{} rows by {}, of {} looks in epochs {}: {}",
        summary.n_rows,
        summary.score,
        summary.n_looks,
        summary.epochs,
        summary.out.display()
    ));
    Ok(())
}
