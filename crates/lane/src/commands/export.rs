//! `lane export`.

use lane_train::exchange::{ExportRequest, export};

use crate::args::exchange::ExportArgs;
use crate::commands::Manner;
use crate::print;

pub(crate) fn run(args: ExportArgs, manner: Manner) -> anyhow::Result<()> {
    let request = ExportRequest {
        run: args.run,
        format: args.format.into(),
        out: args.out,
        force: args.force,
    };
    let summary = export(&request)?;
    if manner.json {
        return print::json(&summary);
    }
    print::line(&format!("{} rows over {} epochs", summary.n_rows, summary.n_epochs));
    print::files(&summary.files);
    if !manner.quiet {
        for note in &summary.notes {
            print::talk(&format!("note: {note}"));
        }
    }
    Ok(())
}
