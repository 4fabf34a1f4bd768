//! Folders of models on the hub, by way of its cache on disk.

use std::path::{Path, PathBuf};

use lane_data::hub::{Fault, Hub, HubError, HubFile, Quiet, Repository};

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
    let (hub, repository) = (Hub::from_env()?, Repository::model(name));
    let file = |path: &str| hub.file(&repository, path, &mut Quiet);
    let mut folder = PathBuf::new();
    for choices in files.required {
        let Some((last, others)) = choices.split_last() else { continue };
        let mut found = None;
        for choice in others {
            found = if_there(file(choice))?;
            if found.is_some() {
                break;
            }
        }
        let found = found.map_or_else(|| file(last), Ok)?;
        folder = found.path.parent().map(Path::to_path_buf).unwrap_or_default();
    }
    for path in files.optional {
        if_there(file(path))?;
    }
    Ok(folder)
}

/// A file that may be absent. A server that fails is no proof of absence.
fn if_there(file: Result<HubFile, HubError>) -> Result<Option<HubFile>, HubError> {
    match file {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.fault(), Fault::NotFound | Fault::Offline { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
