//! `lane import`.

use lane_train::MapConfig;
use lane_train::exchange::{ImportRequest, import};

use crate::args::exchange::ImportArgs;
use crate::commands::{Manner, columns};
use crate::print;

pub(crate) fn run(args: ImportArgs, manner: Manner) -> anyhow::Result<()> {
    let request = ImportRequest {
        from: args.from,
        out: args.out,
        data: args.data,
        columns: columns(args.columns),
        map: MapConfig { include_ci: args.include_ci, burn_out: args.burn_out },
        force: args.force,
    };
    let summary = import(&request)?;
    if manner.json {
        return print::json(&summary);
    }
    let epochs = summary.n_epochs.map(|n| format!(" over {n} epochs")).unwrap_or_default();
    print::line(&format!(
        "{} rows{epochs} ({}), {} with a negative averaged margin",
        summary.n_rows, summary.format, summary.n_flagged
    ));
    print::files(&summary.files);
    Ok(())
}
