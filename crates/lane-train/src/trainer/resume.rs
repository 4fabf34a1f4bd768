//! A run written down between two steps, and gone on with from there.

use std::borrow::Cow;

use burn::module::Module;

use super::{Begun, Learner, Sinks, Trainer};
use crate::checkpoint::{self, Extent, Opened, Snapshot, State};
use crate::divergence::Watch;
use crate::error::TrainError;
use crate::method::{EpochPlan, Phase, Start};
use crate::networks::Networks;
use crate::step::MeanTerms;

impl Trainer<'_> {
    /// Keeps the run as it is between two steps, where that is due or it is to stop here.
    pub(super) fn keep(
        &mut self,
        plan: &EpochPlan,
        learner: &mut Learner,
        sinks: &mut Sinks<'_>,
    ) -> Result<(), TrainError> {
        let Sinks { history, dynamics, checkpoints: Some(checkpoints), observer } = sinks else {
            return Ok(());
        };
        let is_to_stop = observer.is_to_stop();
        if !is_to_stop && !checkpoints.is_due(self.at.n_steps) {
            return Ok(());
        }
        // A checkpoint of values that are no numbers would be no place to go on from.
        learner.watch.settle().map_err(|fault| self.diverged(&fault))?;
        self.check_parameters(learner)?;
        let Learner { networks, optimizer, terms, .. } = learner;
        let (history, best) = history.state();
        let (identity, every) = checkpoints.terms();
        let identity = identity.clone();
        let state = State {
            identity: Cow::Owned(identity),
            every,
            seconds: checkpoints.seconds(),
            position: self.at,
            plan: Cow::Borrowed(plan),
            terms: terms.saved(),
            margins: Cow::Borrowed(&self.margins),
            dynamics: Cow::Borrowed(dynamics.collected()),
            history,
            counts: checkpoint::counts(networks, optimizer),
            own_factor: optimizer.own_factor(),
        };
        let memory = self.method.memory();
        checkpoints.save(Snapshot { state, memory, networks, best, optimizer }, is_to_stop)?;
        if is_to_stop {
            let (epoch, n_steps) = (self.at.overall_epoch, self.at.n_steps);
            return Err(TrainError::Stopped { path: checkpoints.run().into(), epoch, n_steps });
        }
        Ok(())
    }

    /// Takes a checkpoint's place in the run.
    pub(super) fn restore(
        &mut self,
        mut from: Opened,
        sinks: &mut Sinks<'_>,
    ) -> Result<Begun, TrainError> {
        self.at = from.state.position;
        from.check(&Extent {
            n_rows: self.labels.len(),
            n_classes: self.experiment.labels().len(),
            phase: &self.phase()?,
            margins: &self.margins,
        })?;
        from.remember(self.method.memory())?;
        let mut optimizer = self.optimizer(from.state.own_factor)?;
        let networks = from.learner(self.blank()?, &mut optimizer, &self.device)?;
        let best = from.best(|| self.blank(), &self.device)?.map(|best| best.valid());
        let State { plan, terms, margins, dynamics, history, .. } = from.state;
        self.margins = margins.into_owned();
        sinks.dynamics.restore(dynamics.into_owned())?;
        sinks.history.restore(history, best)?;
        let terms = MeanTerms::restored(terms, &self.experiment.device);
        let learner = Learner { networks, optimizer, terms, watch: Watch::default() };
        Ok(Begun { learner, plan: Some(plan.into_owned()) })
    }

    /// The phase that the run stands in.
    fn phase(&self) -> Result<Phase, TrainError> {
        let phases = self.method.phases();
        let n_phases = phases.len();
        phases.into_iter().nth(self.at.phase).ok_or_else(|| TrainError::Mismatch {
            found: format!(
                "a checkpoint of phase {} of the method",
                self.at.phase.saturating_add(1)
            ),
            expected: format!("one of its {n_phases}"),
        })
    }

    /// Networks of the form that those of the present phase have.
    fn blank(&self) -> Result<Networks, TrainError> {
        let phases = self.method.phases();
        let up_to_now = phases.get(..=self.at.phase).unwrap_or_default();
        let begun_afresh = |phase: &&Phase| phase.start == Start::Fresh;
        let phase = up_to_now.iter().rev().find(begun_afresh).or(up_to_now.first());
        match phase {
            Some(phase) => self.networks(self.at.phase, phase),
            None => self.networks(self.at.phase, &self.phase()?),
        }
    }
}
