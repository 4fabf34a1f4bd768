//! The data map: how probable the label was while the model learned, and how much that changed.
//!
//! Rows are counted on a grid; drawn one by one, 50,000 would be 4 MB and hide one another.

use plotters::prelude::*;

use super::{Drawn, FLAGGED, Figure, GRID, INK, PLAIN, draw, letters, tick};
use crate::error::AuditError;
use crate::model::{Audit, AuditRow};

const COLUMNS: usize = 36;
const ROWS: usize = 30;
/// The deviation of values between 0 and 1 is at most a half.
const MOST_VARIABLE: f64 = 0.5;
/// Even a lone row has to be seen; the squares of flagged rows are small.
const PALEST: [f64; 2] = [0.25, 0.5];

/// Variability, confidence, whether flagged; of all rows that have them.
pub(super) fn points(audit: &Audit) -> Option<Vec<(f64, f64, bool)>> {
    let of_row = |row: &AuditRow| Some((row.variability?, row.confidence?, row.flagged));
    let points: Vec<_> = audit.rows.iter().filter_map(of_row).collect();
    (!points.is_empty()).then_some(points)
}

pub(super) fn figure(audit: &Audit) -> Result<Option<Figure>, AuditError> {
    let Some(points) = points(audit) else { return Ok(None) };
    let grid = Grid::of(&points);
    let svg = draw("data map", |area| grid.draw(area))?;
    let mean = |flagged: bool| {
        let of_kind: Vec<f64> = points.iter().filter(|it| it.2 == flagged).map(|it| it.1).collect();
        of_kind.iter().sum::<f64>() / of_kind.len().max(1) as f64
    };
    let says = format!(
        "Data map: the mean probability of the label is {:.2} over rows not flagged and {:.2} over flagged ones.",
        mean(false),
        mean(true)
    );
    let caption = "Up: mean probability of the given label over the epochs; right: how much it changed. \
                   Darker is more rows; small squares are flagged rows. Wrong labels gather at the lower left, \
                   hard rows at the right."
        .to_owned();
    Ok(Some(Figure { title: "Data map", says, caption, svg }))
}

struct Grid {
    /// Rows in each cell: not flagged, flagged.
    counts: [Vec<u32>; 2],
    right: f64,
}

impl Grid {
    fn of(points: &[(f64, f64, bool)]) -> Self {
        let largest = points.iter().map(|it| it.0).fold(0.0, f64::max);
        let right = largest.clamp(0.05, MOST_VARIABLE);
        let mut counts = [vec![0; COLUMNS * ROWS], vec![0; COLUMNS * ROWS]];
        for &(x, y, flagged) in points {
            let (column, row) = (cell(x / right, COLUMNS), cell(y, ROWS));
            counts[usize::from(flagged)][row * COLUMNS + column] += 1;
        }
        Self { counts, right }
    }

    fn draw(&self, area: &super::Area<'_>) -> Drawn {
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(58)
            .build_cartesian_2d(0.0..self.right, 0.0..1.0)?;
        chart
            .configure_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .x_desc("deviation over the epochs")
            .y_desc("mean probability of the label")
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|it| tick(*it))
            .y_label_formatter(&|it| tick(*it))
            .label_style(letters())
            .axis_desc_style(letters())
            .draw()?;
        // A flagged square is smaller than its cell, so that both kinds show.
        for (flagged, color, inset) in [(0, PLAIN, 0.02), (1, FLAGGED, 0.24)] {
            let most = self.counts[flagged].iter().copied().max().unwrap_or(0);
            for (at, &n_rows) in self.counts[flagged].iter().enumerate() {
                if n_rows > 0 {
                    let strength =
                        PALEST[flagged] + (1.0 - PALEST[flagged]) * share_of_log(n_rows, most);
                    let corners = self.corners(at, inset);
                    chart.draw_series([Rectangle::new(corners, color.mix(strength).filled())])?;
                }
            }
        }
        Ok(())
    }

    fn corners(&self, at: usize, inset: f64) -> [(f64, f64); 2] {
        let (width, height) = (self.right / COLUMNS as f64, 1.0 / ROWS as f64);
        let (column, row) = ((at % COLUMNS) as f64, (at / COLUMNS) as f64);
        [inset, 1.0 - inset].map(|part| ((column + part) * width, (row + part) * height))
    }
}

fn cell(share: f64, n_cells: usize) -> usize {
    #[expect(clippy::cast_sign_loss, reason = "clamped to 0 and above")]
    let at = (share * n_cells as f64).clamp(0.0, (n_cells - 1) as f64) as usize;
    at
}

fn share_of_log(n_rows: u32, most: u32) -> f64 {
    if most <= 1 { 1.0 } else { f64::from(n_rows).ln() / f64::from(most).ln() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_at_the_edges_are_on_the_grid() {
        let grid = Grid::of(&[(0.5, 1.0, false), (0.0, 0.0, true), (0.5, 1.0, false)]);
        assert_eq!(grid.counts[0][COLUMNS * ROWS - 1], 2);
        assert_eq!(grid.counts[1][0], 1);
    }
}
