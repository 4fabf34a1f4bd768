//! `lane noise`.

use lane_train::config::ModelConfig;
use lane_train::device::DeviceName;
use lane_train::noise_file::{NoiseRequest, noise_file};
use lane_train::{NoiseConfig, NoiseKind, TrainError};

use crate::args::NoiseArgs;
use crate::commands::{Manner, columns, device};

use crate::{print, progress::Bars};

pub(crate) fn run(args: NoiseArgs, manner: Manner) -> anyhow::Result<()> {
    let kind: NoiseKind = args.kind.parse().map_err(TrainError::from)?;
    let device = match args.device.as_deref() {
        // Only embeddings are computed; no card is looked for where there are none.
        None if kind != NoiseKind::Instance => DeviceName::Flex,
        name => device(name)?,
    };
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
        device,
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
