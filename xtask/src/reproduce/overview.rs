//! The opening of a report: what came out, how it is to be read, and what was run.

use std::collections::{BTreeMap, BTreeSet};

use super::comparison::{Order, Verdict};
use super::contrast::{Basis, Contrasts, LEAST_SEEDS, REFERENCES, mean_difference};
use super::document::Block;
use super::paper_table::{n_in_order, n_of};
use super::place::Place;
use super::report::Findings;
use super::resamples::{N_RESAMPLES, SEED};
use super::result::RunResult;
use super::score::Score;
use super::standing::average_ranks;
use super::table::{BLANK, shown_difference};
use crate::csv::Table;
use crate::shell::quoted;

pub(super) fn blocks(findings: &Findings<'_>) -> Vec<Block> {
    let mut blocks = vec![Block::heading(1, "Results"), Block::text(setting(findings))];
    blocks.push(Block::List(outcome(findings)));
    blocks.extend(paper(findings));
    blocks.extend(standing(findings));
    blocks.push(Block::heading(2, "How to read this"));
    blocks.push(Block::List(rules(findings)));
    blocks.push(Block::text("Not as in the paper:"));
    blocks.push(Block::List(findings.plan.departs.clone()));
    blocks.push(Block::heading(2, "What was run"));
    blocks.push(Block::Facts(provenance(findings)));
    blocks
}

fn setting(findings: &Findings<'_>) -> String {
    let plan = findings.plan;
    let rows = plan.max_train.map_or_else(String::new, |n| format!(", at most {n} training rows"));
    let seeds =
        if plan.seeds == 1 { "one seed".to_owned() } else { format!("{} seeds", plan.seeds) };
    format!("{}{rows}, {seeds}.", plan.title)
}

/// What a reader in a hurry wants to know.
fn outcome(findings: &Findings<'_>) -> Vec<String> {
    let n_done = findings.outcomes.iter().filter(|(_, outcome)| outcome.is_ok()).count();
    let mut lines = vec![format!("{n_done} of {} runs finished.", findings.outcomes.len())];
    for (noise, places) in by_noise(findings.places) {
        let contrasts: Option<Vec<_>> =
            places.iter().map(|(_, contrasts)| contrasts.get("lane", "base")).collect();
        let difference = contrasts.and_then(|it| mean_difference(&it, Score::Accuracy));
        if let Some(difference) = difference {
            let n = places.len();
            let sets = if n == 1 { "one data set".to_owned() } else { format!("{n} data sets") };
            lines.push(format!(
                "Noise {noise}: accuracy of lane less that of base {} over {sets}.",
                shown_difference(Some(difference), 1.0, 3)
            ));
        }
    }
    let ranked = ranked(findings.places);
    if ranked.len() > 2 {
        let best: Vec<String> =
            ranked.iter().take(3).map(|(method, rank)| format!("{method} {rank:.1}")).collect();
        let place = ranked.iter().position(|(method, _)| *method == "lane");
        let lane = place.map_or_else(String::new, |at| {
            format!("; lane is number {} of {}", at + 1, ranked.len())
        });
        lines.push(format!("Best average ranks by accuracy: {}{lane}.", best.join(", ")));
    }
    lines
}

/// Methods by average rank in accuracy over all places.
pub(super) fn ranked<'a>(places: &[(Place<'a>, Contrasts)]) -> Vec<(&'a str, f64)> {
    let places: Vec<_> = places.iter().collect();
    ranks_at(&places)
}

fn ranks_at<'a>(places: &[&(Place<'a>, Contrasts)]) -> Vec<(&'a str, f64)> {
    let Some((first, _)) = places.first() else { return Vec::new() };
    let mean = |(place, _): &&(Place<'_>, Contrasts), method: &str| {
        Some(place.summary(method, "accuracy")?.mean)
    };
    let of_method =
        |method: &'a str| (method, places.iter().map(|place| mean(place, method)).collect());
    average_ranks(&first.methods().map(of_method).collect::<Vec<_>>())
}

