//! Flags of the command line as settings of a run.

use std::path::Path;

use lane_train::device::DeviceName;
use lane_train::views;
use lane_train::{MethodName, Setting, TrainError};

use crate::args::{ColumnArgs, HowArgs};

/// The files of a run, as far as they are given.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Files<'a> {
    pub(crate) train: Option<&'a Path>,
    pub(crate) validation: Option<&'a Path>,
    pub(crate) test: Option<&'a Path>,
}

/// Flags as settings, `--set` last so that it wins.
pub(crate) fn of(
    files: Files<'_>,
    args: &HowArgs,
    columns: &ColumnArgs,
) -> Result<Vec<Setting>, TrainError> {
    let mut all = Vec::new();
    let mut put = |key: &str, value: Option<toml::Value>| {
        all.extend(value.map(|value| Setting::new(key, value)));
    };
    let path = |path: Option<&Path>| path.map(|path| path.display().to_string().into());
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
    put("data.train", path(files.train));
    put("data.validation", path(files.validation));
    put("data.test", path(files.test));
    let ColumnArgs { text_column, label_column, gold_column, id_column } = columns;
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
    put("views.back_translation", path(args.back_translation.as_deref()));
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
