//! Histograms of averaged margins of rows with a correct and with a wrong label.
//!
//! The averaged margin (AUM) comes from `data_map.csv` of a run, the label-aware one (ALM) from
//! `labels.csv` of `lane`, whose suspicion is −ALM. Bars show shares of each group. The outer bars
//! also hold what lies beyond them, since label-aware margins have no bound.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use plotters::prelude::*;

use super::cell::Cell;
use super::figure::{COLORS, NAMES, percent, wrong_rows};
use super::place::Place;
use super::training_data::read_table;
use crate::csv::Table;

const N_BINS: usize = 40;
/// Share of the rows at each end that the axis may leave to the outer bars.
const BEYOND: f64 = 0.005;
const PANEL: (u32, u32) = (450, 330);
/// Where there are three panels.
const NARROW: u32 = 330;
const TOP: u32 = 56;

/// Where a margin is read: method, what it is called, file, column, and the sign it has there.
type Source = (&'static str, &'static str, &'static str, &'static str, f64);
const SOURCES: [Source; 3] = [
    ("base", "AUM", "data_map.csv", "aum", 1.0),
    ("lane", "AUM", "data_map.csv", "aum", 1.0),
    ("lane", "ALM", "labels.csv", "score", -1.0),
];

/// Margins of one method by group: correct labels, wrong labels.
#[derive(Clone, Debug, PartialEq)]
struct Margins {
    method: &'static str,
    quantity: &'static str,
    groups: [Vec<f64>; 2],
}

/// Those of one place that both groups have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Histograms(Vec<Histogram>);

#[derive(Clone, Debug, PartialEq)]
struct Histogram {
    title: String,
    method: &'static str,
    quantity: &'static str,
    low: f64,
    width: f64,
    /// Of each group, by interval.
    shares: [Vec<f64>; 2],
}

impl Histograms {
    pub(super) fn of(place: &Place<'_>) -> Result<Self> {
        let mut wrong = BTreeMap::new();
        let mut histograms = Vec::new();
        for (method, quantity, file, column, sign) in SOURCES {
            let mut margins = Margins { method, quantity, groups: [Vec::new(), Vec::new()] };
            for (cell, _) in place.runs_of(method) {
                if !wrong.contains_key(&cell.train) {
                    wrong.insert(cell.train.clone(), wrong_rows(&read_table(&cell.train)?)?);
                }
                margins.add(cell, &wrong[&cell.train], (file, column, sign))?;
            }
            histograms.extend(margins.histogram());
        }
        Ok(Self(histograms))
    }

    pub(super) fn shows_something(&self) -> bool {
        !self.0.is_empty()
    }

    pub(super) fn columns() -> Table {
        let place = ["dataset", "noise", "method", "quantity"];
        Table::new(&[&place[..], &["from", "to", "share_correct", "share_wrong"]].concat())
    }

    /// Adds the numbers, one line an interval.
    pub(super) fn add_to(&self, place: &Place<'_>, table: &mut Table) {
        for it in &self.0 {
            for bin in 0..N_BINS {
                let key = [&*place.data_set.name, &place.noise.to_string(), it.method, it.quantity];
                let edges = [bin, bin + 1].map(|at| format!("{:.4}", it.edge(at)));
                let shares = [0, 1].map(|group| format!("{:.6}", it.shares[group][bin]));
                table.rows.push([&key.map(str::to_owned)[..], &edges, &shares].concat());
            }
        }
    }

    /// The drawing, a panel for each histogram.
    pub(super) fn svg(&self, subtitle: &str) -> Result<String> {
        let mut text = String::new();
        self.draw(subtitle, &mut text).map_err(|error| anyhow!("failed to draw: {error}"))?;
        Ok(text)
    }

    fn draw(&self, subtitle: &str, text: &mut String) -> Drawn {
        let width = if self.0.len() > 2 { NARROW } else { PANEL.0 };
        let size = (width * self.0.len().max(1) as u32, PANEL.1 + TOP);
        let area = SVGBackend::with_string(text, size).into_drawing_area();
        area.fill(&WHITE)?;
        let (top, panels) = area.split_vertically(TOP);
        let title = format!("Averaged margins ({subtitle}); outer bars hold what lies beyond them");
        top.draw(&Text::new(title, (14, 8), ("sans-serif", 19)))?;
        for ((color, name), left) in COLORS.iter().zip(NAMES).zip([16, 166]) {
            let color = color.mix(0.5).filled();
            top.draw(&Rectangle::new([(left, 36), (left + 14, 48)], color))?;
            top.draw(&Text::new(name.to_owned(), (left + 20, 34), ("sans-serif", 15)))?;
        }
        for (histogram, panel) in self.0.iter().zip(panels.split_evenly((1, self.0.len()))) {
            histogram.draw(&panel)?;
        }
        area.present()?;
        Ok(())
    }
}

