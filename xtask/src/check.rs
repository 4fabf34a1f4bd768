//! `cargo xtask check`: what has to pass before a change goes in.
//!
//! Cheapest first, so that the common mistakes are told in seconds; it stops at the first failure
//! and prints the command that repeats it. Tests are not among the steps: `cargo test --workspace`
//! runs them.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::shell::Invocation;
use crate::{layers, supply, tidy};

enum Step {
    Inside(&'static str, fn(&Path) -> Result<()>),
    Outside(Invocation),
}

impl Step {
    fn run(&self, root: &Path) -> Result<()> {
        match self {
            Self::Inside(_, step) => step(root),
            Self::Outside(invocation) => invocation.run(root),
        }
    }

    fn repeat(&self) -> String {
        match self {
            Self::Inside(name, _) => format!("cargo xtask {name}"),
            Self::Outside(invocation) => invocation.to_string(),
        }
    }
}

pub(crate) fn run(root: &Path) -> Result<()> {
    let has_deny = supply::is_installed(root);
    if !has_deny {
        println!(
            "not run: licences, bans and sources of dependencies; see `cargo xtask check --supply`"
        );
    }
    run_steps(root, &steps(has_deny))
}

fn steps(has_deny: bool) -> Vec<Step> {
    let doc = Invocation::cargo(&["doc", "--no-deps", "--workspace", "--quiet"]);
    let mut steps = vec![
        Step::Outside(Invocation::cargo(&["fmt", "--all", "--check"])),
        Step::Inside("tidy", tidy::run),
        Step::Inside("layers", layers::run),
    ];
    steps.extend(has_deny.then(|| Step::Outside(supply::step())));
    steps.extend([
        Step::Outside(Invocation::cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--quiet",
            "--",
            "-D",
            "warnings",
        ])),
        Step::Outside(doc.with_variable("RUSTDOCFLAGS", "-Dwarnings")),
    ]);
    steps
}

fn run_steps(root: &Path, steps: &[Step]) -> Result<()> {
    for step in steps {
        let start = Instant::now();
        let repeat = step.repeat();
        step.run(root)
            .with_context(|| format!("check stopped; to repeat this step: {repeat}\n"))?;
        println!("ok {:>6.1} s  {repeat}", start.elapsed().as_secs_f64());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn the_first_failure_ends_it_and_names_the_command_to_repeat() {
        let steps = [
            Step::Outside(Invocation::new("true", &[])),
            Step::Inside("layers", |_| bail!("an arrow too many")),
            Step::Inside("tidy", |_| unreachable!("never reached")),
        ];
        let message = format!("{:#}", run_steps(Path::new("."), &steps).unwrap_err());
        assert!(message.contains("to repeat this step: cargo xtask layers"), "{message}");
        assert!(message.contains("an arrow too many"), "{message}");
    }

    #[test]
    fn the_cheapest_step_comes_first_and_the_dearest_last() {
        let of = |has_deny| steps(has_deny).iter().map(Step::repeat).collect::<Vec<_>>();
        let commands = of(false);
        assert_eq!(commands[0], "cargo fmt --all --check");
        assert_eq!(commands[1], "cargo xtask tidy");
        assert_eq!(commands[4], "RUSTDOCFLAGS=-Dwarnings cargo doc --no-deps --workspace --quiet");
        assert_eq!((commands.len(), of(true).len()), (5, 6));
        assert!(of(true)[3].starts_with("cargo deny "), "{:?}", of(true));
    }
}
