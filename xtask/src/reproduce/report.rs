//! What a command leaves behind: `report.md` and `report.html` with the same words, the numbers as
//! CSV, and the drawings. Where there is little to say it is printed as well.

use std::path::Path;

use anyhow::Result;

use super::cell::{Cell, Failure, Outcome};
use super::comparison::{self, Compared};
use super::contrast::Contrasts;
use super::document::{self, Block, Picture};
use super::drawings;
use super::overview;
use super::paper::{self, Slips};
use super::paper_table;
use super::place::Place;
use super::plan::Plan;
use super::table;
use crate::whole_file::write_whole;

/// A report on more places than this is not printed, only its overview.
const MOST_PRINTED: usize = 3;

/// Everything the report is made of.
pub(super) struct Findings<'a> {
    pub(super) plan: &'a Plan,
    pub(super) outcomes: &'a [(Cell, Outcome)],
    pub(super) places: &'a [(Place<'a>, Contrasts)],
    /// The paper's tables, those without a cell that concerns us left out.
    pub(super) tables: Vec<(u8, Vec<Compared<'a>>)>,
    pub(super) slips: Slips,
}

/// Writes and prints everything; gives the number of failed cells.
pub(super) fn write(plan: &Plan, out: &Path, outcomes: &[(Cell, Outcome)]) -> Result<usize> {
    let published = paper::published()?;
    let places = with_contrasts(Place::all(plan, outcomes))?;
    let tables = paper::NUMBERS
        .map(|number| (number, comparison::of_table(plan, &places, &published, number)))
        .filter(|(number, rows)| !rows.is_empty() || plan.paper_tables.contains(number));
    let findings = Findings {
        plan,
        outcomes,
        places: &places,
        tables: tables.collect(),
        slips: Slips::read()?,
    };
    let opening = overview::blocks(&findings);
    let n_opening = opening.len();
    let blocks = [opening, body(&findings, out)?, failures(outcomes)].concat();
    let printed = if places.len() > MOST_PRINTED { &blocks[..n_opening] } else { &blocks[..] };
    write_files(&findings, out, &blocks)?;
    println!("{}\nwritten to {}", document::markdown(printed), out.display());
    Ok(outcomes.iter().filter(|(_, outcome)| outcome.is_err()).count())
}

fn with_contrasts(places: Vec<Place<'_>>) -> Result<Vec<(Place<'_>, Contrasts)>> {
    let paired = places.into_iter().map(|place| {
        let contrasts = Contrasts::of(&place)?;
        Ok((place, contrasts))
    });
    paired.collect()
}

/// What follows the overview; writes the drawings.
fn body(findings: &Findings<'_>, out: &Path) -> Result<Vec<Block>> {
    let drawn = drawings::draw(findings)?;
    for (name, text) in &drawn.files {
        write_whole(&out.join(name), text)?;
    }
    let mut blocks = paper_table::blocks(findings);
    for (place, contrasts) in findings.places {
        blocks.extend(table::blocks(place, contrasts));
    }
    blocks.extend(table::detection(findings.places));
    for (place, pictures) in findings.places.iter().map(|(place, _)| place).zip(drawn.pictures) {
        blocks.extend(folded(place, pictures, findings));
    }
    Ok(blocks)
}

fn folded(place: &Place<'_>, pictures: Vec<Picture>, findings: &Findings<'_>) -> Option<Block> {
    if pictures.is_empty() {
        return None;
    }
    let has_figure_1 = pictures.iter().any(|picture| picture.file.starts_with("figure-1"));
    let remarks = findings.slips.figure_1.iter().filter(|_| has_figure_1).map(Block::text);
    let blocks = pictures.into_iter().map(Block::Picture).chain(remarks);
    Some(Block::Folded(format!("Figures: {}", place.key()), blocks.collect()))
}

fn write_files(findings: &Findings<'_>, out: &Path, blocks: &[Block]) -> Result<()> {
    let Findings { plan, outcomes, places, .. } = findings;
    let page = document::page(&format!("lane: {}", plan.title), blocks);
    for (name, text) in [
        ("report.md", &document::markdown(blocks)),
        ("report.html", &page),
        ("cells.csv", &table::cells_csv(outcomes).text()),
        ("summary.csv", &table::summary_csv(places).text()),
        ("contrasts.csv", &table::contrasts_csv(places).text()),
        ("paper.csv", &paper_table::csv(findings).text()),
    ] {
        write_whole(&out.join(name), text)?;
    }
    Ok(())
}

fn failures(outcomes: &[(Cell, Outcome)]) -> Vec<Block> {
    let failed: Vec<(&Cell, &Failure)> = outcomes
        .iter()
        .filter_map(|(cell, outcome)| Some((cell, outcome.as_ref().err()?)))
        .collect();
    if failed.is_empty() {
        return Vec::new();
    }
    let title = format!("Missing: {} of {} runs", failed.len(), outcomes.len());
    let of_one = |(cell, Failure { command, stderr }): (&Cell, &Failure)| {
        let text = format!("{command}\n\n{stderr}");
        [Block::text(format!("{cell}; to repeat it:")), Block::Verbatim(text)]
    };
    let blocks = failed.into_iter().flat_map(of_one);
    vec![Block::Folded(title, blocks.collect())]
}
