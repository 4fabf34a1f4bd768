//! `lane translate`.

use lane_train::embeddings::cache_folder;
use lane_train::translate::{TranslateRequest, translate_file};

use crate::args::translate::TranslateArgs;
use crate::commands::{Manner, columns};
use crate::{print, progress::Bars};

pub(crate) fn run(args: TranslateArgs, manner: Manner) -> anyhow::Result<()> {
    let request = TranslateRequest {
        data: args.data,
        columns: columns(args.columns),
        forward: args.forward,
        back: args.back,
        out: args.out,
        beams: args.beams.map(|beams| beams as usize),
        max_tokens: args.max_tokens as usize,
        batch_size: args.batch_size as usize,
        force: args.force,
        cache: cache_folder(),
    };
    let summary = translate_file(&request, &mut Bars::new(manner.quiet))?;
    if manner.json {
        return print::json(&summary);
    }
    print::line(&format!(
        "{} of {} rows translated there and back: {}",
        summary.n_translated,
        summary.n_rows,
        summary.out.display()
    ));
    Ok(())
}
