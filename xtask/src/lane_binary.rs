//! The binary `lane`: built in the profile of the tests, so that burn is compiled once.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::shell::Invocation;
use crate::whole_file::fingerprint;

/// Where the binary is, and which build it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lane {
    pub(crate) path: PathBuf,
    pub(crate) fingerprint: String,
}

impl Lane {
    /// The names of all methods.
    pub(crate) fn methods(&self) -> Result<Vec<String>> {
        let invocation = Invocation::new(self.path.display().to_string(), &["methods", "--json"]);
        let list: Vec<Value> = serde_json::from_str(&invocation.stdout(Path::new("."))?)
            .with_context(|| format!("`{invocation}` printed no list"))?;
        let name = |method: &Value| Some(method.get("name")?.as_str()?.to_owned());
        Ok(list.iter().filter_map(name).collect())
    }
}

/// `given`, or what cargo builds.
pub(crate) fn find(root: &Path, given: Option<&Path>) -> Result<Lane> {
    let path = match given {
        Some(path) => std::path::absolute(path)?,
        None => build(root)?,
    };
    let fingerprint = fingerprint(&path)?;
    Ok(Lane { path, fingerprint })
}

fn build(root: &Path) -> Result<PathBuf> {
    let format = "--message-format=json-render-diagnostics";
    let invocation = Invocation::cargo(&["build", "-p", "lane", "--bin", "lane", format]);
    eprintln!("building lane; from scratch this takes some minutes");
    let output = invocation
        .command(root)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("failed to start `{invocation}`"))?;
    ensure!(output.status.success(), "`{invocation}` failed ({})", output.status);
    executable_in(&String::from_utf8_lossy(&output.stdout))
        .with_context(|| format!("`{invocation}` named no executable"))
}

/// The executable of the target `lane` in cargo's messages, one JSON value a line.
fn executable_in(messages: &str) -> Option<PathBuf> {
    let values = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let named = values.filter(|value| value["target"]["name"] == "lane");
    named.filter_map(|value| value["executable"].as_str().map(PathBuf::from)).next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"serde"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"lane"},"executable":"/x/debug/lane"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable_in(messages), Some(PathBuf::from("/x/debug/lane")));
        assert_eq!(executable_in("not json\n{}"), None);
    }

    #[test]
    fn a_binary_that_is_not_there_is_named() {
        let message = find(Path::new("."), Some(Path::new("/no/lane"))).unwrap_err().to_string();
        assert_eq!(message, "failed to read /no/lane");
    }
}
