//! Whether what a checkpoint keeps is of the run that goes on from it.
//!
//! Hashes tell a damaged checkpoint from a whole one. A whole one of something else, or one that was
//! made by hand, is told here: every count and index that a later step trusts is held against the run.
//! What a method remembers is the method's own affair.

use std::fmt::Display;

use lane_metrics::weights::MarginWeights;

use super::State;
use crate::method::{EpochPlan, Networked, Pass, Phase, Stream};

/// Steps that twelve digits can name, as the folders of checkpoints do.
const MOST_STEPS: u64 = 1_000_000_000_000;

/// The run, as far as a checkpoint has to fit it.
pub(crate) struct Extent<'a> {
    /// Training rows.
    pub(crate) n_rows: usize,
    /// Classes of the data.
    pub(crate) n_classes: usize,
    /// The phase that the checkpoint stands in.
    pub(crate) phase: &'a Phase,
    /// Averages at zero.
    pub(crate) margins: &'a MarginWeights,
}

/// Fails with what was found and what was expected.
pub(crate) fn ensure(fits: bool, what: &str, found: impl Display) -> Result<(), String> {
    if fits { Ok(()) } else { Err(format!("{what} {found} does not fit the run")) }
}

impl State<'_> {
    /// What does not fit, if anything does not.
    pub(crate) fn check(&self, run: &Extent<'_>) -> Result<(), String> {
        let at = self.position;
        ensure(at.epoch < run.phase.epochs, "epoch", at.epoch)?;
        ensure(at.epoch < at.overall_epoch, "overall epoch", at.overall_epoch)?;
        ensure(at.overall_epoch < u32::MAX / 2, "overall epoch", at.overall_epoch)?;
        ensure(at.n_steps < MOST_STEPS, "step", at.n_steps)?;
        let stream = self.plan.passes.get(at.pass).and_then(|pass| pass.streams.first());
        ensure(stream.is_some(), "pass", at.pass)?;
        let n_rows = stream.map_or(0, |stream| stream.rows.len());
        ensure(at.step <= n_rows, "step of the pass", at.step)?;
        ensure(0.0 <= self.seconds && self.seconds.is_finite(), "time", self.seconds)?;
        let factor = self.own_factor;
        ensure(0.0 <= factor && factor.is_finite(), "factor of the rate", factor)?;
        check_plan(&self.plan, run)?;
        ensure(self.margins.config() == run.margins.config(), "weighting", "of the averages")?;
        let (found, expected) = (self.margins.averages(), run.margins.averages());
        ensure(found.n_rows() == expected.n_rows(), "number of averages", found.n_rows())?;
        for counts in self.counts.iter().flatten() {
            ensure((1..i32::MAX).contains(&counts.n_steps), "count of steps", counts.n_steps)?;
        }
        self.terms.check()?;
        self.dynamics.check(run, at.overall_epoch)?;
        self.history.check(run.n_classes)
    }
}

fn check_plan(plan: &EpochPlan, run: &Extent<'_>) -> Result<(), String> {
    for Pass { streams, trained } in &plan.passes {
        check_networks(trained, run)?;
        for stream in streams {
            check_stream(stream, run)?;
        }
    }
    Ok(())
}

fn check_stream(stream: &Stream, run: &Extent<'_>) -> Result<(), String> {
    let Stream { rows, labels, networks, .. } = stream;
    ensure(rows.len() == labels.len(), "number of planned labels", labels.len())?;
    if let Networked::Only(networks) = networks {
        check_networks(networks, run)?;
    }
    let n_outputs = run.n_classes + run.phase.extra_classes;
    let beyond = rows.iter().find(|row| run.n_rows <= row.index());
    ensure(beyond.is_none(), "planned row", beyond.map_or(0, |row| row.0))?;
    let beyond = labels.iter().find(|label| n_outputs <= label.index());
    ensure(beyond.is_none(), "planned class", beyond.map_or(0, |label| label.0))
}

fn check_networks(networks: &[usize], run: &Extent<'_>) -> Result<(), String> {
    let beyond = networks.iter().find(|&&network| run.phase.n_networks <= network);
    ensure(beyond.is_none(), "network", beyond.copied().unwrap_or_default())
}
