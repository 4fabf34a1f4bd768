//! `cargo xtask layers`: refuses a dependency between our crates that the design does not draw.
//!
//! ```text
//!             lane (command)              xtask (links none of ours)
//!                │
//!            lane-train ─────────┐         lane-review
//!           ╱    │               ▼              │
//!   lane-models lane-losses  lane-audit ◄───────┘
//!        │                       │
//!   lane-kernels             lane-data ──► lane-metrics
//! ```
//!
//! `lane-train` also reads `lane-data` and `lane-metrics`, and takes AdamW's step from `lane-kernels`. Beside
//! it stand `lane-few-shot` and `lane-rescore`, on `lane-data` and `lane-metrics` alone.
//! Tests may look anywhere, so dev-dependencies are free, except in xtask, which has to build in seconds.
//! burn stays out of [`WITHOUT_BURN`], through whatever other crate it might come.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::Invocation;

/// Each crate and those of ours that it may depend on.
const ARROWS: &[(&str, &[&str])] = &[
    ("lane-metrics", &[]),
    ("lane-data", &["lane-metrics"]),
    ("lane-kernels", &[]),
    ("lane-models", &["lane-kernels"]),
    ("lane-losses", &[]),
    ("lane-translate", &[]),
    (
        "lane-train",
        &[
            "lane-metrics",
            "lane-data",
            "lane-kernels",
            "lane-models",
            "lane-losses",
            "lane-translate",
            "lane-audit",
        ],
    ),
    ("lane-few-shot", &["lane-metrics", "lane-data"]),
    ("lane-audit", &["lane-metrics", "lane-data"]),
    ("lane-review", &["lane-audit", "lane-data"]),
    ("lane-rescore", &["lane-metrics", "lane-data"]),
    ("lane", &["lane-train", "lane-few-shot", "lane-audit", "lane-review", "lane-rescore"]),
    ("xtask", &[]),
];

const WITHOUT_BURN: &[&str] = &[
    "lane-metrics",
    "lane-data",
    "lane-translate",
    "lane-few-shot",
    "lane-audit",
    "lane-review",
    "lane-rescore",
];

pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata = Invocation::cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let metadata = serde_json::from_str(&metadata.stdout(root)?)
        .context("failed to parse the output of `cargo metadata`")?;
    let mut problems = forbidden_arrows(&metadata)?;
    for name in WITHOUT_BURN {
        let tree = Invocation::cargo(&["tree", "-p", name, "-e", "normal", "--prefix", "none"]);
        if let Some(package) = burn_in(&tree.stdout(root)?) {
            problems.push(format!("`{name}` must not reach burn, but `{tree}` lists {package}"));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    bail!("{}", problems.join("\n       "))
}

/// One message for each dependency that [`ARROWS`] does not allow.
fn forbidden_arrows(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    let ours: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut problems = Vec::new();
    for (package, name) in packages.iter().zip(&ours) {
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| known == name) else {
            problems.push(format!(
                "`{name}` has no place in the layers; draw its arrows in xtask/src/layers.rs first"
            ));
            continue;
        };
        let linked = linked_by(package, *name == "xtask");
        let wrong = linked.iter().filter(|it| ours.contains(it) && !allowed.contains(it));
        problems.extend(wrong.map(|it| format!("`{name}` must not depend on `{it}`")));
    }
    Ok(problems)
}

/// The names a package depends on, dev-dependencies only where asked for.
fn linked_by(package: &Value, with_dev: bool) -> Vec<&str> {
    let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    let counts = |it: &&Value| with_dev || it["kind"].as_str() != Some("dev");
    dependencies.iter().filter(counts).filter_map(|it| it["name"].as_str()).collect()
}

/// The first burn crate in a `cargo tree` without prefixes.
fn burn_in(tree: &str) -> Option<&str> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    names.into_iter().find(|name| *name == "burn" || name.starts_with("burn-"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace of our crates in which `from` depends on `to`.
    fn workspace_with(from: &str, to: &str, kind: Option<&str>) -> Value {
        let package = |name: &str| {
            let broken = (name == from).then(|| json!({"name": to, "kind": kind}));
            let dependencies: Vec<_> =
                broken.into_iter().chain([json!({"name": "serde", "kind": null})]).collect();
            json!({"name": name, "dependencies": dependencies})
        };
        let packages: Vec<_> = ARROWS.iter().map(|(name, _)| package(name)).collect();
        json!({ "packages": packages })
    }

    #[test]
    fn the_command_may_reach_the_metrics_through_the_trainer_only() {
        let problems = forbidden_arrows(&workspace_with("lane", "lane-metrics", None)).unwrap();
        assert_eq!(problems, ["`lane` must not depend on `lane-metrics`"]);
    }

    #[test]
    fn every_arrow_not_drawn_is_refused_and_every_drawn_one_passes() {
        for (from, allowed) in ARROWS {
            for (to, _) in ARROWS.iter().filter(|(to, _)| to != from) {
                let problems = forbidden_arrows(&workspace_with(from, to, None)).unwrap();
                assert_eq!(problems.is_empty(), allowed.contains(to), "{from} → {to}");
            }
        }
    }

    #[test]
    fn a_build_dependency_counts_and_a_dev_dependency_does_not() {
        let problems = |kind| forbidden_arrows(&workspace_with("lane-data", "lane-train", kind));
        assert_eq!(problems(Some("build")).unwrap().len(), 1);
        assert_eq!(problems(Some("dev")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn xtask_may_not_even_test_with_our_crates() {
        let workspace = workspace_with("xtask", "lane-metrics", Some("dev"));
        let problems = forbidden_arrows(&workspace).unwrap();
        assert_eq!(problems, ["`xtask` must not depend on `lane-metrics`"]);
    }

    #[test]
    fn an_unknown_crate_is_refused() {
        let workspace = json!({"packages": [{"name": "lane-extras", "dependencies": []}]});
        let problems = forbidden_arrows(&workspace).unwrap();
        assert!(
            problems[0].starts_with("`lane-extras` has no place in the layers"),
            "{problems:?}"
        );
    }

    #[test]
    fn metadata_without_packages_is_refused() {
        assert!(forbidden_arrows(&json!({})).is_err());
    }

    #[test]
    fn burn_is_found_in_a_tree_by_its_name_alone() {
        assert_eq!(burn_in("lane-data v0.1.0\nburn-tensor v0.22.1 (*)\n"), Some("burn-tensor"));
        assert_eq!(burn_in("lane-data v0.1.0\nburn v0.22.1\n"), Some("burn"));
        assert_eq!(burn_in("lane-data v0.1.0 (/home/burn)\nburnish v1.0.0\n"), None);
    }
}
