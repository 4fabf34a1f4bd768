//! `lane train`.

use std::path::Path;

use lane_train::record::RunResult;
use lane_train::run::{Resumed, RunOptions, resume, train_with};
use lane_train::{Config, Setting, TrainError};

use crate::args::TrainArgs;
use crate::commands::settings::{self, Files};
use crate::commands::{Manner, invocation};
use crate::stop::Stop;
use crate::{print, progress::Bars};

pub(crate) fn run(args: TrainArgs, manner: Manner) -> anyhow::Result<()> {
    let stop = Stop::on_signals()?;
    let observer = &mut Bars::new(manner.quiet).until(&stop);
    let (out, result) = match (&args.resume, &args.out) {
        (Some(run), _) => (run, go_on(run, &args, observer)),
        (None, Some(out)) => (out, begin(out, &args, observer).map(Some)),
        // The parser asks for one of them.
        (None, None) => return Ok(()),
    };
    let how_to_go_on = format!("lane train --resume {}", out.display());
    let result = result.map_err(|error| stop.explain(error, &how_to_go_on))?;
    let Some(result) = result else {
        return finished(out, manner);
    };
    if manner.json {
        print::json(&result)?;
    } else {
        print::result(&result, out);
    }
    Ok(())
}

fn begin(out: &Path, args: &TrainArgs, observer: &mut Bars) -> Result<RunResult, TrainError> {
    let config = Config::resolve(args.how.config.as_deref(), &settings(args)?)?;
    let options = RunOptions { force: args.force, every: args.how.checkpoint_every };
    train_with(config, out, options, &invocation(), observer)
}

/// Goes on with a run; none where it is finished.
fn go_on(
    run: &Path,
    args: &TrainArgs,
    observer: &mut Bars,
) -> Result<Option<RunResult>, TrainError> {
    refuse_other_settings(run, &settings(args)?)?;
    match resume(run, args.how.checkpoint_every, &invocation(), observer)? {
        Resumed::Ran(result) => Ok(Some(*result)),
        Resumed::Finished => Ok(None),
    }
}

/// Refuses a setting that is not what the run was begun with.
fn refuse_other_settings(run: &Path, settings: &[Setting]) -> Result<(), TrainError> {
    let file = run.join("config.toml");
    if settings.is_empty() || !file.exists() {
        return Ok(());
    }
    let begun = Config::resolve(Some(&file), &[])?;
    for setting in settings {
        if Config::resolve(Some(&file), std::slice::from_ref(setting))? != begun {
            return Err(TrainError::Setting {
                key: setting.key().into(),
                found: setting.value(),
                expected: format!("what the run was begun with, in `{}`", file.display()),
            });
        }
    }
    Ok(())
}

fn finished(run: &Path, manner: Manner) -> anyhow::Result<()> {
    let path = run.join("result.json");
    if manner.json {
        let text = std::fs::read_to_string(&path)?;
        return print::json(&serde_json::from_str::<serde_json::Value>(&text)?);
    }
    print::line(&format!("finished before: {}", path.display()));
    Ok(())
}

fn settings(args: &TrainArgs) -> Result<Vec<Setting>, TrainError> {
    let files = Files {
        train: args.train.as_deref(),
        validation: args.validation.as_deref(),
        test: args.test.as_deref(),
    };
    settings::of(files, &args.how, &args.columns)
}
