//! Learning curves: accuracy on the test and the validation split by epoch.
//!
//! Lines are means over seeds, bands one sample deviation to each side. Methods that train twice
//! show the training that their model comes from.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::place::Place;
use super::result::Epoch;
use super::summary::Summary;
use crate::csv::Table;

const SIZE: (u32, u32) = (900, 430);
const LEGEND_HEIGHT: u32 = 34;
/// Okabe and Ito's colors; `base` and `lane` come first and have those of the other figures.
const COLORS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
/// How many methods a drawing bears.
pub(super) const MOST: usize = COLORS.len();

type Pick = fn(&Epoch) -> Option<f64>;
const SPLITS: [(&str, Pick); 2] =
    [("test", |epoch| epoch.test), ("validation", |epoch| epoch.validation)];

/// One method on one split: its accuracy by epoch.
#[derive(Clone, Debug, PartialEq)]
struct Curve<'a> {
    method: &'a str,
    split: &'static str,
    points: Vec<(u64, Summary)>,
}

/// The curves of one place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Curves<'a>(Vec<Curve<'a>>);

impl<'a> Curves<'a> {
    /// Those of `methods`, in their order.
    pub(super) fn of(place: &Place<'_>, methods: &[&'a str]) -> Self {
        let of_method = |method: &&'a str| {
            SPLITS.map(|(split, pick)| Curve { method, split, points: points(place, method, pick) })
        };
        let curves = methods.iter().flat_map(of_method);
        Self(curves.filter(|curve| !curve.points.is_empty()).collect())
    }

    /// Whether any line would have two points.
    pub(super) fn shows_something(&self) -> bool {
        self.0.iter().any(|curve| curve.points.len() > 1)
    }

    /// Adds the numbers, one line a point.
    pub(super) fn add_to(&self, place: &Place<'_>, table: &mut Table) {
        for Curve { method, split, points } in &self.0 {
            for (epoch, Summary { mean, std, n }) in points {
                let key = [&*place.data_set.name, &place.noise.to_string(), method, split]
                    .map(str::to_owned);
                let std = std.map_or_else(String::new, |std| std.to_string());
                let values = [epoch.to_string(), mean.to_string(), std, n.to_string()];
                table.rows.push([key, values].concat());
            }
        }
    }

    pub(super) fn columns() -> Table {
        Table::new(&["dataset", "noise", "method", "split", "epoch", "accuracy", "std", "n"])
    }

    /// Epochs and accuracies that all curves and bands lie within.
    fn ranges(&self) -> (std::ops::Range<f64>, std::ops::Range<f64>) {
        let points = || self.0.iter().flat_map(|curve| &curve.points);
        let last = points().map(|(epoch, _)| *epoch).max().unwrap_or(1) as f64;
        let low = points().map(|(_, it)| it.mean - spread(it)).fold(1.0, f64::min);
        let high = points().map(|(_, it)| it.mean + spread(it)).fold(0.0, f64::max);
        let room = 0.04 * (high - low).max(0.01);
        (1.0..last, (low - room).max(0.0)..(high + room).min(1.0))
    }
}

fn points(place: &Place<'_>, method: &str, pick: Pick) -> Vec<(u64, Summary)> {
    let mut values: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for (_, result) in place.runs_of(method) {
        for epoch in &result.epochs {
            values.entry(epoch.number).or_default().extend(pick(epoch));
        }
    }
    values.iter().filter_map(|(epoch, values)| Some((*epoch, Summary::of(values)?))).collect()
}

fn spread(summary: &Summary) -> f64 {
    summary.std.unwrap_or_default()
}

