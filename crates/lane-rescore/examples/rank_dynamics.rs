//! Ranks a log and says what it took: `rank_dynamics PATH SCORE OUT MEMORY`, as `lane rescore` does.
#![expect(clippy::print_stdout, reason = "a program")]

use std::error::Error;
use std::time::Instant;

use lane_rescore::{RescoreRequest, rescore};

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [path, score, out, memory] = &words[..] else {
        return Err("expected PATH SCORE OUT MEMORY".into());
    };
    let begun = Instant::now();
    let summary = rescore(&RescoreRequest {
        dynamics: vec![path.into()],
        score: score.parse()?,
        out: out.into(),
        memory: memory.parse()?,
        epochs: None,
        include_ci: false,
        threads: None,
        spill: None,
        force: true,
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown");
    println!("{summary:?}\n{seconds:.1} s, {peak}");
    Ok(())
}
