//! `cargo xtask check --supply`: licences, bans, sources and advisories of every dependency.
//!
//! What may stand in the graph is in `.cargo/deny.toml`; cargo-deny compares. Advisories are in a
//! database on GitHub: where that cannot be fetched they are not checked, which is said.

use std::path::Path;

use anyhow::{Result, ensure};

use crate::shell::Invocation;

pub(crate) fn run(root: &Path) -> Result<()> {
    ensure!(is_installed(root), "{}", missing());
    let graph = ["deny", "check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    Invocation::cargo(&graph).run(root)?;
    match Invocation::cargo(&["deny", "fetch", "db"]).stdout(root) {
        Ok(_) => Invocation::cargo(&["deny", "check", "advisories"]).run(root),
        Err(error) => {
            println!("{}", not_checked(&format!("{error:#}")));
            Ok(())
        }
    }
}

/// The part that needs no network, as a step of `cargo xtask check`.
pub(crate) fn step() -> Invocation {
    Invocation::cargo(&["deny", "--log-level", "error", "check", "licenses", "bans", "sources"])
}

pub(crate) fn is_installed(root: &Path) -> bool {
    Invocation::cargo(&["deny", "--version"]).stdout(root).is_ok()
}

fn missing() -> &'static str {
    "cargo-deny is not installed; `cargo install --locked cargo-deny` brings it"
}

/// One line, with the last thing that was said before the fetch was given up.
fn not_checked(error: &str) -> String {
    let reason = error.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
    format!("not checked: advisories, since their database could not be fetched ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_cannot_be_fetched_is_said_with_the_reason_on_one_line() {
        let said = not_checked("`cargo deny fetch db` failed\nCloning\nfatal: no such host\n\n");
        assert_eq!(
            said,
            "not checked: advisories, since their database could not be fetched (fatal: no such host)"
        );
    }
}
