//! `lane train`.

use std::path::Path;

use lane_train::device::DeviceName;
use lane_train::record::RunResult;
use lane_train::run::{Resumed, RunOptions, resume, train_with};
use lane_train::views;
use lane_train::{Config, MethodName, Setting, TrainError};

use crate::args::{ColumnArgs, TrainArgs};
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
    let config = Config::resolve(args.config.as_deref(), &settings(args)?)?;
    let options = RunOptions { force: args.force, every: args.checkpoint_every };
    train_with(config, out, options, &invocation(), observer)
}

/// Goes on with a run; none where it is finished.
fn go_on(
    run: &Path,
    args: &TrainArgs,
    observer: &mut Bars,
) -> Result<Option<RunResult>, TrainError> {
    refuse_other_settings(run, &settings(args)?)?;
    match resume(run, args.checkpoint_every, &invocation(), observer)? {
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

/// Flags as settings, `--set` last so that it wins.
fn settings(args: &TrainArgs) -> Result<Vec<Setting>, TrainError> {
    let mut all = Vec::new();
    let mut put = |key: &str, value: Option<toml::Value>| {
        all.extend(value.map(|value| Setting::new(key, value)));
    };
    let path = |path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| path.display().to_string().into())
    };
    let text = |text: &Option<String>| text.clone().map(toml::Value::from);
    let number = |number: Option<u32>| number.map(toml::Value::from);
    if let Some(method) = &args.method {
        method.parse::<MethodName>()?;
    }
    if let Some(device) = &args.device {
        device.parse::<DeviceName>()?;
    }
    put("method", text(&args.method));
    put("seed", args.seed.map(|seed| toml::Value::Integer(seed.cast_signed())));
    put("device", text(&args.device));
    put("data.train", path(&args.train));
    put("data.validation", path(&args.validation));
    put("data.test", path(&args.test));
    let ColumnArgs { text_column, label_column, gold_column, id_column } = &args.columns;
    put("data.text_column", text(text_column));
    put("data.label_column", text(label_column));
    put("data.gold_column", text(gold_column));
    put("data.id_column", text(id_column));
    put("model.encoder", text(&args.encoder));
    put("model.pooling", text(&args.pooling));
    put("model.max_length", number(args.max_length));
    put("model.freeze_encoder", args.freeze_encoder.then_some(true.into()));
    put("training.epochs", number(args.epochs));
    put("training.batch_size", number(args.batch_size));
    put("training.micro_batch", number(args.micro_batch));
    put("training.lr", args.lr.map(Into::into));
    put("cross_validation.folds", number(args.folds));
    put("views.kinds", args.views.map(view_names).transpose()?);
    put("views.back_translation", path(&args.back_translation));
    put("views.thesaurus", text(&args.wordnet));
    for setting in &args.settings {
        all.push(setting.parse()?);
    }
    Ok(all)
}

/// The list of views that `--views` stands for.
fn view_names(n_views: u64) -> Result<toml::Value, TrainError> {
    let kinds = views::preset(n_views).ok_or_else(|| TrainError::Setting {
        key: "--views".into(),
        found: n_views.to_string(),
        expected: format!("{}; any list of views is `--set views.kinds=[…]`", views::PRESETS),
    })?;
    Ok(toml::Value::Array(kinds.iter().map(|kind| kind.to_string().into()).collect()))
}
