//! Hands the source revision to the program, where it is built from a checkout.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../../.git/logs/HEAD");
    let output = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    if let Some(revision) = output.ok().filter(|output| output.status.success()) {
        println!(
            "cargo:rustc-env=LANE_REVISION={}",
            String::from_utf8_lossy(&revision.stdout).trim()
        );
    }
}
