//! `lane train`.

use std::path::Path;

use lane_train::device::DeviceName;
use lane_train::views;
use lane_train::{Config, MethodName, Setting, TrainError, train};

use crate::args::{ColumnArgs, TrainArgs};
use crate::commands::{Manner, invocation};
use crate::{print, progress::Bars};

pub(crate) fn run(args: TrainArgs, manner: Manner) -> anyhow::Result<()> {
    let config = Config::resolve(args.config.as_deref(), &settings(&args)?)
        .map_err(|error| of_file(args.config.as_deref(), error))?;
    let observer = &mut Bars::new(manner.quiet);
    let result = train(config, &args.out, args.force, &invocation(), observer)?;
    if manner.json {
        print::json(&result)?;
    } else {
        print::result(&result, &args.out);
    }
    Ok(())
}

/// A value out of range may have come from the file, so it is named too.
fn of_file(file: Option<&Path>, error: TrainError) -> anyhow::Error {
    match (file, &error) {
        (Some(path), TrainError::Setting { .. }) => {
            let context = format!("configuration `{}`", path.display());
            anyhow::Error::from(error).context(context)
        }
        _ => error.into(),
    }
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
