//! Figure 1: how weights spread over rows with a correct and with a wrong label.
//!
//! Bars show the share of each group, so that the small group of wrong labels compares with the
//! large one of correct labels, on a logarithmic axis, since most rows weigh exactly 1 (Eq. 4: no
//! row at or above the mean loses weight) and would hide the rest. For the same reason "exactly 1"
//! has a bar of its own, apart from the last interval below it.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use plotters::prelude::*;

use super::training_data::read_table;
use crate::csv::Table;

/// Intervals of equal width over weights 0 to 1.
const N_BINS: usize = 20;
/// A weight this close to 1 counts as 1; written numbers are rounded.
const ONE: f64 = 1.0 - 1e-6;
/// Where the bar of the weights of exactly 1 stands.
const PLACE_OF_ONE: f64 = 1.1;
const SIZE: (u32, u32) = (900, 560);
/// Blue and vermilion of the Okabe–Ito palette: told apart by the colour-blind and in grey.
pub(super) const COLORS: [RGBColor; 2] = [RGBColor(0, 114, 178), RGBColor(213, 94, 0)];
pub(super) const NAMES: [&str; 2] = ["label correct", "label wrong"];

/// Counts of weights; index 0 is the group of correct labels, 1 that of wrong ones.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Weights {
    /// `N_BINS` intervals, then the weights of exactly 1.
    counts: [[u32; N_BINS + 1]; 2],
    sums: [f64; 2],
}

impl Weights {
    /// Adds the rows of one run; rows without a weight, and files without known errors, add nothing.
    pub(super) fn add_run(&mut self, train: &Path, labels: &Path) -> Result<()> {
        let (wrong, labels) = (wrong_rows(&read_table(train)?)?, read_table(labels)?);
        if wrong.is_empty() {
            return Ok(());
        }
        let (row_at, weight_at) = (labels.required("row")?, labels.required("weight")?);
        for line in &labels.rows {
            let row: usize = line[row_at].parse()?;
            ensure!(row < wrong.len(), "row {row} of {} training rows", wrong.len());
            if let Ok(weight) = line[weight_at].parse() {
                self.add(usize::from(wrong[row]), weight);
            }
        }
        Ok(())
    }

    fn add(&mut self, group: usize, weight: f64) {
        let edges_passed = (1..N_BINS).filter(|&at| weight >= at as f64 / N_BINS as f64).count();
        let bin = if weight >= ONE { N_BINS } else { edges_passed };
        self.counts[group][bin] += 1;
        self.sums[group] += weight;
    }

    /// Whether both groups have rows and some row weighs less than 1.
    pub(super) fn shows_something(&self) -> bool {
        let n_below = self.counts.iter().flat_map(|counts| &counts[..N_BINS]).sum::<u32>();
        self.n_rows(0) > 0 && self.n_rows(1) > 0 && n_below > 0
    }

    fn n_rows(&self, group: usize) -> u32 {
        self.counts[group].iter().sum()
    }

    fn share(&self, group: usize, bin: usize) -> f64 {
        f64::from(self.counts[group][bin]) / f64::from(self.n_rows(group).max(1))
    }

    /// The figure in numbers; `from` = `to` = 1 is the bar of the weights of exactly 1.
    pub(super) fn table(&self) -> Table {
        let columns =
            ["weight_from", "weight_to", "n_correct", "n_wrong", "share_correct", "share_wrong"];
        let mut table = Table::new(&columns);
        for bin in 0..=N_BINS {
            let edge = |at: usize| (at.min(N_BINS) as f64 / N_BINS as f64).to_string();
            let counts = [0, 1].map(|group| self.counts[group][bin].to_string());
            let shares = [0, 1].map(|group| format!("{:.6}", self.share(group, bin)));
            table.rows.push([[edge(bin), edge(bin + 1)], counts, shares].concat());
        }
        table
    }
}

/// Whether each training row's label is wrong; empty where nobody knows.
pub(super) fn wrong_rows(train: &Table) -> Result<Vec<bool>> {
    if let Some(flipped) = train.column("flipped") {
        return Ok(train.rows.iter().map(|row| matches!(&*row[flipped], "1" | "true")).collect());
    }
    let Some(gold) = train.column("gold") else { return Ok(Vec::new()) };
    let label = train.required("label")?;
    Ok(train.rows.iter().map(|row| row[gold] != row[label]).collect())
}

/// The drawing.
pub(super) fn svg(weights: &Weights, method: &str, subtitle: &str) -> Result<String> {
    let mut text = String::new();
    draw(weights, method, subtitle, &mut text)
        .map_err(|error| anyhow!("failed to draw: {error}"))?;
    Ok(text)
}

