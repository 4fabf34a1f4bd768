//! `lane noise`.

use lane_train::config::ModelConfig;
use lane_train::noise_file::{NoiseRequest, noise_file};
use lane_train::{NoiseConfig, NoiseKind, TrainError};

use crate::args::NoiseArgs;
use crate::commands::{Manner, columns};
use crate::{print, progress::Bars};

pub(crate) fn run(args: NoiseArgs, manner: Manner) -> anyhow::Result<()> {
    let kind: NoiseKind = args.kind.parse().map_err(TrainError::from)?;
    let request = NoiseRequest {
        data: args.data,
        columns: columns(args.columns),
        out: args.out,
        noise: NoiseConfig::new(kind, args.rate),
        seed: args.seed,
        max_rows: args.max_rows,
        similarity: args.similarity,
        model: ModelConfig {
            encoder: args.encoder.unwrap_or_else(|| "tiny".into()),
            ..ModelConfig::default()
        },
        device: args.device.parse()?,
        force: args.force,
    };
    let summary = noise_file(&request, &mut Bars::new(manner.quiet))?;
    if manner.json {
        return print::json(&summary);
    }
    print::line(&format!(
        "{} of {} labels changed ({:.4}, asked for {}): {}",
        summary.n_flipped,
        summary.n_rows,
        summary.realised_rate,
        summary.requested_rate,
        request.out.display()
    ));
    Ok(())
}
