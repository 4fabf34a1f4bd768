//! The plots: SVG in the page.
//!
//! They are drawn in the colors of a light page, so that each stands on its own; the page's style
//! gives these colors other values in the dark. Rows are drawn as counts, not one by one: the size
//! of a plot does not grow with the audit.

mod curves;
mod data_map;
mod histogram;

use std::error::Error;

use maud::{Markup, PreEscaped, html};
use plotters::coord::Shift;
use plotters::prelude::*;

use crate::error::AuditError;
use crate::model::Audit;

/// Small, so that letters stay legible on a phone; the page stretches it.
const SIZE: (u32, u32) = (480, 320);
const LETTERS: u32 = 14;
const INK: RGBColor = RGBColor(31, 31, 31);
const GRID: RGBColor = RGBColor(221, 221, 221);
/// Blue and vermilion of the Okabe–Ito palette: told apart by the color-blind and in grey.
const PLAIN: RGBColor = RGBColor(0, 114, 178);
const FLAGGED: RGBColor = RGBColor(213, 94, 0);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn Error>>;

/// A plot in the page.
struct Figure {
    title: &'static str,
    /// What the plot says, for those who do not see it.
    says: String,
    caption: String,
    svg: String,
}

/// Whether there is anything to draw.
pub(super) fn any(audit: &Audit) -> bool {
    histogram::margins(audit).is_some()
        || data_map::points(audit).is_some()
        || !audit.summary.curves.is_empty()
}

pub(super) fn section(audit: &Audit) -> Result<Markup, AuditError> {
    let mut figures = Vec::new();
    figures.extend(histogram::figure(audit)?);
    figures.extend(data_map::figure(audit)?);
    figures.extend(curves::figures(audit)?);
    if figures.is_empty() {
        return Ok(html! {});
    }
    Ok(html! {
        section #plots aria-labelledby="plots-title" {
            h2 #plots-title { "Plots" }
            p.legend {
                span.swatch.plain {} " not flagged " span.swatch.flagged {} " flagged"
            }
            div.plots { @for it in figures {
                figure {
                    h3 { (it.title) }
                    div role="img" aria-label=(it.says) { (PreEscaped(it.svg)) }
                    figcaption { (it.caption) }
                }
            } }
        }
    })
}

fn draw(plot: &'static str, onto: impl FnOnce(&Area<'_>) -> Drawn) -> Result<String, AuditError> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    onto(&area)
        .and_then(|()| Ok(area.present()?))
        .map_err(|error| AuditError::Plot { plot, found: error.to_string() })?;
    drop(area);
    Ok(svg)
}

fn letters() -> TextStyle<'static> {
    ("sans-serif", LETTERS).into_font().color(&INK)
}

/// As few digits as a tick needs.
fn tick(value: f64) -> String {
    let value = if value.abs() < 1e-9 { 0.0 } else { value };
    let shown = format!("{value:.2}");
    shown.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The value that `share` of the sorted values do not exceed.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * sorted.len().saturating_sub(1) as f64;
    #[expect(clippy::cast_sign_loss, reason = "a share of a count")]
    sorted.get(at.round() as usize).copied().unwrap_or(0.0)
}
