//! `lane evaluate`.

use lane_train::apply::evaluate_file;

use crate::args::EvaluateArgs;
use crate::commands::{Manner, columns, device};
use crate::{print, progress::Bars};

pub(crate) fn run(args: EvaluateArgs, manner: Manner) -> anyhow::Result<()> {
    let device = device(args.device.as_deref())?;
    let columns = columns(args.columns);
    let evaluation =
        evaluate_file(&args.model, &args.data, &columns, device, &mut Bars::new(manner.quiet))?;
    if manner.json {
        return print::json(&evaluation);
    }
    print::line(&format!("{:<18} {}", "rows", evaluation.n_rows));
    print::scores(&evaluation.scores);
    Ok(())
}
