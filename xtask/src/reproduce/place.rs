//! One place of the grid: a data set at one noise rate, and its runs.

use super::cell::{Cell, Outcome};
use super::plan::{DataSet, Plan};
use super::result::RunResult;
use super::summary::Summary;

#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub(super) data_set: &'a DataSet,
    pub(super) noise: f64,
    pub(super) cells: Vec<&'a (Cell, Outcome)>,
    methods: Vec<&'a str>,
}

impl<'a> Place<'a> {
    /// Every place of the plan, with what was run there.
    pub(super) fn all(plan: &'a Plan, outcomes: &'a [(Cell, Outcome)]) -> Vec<Self> {
        let methods: Vec<&str> = plan.methods().collect();
        let place = |(data_set, noise): (&'a DataSet, f64)| {
            let is_here = |(cell, _): &&(Cell, Outcome)| {
                cell.data_set == *data_set && cell.noise.total_cmp(&noise).is_eq()
            };
            let cells = outcomes.iter().filter(is_here).collect();
            Place { data_set, noise, cells, methods: methods.clone() }
        };
        plan.tables().into_iter().map(place).collect()
    }

    /// What it is called, as in a heading.
    pub(super) fn key(&self) -> String {
        format!("{}, noise {}", self.data_set.name, self.noise)
    }

    /// A part of file names.
    pub(super) fn file_part(&self) -> String {
        let fit = |symbol: char| symbol.is_alphanumeric() || "-_.".contains(symbol);
        let name = self.data_set.name.replace(|symbol| !fit(symbol), "_");
        format!("{name}-noise-{}", self.noise)
    }

    /// The methods of the plan, in its order.
    pub(super) fn methods(&self) -> impl Iterator<Item = &'a str> {
        self.methods.clone().into_iter()
    }

    pub(super) fn of_method(&self, method: &str) -> impl Iterator<Item = &'a (Cell, Outcome)> {
        self.cells.iter().copied().filter(move |(cell, _)| cell.method == method)
    }

    pub(super) fn finished(&self) -> impl Iterator<Item = (&'a Cell, &'a RunResult)> {
        let finished =
            |(cell, outcome): &&'a (Cell, Outcome)| Some((cell, &outcome.as_ref().ok()?.result));
        self.cells.iter().filter_map(finished)
    }

    /// The finished runs of a method.
    pub(super) fn runs_of(&self, method: &str) -> impl Iterator<Item = (&'a Cell, &'a RunResult)> {
        self.finished().filter(move |(cell, _)| cell.method == method)
    }

    /// A number over the seeds of a method.
    pub(super) fn summary(&self, method: &str, metric: &str) -> Option<Summary> {
        let values = self.runs_of(method).filter_map(|(_, result)| result.get(metric));
        Summary::of(&values.collect::<Vec<_>>())
    }
}
