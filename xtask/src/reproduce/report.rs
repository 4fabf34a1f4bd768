//! What a command leaves behind: `report.md`, `cells.csv`, `summary.csv`, and Figure 1 with its
//! numbers. The tables are printed as well.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;

use super::cell::{Cell, Failure, Outcome};
use super::figure::{self, Weights};
use super::plan::{DataSet, Plan};
use super::table;
use crate::shell::quoted;
use crate::whole_file::write_whole;

/// The method whose weights Figure 1 shows, where it was run.
const FIGURE_METHOD: &str = "lane";

/// Writes and prints everything; gives the number of failed cells.
pub(super) fn write(plan: &Plan, out: &Path, outcomes: &[(Cell, Outcome)]) -> Result<usize> {
    let mut report = opening(plan);
    for (data_set, noise) in plan.tables() {
        let cells: Vec<_> = outcomes.iter().filter(|(it, _)| is_of(it, data_set, noise)).collect();
        let _ = writeln!(report, "\n## {}, noise {noise}\n", data_set.name);
        report.push_str(&table::markdown(plan, &cells));
        if let Some(line) = figure_line(plan, out, (data_set, noise), &cells)? {
            let _ = writeln!(report, "\n{line}");
        }
    }
    report.push_str(&failures(outcomes));
    for (name, text) in [
        ("report.md", &report),
        ("cells.csv", &table::cells_csv(outcomes).text()),
        ("summary.csv", &table::summary_csv(plan, outcomes).text()),
    ] {
        write_whole(&out.join(name), text)?;
    }
    println!("{report}\nwritten to {}", out.display());
    Ok(outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count())
}

fn is_of(cell: &Cell, data_set: &DataSet, noise: f64) -> bool {
    cell.data_set == *data_set && cell.noise.total_cmp(&noise).is_eq()
}

fn opening(plan: &Plan) -> String {
    let arguments: Vec<String> = std::env::args().skip(1).map(|it| quoted(&it)).collect();
    let rows = plan.max_train.map_or_else(String::new, |n| format!(", at most {n} training rows"));
    format!(
        "# Results\n\n`cargo xtask {}`\n\n{}{rows}; mean ± sample standard deviation over {} seeds.\n\
         *Best* is the epoch that scored best on the validation split, *final* the last one; the\n\
         test split chooses nothing.\n\
         AP is the average precision of finding the wrong labels: by the method's own ranking, by\n\
         the average margin (AUM) and by the average label-aware margin (ALM).\n{}",
        arguments.join(" "),
        plan.title,
        plan.seeds,
        departures(plan),
    )
}

fn departures(plan: &Plan) -> String {
    let lines = plan.departs.iter().map(|line| format!("- {line}\n"));
    format!("\nNot as in the paper:\n\n{}", lines.collect::<String>())
}

/// Draws Figure 1 for one table; nothing where wrong labels or weights are not known.
fn figure_line(
    plan: &Plan,
    out: &Path,
    (data_set, noise): (&DataSet, f64),
    cells: &[&(Cell, Outcome)],
) -> Result<Option<String>> {
    let wanted = plan.variants.iter().find(|variant| variant.label == FIGURE_METHOD);
    let Some(method) = wanted.or(plan.variants.first()).map(|variant| &*variant.label) else {
        return Ok(None);
    };
    let mut weights = Weights::default();
    let runs: Vec<&Cell> = (cells.iter())
        .filter(|(cell, outcome)| cell.method == method && outcome.is_ok())
        .map(|(cell, _)| cell)
        .collect();
    for run in &runs {
        weights.add_run(&run.train, &run.folder.join("labels.csv"))?;
    }
    if !weights.shows_something() {
        return Ok(None);
    }
    let name = if plan.tables().len() == 1 {
        "figure-1".to_owned()
    } else {
        format!("figure-1-{}-noise-{noise}", data_set.name)
    };
    let subtitle = format!("{}, noise {noise}, {} seeds together", data_set.name, runs.len());
    let svg = figure::svg(&weights, method, &subtitle)?;
    write_whole(&out.join(&name).with_added_extension("svg"), &svg)?;
    write_whole(&out.join(&name).with_added_extension("csv"), &weights.table().text())?;
    let what = "weights of rows with a correct and with a wrong label";
    Ok(Some(format!("![Figure 1: {what}, method {method}]({name}.svg)")))
}

fn failures(outcomes: &[(Cell, Outcome)]) -> String {
    let failed: Vec<(&Cell, &Failure)> = outcomes
        .iter()
        .filter_map(|(cell, outcome)| Some((cell, outcome.as_ref().err()?)))
        .collect();
    if failed.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## Missing: {} of {} runs\n", failed.len(), outcomes.len());
    for (cell, Failure { command, stderr }) in failed {
        let _ = writeln!(text, "\n{cell}; to repeat it:\n\n```text\n{command}\n\n{stderr}\n```");
    }
    text
}