fn draw(
    weights: &Weights,
    method: &str,
    subtitle: &str,
    text: &mut String,
) -> Result<(), Box<dyn std::error::Error>> {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let largest = f64::from(weights.n_rows(0).max(weights.n_rows(1)));
    let lowest = 10_f64.powf((0.5 / largest).log10().floor()).min(0.001);
    let mut chart = ChartBuilder::on(&area)
        .caption(
            format!("Figure 1. Weights at the end of {method} ({subtitle})"),
            ("sans-serif", 20),
        )
        .margin(16)
        .x_label_area_size(50)
        .y_label_area_size(70)
        .build_cartesian_2d(-0.02..1.16, (lowest..1.0).log_scale())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("weight of the row in the loss")
        .y_desc("share of the group's rows, logarithmic")
        .x_labels(13)
        .x_label_formatter(&|weight| tick(*weight))
        .y_label_formatter(&|share| percent(*share))
        .label_style(("sans-serif", 15))
        .axis_desc_style(("sans-serif", 17))
        .draw()?;
    for group in [0, 1] {
        let (name, n_rows) = (NAMES[group], weights.n_rows(group));
        let mean = weights.sums[group] / f64::from(n_rows.max(1));
        let color = COLORS[group];
        chart
            .draw_series(
                bars(weights, group, lowest).map(|bar| Rectangle::new(bar, color.filled())),
            )?
            .label(format!("{name}: {n_rows} rows, mean weight {mean:.2}"))
            .legend(move |(x, y)| Rectangle::new([(x, y - 6), (x + 14, y + 6)], color.filled()));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .margin(14)
        .legend_area_size(22)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 15))
        .draw()?;
    area.present()?;
    Ok(())
}

/// The two corners of each bar that is not empty; those of a bin stand side by side.
fn bars(weights: &Weights, group: usize, lowest: f64) -> impl Iterator<Item = [(f64, f64); 2]> {
    let width = 0.42 / N_BINS as f64;
    (0..=N_BINS).filter(move |&bin| weights.counts[group][bin] > 0).map(move |bin| {
        let middle = if bin == N_BINS { PLACE_OF_ONE } else { (bin as f64 + 0.5) / N_BINS as f64 };
        let left = middle - width * (1.0 - group as f64);
        [(left, lowest), (left + width, weights.share(group, bin))]
    })
}

fn tick(weight: f64) -> String {
    if (weight - PLACE_OF_ONE).abs() < 1e-6 {
        "exactly 1".to_owned()
    } else {
        format!("{weight:.1}")
    }
}

/// As few digits as the share needs: `10 %`, `0.1 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(train: &str, labels: &str) -> Result<Weights> {
        let folder = tempfile::tempdir()?;
        let (train_file, labels_file) = (folder.path().join("t.csv"), folder.path().join("l.csv"));
        fs::write(&train_file, train)?;
        fs::write(&labels_file, labels)?;
        let mut weights = Weights::default();
        weights.add_run(&train_file, &labels_file)?;
        Ok(weights)
    }

    #[test]
    fn rows_are_joined_by_number_not_by_place() {
        let train = "id,text,label,gold,flipped\na,x,1,1,0\nb,y,2,1,1\nc,z,2,2,0\n";
        let labels = "row,id,text,label,suggested,score,weight,flagged\n1,b,y,2,1,0.9,0.25,1\n2,c,z,2,2,0,0.97,0\n0,a,x,1,1,0,1,0\n";
        let weights = read(train, labels).unwrap();
        assert_eq!(weights.counts[1][5], 1);
        assert_eq!((weights.counts[0][19], weights.counts[0][N_BINS]), (1, 1));
        assert!((weights.sums[0] - 1.97).abs() < 1e-12);
        assert!(weights.shows_something());
    }

    #[test]
    fn gold_labels_tell_wrong_rows_where_nothing_was_injected() {
        let weights = read("text,label,gold\nx,a,a\ny,a,b\n", "row,weight\n0,1\n1,0.5\n").unwrap();
        assert_eq!((weights.n_rows(0), weights.n_rows(1)), (1, 1));
    }

    #[test]
    fn nothing_is_drawn_where_errors_or_weights_are_not_known() {
        let unknown = read("text,label\nx,a\n", "row,weight\n0,0.5\n").unwrap();
        let unweighted = read("text,label,gold\nx,a,a\ny,a,b\n", "row,weight\n0,\n1,\n").unwrap();
        let all_one = read("text,label,gold\nx,a,a\ny,a,b\n", "row,weight\n0,1\n1,1\n").unwrap();
        assert!([unknown, unweighted, all_one].iter().all(|weights| !weights.shows_something()));
    }

    #[test]
    fn a_row_that_the_training_file_does_not_have_is_refused() {
        let message = read("text,label,gold\nx,a,a\n", "row,weight\n7,1\n").unwrap_err();
        assert_eq!(message.to_string(), "row 7 of 1 training rows");
    }

    #[test]
    fn the_drawing_has_a_title_axes_and_a_legend() {
        let mut weights = Weights::default();
        (0..100).for_each(|at| weights.add(0, if at < 80 { 1.0 } else { 0.9 }));
        (0..20).for_each(|at| weights.add(1, f64::from(at) / 20.0));
        let svg = svg(&weights, "lane", "builtin, noise 0.2").unwrap();
        for part in [
            "Weights at the end of lane (builtin, noise 0.2)",
            "weight of the row in the loss",
            "share of the group",
            "label correct: 100 rows, mean weight 0.98",
            "label wrong: 20 rows",
            "exactly 1",
            "10 %",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
        assert_eq!(weights.table().rows.len(), N_BINS + 1);
        assert_eq!(weights.table().rows[N_BINS][..4], ["1", "1", "80", "0"]);
    }
}
