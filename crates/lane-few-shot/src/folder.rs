//! The folder a few-shot run leaves behind.

use std::io::Write;
use std::path::{Path, PathBuf};

use lane_data::write::{self, Existing};
use serde::Serialize;

use crate::config::{Config, Method};
use crate::error::FewShotError;

/// The folder of one run.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// Creates the folder, or takes over one of the same endpoint: the same request to another server
    /// may have another answer.
    pub(crate) fn claim(path: &Path, config: &Config, force: bool) -> Result<Self, FewShotError> {
        let folder = Self(path.into());
        let result = folder.file("result.json");
        if result.exists() && !force {
            return Err(FewShotError::OutputExists { path: path.into() });
        }
        folder.check_origin(config)?;
        std::fs::create_dir_all(path).map_err(FewShotError::io("create", path))?;
        if result.exists() {
            std::fs::remove_file(&result).map_err(FewShotError::io("create", result))?;
        }
        Ok(folder)
    }

    /// Refuses a folder with a configuration of another method or another endpoint.
    fn check_origin(&self, config: &Config) -> Result<(), FewShotError> {
        let Ok(text) = std::fs::read_to_string(self.file("config.toml")) else { return Ok(()) };
        let found = match toml::from_str::<Config>(&text) {
            Ok(found) if origin(&found) == origin(config) => return Ok(()),
            Ok(found) => format!("replies of {}", origin(&found)),
            Err(_) => "a run of another kind".into(),
        };
        let expected = format!("replies of {}", origin(config));
        Err(FewShotError::OtherRun { path: self.0.clone(), found, expected })
    }

    /// A file of the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file whole.
    pub(crate) fn write(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<(), FewShotError> {
        Ok(write::file(&self.file(name), Existing::Replace, fill)?)
    }

    /// Writes a configuration as TOML.
    pub(crate) fn write_config(&self, config: &Config) -> Result<(), FewShotError> {
        let text = toml::to_string(config)
            .map_err(std::io::Error::other)
            .map_err(FewShotError::io("write", self.file("config.toml")))?;
        self.write("config.toml", |out| out.write_all(text.as_bytes()))
    }

    /// Writes a value as indented JSON.
    pub(crate) fn write_json(
        &self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), FewShotError> {
        self.write(name, |out| {
            serde_json::to_writer_pretty(&mut *out, value)?;
            out.write_all(b"\n")
        })
    }
}

/// Where the replies of a configuration come from.
fn origin(config: &Config) -> &str {
    let Config { method: Method::LlmFewShot, server, .. } = config;
    server.as_ref().map_or("a recording", |server| server.endpoint.trim_end_matches('/'))
}
