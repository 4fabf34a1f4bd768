//! What the paper printed, and what is to be known of it: carried in this program.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::score::Score;
use crate::csv::Table;

const TABLES: &str = include_str!("../../../fixtures/paper/tables.csv");
const SLIPS: &str = include_str!("../../../fixtures/paper/slips.toml");
/// Tables of the paper; the first has no results.
pub(super) const NUMBERS: std::ops::RangeInclusive<u8> = 1..=8;

/// One cell of one of the paper's tables; mean and spread in percent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Published {
    pub(super) table: u8,
    pub(super) noise: f64,
    pub(super) method: String,
    pub(super) data_set: String,
    pub(super) score: Score,
    /// None where training did not converge.
    pub(super) mean: Option<f64>,
    pub(super) std: Option<f64>,
}

impl Published {
    /// `60.8 ± 0.9`, with the digits printed, or that there is none.
    pub(super) fn shown(&self) -> String {
        let Some(mean) = self.mean else { return "did not converge".to_owned() };
        let spread = self.std.map_or_else(String::new, |std| format!(" ± {std}"));
        format!("{mean:.1}{spread}")
    }
}

/// All cells, in the order of the tables.
pub(super) fn published() -> Result<Vec<Published>> {
    let table = Table::parse(TABLES)?;
    let at = |name| table.required(name);
    let (number, noise, method, data_set) =
        (at("table")?, at("noise_rate")?, at("method")?, at("dataset")?);
    let (metric, mean, std) = (at("metric")?, at("mean_percent")?, at("std_percent")?);
    let cell = |row: &Vec<String>| {
        Ok(Published {
            table: row[number].parse()?,
            noise: row[noise].parse()?,
            method: row[method].clone(),
            data_set: row[data_set].clone(),
            score: Score::named(&row[metric])
                .with_context(|| format!("no score `{}`", row[metric]))?,
            mean: row[mean].parse().ok(),
            std: row[std].parse().ok(),
        })
    };
    table.rows.iter().map(cell).collect()
}

/// What is to be known of the tables, as `slips.toml` has it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Slips {
    /// Gains that the text names.
    #[cfg_attr(not(test), expect(dead_code, reason = "a test compares them with the tables"))]
    claims: Vec<f64>,
    pub(super) figure_1: Vec<String>,
    table: Vec<SlipsOfTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SlipsOfTable {
    number: u8,
    /// Lane's lead in points over methods, averaged over the table's data sets.
    #[serde(default)]
    average: toml::Table,
    text: Vec<String>,
}

impl Slips {
    pub(super) fn read() -> Result<Self> {
        toml::from_str(SLIPS).context("failed to parse fixtures/paper/slips.toml")
    }

    /// The sentences under a table.
    pub(super) fn of_table(&self, number: u8) -> Vec<String> {
        let of_table = self.table.iter().filter(|table| table.number == number);
        of_table.flat_map(|table| averages(table).into_iter().chain(table.text.clone())).collect()
    }
}

