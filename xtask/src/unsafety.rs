//! Where `unsafe` may stand: in three files of one crate, and nowhere else.
//!
//! The workspace forbids it, and what is forbidden cannot be allowed further in; so all that has to
//! be looked at is that every other crate takes the lints of the workspace.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use toml::{Table, Value};

/// The crate that has lints of its own.
const KERNELS: &str = "crates/lane-kernels";
/// Its files that lift the lint, each with a reason.
const FILES: &[&str] = &["matrix.rs", "product.rs", "simd.rs"];

pub(crate) fn problems(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let workspace = manifest(root, "Cargo.toml")?;
    if level(&workspace, &["workspace", "lints"]) != Some("forbid") {
        problems.push("Cargo.toml does not forbid `unsafe_code` for the workspace".to_owned());
    }
    let mut crates = vec!["xtask".to_owned()];
    for entry in fs::read_dir(root.join("crates")).context("failed to list crates")? {
        crates.push(format!("crates/{}", entry?.file_name().to_string_lossy()));
    }
    crates.sort();
    for name in crates {
        problems.extend(of_crate(&name, &manifest(root, &format!("{name}/Cargo.toml"))?));
    }
    problems.extend(lifted(&root.join(KERNELS).join("src"))?);
    Ok(problems)
}

fn manifest(root: &Path, name: &str) -> Result<Table> {
    let text =
        fs::read_to_string(root.join(name)).with_context(|| format!("failed to read {name}"))?;
    text.parse().with_context(|| format!("failed to parse {name}"))
}

fn of_crate(name: &str, manifest: &Table) -> Option<String> {
    if name == KERNELS {
        let is_denied = level(manifest, &["lints"]) == Some("deny");
        return (!is_denied).then(|| format!("{name}/Cargo.toml does not deny `unsafe_code`"));
    }
    let takes = manifest.get("lints").and_then(|it| it.get("workspace"));
    (takes != Some(&Value::Boolean(true))).then(|| {
        format!("{name}/Cargo.toml does not take the workspace's lints, so it may hold `unsafe`")
    })
}

/// What `unsafe_code` is set to among the lints of a table.
fn level<'a>(manifest: &'a Table, place: &[&str]) -> Option<&'a str> {
    let (first, rest) = place.split_first()?;
    let lints = rest.iter().try_fold(manifest.get(*first)?, |table, key| table.get(key))?;
    lints.get("rust")?.get("unsafe_code")?.as_str()
}

/// Files below `folder` that name the lint, though they are not among [`FILES`].
fn lifted(folder: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    let listed =
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in listed {
        let path = entry?.path();
        if path.is_dir() {
            problems.extend(lifted(&path)?);
            continue;
        }
        let is_known = FILES.iter().any(|name| path.ends_with(Path::new("src").join(name)));
        if !is_known && fs::read_to_string(&path)?.contains("unsafe_code") {
            let file = path.display();
            problems
                .push(format!("{file} lifts `unsafe_code`; draw it up in xtask/src/unsafety.rs"));
        }
    }
    problems.sort();
    Ok(problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        text.parse().unwrap()
    }

    #[test]
    fn a_crate_with_lints_of_its_own_is_named() {
        assert_eq!(of_crate("xtask", &table("[lints]\nworkspace = true")), None);
        for text in ["", "[lints.rust]\nunsafe_code = \"forbid\"", "[lints]\nworkspace = false"] {
            let said = of_crate("crates/lane-data", &table(text)).unwrap();
            assert!(said.starts_with("crates/lane-data/Cargo.toml does not take"), "{said}");
        }
    }

    #[test]
    fn the_kernels_have_to_deny_it() {
        let deny = "[lints.rust]\nunsafe_code = \"deny\"";
        assert_eq!(of_crate(KERNELS, &table(deny)), None);
        assert!(of_crate(KERNELS, &table(&deny.replace("deny", "allow"))).is_some());
        assert!(of_crate(KERNELS, &table("[lints]\nworkspace = true")).is_some());
    }

    #[test]
    fn a_further_file_that_lifts_the_lint_is_named() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("src");
        fs::create_dir_all(folder.join("layer")).unwrap();
        for name in ["matrix.rs", "gelu.rs", "layer/matrix.rs"] {
            fs::write(folder.join(name), "#![expect(unsafe_code)]\n").unwrap();
        }
        fs::write(folder.join("sums.rs"), "//! Sums.\n").unwrap();
        let problems = lifted(&folder).unwrap();
        let named = |name: &str| problems.iter().any(|it| it.contains(name));
        assert!(
            problems.len() == 2 && named("gelu.rs") && named("layer/matrix.rs"),
            "{problems:?}"
        );
    }

    #[test]
    fn this_workspace_keeps_it() {
        assert_eq!(problems(&crate::root()).unwrap(), Vec::<String>::new());
    }
}
