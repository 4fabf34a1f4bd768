//! Model folders of the hub, by way of its cache on disk.
//!
//! `HF_HUB_OFFLINE=1` takes what the cache has and asks nobody; `HF_ENDPOINT` and `HF_HOME` mean what they
//! mean to the Python client.

use std::path::{Path, PathBuf};

use crate::error::TrainError;

/// The files of a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Files<'a> {
    /// One of each of these must be there, the earlier rather than the later.
    pub(crate) required: &'a [&'a [&'a str]],
    /// Taken where they are there.
    pub(crate) optional: &'a [&'a str],
}

/// The cached folder of `ORG/NAME`, fetched first where needed.
///
/// # Errors
///
/// [`TrainError::Hub`].
pub(crate) fn fetch(name: &str, files: Files<'_>) -> Result<PathBuf, TrainError> {
    let failed = |message: String| TrainError::Hub { name: name.into(), message };
    let folder = |file: PathBuf| file.parent().map(Path::to_path_buf).unwrap_or_default();
    if std::env::var("HF_HUB_OFFLINE")
        .is_ok_and(|value| value == "1" || value.eq_ignore_ascii_case("true"))
    {
        let cache = hf_hub::Cache::from_env().model(name.into());
        let config = cache
            .get("config.json")
            .ok_or_else(|| failed("not in the cache, and HF_HUB_OFFLINE is set".into()))?;
        return Ok(folder(config));
    }
    let api = hf_hub::api::sync::ApiBuilder::from_env()
        .with_progress(false)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let model = api.model(name.into());
    let mut found = PathBuf::new();
    for choices in files.required {
        let mut answer = Err("no files are wanted".to_owned());
        for file in *choices {
            answer = model.get(file).map_err(|error| error.to_string());
            if answer.is_ok() {
                break;
            }
        }
        found = answer.map_err(failed)?;
    }
    for file in files.optional {
        model.get(file).ok();
    }
    Ok(folder(found))
}