fn averages(table: &SlipsOfTable) -> Option<String> {
    let leads = table.average.iter().map(|(method, lead)| format!("{method} by {lead} points"));
    let leads: Vec<String> = leads.collect();
    (!leads.is_empty()).then(|| {
        format!("Averaged over its data sets, lane leads in this table {}.", leads.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lane's lead over `method` in a table, over the data sets where both have a figure.
    fn lead(cells: &[Published], table: u8, method: &str) -> Option<f64> {
        let mean = |method: &str, data_set: &str| {
            let is_it = |cell: &&Published| {
                cell.table == table && cell.method == method && cell.data_set == data_set
            };
            cells.iter().find(is_it)?.mean
        };
        let lanes = cells.iter().filter(|cell| cell.table == table && cell.method == "lane");
        let leads: Vec<f64> =
            lanes.filter_map(|lane| Some(lane.mean? - mean(method, &lane.data_set)?)).collect();
        (!leads.is_empty()).then(|| leads.iter().sum::<f64>() / leads.len() as f64)
    }

    fn find(cells: &[Published], table: u8, noise: f64, method: &str, data_set: &str) -> Published {
        let is_it = |cell: &&Published| {
            (cell.table, &*cell.method, &*cell.data_set) == (table, method, data_set)
                && cell.noise.total_cmp(&noise).is_eq()
        };
        cells.iter().find(is_it).unwrap().clone()
    }

    #[test]
    fn every_cell_is_read_and_those_without_a_figure_are_told_apart() {
        let cells = published().unwrap();
        assert_eq!(cells.len(), 440);
        assert!(cells.iter().all(|cell| NUMBERS.contains(&cell.table) && cell.table > 1));
        let missing: Vec<_> = cells.iter().filter(|cell| cell.mean.is_none()).collect();
        assert!(missing.len() == 66 && missing.iter().all(|cell| cell.table == 6));
        assert_eq!(missing[0].shown(), "did not converge");
        assert_eq!(cells[0].shown(), "58.5 ± 1.2");
    }

    #[test]
    fn the_averages_that_are_told_come_out_of_the_tables() {
        let (cells, slips) = (published().unwrap(), Slips::read().unwrap());
        let told = slips.table.iter().flat_map(|table| {
            table.average.iter().map(move |(method, lead)| (table.number, method, lead))
        });
        let told: Vec<_> = told.collect();
        assert_eq!(told.len(), 10);
        for (table, method, expected) in told {
            let found = lead(&cells, table, method).unwrap();
            assert!(
                (found - expected.as_float().unwrap()).abs() < 1e-9,
                "{table} {method}: {found}"
            );
        }
    }

    #[test]
    fn no_lead_told_of_tables_2_and_3_is_one_of_the_gains_in_the_text() {
        let slips = Slips::read().unwrap();
        let told = slips.table.iter().filter(|table| [2, 3].contains(&table.number));
        let told: Vec<f64> = told
            .flat_map(|table| table.average.values().filter_map(toml::Value::as_float))
            .collect();
        assert_eq!(told.len(), 8);
        for claim in slips.claims {
            let half_a_digit = if claim.to_string().len() > 3 { 0.005 } else { 0.05 };
            assert!(told.iter().all(|lead| (lead - claim).abs() > half_a_digit), "{claim}");
        }
    }

    #[test]
    fn what_is_said_of_repeated_and_clashing_cells_is_so() {
        let cells = published().unwrap();
        let mean = |table, noise, method: &str, set: &str| {
            find(&cells, table, noise, method, set).mean.unwrap()
        };
        for (table, earlier, noise) in
            [(4, 2, 0.0), (4, 3, 0.2), (5, 2, 0.0), (7, 3, 0.2), (8, 3, 0.2)]
        {
            let of_table = cells.iter().filter(|cell| cell.table == table && cell.method == "lane");
            let of_rate = of_table.filter(|cell| cell.noise.total_cmp(&noise).is_eq());
            for cell in of_rate.filter(|cell| cell.data_set != "ag_news") {
                let before = mean(earlier, noise, "lane", &cell.data_set);
                assert!((cell.mean.unwrap() - before).abs() < 1e-9, "{cell:?}");
            }
        }
        for cell in cells.iter().filter(|it| it.table == 4 && it.method.starts_with("lane-")) {
            let other = 0.2 - cell.noise;
            assert_eq!(cell.std, find(&cells, 4, other, &cell.method, &cell.data_set).std);
        }
        let score = |table, noise, set| find(&cells, table, noise, "lane", set).score;
        assert_eq!(score(3, 0.2, "rcv1"), Score::WeightedF1);
        assert_eq!(
            (score(4, 0.2, "rcv1"), score(7, 0.2, "rcv1")),
            (Score::MicroF1, Score::MicroF1)
        );
        assert_eq!(
            (score(3, 0.2, "isear"), score(7, 0.2, "isear")),
            (Score::WeightedF1, Score::Accuracy)
        );
        let base = |table, noise| mean(table, noise, "base", "empathetic_dialogues").to_string();
        assert_eq!((&*base(2, 0.0), &*base(3, 0.2)), ("58.5", "11.6"));
    }

    #[test]
    fn methods_said_to_be_missing_are() {
        let cells = published().unwrap();
        let has = |table, method| cells.iter().any(|it| it.table == table && it.method == method);
        assert!(has(2, "peer-loss") && !has(3, "peer-loss") && !has(6, "peer-loss"));
        assert!(has(3, "hmw") && !has(6, "hmw"));
    }

    #[test]
    fn every_table_has_something_said_of_it() {
        let slips = Slips::read().unwrap();
        assert!((1..=8).all(|number| !slips.of_table(number).is_empty()));
        let text = slips.of_table(2).concat();
        assert!(text.contains("base by 2.56 points"), "{text}");
    }
}