impl Margins {
    /// Adds the rows of one run; a run without the file or the column adds nothing.
    fn add(&mut self, cell: &Cell, wrong: &[bool], source: (&str, &str, f64)) -> Result<()> {
        let (file, column, sign) = source;
        let path = cell.folder.join(file);
        if wrong.is_empty() || !path.exists() {
            return Ok(());
        }
        let table = read_table(&path)?;
        let (Some(row), Some(margin)) = (table.column("row"), table.column(column)) else {
            return Ok(());
        };
        for line in &table.rows {
            let group = wrong.get(line[row].parse::<usize>()?).map(|wrong| usize::from(*wrong));
            if let (Some(group), Ok(margin)) = (group, line[margin].parse::<f64>())
                && margin.is_finite()
            {
                self.groups[group].push(sign * margin);
            }
        }
        Ok(())
    }

    fn histogram(&self) -> Option<Histogram> {
        if self.groups.iter().any(Vec::is_empty) {
            return None;
        }
        let mut all = self.groups.concat();
        all.sort_unstable_by(f64::total_cmp);
        #[expect(clippy::cast_sign_loss, reason = "a share of a length")]
        let beyond = (BEYOND * all.len() as f64) as usize;
        let (low, high) = (all[beyond], all[all.len() - 1 - beyond]);
        let width = (high - low).max(1e-6) / N_BINS as f64;
        let shares = self.groups.each_ref().map(|group| shares(group, low, width));
        let title = format!("{}, {}", self.method, self.quantity);
        let Self { method, quantity, .. } = *self;
        Some(Histogram { title, method, quantity, low, width, shares })
    }
}

fn shares(margins: &[f64], low: f64, width: f64) -> Vec<f64> {
    let mut counts = vec![0_u32; N_BINS];
    for margin in margins {
        #[expect(clippy::cast_sign_loss, reason = "not under 0 after `max`")]
        let bin = ((margin - low) / width).max(0.0) as usize;
        counts[bin.min(N_BINS - 1)] += 1;
    }
    counts.into_iter().map(|count| f64::from(count) / margins.len() as f64).collect()
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

impl Histogram {
    fn edge(&self, at: usize) -> f64 {
        self.low + self.width * at as f64
    }

    fn draw(&self, panel: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>) -> Drawn {
        let highest = self.shares.iter().flatten().copied().fold(0.0, f64::max);
        let mut chart = ChartBuilder::on(panel)
            .caption(&self.title, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(42)
            .y_label_area_size(64)
            .build_cartesian_2d(self.edge(0)..self.edge(N_BINS), 0.0..1.05 * highest)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("margin, averaged over epochs")
            .y_desc("share of the group's rows")
            .x_labels(6)
            .y_label_formatter(&|share| percent(*share))
            .label_style(("sans-serif", 13))
            .axis_desc_style(("sans-serif", 14))
            .draw()?;
        for (group, shares) in self.shares.iter().enumerate() {
            let bar = |(bin, share): (usize, &f64)| {
                let corners = [(self.edge(bin), 0.0), (self.edge(bin + 1), *share)];
                Rectangle::new(corners, COLORS[group].mix(0.5).filled())
            };
            chart.draw_series(shares.iter().enumerate().map(bar))?;
        }
        if self.edge(0) < 0.0 && self.edge(N_BINS) > 0.0 {
            let zero = [(0.0, 0.0), (0.0, 1.05 * highest)];
            chart.draw_series(LineSeries::new(zero, BLACK.mix(0.6)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_a_group_make_one_and_outer_bars_hold_what_lies_beyond() {
        let shares = shares(&[-100.0, 0.5, 1.5, 100.0], 0.0, 1.0);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!((shares[0], shares[1], shares[N_BINS - 1]), (0.5, 0.25, 0.25));
    }

    #[test]
    fn both_groups_have_to_have_rows() {
        let one = Margins { method: "lane", quantity: "ALM", groups: [vec![1.0], Vec::new()] };
        assert_eq!(one.histogram(), None);
        let groups = [vec![1.0, 2.0, 3.0], vec![-1.0, -2.0]];
        let histogram = Margins { groups, ..one }.histogram().unwrap();
        let svg = Histograms(vec![histogram]).svg("<b>, noise 0.2").unwrap();
        assert!(
            svg.contains("lane, ALM") && svg.contains("&lt;b&gt;") && svg.contains("label wrong")
        );
    }
}
