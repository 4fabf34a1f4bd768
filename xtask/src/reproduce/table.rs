//! The tables: Markdown for one data set and noise rate, CSV for everything.

use super::cell::{Cell, Outcome};
use super::plan::Plan;
use super::result::METRICS;
use super::summary::Summary;
use crate::csv::Table;
use crate::markdown::aligned;

/// A column of the Markdown table: its title, the number it shows and after how many digits.
const SHOWN: &[(&str, &str, usize)] = &[
    ("accuracy, best", "accuracy", 3),
    ("accuracy, final", "accuracy_final", 3),
    ("weighted F1, best", "weighted_f1", 3),
    ("weighted F1, final", "weighted_f1_final", 3),
    ("AP", "average_precision", 3),
    ("AP by AUM", "average_precision_aum", 3),
    ("AP by ALM", "average_precision_alm", 3),
    ("seconds", "seconds", 0),
];
const BLANK: &str = "–";

/// One row a method, padded so that it reads in a terminal too.
pub(super) fn markdown(plan: &Plan, cells: &[&(Cell, Outcome)]) -> String {
    let titles = SHOWN.iter().map(|(title, _, _)| (*title).to_owned());
    let mut rows = vec![std::iter::once("method".to_owned()).chain(titles).collect::<Vec<_>>()];
    for method in plan.methods() {
        let of_method = || cells.iter().copied().filter(|(cell, _)| cell.method == *method);
        let n_done = of_method().filter(|(_, outcome)| outcome.is_ok()).count();
        let name = match (n_done, of_method().count()) {
            (0, _) => format!("{method} (missing)"),
            (done, all) if done < all => format!("{method} ({done} of {all} seeds)"),
            _ => method.to_owned(),
        };
        let values = SHOWN.iter().map(|&(_, metric, digits)| {
            let summary = summary_of(of_method(), metric);
            summary.map_or_else(|| BLANK.to_owned(), |summary| format!("{summary:.digits$}"))
        });
        rows.push(std::iter::once(name).chain(values).collect());
    }
    aligned(&rows)
}

fn summary_of<'a>(
    cells: impl Iterator<Item = &'a (Cell, Outcome)>,
    metric: &str,
) -> Option<Summary> {
    let values = cells.filter_map(|(_, outcome)| outcome.as_ref().ok()?.result.get(metric));
    Summary::of(&values.collect::<Vec<_>>())
}

/// One line a finished run, every number in full.
pub(super) fn cells_csv(outcomes: &[(Cell, Outcome)]) -> Table {
    let names = METRICS.iter().map(|metric| metric.name);
    let columns: Vec<_> = ["dataset", "noise", "method", "seed"].into_iter().chain(names).collect();
    let mut table = Table::new(&columns);
    for (cell, outcome) in outcomes {
        let Ok(finished) = outcome else { continue };
        let Cell { data_set, noise, method, seed, .. } = cell;
        let own = [data_set.name.clone(), noise.to_string(), method.clone(), seed.to_string()];
        let values = finished.result.values.iter().copied().map(shown);
        table.rows.push(own.into_iter().chain(values).collect());
    }
    table
}

/// Mean, spread and number of seeds, one line a method and number.
pub(super) fn summary_csv(plan: &Plan, outcomes: &[(Cell, Outcome)]) -> Table {
    let mut table = Table::new(&["dataset", "noise", "method", "metric", "mean", "std", "n"]);
    for (data_set, noise) in plan.tables() {
        for method in plan.methods() {
            for metric in METRICS {
                let cells = outcomes.iter().filter(|(cell, _)| {
                    cell.data_set == *data_set
                        && cell.noise.total_cmp(&noise).is_eq()
                        && cell.method == *method
                });
                let Some(summary) = summary_of(cells, metric.name) else { continue };
                let key = [&*data_set.name, &*noise.to_string(), method, metric.name];
                let Summary { mean, std, n } = summary;
                let values = [mean.to_string(), shown(std), n.to_string()];
                table.rows.push(key.map(str::to_owned).into_iter().chain(values).collect());
            }
        }
    }
    table
}

fn shown(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let rows =
            [["method", "AP"], ["base", "0.861 ± 0.002"]].map(|row| row.map(String::from).to_vec());
        let expected = "\
| method | AP            |
| ------ | ------------- |
| base   | 0.861 ± 0.002 |
";
        assert_eq!(aligned(&rows), expected);
    }

    #[test]
    fn every_shown_column_is_a_known_number() {
        for (_, metric, _) in SHOWN {
            assert!(METRICS.iter().any(|known| known.name == *metric), "{metric}");
        }
    }
}
