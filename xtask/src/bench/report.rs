//! `bench.md` to read and `bench.json` to compute with; the table is printed as well.

use std::fmt::Write as _;

use anyhow::Result;
use serde_json::{Value, json};

use super::contender::Sample;
use super::machine::Machine;
use super::options::Plan;
use super::outcome::{Outcome, Side};
use crate::markdown::aligned;
use crate::shell::quoted;
use crate::whole_file::write_whole;

const BLANK: &str = "–";

/// Writes and prints everything; gives the number of bars missed.
pub(super) fn write(plan: &Plan, machine: &Machine, outcomes: &[Outcome]) -> Result<usize> {
    let n_missed = outcomes.iter().map(Outcome::n_missed).sum();
    let page = page(machine, outcomes, n_missed);
    let cases: Vec<Value> = outcomes.iter().map(case_json).collect();
    let all =
        json!({ "command": command(), "machine": machine, "cases": cases, "n_missed": n_missed });
    write_whole(&plan.out.join("bench.json"), &(serde_json::to_string_pretty(&all)? + "\n"))?;
    write_whole(&plan.out.join("bench.md"), &page)?;
    println!("{page}\nwritten to {}", plan.out.display());
    Ok(n_missed)
}

fn command() -> String {
    let arguments: Vec<String> = std::env::args().skip(1).map(|it| quoted(&it)).collect();
    format!("cargo xtask {}", arguments.join(" "))
}

fn page(machine: &Machine, outcomes: &[Outcome], n_missed: usize) -> String {
    let mut text = format!("# Speed\n\n`{}`\n\n{}", command(), about(machine));
    text.push_str(
        "\nMedians over all rounds after warm-up; in parentheses the smallest and the largest ratio\n\
         of a round. Where batches differ in width (AG News), both sides take the same ones, and\n\
         the figure is the mean over batches of the median over rounds. Whole trainings are timed\n\
         from the start of the process to its end. Memory is the largest resident set.\n\
         Embedded are the first 10,000 texts of the training and the validation file.\n\n",
    );
    text.push_str(&table(outcomes));
    let _ = writeln!(text, "\nBars missed: {n_missed}.\n\n## Commands\n\n```sh");
    for outcome in outcomes {
        let sides = [Some(&outcome.ours), outcome.rival.as_ref()];
        for sample in sides.into_iter().flatten().filter_map(|side| side.samples.first()) {
            let _ = writeln!(text, "{}", sample.command);
        }
    }
    text + "```\n"
}

fn about(machine: &Machine) -> String {
    let mut text = format!("{}; {}, {} cores", machine.date, machine.processor, machine.n_cores);
    if let Some(bytes) = machine.memory_bytes {
        let _ = write!(text, ", {:.0} GB", bytes as f64 / 1e9);
    }
    let _ = write!(text, "; {}", machine.system);
    if let Some(load) = machine.load {
        let _ = write!(text, "; load {load:.2} before the first case");
    }
    let _ = write!(text, ".\n{}, revision {}, {}", machine.lane, machine.revision, machine.rustc);
    for (name, version) in machine.python.as_object().into_iter().flatten() {
        let _ = write!(text, ", {name} {}", version.as_str().unwrap_or_default());
    }
    text + ".\n"
}

fn table(outcomes: &[Outcome]) -> String {
    let titles = [
        "case",
        "threads",
        "lane ms",
        "rival ms",
        "ratio",
        "bar",
        "met",
        "lane MB",
        "rival MB",
        "memory ratio",
        "memory met",
    ];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(outcomes.iter().map(row));
    aligned(&rows)
}

fn row(outcome: &Outcome) -> Vec<String> {
    let case = &outcome.case;
    let rival = outcome.rival.as_ref();
    let or_blank = |text: Option<String>| text.unwrap_or_else(|| BLANK.to_owned());
    let megabytes =
        |side: Option<&Side>| Some(format!("{:.0}", side?.peak_memory_bytes? as f64 / 1e6));
    let met = |met: Option<bool>| met.map(|met| if met { "yes" } else { "NO" }.to_owned());
    let ratio = outcome.ratio().zip(outcome.spread());
    let ratio = ratio.map(|(ratio, (least, most))| format!("{ratio:.2} ({least:.2}–{most:.2})"));
    vec![
        match rival {
            Some(_) => format!("{} : {}", case.name, case.rival_name),
            None => case.name.clone(),
        },
        outcome.threads.to_string(),
        format!("{:.1}", outcome.ours.ms),
        or_blank(rival.map(|side| format!("{:.1}", side.ms))),
        or_blank(ratio),
        or_blank(case.bar.map(|bar| format!("≤ {bar:.1}"))),
        or_blank(met(outcome.met())),
        or_blank(megabytes(Some(&outcome.ours))),
        or_blank(megabytes(rival)),
        or_blank(outcome.memory_ratio().map(|ratio| format!("{ratio:.2}"))),
        or_blank(met(outcome.memory_met())),
    ]
}

fn case_json(outcome: &Outcome) -> Value {
    let case = &outcome.case;
    json!({
        "case": case.name,
        "threads": outcome.threads,
        "rival": case.rival_name,
        "ms": outcome.ours.ms,
        "rival_ms": outcome.rival.as_ref().map(|side| side.ms),
        "ratio": outcome.ratio(),
        "spread": outcome.spread(),
        "bar": case.bar,
        "met": outcome.met(),
        "peak_memory_bytes": outcome.ours.peak_memory_bytes,
        "rival_peak_memory_bytes": outcome.rival.as_ref().and_then(|side| side.peak_memory_bytes),
        "memory_ratio": outcome.memory_ratio(),
        "memory_bar": case.memory_bar,
        "memory_met": outcome.memory_met(),
        "rounds": outcome.ours.samples.iter().map(sample_json).collect::<Vec<_>>(),
        "rival_rounds": outcome.rival.iter().flat_map(|side| &side.samples).map(sample_json).collect::<Vec<_>>(),
    })
}

/// A run with what it said of itself, less what is long and the same every time.
fn sample_json(sample: &Sample) -> Value {
    let mut report = sample.report.clone();
    if let Some(report) = report.as_object_mut() {
        for key in ["rows", "epochs", "detection", "best", "final"] {
            report.remove(key);
        }
    }
    json!({ "command": sample.command, "ms": sample.ms, "report": report })
}
