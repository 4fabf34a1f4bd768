//! Moments on their way into a checkpoint and back.

use std::borrow::Cow;

use burn::module::ParamId;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Form, Optimizer};

/// Which of a parameter's two running means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// Of its gradient.
    First,
    /// Of the square of it.
    Second,
}

/// What is counted of a parameter beside its moments.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// Steps in which it had a gradient.
    pub(crate) n_steps: i32,
    /// Rows that ever had one; absent once all may have.
    pub(crate) seen: Option<Vec<bool>>,
}

impl Optimizer {
    /// The multiple of the rate that a method's own parameters learn at.
    pub(crate) fn own_factor(&self) -> f64 {
        self.own_factor
    }

    /// What is counted of a parameter; none before its first gradient.
    pub(crate) fn counts(&self, id: ParamId) -> Option<Counts> {
        #[cfg(feature = "tch")]
        if let Some(counts) = self.on_libtorch.counts(id) {
            return Some(counts);
        }
        self.on_host.counts(id).or_else(|| self.on_device.counts(id))
    }

    /// A running mean of a parameter, row-major; none before its first gradient.
    pub(crate) fn moment(&self, id: ParamId, which: Moment) -> Option<Cow<'_, [f32]>> {
        #[cfg(feature = "tch")]
        if let Some(values) = self.on_libtorch.moment(id, which) {
            return Some(values);
        }
        self.on_host.moment(id, which).or_else(|| self.on_device.moment(id, which))
    }

    /// Puts back what [`counts`](Self::counts) and [`moment`](Self::moment) gave for a parameter on
    /// `device`.
    pub(crate) fn restore(
        &mut self,
        id: ParamId,
        counts: Counts,
        [first, second]: [Vec<f32>; 2],
        device: &Device,
    ) {
        match self.form.unwrap_or_else(|| Form::of(device)) {
            Form::Host => self.on_host.restore(id, counts, [first, second]),
            Form::Device => self.on_device.restore(id, &counts, [first, second], device),
            #[cfg(feature = "tch")]
            Form::LibTorch => self.on_libtorch.restore(id, &counts, [&first, &second], device),
        }
    }
}
