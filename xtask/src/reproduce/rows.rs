//! Table 1: single rows, their margins and their label-aware margins.
//!
//! ```text
//! M  = z_y − max_{k≠y} z_k          (Eq. 1)
//! LM = M            where M ≥ 0     (Eq. 3)
//!    = M / w_j      where M < 0, w_j the auxiliary network's probability of the rival class j
//! ```
//!
//! Of the last epoch of one run of `lane`: the rows of negative margin whose rival the auxiliary
//! network holds for nearly certain, and those whose rival it holds for unlikely.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::cell::{Cell, Outcome};
use super::plan::Plan;
use super::training_data::read_table;
use crate::csv::Table;
use crate::lane_binary::Lane;
use crate::markdown::aligned;
use crate::shell::Invocation;
use crate::whole_file::write_whole;

const METHOD: &str = "lane";
/// Rows shown at either end.
const N_SHOWN: usize = 4;
/// Characters shown of a text.
const TEXT_WIDTH: usize = 60;
const COLUMNS: [&str; 8] =
    ["data set", "text", "label", "true label", "rival", "margin M", "w of the rival", "M / w"];

/// A row of negative margin.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    number: usize,
    label: String,
    rival: String,
    margin: f64,
    label_aware: f64,
}

impl Row {
    fn weight(&self) -> f64 {
        self.margin / self.label_aware
    }
}

/// Writes and prints `table-1.md`, and `table-1.csv` beside it.
pub(super) fn write(
    plan: &Plan,
    lane: &Lane,
    out: &Path,
    outcomes: &[(Cell, Outcome)],
) -> Result<()> {
    let mut table = Table::new(&COLUMNS);
    for (data_set, noise) in plan.tables() {
        let is_wanted = |cell: &Cell| {
            cell.data_set == *data_set
                && cell.noise.total_cmp(&noise).is_eq()
                && cell.method == METHOD
        };
        let run = outcomes.iter().find(|(cell, outcome)| is_wanted(cell) && outcome.is_ok());
        if let Some((cell, _)) = run {
            let folder = out.join("table-1").join(format!("{}-noise-{noise}", data_set.name));
            add_rows(&mut table, cell, &exported(lane, cell, &folder)?)?;
        }
    }
    let mut lines = vec![COLUMNS.map(str::to_owned).to_vec()];
    lines
        .extend(table.rows.iter().map(|row| row.iter().map(|it| it.replace('|', "\\|")).collect()));
    let mut text = String::from("\n## Table 1: rows of negative margin, last epoch of `lane`\n\n");
    let _ = writeln!(text, "{}", aligned(&lines));
    write_whole(&out.join("table-1.md"), text.trim_start())?;
    write_whole(&out.join("table-1.csv"), &table.text())?;
    println!("{text}");
    Ok(())
}

/// The run's dynamics as a table.
fn exported(lane: &Lane, cell: &Cell, folder: &Path) -> Result<Table> {
    fs::create_dir_all(folder).with_context(|| format!("failed to create {}", folder.display()))?;
    let run = cell.folder.display().to_string();
    let out = folder.display().to_string();
    Invocation::new(lane.path.display().to_string(), &["export", &run, "--format", "csv"])
        .with(["--out".to_owned(), out, "--force".to_owned(), "--quiet".to_owned()])
        .stdout(Path::new("."))?;
    read_table(&folder.join("dynamics.csv"))
}

fn add_rows(table: &mut Table, cell: &Cell, dynamics: &Table) -> Result<()> {
    let train = read_table(&cell.train)?;
    let text_at = train.required("text")?;
    let gold_at = train.column("gold");
    for row in ends(negative_rows(dynamics)?) {
        let line =
            train.rows.get(row.number).context("a row that the training file does not have")?;
        table.rows.push(vec![
            cell.data_set.name.clone(),
            shortened(&line[text_at]),
            row.label.clone(),
            gold_at.map(|at| line[at].clone()).unwrap_or_default(),
            row.rival.clone(),
            format!("{:.2}", row.margin),
            format!("{:.3}", row.weight()),
            format!("{:.2}", row.label_aware),
        ]);
    }
    Ok(())
}

/// Rows of negative margin in the last epoch, the most certain rival first.
fn negative_rows(dynamics: &Table) -> Result<Vec<Row>> {
    let at: BTreeMap<&str, usize> =
        ["row", "epoch", "label", "margin", "label_aware_margin", "predicted"]
            .into_iter()
            .map(|name| Ok((name, dynamics.required(name)?)))
            .collect::<Result<_>>()?;
    let epoch = |line: &Vec<String>| line[at["epoch"]].parse::<u32>().unwrap_or_default();
    let last = dynamics.rows.iter().map(epoch).max().unwrap_or_default();
    let mut rows = Vec::new();
    for line in dynamics.rows.iter().filter(|line| epoch(line) == last) {
        let margin: f64 = line[at["margin"]].parse()?;
        let Ok(label_aware) = line[at["label_aware_margin"]].parse::<f64>() else { continue };
        if margin < 0.0 {
            rows.push(Row {
                number: line[at["row"]].parse()?,
                label: line[at["label"]].clone(),
                rival: line[at["predicted"]].clone(),
                margin,
                label_aware,
            });
        }
    }
    rows.sort_by(|left, right| right.weight().total_cmp(&left.weight()));
    Ok(rows)
}

/// The first and the last of them.
fn ends(rows: Vec<Row>) -> Vec<Row> {
    let n_rows = rows.len();
    let is_end = |at: usize| at < N_SHOWN || at + N_SHOWN >= n_rows;
    rows.into_iter().enumerate().filter(|(at, _)| is_end(*at)).map(|(_, row)| row).collect()
}

fn shortened(text: &str) -> String {
    let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= TEXT_WIDTH {
        return text;
    }
    text.chars().take(TEXT_WIDTH - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DYNAMICS: &str = "row,id,epoch,label,margin,label_aware_margin,p_label,predicted,weight
0,a,1,x,-9,-90,0.1,y,1
0,a,2,x,-1,-4,0.1,y,1
1,b,2,y,2,2,0.9,y,1
2,c,2,y,-3,-3.5,0.1,z,1
3,d,2,y,-3,,0.1,z,1
";

    #[test]
    fn the_rivals_probability_is_what_the_margin_was_divided_by() {
        let rows = negative_rows(&Table::parse(DYNAMICS).unwrap()).unwrap();
        let seen: Vec<_> = rows.iter().map(|row| (row.number, &*row.rival, row.weight())).collect();
        assert_eq!(seen, [(2, "z", 3.0 / 3.5), (0, "y", 0.25)]);
    }

    #[test]
    fn both_ends_are_shown_and_no_row_twice() {
        let rows = negative_rows(&Table::parse(DYNAMICS).unwrap()).unwrap();
        assert_eq!(ends(rows.clone()), rows);
        let many: Vec<Row> = (0..20).map(|number| Row { number, ..rows[0].clone() }).collect();
        let numbers: Vec<usize> = ends(many).iter().map(|row| row.number).collect();
        assert_eq!(numbers, [0, 1, 2, 3, 16, 17, 18, 19]);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(shortened("a  b\nc"), "a b c");
        assert_eq!(shortened(&"é".repeat(100)).chars().count(), TEXT_WIDTH);
    }
}
