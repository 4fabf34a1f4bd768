//! The drawings of a report: Figure 1, learning curves and margins, place by place.

use anyhow::Result;

use super::curves::{self, Curves};
use super::document::Picture;
use super::figure::{self, Weights};
use super::margins::Histograms;
use super::overview;
use super::place::Place;
use super::report::Findings;
use crate::csv::Table;

/// The method whose weights Figure 1 shows, where it was run.
const FIGURE_METHOD: &str = "lane";
/// Methods that every learning curve shows, before the best of the others.
const ALWAYS: [&str; 2] = ["base", "lane"];

/// Pictures of each place, and the files they and their numbers go to.
pub(super) struct Drawn {
    pub(super) pictures: Vec<Vec<Picture>>,
    pub(super) files: Vec<(String, String)>,
}

pub(super) fn draw(findings: &Findings<'_>) -> Result<Drawn> {
    let methods = shown_methods(findings);
    let (mut all_pictures, mut files) = (Vec::new(), Vec::new());
    let (mut curve_points, mut margin_bars) = (Curves::columns(), Histograms::columns());
    for (place, _) in findings.places {
        let mut pictures = Vec::new();
        if let Some((picture, numbers)) = figure_1(findings, place)? {
            files.push((picture.file.replace(".svg", ".csv"), numbers.text()));
            pictures.push(picture);
        }
        let curves = Curves::of(place, &methods);
        if curves.shows_something() {
            let svg = curves::svg(&curves, &methods, &place.key())?;
            pictures.push(picture(findings, place, "curves", "Accuracy by epoch", svg));
            curves.add_to(place, &mut curve_points);
        }
        let margins = Histograms::of(place)?;
        if margins.shows_something() {
            let svg = margins.svg(&place.key())?;
            let alt = "Averaged margins of rows with a correct and with a wrong label";
            pictures.push(picture(findings, place, "margins", alt, svg));
            margins.add_to(place, &mut margin_bars);
        }
        files.extend(pictures.iter().map(|it| (it.file.clone(), it.svg.clone())));
        all_pictures.push(pictures);
    }
    for (name, table) in [("curves.csv", curve_points), ("margins.csv", margin_bars)] {
        if !table.rows.is_empty() {
            files.push((name.to_owned(), table.text()));
        }
    }
    Ok(Drawn { pictures: all_pictures, files })
}

/// `base`, `lane`, and the best of the others by average rank, the same in every drawing.
fn shown_methods<'a>(findings: &Findings<'a>) -> Vec<&'a str> {
    let has = |name: &&str| findings.plan.variants.iter().any(|variant| variant.label == **name);
    let ranked = overview::ranked(findings.places).into_iter().map(|(method, _)| method);
    let others = ranked.filter(|method| !ALWAYS.contains(method));
    ALWAYS.into_iter().filter(has).chain(others).take(curves::MOST).collect()
}

fn picture(
    findings: &Findings<'_>,
    place: &Place<'_>,
    kind: &str,
    alt: &str,
    svg: String,
) -> Picture {
    let is_only = findings.places.len() == 1;
    let file = if is_only { kind.to_owned() } else { format!("{kind}-{}", place.file_part()) };
    Picture { file: file + ".svg", alt: format!("{alt}: {}", place.key()), svg }
}

/// Figure 1 of one place; nothing where wrong labels or weights are not known.
fn figure_1(findings: &Findings<'_>, place: &Place<'_>) -> Result<Option<(Picture, Table)>> {
    let variants = &findings.plan.variants;
    let wanted = variants.iter().find(|variant| variant.label == FIGURE_METHOD);
    let Some(method) = wanted.or(variants.first()).map(|variant| &*variant.label) else {
        return Ok(None);
    };
    let mut weights = Weights::default();
    let mut n_runs = 0;
    for (run, _) in place.runs_of(method) {
        weights.add_run(&run.train, &run.folder.join("labels.csv"))?;
        n_runs += 1;
    }
    if !weights.shows_something() {
        return Ok(None);
    }
    let subtitle = format!("{}, {n_runs} seeds together", place.key());
    let svg = figure::svg(&weights, method, &subtitle)?;
    let alt =
        format!("Figure 1: weights of rows with a correct and with a wrong label, method {method}");
    Ok(Some((picture(findings, place, "figure-1", &alt, svg), weights.table())))
}
