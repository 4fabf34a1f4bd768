//! Plain training under a robust loss: `blurry`, `piecewise-zero`, `focal`, `gce`, `mae`, `sce`,
//! `nce-rce`, `anl-ce`, `anl-fl`.
//!
//! ```text
//! L = (1/|𝔅|) Σ ℓ_i               cross-entropy in the first `loss.delay` epochs, the loss after
//! ```
//!
//! The losses with their equations and sources are modules of [`lane_losses`]; parameters of a
//! method are those of section `loss` (`loss.gamma`, `loss.cutoff`, `loss.q`, …), by default the
//! published ones for the number of classes.
//!
//! Other methods (`base`, `lane`, `aum`, …) take the same losses in place of cross-entropy with
//! `loss.kind`.
//!
//! Suspicion of a row: −AUM; flagged when negative.

use lane_losses::robust::RobustKind;

use crate::config::Config;
use crate::error::TrainError;
use crate::inner_loss::InnerLoss;
use crate::method::Method;
use crate::methods::base::Base;
use crate::methods::{Entry, Facts};

/// The line in the list of methods.
pub const BLURRY: Entry = Entry {
    name: "blurry",
    about: "Blurry Loss: cross-entropy times a power of the label's probability",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::Blurry),
};

/// The line in the list of methods.
pub const PIECEWISE_ZERO: Entry = Entry {
    name: "piecewise-zero",
    about: "Piecewise-zero Loss: no loss on labels below a probability",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::PiecewiseZero),
};

/// The line in the list of methods.
pub const FOCAL: Entry = Entry {
    name: "focal",
    about: "focal loss: less on labels already believed",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::Focal),
};

/// The line in the list of methods.
pub const GCE: Entry = Entry {
    name: "gce",
    about: "generalized cross-entropy, between cross-entropy and MAE",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::Gce),
};

/// The line in the list of methods.
pub const MAE: Entry = Entry {
    name: "mae",
    about: "mean absolute error of the label's probability",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::Mae),
};

/// The line in the list of methods.
pub const SCE: Entry = Entry {
    name: "sce",
    about: "symmetric cross-entropy: cross-entropy and its reverse",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::Sce),
};

/// The line in the list of methods.
pub const NCE_RCE: Entry = Entry {
    name: "nce-rce",
    about: "normalized and reverse cross-entropy, an active and a passive loss",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::NceRce),
};

/// The line in the list of methods.
pub const ANL_CE: Entry = Entry {
    name: "anl-ce",
    about: "normalized cross-entropy with its negative counterpart",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::AnlCe),
};

/// The line in the list of methods.
pub const ANL_FL: Entry = Entry {
    name: "anl-fl",
    about: "normalized focal loss with its negative counterpart",
    least_views: 1,
    build: |config, facts| robust(config, facts, RobustKind::AnlFl),
};

fn robust(config: &Config, facts: Facts, kind: RobustKind) -> Result<Box<dyn Method>, TrainError> {
    Ok(Box::new(Base::under(InnerLoss::of(config, facts, kind)?, config)))
}
