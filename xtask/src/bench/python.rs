//! The Python that runs PyTorch.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail, ensure};

use super::options::Options;
use crate::shell::Invocation;

/// What the reference programs need, at the versions they were written for.
const REQUIREMENTS: &str = "fixtures/reference/requirements.txt";

/// The Python asked for, the one of `LANE_PYTHON`, or the one made here, which must have torch.
pub(super) fn find(root: &Path, options: &Options) -> Result<PathBuf> {
    let own = root.join("target").join("python").join("bin").join("python");
    if options.set_up_python {
        set_up(root, &own)?;
        return Ok(own);
    }
    let named = || std::env::var_os("LANE_PYTHON").filter(|it| !it.is_empty()).map(PathBuf::from);
    let made = || own.is_file().then_some(own.clone());
    let Some(python) = options.python.clone().or_else(named).or_else(made) else {
        bail!("no Python with torch: give --python FILE, or let --set-up-python make one");
    };
    ensure!(
        has_torch(root, &python),
        "`{}` cannot import torch and transformers; --set-up-python makes a Python that can",
        python.display()
    );
    // Not resolved: a virtual environment is found by the path it is called by.
    Ok(std::path::absolute(python)?)
}

fn has_torch(root: &Path, python: &Path) -> bool {
    let python = python.display().to_string();
    Invocation::new(python, &["-c", "import torch, transformers"]).stdout(root).is_ok()
}

fn set_up(root: &Path, own: &Path) -> Result<()> {
    if own.is_file() && has_torch(root, own) {
        return Ok(());
    }
    eprintln!("making target/python; torch and what it needs take some gigabytes");
    Invocation::new("python3", &["-m", "venv", "target/python"]).run(root)?;
    let python = own.display().to_string();
    Invocation::new(python, &["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]).run(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_python_without_torch_is_refused_with_the_remedy() {
        let options = Options::parsed(&["--python", "true-but-not-there"]).unwrap();
        let message = find(Path::new("/"), &options).unwrap_err().to_string();
        assert!(message.contains("cannot import torch"), "{message}");
        assert!(message.contains("--set-up-python"), "{message}");
    }
}