/// Places of one noise rate together, in the plan's order.
fn by_noise<'p, 'a>(
    places: &'p [(Place<'a>, Contrasts)],
) -> Vec<(f64, Vec<&'p (Place<'a>, Contrasts)>)> {
    let mut groups: Vec<(f64, Vec<&(Place<'_>, Contrasts)>)> = Vec::new();
    for place in places {
        let noise = place.0.noise;
        match groups.iter_mut().find(|(rate, _)| rate.total_cmp(&noise).is_eq()) {
            Some((_, group)) => group.push(place),
            None => groups.push((noise, vec![place])),
        }
    }
    groups
}

fn paper(findings: &Findings<'_>) -> Vec<Block> {
    if findings.tables.is_empty() {
        return Vec::new();
    }
    let names = Verdict::ALL.map(Verdict::name).into_iter().chain(Order::ALL.map(Order::name));
    let mut columns = vec!["table".to_owned(), "cells".to_owned()];
    columns.extend(names.enumerate().map(|(at, name)| {
        if at < Verdict::ALL.len() { name.to_owned() } else { format!("order {name}") }
    }));
    let row = |(number, rows): &(u8, Vec<_>)| {
        let counts = Verdict::ALL.map(|verdict| n_of(rows, verdict)).into_iter();
        let orders = Order::ALL.map(|order| n_in_order(rows, order));
        let numbers = std::iter::once(rows.len()).chain(counts).chain(orders);
        let name = format!("Table {number}");
        std::iter::once(name).chain(numbers.map(|n| n.to_string())).collect()
    };
    let rows = findings.tables.iter().map(row).collect();
    vec![Block::heading(2, "Against the paper"), Block::Grid(Table { columns, rows })]
}

/// Ranks and mean differences by noise rate, best method first.
fn standing(findings: &Findings<'_>) -> Vec<Block> {
    let groups = by_noise(findings.places);
    let ranked = ranked(findings.places);
    if ranked.len() < 3 {
        return Vec::new();
    }
    let mut table = Table::new(&["method"]);
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (noise, places) in &groups {
        table.columns.push(format!("rank, noise {noise}"));
        let ranks: BTreeMap<&str, f64> = ranks_at(places).into_iter().collect();
        let rank = |(method, _): &(&str, f64)| {
            ranks.get(method).map_or_else(|| BLANK.to_owned(), |rank| format!("{rank:.1}"))
        };
        columns.push(ranked.iter().map(rank).collect());
        for reference in REFERENCES {
            let shown = |(method, _): &(&str, f64)| {
                let all: Option<Vec<_>> =
                    places.iter().map(|(_, it)| it.get(method, reference)).collect();
                let mean = all.and_then(|all| mean_difference(&all, Score::Accuracy));
                shown_difference(mean, 1.0, 3)
            };
            let column: Vec<String> = ranked.iter().map(shown).collect();
            if column.iter().any(|field| field != BLANK) {
                table.columns.push(format!("− {reference}, noise {noise} [95 %]"));
                columns.push(column);
            }
        }
    }
    table.rows = (ranked.iter().enumerate())
        .map(|(at, (method, _))| {
            let fields = columns.iter().map(|column| column[at].clone());
            std::iter::once((*method).to_owned()).chain(fields).collect()
        })
        .collect();
    let text = "By accuracy at the best epoch: average rank over data sets, and mean difference to \
                base and to lane over data sets. Methods that lack a run somewhere are left out.";
    vec![Block::heading(2, "Standing"), Block::text(text), Block::Grid(table)]
}

fn rules(findings: &Findings<'_>) -> Vec<String> {
    let mut rules = vec![
        "Figures are mean ± sample standard deviation over seeds. Best is the epoch that scored \
         best on the validation split, final the last one; the test split chooses nothing."
            .to_owned(),
        "AP is the average precision of finding the wrong labels: by the method's own ranking, by \
         the average margin (AUM) and by the average label-aware margin (ALM)."
            .to_owned(),
        intervals(findings),
    ];
    if !findings.tables.is_empty() {
        rules.push(
            "In the paper's tables all figures are in percent, and ours are at the best epoch in \
             the score that the table names. A cell is reproduced where the two means differ by \
             at most 2·√(s² + s'²), s and s' being the two standard deviations over runs: as far \
             as two runs of one system would differ in 19 of 20 cases. A spread that is missing, \
             the paper's or that of a single seed, is taken to be the other's. The wider the \
             spread, the easier this is met."
                .to_owned(),
        );
        rules.push(
            "Since other encoders and fewer rows move all figures at once, orders are judged too: \
             where the paper has lane ahead of a method, or behind it, this holds if our interval \
             of the difference lies on the same side of zero, is contradicted if it lies on the \
             other, and is undecided if it holds zero."
                .to_owned(),
        );
    }
    rules
}

/// What was resampled for the intervals, as it was in this report.
fn intervals(findings: &Findings<'_>) -> String {
    let n_unfit: usize = findings.places.iter().map(|(_, contrasts)| contrasts.n_unfit).sum();
    let unfit = match n_unfit {
        0 => String::new(),
        n => format!(
            " The test predictions of {n} runs are of other rows or do not give the \
                      scores of `result.json`, and were not used."
        ),
    };
    let bases: BTreeSet<Basis> =
        findings.places.iter().flat_map(|(_, contrasts)| contrasts.bases()).collect();
    let what: Vec<&str> =
        bases.iter().map(|basis| basis.name()).filter(|it| !it.is_empty()).collect();
    if what.is_empty() {
        return format!(
            "Differences have no interval: with one seed and no test predictions there is nothing \
             to resample.{unfit}"
        );
    }
    let caution = if bases.contains(&Basis::Seeds) {
        format!(
            " Where only seeds are resampled the interval says nothing of the test rows; of fewer \
             than {LEAST_SEEDS} seeds it is too narrow, and no order is judged by it."
        )
    } else if bases.contains(&Basis::Rows) {
        " With one seed it says nothing of how training varies.".to_owned()
    } else {
        " Of few seeds it is still somewhat narrow.".to_owned()
    };
    format!(
        "Brackets hold a paired bootstrap interval: 95 %, percentiles of {N_RESAMPLES} resamples of \
         {}, random seed {SEED}, the same rows and seeds for both methods; means over data sets \
         resample within each.{caution}{unfit}",
        what.join(", or of ")
    )
}

/// What is told of every run: a title, and where it stands among the origins.
const NAMED_ORIGINS: [(&str, &str); 11] = [
    ("program", "version"),
    ("git revision", "revision"),
    ("sources changed since", "dirty"),
    ("compiler", "compiler"),
    ("burn", "burn"),
    ("system", "system"),
    ("processor", "processor"),
    ("cores", "cores"),
    ("device", "device"),
    ("threads of a run", "threads"),
    ("encoder", "encoder"),
];

/// What made these results, where, and out of what.
fn provenance(findings: &Findings<'_>) -> Table {
    let results: Vec<&RunResult> =
        findings.places.iter().flat_map(|(place, _)| place.finished()).map(|it| it.1).collect();
    let arguments: Vec<String> = std::env::args().skip(1).map(|it| quoted(&it)).collect();
    let sum = |name| results.iter().filter_map(|it| it.get(name)).sum::<f64>();
    let most = |name| results.iter().filter_map(|it| it.get(name)).fold(0.0, f64::max);
    let mut rows = vec![["command".to_owned(), format!("`cargo xtask {}`", arguments.join(" "))]];
    rows.extend(NAMED_ORIGINS.map(|(title, name)| {
        let shown: fn(&str) -> String = match name {
            "revision" | "encoder" => short_hash,
            "dirty" => in_words,
            _ => str::to_owned,
        };
        [title.to_owned(), counted(&results, name, shown)]
    }));
    rows.extend([
        ["hours of all runs".to_owned(), format!("{:.2}", sum("seconds") / 3600.0)],
        [
            "most memory of a run".to_owned(),
            format!("{:.2} GiB", most("peak_memory_bytes") / f64::from(1 << 30)),
        ],
    ]);
    for data_set in &findings.plan.data_sets {
        let of_set = findings.places.iter().filter(|(place, _)| place.data_set == data_set);
        let results: Vec<_> =
            of_set.flat_map(|(place, _)| place.finished()).map(|it| it.1).collect();
        let parts = ["validation", "test"].map(|split| {
            format!("{split} {}", counted(&results, &format!("{split}_sha256"), short_hash))
        });
        rows.push([format!("data of {}", data_set.name), parts.join("; ")]);
    }
    rows.push([
        "each run".to_owned(),
        "`cells.csv`, with the hash of its training file".to_owned(),
    ]);
    Table {
        columns: ["what", "value"].map(str::to_owned).into(),
        rows: rows.into_iter().map(Vec::from).collect(),
    }
}

/// The values of an origin, with the number of runs where there are several.
fn counted(results: &[&RunResult], name: &str, shown: impl Fn(&str) -> String) -> String {
    let mut counts: BTreeMap<Option<&str>, usize> = BTreeMap::new();
    for result in results {
        *counts.entry(result.origin(name)).or_default() += 1;
    }
    let n_values = counts.len();
    let value = |(value, n): (Option<&str>, usize)| {
        let shown = value.map_or_else(|| "not recorded".to_owned(), &shown);
        if n_values > 1 { format!("{shown} ({n} runs)") } else { shown }
    };
    counts.into_iter().map(value).collect::<Vec<_>>().join(", ")
}

fn in_words(dirty: &str) -> String {
    if dirty == "true" { "yes" } else { "no" }.to_owned()
}

fn short_hash(hash: &str) -> String {
    format!("`{}`", hash.chars().take(16).collect::<String>())
}
