//! How training went, epoch by epoch.

use plotters::prelude::*;

use super::{Drawn, Figure, GRID, INK, PLAIN, draw, letters, tick};
use crate::error::AuditError;
use crate::model::{Audit, EpochPoint};
use crate::report::format::percent;

pub(super) fn figures(audit: &Audit) -> Result<Vec<Figure>, AuditError> {
    let curves = &audit.summary.curves;
    let (Some(first), Some(last)) = (curves.first(), curves.last()) else { return Ok(Vec::new()) };
    let of = |value: fn(&EpochPoint) -> f64| -> Vec<(f64, f64)> {
        curves.iter().map(|it| (f64::from(it.epoch), value(it))).collect()
    };
    let (agreement, loss) = (of(|it| it.agreement), of(|it| it.loss));
    let highest = loss.iter().map(|it| it.1).filter(|it| it.is_finite()).fold(0.0, f64::max);
    let agreement_svg = draw("agreement in training", |area| {
        line(area, &agreement, 1.0, "rows whose label is predicted", &percent)
    })?;
    let loss_svg = draw("loss in training", |area| {
        line(area, &loss, highest.max(1e-6) * 1.05, "mean loss", &tick)
    })?;
    let epochs = format!("from epoch {} to {}", first.epoch, last.epoch);
    Ok(vec![
        Figure {
            title: "Agreement in training",
            says: format!(
                "The share of rows whose given label is predicted goes from {} to {}, {epochs}.",
                percent(first.agreement),
                percent(last.agreement)
            ),
            caption: "Share of rows whose given label the model predicts. At 100% it has learnt the wrong labels too."
                .to_owned(),
            svg: agreement_svg,
        },
        Figure {
            title: "Loss in training",
            says: format!("The mean loss goes from {:.3} to {:.3}, {epochs}.", first.loss, last.loss),
            caption: "Mean loss over the rows.".to_owned(),
            svg: loss_svg,
        },
    ])
}

fn line(
    area: &super::Area<'_>,
    points: &[(f64, f64)],
    top: f64,
    name: &str,
    tick_of: &dyn Fn(f64) -> String,
) -> Drawn {
    let ends = (points.first().map_or(0.0, |it| it.0), points.last().map_or(1.0, |it| it.0));
    let right = if ends.0 < ends.1 { ends.1 } else { ends.0 + 1.0 };
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(44)
        .y_label_area_size(66)
        .build_cartesian_2d(ends.0..right, 0.0..top)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(INK)
        .x_desc("epoch")
        .y_desc(name)
        .x_labels(points.len().clamp(2, 8))
        .y_labels(6)
        .x_label_formatter(&|it| tick(*it))
        .y_label_formatter(&|it| tick_of(*it))
        .label_style(letters())
        .axis_desc_style(letters())
        .draw()?;
    let finite = || points.iter().copied().filter(|it| it.1.is_finite());
    chart.draw_series(LineSeries::new(finite(), PLAIN.stroke_width(2)))?;
    chart.draw_series(finite().map(|at| Circle::new(at, 3, PLAIN.filled())))?;
    Ok(())
}
