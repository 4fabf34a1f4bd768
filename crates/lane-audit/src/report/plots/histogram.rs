//! How margins spread, over rows that are flagged and rows that are not.

use plotters::prelude::*;

use super::{Drawn, FLAGGED, Figure, GRID, INK, PLAIN, draw, letters, quantile, tick};
use crate::error::AuditError;
use crate::model::Audit;
use crate::report::format::counted;

const N_BARS: usize = 40;
/// Rows beyond these shares are counted in the outermost bars, so that a few do not squeeze the rest.
const ENDS: (f64, f64) = (0.005, 0.995);

/// Margins with whether the row is flagged, and what they are.
pub(super) struct Margins {
    name: &'static str,
    values: Vec<(f64, bool)>,
}

/// The label-aware margins, else the plain ones.
pub(super) fn margins(audit: &Audit) -> Option<Margins> {
    let of = |name, value: fn(&crate::model::AuditRow) -> Option<f64>| {
        let finite = |row: &crate::model::AuditRow| {
            value(row).filter(|it| it.is_finite()).map(|it| (it, row.flagged))
        };
        let values: Vec<_> = audit.rows.iter().filter_map(finite).collect();
        (!values.is_empty()).then_some(Margins { name, values })
    };
    of("average label-aware margin", |row| row.alm).or_else(|| of("average margin", |row| row.aum))
}

pub(super) fn figure(audit: &Audit) -> Result<Option<Figure>, AuditError> {
    let Some(margins) = margins(audit) else { return Ok(None) };
    let bars = Bars::of(&margins.values);
    let svg = draw("histogram of margins", |area| bars.draw(area, margins.name))?;
    let middle = |flagged: bool| {
        let mut values: Vec<f64> =
            margins.values.iter().filter(|it| it.1 == flagged).map(|it| it.0).collect();
        values.sort_by(f64::total_cmp);
        let rows = counted(values.len(), "row", "rows");
        (rows, quantile(&values, 0.5))
    };
    let ((plain, plain_middle), (flagged, flagged_middle)) = (middle(false), middle(true));
    let says = format!(
        "Histogram of the {}: {plain} not flagged, half of them above {plain_middle:.2}; \
         {flagged} flagged, half of them above {flagged_middle:.2}.",
        margins.name
    );
    let caption = "How far the given label led its best rival while the model learned, on average: \
                   left of 0 the model preferred another label. The outermost bars hold all rows beyond."
        .to_owned();
    Ok(Some(Figure { title: "Margins", says, caption, svg }))
}

struct Bars {
    low: f64,
    width: f64,
    /// Rows in each bar: not flagged, flagged.
    counts: [[u32; N_BARS]; 2],
}

impl Bars {
    fn of(values: &[(f64, bool)]) -> Self {
        let mut sorted: Vec<f64> = values.iter().map(|it| it.0).collect();
        sorted.sort_by(f64::total_cmp);
        let (low, high) = (quantile(&sorted, ENDS.0), quantile(&sorted, ENDS.1));
        // Where all margins are one, a bar has to have some width.
        let width = ((high - low) / N_BARS as f64).max(1e-6);
        let mut counts = [[0; N_BARS]; 2];
        for &(value, flagged) in values {
            let place = ((value - low) / width).clamp(0.0, (N_BARS - 1) as f64);
            #[expect(clippy::cast_sign_loss, reason = "clamped to 0 and above")]
            let bar = place as usize;
            counts[usize::from(flagged)][bar] += 1;
        }
        Self { low, width, counts }
    }

    fn draw(&self, area: &super::Area<'_>, name: &str) -> Drawn {
        let highest = (0..N_BARS).map(|bar| self.counts[0][bar] + self.counts[1][bar]).max();
        let high = self.low + self.width * N_BARS as f64;
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(44)
            .y_label_area_size(58)
            .build_cartesian_2d(self.low..high, 0..highest.unwrap_or(0).max(1))?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .x_desc(name)
            .y_desc("rows")
            .x_labels(7)
            .y_labels(6)
            .x_label_formatter(&|it| tick(*it))
            .label_style(letters())
            .axis_desc_style(letters())
            .draw()?;
        for bar in 0..N_BARS {
            let left = self.low + self.width * bar as f64;
            let right = left + self.width * 0.92;
            let [plain, flagged] = [self.counts[0][bar], self.counts[1][bar]];
            let corners = |from, to| [(left, from), (right, to)];
            if flagged > 0 {
                let bar = Rectangle::new(corners(0, flagged), FLAGGED.filled());
                chart.draw_series([bar])?;
            }
            if plain > 0 {
                let bar = Rectangle::new(corners(flagged, flagged + plain), PLAIN.filled());
                chart.draw_series([bar])?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_some_bar() {
        let values: Vec<_> = (0..1000).map(|at| (f64::from(at).powi(3), at % 10 == 0)).collect();
        let bars = Bars::of(&values);
        let sums = bars.counts.map(|counts| counts.iter().sum::<u32>());
        assert_eq!(sums, [900, 100]);
    }

    #[test]
    fn equal_margins_make_one_bar() {
        let bars = Bars::of(&[(1.5, false), (1.5, false)]);
        assert_eq!(bars.counts[0].iter().filter(|&&n| n > 0).count(), 1);
    }
}
