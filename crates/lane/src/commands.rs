//! One command a file.

mod audit;
mod bench;
mod cells;
pub(crate) mod data;
mod devices;
mod evaluate;
mod export;
mod few_shot;
mod import;
mod methods;
mod noise;
mod predict;
mod rescore;
mod review;
mod settings;
mod train;
mod translate;

use lane_train::device::{DeviceName, recommended};
use lane_train::record::Program;
use lane_train::run::Invocation;
use lane_train::{Columns, TrainError};

use crate::args::{Args, ColumnArgs, Command};

/// Who runs, for the record.
fn invocation() -> Invocation {
    Invocation { program: program(), command: std::env::args().collect() }
}

fn program() -> Program {
    Program {
        version: concat!("lane ", env!("CARGO_PKG_VERSION")).into(),
        revision: option_env!("LANE_REVISION").map(Into::into),
        dirty: option_env!("LANE_DIRTY").map(|dirty| dirty == "true"),
        compiler: option_env!("LANE_COMPILER").map(Into::into),
        burn: option_env!("LANE_BURN").map(Into::into),
    }
}

/// What every command is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

/// Runs the command that was given.
pub(crate) fn run(args: Args) -> anyhow::Result<()> {
    let manner = Manner { json: args.json, quiet: args.quiet };
    match args.command {
        Command::Train(train) => train::run(*train, manner),
        Command::Evaluate(evaluate) => evaluate::run(evaluate, manner),
        Command::Predict(predict) => predict::run(predict, manner),
        Command::Audit(args) => audit::run(*args, manner),
        Command::Noise(noise) => noise::run(noise, manner),
        Command::Review(args) => review::review(args, manner),
        Command::Apply(args) => review::apply(args, manner),
        Command::Translate(translate) => translate::run(translate, manner),
        Command::FewShot(few_shot) => few_shot::run(*few_shot, manner),
        Command::Import(import) => import::run(import, manner),
        Command::Export(export) => export::run(export, manner),
        Command::Rescore(args) => rescore::run(args, manner),
        Command::Cells(args) => cells::list(&args, manner),
        Command::RunCell(args) => cells::run(&args, manner),
        Command::Bench(bench) => bench::run(bench, manner),
        Command::Data(data) => data::run(data, manner),
        Command::Methods => methods::run(manner),
        Command::Devices => devices::run(manner),
    }
}

/// The columns asked for, the usual names elsewhere.
fn columns(args: ColumnArgs) -> Columns {
    let usual = Columns::default();
    Columns {
        text: args.text_column.unwrap_or(usual.text),
        label: args.label_column.unwrap_or(usual.label),
        gold: args.gold_column,
        id: args.id_column,
    }
}

/// The device asked for, the recommended one elsewhere.
fn device(name: Option<&str>) -> Result<DeviceName, TrainError> {
    name.map_or_else(|| Ok(recommended()), str::parse)
}
