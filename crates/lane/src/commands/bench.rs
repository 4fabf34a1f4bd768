//! `lane bench`.

use lane_train::bench::step::{NetworkRequest, TextRequest};
use lane_train::bench::{EmbedRequest, StepRequest, embed, step};
use lane_train::{Bucketing, Columns};

use crate::args::bench::{BenchCommand, EmbedArgs, StepArgs};
use crate::commands::Manner;
use crate::print;

pub(crate) fn run(command: BenchCommand, manner: Manner) -> anyhow::Result<()> {
    match command {
        BenchCommand::Step(args) => {
            let report = step::run(&step_request(*args)?)?;
            if manner.json {
                return print::json(&report);
            }
            print::timed_steps(&report);
        }
        BenchCommand::Embed(args) => {
            let report = embed::run(&embed_request(args)?)?;
            if manner.json {
                return print::json(&report);
            }
            print::timed_embedding(&report);
        }
    }
    Ok(())
}

fn step_request(args: StepArgs) -> anyhow::Result<StepRequest> {
    let network = match (args.shape, args.encoder) {
        (Some(shape), _) => NetworkRequest::Shape(shape.parse()?),
        (None, encoder) => NetworkRequest::Encoder(encoder.unwrap_or_else(|| "tiny".into())),
    };
    let columns =
        Columns { text: args.text_column, label: args.label_column, ..Columns::default() };
    let bucketing = if args.no_bucketing { Bucketing::Off } else { Bucketing::Length };
    Ok(StepRequest {
        network,
        text: args.data.map(|path| TextRequest { path, columns, bucketing }),
        batch_size: args.batch_size as usize,
        width: args.width.map(|width| width as usize),
        dropout: args.dropout,
        warmup: args.warmup as usize,
        steps: args.steps as usize,
        device: args.device.parse()?,
        kernels: args.kernels.into(),
        seed: args.seed,
    })
}

fn embed_request(args: EmbedArgs) -> anyhow::Result<EmbedRequest> {
    Ok(EmbedRequest {
        encoder: args.encoder,
        data: args.data,
        columns: Columns { text: args.text_column, ..Columns::default() },
        max_rows: args.max_rows as usize,
        max_length: args.max_length as usize,
        pooling: embed::pooling(&args.pooling)?,
        batch_size: args.batch_size as usize,
        device: args.device.parse()?,
        kernels: args.kernels.into(),
    })
}
