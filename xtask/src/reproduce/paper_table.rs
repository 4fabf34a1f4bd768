//! The paper's tables with ours beside them, in percent.

use super::comparison::{Compared, Order, Verdict};
use super::contrast::REFERENCES;
use super::document::Block;
use super::place::Place;
use super::report::Findings;
use super::score::Score;
use super::standing::average_ranks;
use super::summary::Summary;
use super::table::{BLANK, ends, in_full, shown_difference, signed};
use crate::csv::Table;

/// A section for each table.
pub(super) fn blocks(findings: &Findings<'_>) -> Vec<Block> {
    let section = |(number, rows): &(u8, Vec<Compared<'_>>)| {
        let title = format!("Table {number} of the paper");
        let mut blocks = vec![Block::heading(2, title)];
        if !rows.is_empty() {
            blocks.push(Block::text(outcome(rows)));
            blocks.extend(ranks(rows));
            blocks.push(Block::Grid(grid(rows)));
        }
        let slips = findings.slips.of_table(*number);
        if !slips.is_empty() {
            blocks.push(Block::text("Known of the paper's figures:"));
            blocks.push(Block::List(slips));
        }
        blocks
    };
    findings.tables.iter().flat_map(section).collect()
}

/// How many rows have each verdict, and how many orders hold, in a sentence.
pub(super) fn outcome(rows: &[Compared<'_>]) -> String {
    let verdicts = Verdict::ALL.map(|verdict| (verdict.name(), n_of(rows, verdict)));
    let orders = Order::ALL.map(|order| (order.name(), n_in_order(rows, order)));
    let n_orders: usize = orders.iter().map(|(_, n)| n).sum();
    let orders = match n_orders {
        0 => String::new(),
        _ => format!(" Of {n_orders} orders of lane and another method: {}.", counted(&orders)),
    };
    format!("Of {} cells: {}.{orders}", rows.len(), counted(&verdicts))
}

fn counted(counts: &[(&str, usize)]) -> String {
    let counts = counts.iter().filter(|(_, n)| *n > 0).map(|(name, n)| format!("{n} {name}"));
    counts.collect::<Vec<_>>().join(", ")
}

pub(super) fn n_of(rows: &[Compared<'_>], verdict: Verdict) -> usize {
    rows.iter().filter(|row| row.verdict == verdict).count()
}

pub(super) fn n_in_order(rows: &[Compared<'_>], order: Order) -> usize {
    rows.iter().filter(|row| row.order == Some(order)).count()
}

/// Average ranks in the table's scores, ours and the paper's over the same cells.
fn ranks(rows: &[Compared<'_>]) -> Option<Block> {
    let both: Vec<&Compared<'_>> =
        rows.iter().filter(|row| row.ours.is_some() && row.published.mean.is_some()).collect();
    let ours = average_ranks(&columns(&both, |row| row.ours.map(|ours| ours.mean)));
    let paper = average_ranks(&columns(&both, |row| row.published.mean));
    if ours.len() < 3 {
        return None;
    }
    let shown = |(method, rank): &(&str, f64)| {
        let theirs = paper.iter().find(|(name, _)| name == method).map(|(_, rank)| *rank);
        format!("{method} {rank:.1} ({:.1})", theirs.unwrap_or_default())
    };
    let list: Vec<String> = ours.iter().map(shown).collect();
    Some(Block::text(format!(
        "Average rank over the data sets that all these methods have, the paper's in brackets: {}.",
        list.join(", ")
    )))
}

/// Values of each method at every place of `rows`.
fn columns<'a>(
    rows: &[&Compared<'a>],
    value: impl Fn(&Compared<'a>) -> Option<f64>,
) -> Vec<(&'a str, Vec<Option<f64>>)> {
    let (mut methods, mut places) = (Vec::new(), Vec::new());
    for row in rows {
        let (method, place) = (&*row.published.method, row.place.map(Place::key));
        if !methods.contains(&method) {
            methods.push(method);
        }
        if !places.contains(&place) {
            places.push(place);
        }
    }
    let of_method = |method: &'a str| {
        let at = |place: &Option<String>| {
            let is_it = |row: &&&Compared<'_>| {
                row.published.method == method && row.place.map(Place::key) == *place
            };
            value(rows.iter().find(is_it)?)
        };
        (method, places.iter().map(at).collect())
    };
    methods.into_iter().map(of_method).collect()
}

fn grid(rows: &[Compared<'_>]) -> Table {
    let mut table = Table::new(&[
        "data set, noise, method",
        "score",
        "ours (seeds)",
        "paper",
        "difference",
        "verdict",
        "ours − base [95 %]",
        "ours − lane [95 %]",
        "paper's order",
    ]);
    table.columns.extend(Score::ALL.map(|score| format!("{}, best / final", score.title())));
    table.rows = rows.iter().map(line).collect();
    table
}

fn line(row: &Compared<'_>) -> Vec<String> {
    let Compared { published, place, ours, against, verdict, order, .. } = row;
    let of_ours = |ours: Summary| format!("{} ({})", percent(ours), ours.n);
    let blank = || BLANK.to_owned();
    let mut line = vec![
        name(row),
        published.score.title().to_owned(),
        ours.map_or_else(blank, of_ours),
        published.shown(),
        row.points().map_or_else(blank, |points| signed(points, 1)),
        verdict.name().to_owned(),
    ];
    line.extend(against.map(|difference| shown_difference(difference, 100.0, 1)));
    line.push(order.map_or_else(blank, |order| order.name().to_owned()));
    line.extend(Score::ALL.map(|score| {
        let mean = |metric| {
            let summary = place.and_then(|place| place.summary(&published.method, metric));
            summary.map(|summary| format!("{:.1}", 100.0 * summary.mean))
        };
        match (mean(score.name()), mean(score.name_final())) {
            (None, None) => blank(),
            (best, last) => {
                let [best, last] = [best, last].map(|it| it.unwrap_or_else(blank));
                format!("{best} / {last}")
            }
        }
    }));
    line
}

fn name(row: &Compared<'_>) -> String {
    let published = row.published;
    let own = row.place.map(|place| &*place.data_set.name);
    let own = own.filter(|name| *name != published.data_set);
    let own = own.map_or_else(String::new, |name| format!(" ({name})"));
    format!("{}{own}, {}, {}", published.data_set, published.noise, published.method)
}

fn percent(it: Summary) -> String {
    let scaled = Summary { mean: 100.0 * it.mean, std: it.std.map(|std| 100.0 * std), n: it.n };
    format!("{scaled:.1}")
}

/// Every row of every table: the paper's figures in percent as printed, ours as fractions.
pub(super) fn csv(findings: &Findings<'_>) -> Table {
    let mut columns: Vec<String> = [
        "table",
        "noise",
        "method",
        "paper_dataset",
        "dataset",
        "score",
        "paper_percent",
        "paper_std_percent",
        "ours",
        "ours_std",
        "n",
        "ours_final",
        "difference_points",
        "verdict",
        "order",
    ]
    .map(str::to_owned)
    .into();
    for reference in REFERENCES {
        for part in ["difference", "low", "high"] {
            columns.push(format!("{part}_{reference}"));
        }
    }
    let rows = findings.tables.iter().flat_map(|(_, rows)| rows).map(csv_line).collect();
    Table { columns, rows }
}

fn csv_line(row: &Compared<'_>) -> Vec<String> {
    let published = row.published;
    let own = row.place.map_or("", |place| &place.data_set.name);
    let mut line = vec![
        published.table.to_string(),
        published.noise.to_string(),
        published.method.clone(),
        published.data_set.clone(),
        own.to_owned(),
        published.score.name().to_owned(),
        in_full(published.mean),
        in_full(published.std),
        in_full(row.ours.map(|it| it.mean)),
        in_full(row.ours.and_then(|it| it.std)),
        row.ours.map_or(0, |it| it.n).to_string(),
        in_full(row.ours_final.map(|it| it.mean)),
        in_full(row.points()),
        row.verdict.name().to_owned(),
        row.order.map_or("", Order::name).to_owned(),
    ];
    for difference in row.against {
        line.push(in_full(difference.map(|it| it.mean)));
        line.extend(ends(difference));
    }
    line
}
