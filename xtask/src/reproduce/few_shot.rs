//! Table 7: language models that are shown a few rows, beside the methods that train.
//!
//! `lane few-shot` asks them, with the training file of seed 1, once for each data set and noise rate.
//! Each of its runs counts as a cell, so that tables have means and deviations over runs; it keeps
//! every reply, so that a command that was stopped pays for nothing twice.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cell::{Cell, Failure, Finished, Outcome};
use super::plan::{DataSet, Plan};
use super::result::RunResult;
use crate::lane_binary::Lane;
use crate::shell::Invocation;

/// The paper's prompts are shorter for this set.
const SHORT: (&str, &str) = ("scihtc", "10");

/// A language model: its name in the tables, and the options of `lane few-shot` that reach it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LanguageModel {
    pub(super) label: String,
    pub(super) arguments: Vec<String>,
}

impl LanguageModel {
    /// `LABEL=OPTIONS`, the options parted by blanks.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (label, options) = text.split_once('=').ok_or("expected LABEL=OPTIONS")?;
        let arguments: Vec<String> = options.split_whitespace().map(str::to_owned).collect();
        if label.is_empty() || !arguments.iter().any(|it| it.starts_with("--model")) {
            return Err("expected LABEL=OPTIONS with at least --model NAME".to_owned());
        }
        Ok(Self { label: label.to_owned(), arguments })
    }

    fn folder(&self, out: &Path, data_set: &DataSet, noise: f64) -> PathBuf {
        out.join("few-shot").join(&self.label).join(&data_set.name).join(format!("noise-{noise}"))
    }

    fn invocation(&self, lane: &Lane, cell: &Cell, folder: &Path) -> Invocation {
        let path = |path: &Path| path.display().to_string();
        let files = ["--train".to_owned(), path(&cell.train), "--test".to_owned()];
        let is_short = cell.data_set.paper.as_deref() == Some(SHORT.0)
            && !self.arguments.iter().any(|it| it.starts_with("--shots"));
        let shots = is_short.then(|| ["--shots".to_owned(), SHORT.1.to_owned()]);
        Invocation::new(path(&lane.path), &["few-shot", "--json", "--quiet"])
            .with(files.into_iter().chain([path(&cell.data_set.file("test"))]))
            .with(["--out".to_owned(), path(folder)])
            .with(shots.into_iter().flatten())
            .with(self.arguments.clone())
    }
}

/// Asks the models of the plan about every table, where that is not done yet.
pub(super) fn run(plan: &Plan, lane: &Lane, out: &Path, cells: &[Cell]) -> Vec<(Cell, Outcome)> {
    each(plan, out, cells, |model, cell, folder| {
        if folder.join("result.json").is_file() {
            return Ok(());
        }
        let invocation = model.invocation(lane, cell, folder);
        let failure = |stderr: String| Failure { command: invocation.to_string(), stderr };
        let parent = folder.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| failure(error.to_string()))?;
        eprintln!("asking {} about {}, noise {}", model.label, cell.data_set.name, cell.noise);
        invocation.stdout(Path::new(".")).map_err(|error| failure(format!("{error:#}")))?;
        Ok(())
    })
}

/// What the models have said so far.
pub(super) fn collected(plan: &Plan, out: &Path, cells: &[Cell]) -> Vec<(Cell, Outcome)> {
    each(plan, out, cells, |_, _, _| Ok(()))
}

fn each(
    plan: &Plan,
    out: &Path,
    cells: &[Cell],
    prepare: impl Fn(&LanguageModel, &Cell, &Path) -> Result<(), Failure>,
) -> Vec<(Cell, Outcome)> {
    let mut all = Vec::new();
    for (data_set, noise) in plan.tables() {
        let is_first = |cell: &&Cell| {
            cell.data_set == *data_set && cell.noise.total_cmp(&noise).is_eq() && cell.seed == 1
        };
        let Some(cell) = cells.iter().find(is_first) else { continue };
        for model in &plan.language_models {
            let folder = model.folder(out, data_set, noise);
            let template =
                Cell { method: model.label.clone(), folder: folder.clone(), ..cell.clone() };
            match prepare(model, cell, &folder).and_then(|()| runs(&template)) {
                Ok(runs) => all.extend(runs),
                Err(failure) => all.push((template, Err(failure))),
            }
        }
    }
    all
}

/// One finished cell for each run in the folder.
fn runs(template: &Cell) -> Result<Vec<(Cell, Outcome)>, Failure> {
    let read = || -> Result<Vec<(Cell, Outcome)>> {
        let path = template.folder.join("result.json");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("not asked yet: no {}", path.display()))?;
        let json: Value = serde_json::from_str(&text)
            .with_context(|| format!("failed to parse {}", path.display()))?;
        let runs = json["runs"].as_array().map_or(&[][..], Vec::as_slice);
        ensure!(!runs.is_empty(), "{} has no runs", path.display());
        let cell = |(run, seed): (&Value, u64)| {
            let result = RunResult::of(run);
            (Cell { seed, ..template.clone() }, Ok(Finished { result, is_kept: true }))
        };
        Ok(runs.iter().zip(1..).map(cell).collect())
    };
    let command = "lane few-shot".to_owned();
    read().map_err(|error| Failure { command, stderr: format!("{error:#}") })
}
