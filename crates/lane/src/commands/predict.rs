//! `lane predict`.

use lane_train::apply::{PredictRequest, predict_file};

use crate::args::PredictArgs;
use crate::commands::{Manner, columns, device};
use crate::{print, progress::Bars};

pub(crate) fn run(args: PredictArgs, manner: Manner) -> anyhow::Result<()> {
    let request = PredictRequest {
        device: device(args.device.as_deref())?,
        columns: columns(args.columns),
        batch_size: args.batch_size as usize,
        model: args.model,
        data: args.data,
        out: args.out,
        logits: args.logits,
        force: args.force,
    };
    let n_rows = predict_file(&request, &mut Bars::new(manner.quiet))?;
    if manner.json {
        return print::json(&serde_json::json!({ "n_rows": n_rows, "out": request.out }));
    }
    print::line(&format!("{n_rows} rows predicted: {}", request.out.display()));
    Ok(())
}
