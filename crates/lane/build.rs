//! Hands to the program what it is built from and with: revision of the source and whether that has
//! changes, compiler, version of the tensor library. What cannot be found out is left out.

use std::path::Path;
use std::process::Command;

/// What the program is made of, from the root of the checkout.
const SOURCES: [&str; 4] = ["crates", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];

fn main() {
    let root = Path::new("../..");
    println!("cargo:rerun-if-changed=build.rs");
    for source in SOURCES {
        watch(&root.join(source));
    }
    if let Some(log) = output("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        watch(Path::new(&log));
    }
    if let Some(revision) = output("git", &["rev-parse", "--short=12", "HEAD"]) {
        tell("LANE_REVISION", &revision);
        let status = ["-C", "../..", "status", "--porcelain", "--"];
        if let Some(changes) = output("git", &[&status[..], &SOURCES[..]].concat()) {
            tell("LANE_DIRTY", if changes.is_empty() { "false" } else { "true" });
        }
    }
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    if let Some(version) = output(&compiler, &["--version"]) {
        tell("LANE_COMPILER", &version);
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    if let Some(version) = locked_version(&lock, "burn") {
        tell("LANE_BURN", version);
    }
}

/// A path that is not there would have the script run at every build.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}

fn tell(name: &str, value: &str) {
    println!("cargo:rustc-env={name}={value}");
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn locked_version<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    after.split('"').next()
}
