//! `cargo xtask golden`: runs the reference scripts that make the expected values of the tests.
//!
//! A script `fixtures/golden/NAME.py` takes one argument, the folder to write into. The Python is
//! `LANE_PYTHON`, else `python3`; where it has no torch the command says so and does nothing, since
//! the committed values are enough to test with.
//!
//! `--check` writes into a temporary folder and compares: JSON number by number within
//! `abs_tol` of the committed file (1e-6 where it names none), anything else byte for byte.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::shell::Invocation;

const FOLDER: &str = "fixtures/golden";
const TOLERANCE: f64 = 1e-6;

pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let python = std::env::var("LANE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    if Invocation::new(&*python, &["-c", "import torch"]).stdout(root).is_err() {
        println!("golden: skipped, `{python}` has no torch (LANE_PYTHON names another Python)");
        return Ok(());
    }
    let committed = root.join(FOLDER);
    let scripts = scripts_in(&committed)?;
    if !check {
        return scripts.iter().try_for_each(|script| run_script(&python, script, &committed));
    }
    let fresh = tempfile::tempdir()?;
    scripts.iter().try_for_each(|script| run_script(&python, script, fresh.path()))?;
    compare_folders(&committed, fresh.path())
}

fn scripts_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed =
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    let paths = listed.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    let mut scripts: Vec<_> =
        paths.into_iter().filter(|path| path.extension().is_some_and(|it| it == "py")).collect();
    scripts.sort();
    Ok(scripts)
}

fn run_script(python: &str, script: &Path, into: &Path) -> Result<()> {
    println!("golden: {}", script.display());
    let arguments = [script, into].map(|it| it.display().to_string());
    Invocation::new(python, &[]).with(arguments).run(Path::new("."))
}

fn compare_folders(committed: &Path, fresh: &Path) -> Result<()> {
    for entry in fs::read_dir(fresh)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        let other = committed.join(name);
        let read = |path: &Path| {
            fs::read(path).with_context(|| format!("failed to read {}", path.display()))
        };
        let (ours, theirs) = (read(&other)?, read(&path)?);
        if path.extension().is_some_and(|it| it == "json") {
            compare_json(&ours, &theirs).with_context(|| format!("{} differs", other.display()))?;
        } else {
            ensure!(ours == theirs, "{} differs from a fresh run", other.display());
        }
    }
    Ok(())
}

fn compare_json(committed: &[u8], fresh: &[u8]) -> Result<()> {
    let (committed, fresh): (Value, Value) =
        (serde_json::from_slice(committed)?, serde_json::from_slice(fresh)?);
    let tolerance = committed["abs_tol"].as_f64().unwrap_or(TOLERANCE);
    compare_values("", &committed, &fresh, tolerance)
}

/// `at` is a JSON pointer; a key that says how the file was made is not compared.
fn compare_values(at: &str, committed: &Value, fresh: &Value, tolerance: f64) -> Result<()> {
    match (committed, fresh) {
        (Value::Object(ours), Value::Object(theirs)) => {
            for (key, value) in ours.iter().filter(|(key, _)| *key != "produced_by") {
                let other = theirs.get(key).with_context(|| format!("{at}/{key} is gone"))?;
                compare_values(&format!("{at}/{key}"), value, other, tolerance)?;
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ensure!(ours.len() == theirs.len(), "{at} has another length");
            for (index, (value, other)) in ours.iter().zip(theirs).enumerate() {
                compare_values(&format!("{at}/{index}"), value, other, tolerance)?;
            }
        }
        (Value::Number(ours), Value::Number(theirs)) => {
            let gap = ours.as_f64().zip(theirs.as_f64()).map(|(a, b)| (a - b).abs());
            ensure!(gap.is_some_and(|it| it <= tolerance), "{at} is {ours}, a fresh run {theirs}");
        }
        _ if committed == fresh => {}
        _ => bail!("{at} is {committed}, a fresh run gives {fresh}"),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_within_the_tolerance_of_the_file_are_the_same() {
        let committed = br#"{"abs_tol": 0.01, "produced_by": "torch 1", "cases": [1.0, 2.0]}"#;
        let near = br#"{"abs_tol": 0.01, "produced_by": "torch 2", "cases": [1.005, 2.0]}"#;
        let far = br#"{"abs_tol": 0.01, "produced_by": "torch 1", "cases": [1.0, 2.2]}"#;
        assert!(compare_json(committed, near).is_ok());
        let message = compare_json(committed, far).unwrap_err().to_string();
        assert_eq!(message, "/cases/1 is 2.0, a fresh run 2.2");
    }

    #[test]
    fn a_key_or_a_number_that_is_gone_is_named() {
        let refusal = |fresh: &str| {
            compare_json(br#"{"a": [1, 2]}"#, fresh.as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(refusal("{}"), "/a is gone");
        assert_eq!(refusal(r#"{"a": [1]}"#), "/a has another length");
        assert_eq!(refusal(r#"{"a": "x"}"#), r#"/a is [1,2], a fresh run gives "x""#);
    }

    #[test]
    fn only_scripts_are_run_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.py", "a.py", "a.json"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let names = scripts_in(folder.path()).unwrap();
        assert_eq!(names, [folder.path().join("a.py"), folder.path().join("b.py")]);
    }
}