/// The drawing: a panel for each split over one legend.
pub(super) fn svg(curves: &Curves<'_>, methods: &[&str], subtitle: &str) -> Result<String> {
    let mut text = String::new();
    draw(curves, methods, subtitle, &mut text)
        .map_err(|error| anyhow!("failed to draw: {error}"))?;
    Ok(text)
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(curves: &Curves<'_>, methods: &[&str], subtitle: &str, text: &mut String) -> Drawn {
    let area = SVGBackend::with_string(text, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let area = area.titled(&format!("Accuracy by epoch ({subtitle})"), ("sans-serif", 20))?;
    let height = area.dim_in_pixel().1;
    let (panels, legend) = area.split_vertically(height - LEGEND_HEIGHT);
    for ((split, _), panel) in SPLITS.iter().zip(panels.split_evenly((1, 2))) {
        draw_panel(curves, methods, split, &panel)?;
    }
    let slots = legend.split_evenly((1, methods.len().max(1)));
    for ((method, slot), color) in methods.iter().zip(slots).zip(COLORS) {
        slot.draw(&Rectangle::new([(16, 8), (30, 20)], color.filled()))?;
        slot.draw(&Text::new((*method).to_owned(), (36, 6), ("sans-serif", 15)))?;
    }
    area.present()?;
    Ok(())
}

type Panel<'a, 'b> = DrawingArea<SVGBackend<'b>, plotters::coord::Shift>;

fn draw_panel(curves: &Curves<'_>, methods: &[&str], split: &str, panel: &Panel<'_, '_>) -> Drawn {
    let (epochs, accuracies) = curves.ranges();
    let mut chart = ChartBuilder::on(panel)
        .caption(format!("{split} split"), ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(epochs, accuracies)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .x_desc("epoch")
        .y_desc("accuracy")
        .x_label_formatter(&|epoch| format!("{epoch:.0}"))
        .y_label_formatter(&|accuracy| format!("{accuracy:.2}"))
        .label_style(("sans-serif", 14))
        .axis_desc_style(("sans-serif", 15))
        .draw()?;
    for curve in curves.0.iter().filter(|curve| curve.split == split) {
        let place = methods.iter().position(|method| *method == curve.method);
        draw_curve(&mut chart, curve, COLORS[place.unwrap_or_default() % MOST])?;
    }
    Ok(())
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

fn draw_curve(chart: &mut Chart<'_, '_>, curve: &Curve<'_>, color: RGBColor) -> Drawn {
    let at = |sign: f64| {
        move |(epoch, it): &(u64, Summary)| (*epoch as f64, it.mean + sign * spread(it))
    };
    let lower = curve.points.iter().map(at(-1.0));
    let band: Vec<_> = lower.chain(curve.points.iter().rev().map(at(1.0))).collect();
    chart.draw_series([Polygon::new(band, color.mix(0.15))])?;
    chart.draw_series(LineSeries::new(curve.points.iter().map(at(0.0)), color.stroke_width(2)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::cell::{Cell, Finished, Outcome};
    use super::super::plan::Plan;
    use super::super::result::RunResult;
    use super::*;

    fn outcome(method: &str, seed: u64, accuracies: &[f64]) -> (Cell, Outcome) {
        let epochs = accuracies.iter().zip(1..);
        let epochs = epochs
            .map(|(&it, number)| Epoch { number, test: Some(it), validation: None })
            .collect();
        let result = RunResult { epochs, ..RunResult::of(&serde_json::Value::Null) };
        (Cell::example(method, seed), Ok(Finished { result, is_kept: false }))
    }

    #[test]
    fn a_curve_is_the_mean_over_seeds_of_each_epoch() {
        let plan = Plan::example(&["base", "lane <x>"]);
        let outcomes = [
            outcome("base", 1, &[0.4, 0.6]),
            outcome("base", 2, &[0.6, 0.8]),
            outcome("lane <x>", 1, &[0.5]),
        ];
        let places = Place::all(&plan, &outcomes);
        let methods = ["base", "lane <x>"];
        let curves = Curves::of(&places[0], &methods);
        assert_eq!(curves.0.len(), 2);
        let (epoch, summary) = curves.0[0].points[1];
        assert!(epoch == 2 && (summary.mean - 0.7).abs() < 1e-9 && summary.n == 2);
        assert!(curves.shows_something());
        let mut table = Curves::columns();
        curves.add_to(&places[0], &mut table);
        assert_eq!(table.rows.len(), 3);
        let svg = svg(&curves, &methods, "builtin").unwrap();
        assert!(svg.contains("lane &lt;x&gt;") && svg.contains("validation split"), "{svg}");
    }
}
