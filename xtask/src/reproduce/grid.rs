//! The grid of a plan and its cells, which `lane cells` makes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::cell::{Cell, Failure};
use super::plan::{DataSet, Plan, Source};
use super::training_data::TrainingFiles;
use crate::lane_binary::Lane;
use crate::shell::Invocation;
use crate::whole_file::write_whole;

const GRID: &str = "grid.json";
pub(super) const CELLS: &str = "cells.jsonl";

/// Every cell that can be run, and the training files that could not be made.
pub(super) struct Listed {
    pub(super) cells: Vec<Cell>,
    pub(super) failures: Vec<(Source, Failure)>,
}

/// One line of `cells.jsonl`, as far as it is looked at here.
#[derive(Deserialize)]
struct Line {
    id: String,
    place: Place,
    out: PathBuf,
    config: Value,
}

#[derive(Deserialize)]
struct Place {
    dataset: String,
    noise: f64,
    variant: String,
    seed: u64,
}

/// Makes training files, grid and cells of `plan` in `out`; finished runs of other settings make way.
pub(super) fn prepare(plan: &Plan, lane: &Lane, out: &Path, force: bool) -> Result<Listed> {
    let files = TrainingFiles::prepare(plan, lane, out, force)?;
    let (mut data, mut failures) = (Vec::new(), Vec::new());
    for source in plan.sources() {
        match files.of(&source) {
            Ok(train) => data.push(json!({
                "name": source.data_set.name, "noise": source.noise, "seed": source.seed,
                "train": train,
                "validation": source.data_set.file("validation"),
                "test": source.data_set.file("test"),
            })),
            Err(failure) => failures.push((source, failure.clone())),
        }
    }
    let grid = json!({"data": data, "variants": plan.variants, "settings": plan.settings});
    let path = out.join(GRID);
    write_whole(&path, &(serde_json::to_string_pretty(&grid)? + "\n"))?;
    Invocation::new(lane.path.display().to_string(), &["cells", "--grid"])
        .with([path.display().to_string(), "--quiet".to_owned()])
        .stdout(Path::new("."))?;
    let cells = read(plan, out)?;
    for cell in &cells {
        cell.clear_the_way()?;
    }
    Ok(Listed { cells, failures })
}

/// The cells listed in `out`.
pub(super) fn read(plan: &Plan, out: &Path) -> Result<Vec<Cell>> {
    let path = out.join(CELLS);
    let text =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let lines = text.lines().enumerate().map(|(index, line)| {
        let line: Line = serde_json::from_str(line)
            .with_context(|| format!("failed to parse {} line {}", path.display(), index + 1))?;
        Ok(cell(plan, out, &path, index, line))
    });
    lines.collect()
}

fn cell(plan: &Plan, base: &Path, list: &Path, index: usize, line: Line) -> Cell {
    let Line { id, place: Place { dataset, noise, variant, seed }, out, config } = line;
    let known = plan.data_sets.iter().find(|data_set| data_set.name == dataset).cloned();
    let data_set = known.unwrap_or_else(|| DataSet::new(&dataset, PathBuf::new()));
    let train = config["data"]["train"].as_str().unwrap_or_default();
    Cell {
        data_set,
        noise,
        method: variant,
        seed,
        id,
        index,
        list: list.to_owned(),
        folder: base.join(out),
        train: base.join(train),
    }
}
