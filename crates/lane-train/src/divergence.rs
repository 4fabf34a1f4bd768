//! How a training that went beyond all numbers is caught and told: where, in what, for which rows.
//!
//! A step reads its logits anyway, and those are looked at before anything is done with them. Its
//! loss is not waited for: it crosses to the host with the logits of the next step, and is then
//! still told with its own step and rows. So nothing crosses that would not have crossed, and a
//! device with a queue is not made to wait. Before a checkpoint is written, and at the end of an
//! epoch, what is still unread is read, so that every checkpoint holds numbers.

use std::fmt;
use std::path::PathBuf;

use burn::tensor::Tensor;
use lane_data::RowId;

use crate::error::TrainError;
use crate::method::{Loss, StepBatch};
use crate::transfer;

/// Steps whose loss waits where none of their logits are read.
const UNREAD: usize = 32;

/// Ids that a message names.
const NAMED: usize = 8;

/// Where in a run a batch was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// From 1, counted through all phases.
    pub(crate) epoch: u32,
    /// Within the epoch, from 1.
    pub(crate) step: usize,
}

/// What was no number, and where.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    pub(crate) place: Place,
    pub(crate) what: String,
    pub(crate) rows: Vec<RowId>,
}

/// Where a run that diverged can be taken up.
#[derive(Clone, Debug, PartialEq)]
pub struct WayBack {
    /// The run folder.
    pub run: PathBuf,
    /// The last checkpoint, whose values are all numbers, and after how many steps it was written.
    pub checkpoint: Option<(PathBuf, u64)>,
    /// The learning rate that was too high.
    pub lr: f64,
}

impl WayBack {
    pub(crate) fn hint(&self) -> String {
        let Self { run, lr, .. } = self;
        format!(
            "`lane train --config {} --lr {:.1e} --out OTHER` trains at a tenth of the rate; --resume would go on at the same rate, to the same end",
            run.join("config.toml").display(),
            lr / 10.0
        )
    }
}

impl fmt::Display for WayBack {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.checkpoint {
            Some((path, n_steps)) => write!(
                formatter,
                "the last good checkpoint is `{}`, after {n_steps} steps",
                path.display()
            ),
            None => formatter.write_str("no checkpoint had been written"),
        }
    }
}

/// What a network is called in a message.
pub(crate) fn network_name(network: usize, auxiliary: Option<usize>) -> String {
    match network {
        0 => "the classifier".into(),
        _ if auxiliary == Some(network) => "the auxiliary network".into(),
        _ => format!("network {}", network + 1),
    }
}

/// The first few of some rows by name, each once, and how many more there are.
pub(crate) fn listed(rows: &[RowId], name: impl Fn(RowId) -> String) -> String {
    let mut each = rows.to_vec();
    each.sort_unstable();
    each.dedup();
    let shown: Vec<String> = each.iter().take(NAMED).map(|row| name(*row)).collect();
    let more = each.len() - shown.len();
    shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}

/// The rows with a value that is no number; the values are row-major, `rows` over and over.
pub(crate) fn spoilt_rows(values: &[f32], n_classes: usize, rows: &[RowId]) -> Vec<RowId> {
    let of_row = values.chunks_exact(n_classes.max(1)).zip(rows.iter().cycle());
    let is_spoilt = |values: &[f32]| values.iter().any(|value| !value.is_finite());
    of_row.filter(|(values, _)| is_spoilt(values)).map(|(_, row)| *row).collect()
}

/// The losses of steps taken that nobody has read yet.
#[derive(Default)]
pub(crate) struct Watch {
    unread: Vec<Unread>,
    /// The last step that learned.
    last: Option<(Place, Vec<RowId>)>,
}

/// One step's loss, with what it takes to say where it comes from.
struct Unread {
    place: Place,
    rows: Vec<RowId>,
    total: Tensor<1>,
    terms: Vec<(&'static str, Tensor<1>)>,
    logits: Vec<Shown>,
}

/// The logits of one network on one batch.
struct Shown {
    network: String,
    rows: Vec<RowId>,
    logits: Tensor<2>,
}

impl Watch {
    /// Takes in a step's loss. The tensors are small and lose their history.
    pub(crate) fn add(
        &mut self,
        place: Place,
        batches: &[StepBatch],
        loss: &Loss,
        auxiliary: Option<usize>,
    ) {
        let rows: Vec<RowId> = batches.iter().flat_map(|batch| batch.rows.clone()).collect();
        self.last = Some((place, rows.clone()));
        self.unread.push(Unread {
            place,
            rows,
            total: loss.total.clone().inner(),
            terms: loss.terms.iter().map(|(name, term)| (*name, term.clone().inner())).collect(),
            logits: shown(batches, auxiliary),
        });
    }

    /// The losses to be read on the next crossing, each `[1]`.
    pub(crate) fn totals(&self) -> Vec<Tensor<1>> {
        self.unread.iter().map(|unread| unread.total.clone()).collect()
    }

    /// Judges the [`totals`](Self::totals) that crossed.
    pub(crate) fn judge(&mut self, totals: &[f32]) -> Result<(), Fault> {
        let mut unread = std::mem::take(&mut self.unread).into_iter().zip(totals);
        let spoilt = unread.find(|(_, total)| !total.is_finite());
        spoilt.map_or(Ok(()), |(unread, _)| Err(unread.fault()))
    }

    /// Reads and judges what is unread.
    pub(crate) fn settle(&mut self) -> Result<(), Fault> {
        if self.unread.is_empty() {
            return Ok(());
        }
        let totals = transfer::read(Tensor::cat(self.totals(), 0));
        self.judge(&totals)
    }

    /// The same once many steps have gone by of which nothing was read.
    pub(crate) fn settle_if_many(&mut self) -> Result<(), Fault> {
        if self.unread.len() < UNREAD { Ok(()) } else { self.settle() }
    }

    /// A parameter that the last step left without a number.
    pub(crate) fn parameter(&self, parameter: &str, epoch: u32) -> Fault {
        let (place, rows) = self.last.clone().unwrap_or((Place { epoch, step: 0 }, Vec::new()));
        Fault { place, what: format!("parameter `{parameter}`"), rows }
    }
}

impl Unread {
    fn fault(self) -> Fault {
        let Self { place, rows, terms, logits, .. } = self;
        if let Some(fault) = spoilt_logits(place, logits) {
            return fault;
        }
        let is_spoilt = |term: Tensor<1>| !transfer::read_scalar(term).is_finite();
        let term = terms.into_iter().find(|(_, term)| is_spoilt(term.clone()));
        let what = term.map_or("the loss".into(), |(name, _)| format!("the loss (term `{name}`)"));
        Fault { place, what, rows }
    }
}

/// What every network said of the batches, without its history.
fn shown(batches: &[StepBatch], auxiliary: Option<usize>) -> Vec<Shown> {
    let of_batch = |batch: &StepBatch| -> Vec<Shown> {
        let outputs = batch.outputs.iter().enumerate();
        let ran = outputs.filter_map(|(network, output)| Some((network, output.as_ref()?)));
        ran.map(|(network, output)| Shown {
            network: network_name(network, auxiliary),
            rows: batch.rows.clone(),
            logits: output.logits.clone().inner(),
        })
        .collect()
    };
    batches.iter().flat_map(of_batch).collect()
}

/// The first network with logits that are no numbers; reads them all.
fn spoilt_logits(place: Place, logits: Vec<Shown>) -> Option<Fault> {
    logits.into_iter().find_map(|Shown { network, rows, logits }| {
        let [_, n_classes] = logits.dims();
        let rows = spoilt_rows(&transfer::read(logits), n_classes, &rows);
        let what = format!("the logits of {network}");
        (!rows.is_empty()).then_some(Fault { place, what, rows })
    })
}

/// The fault behind a refusal of a method's own arithmetic, if logits are behind it.
pub(crate) fn behind(
    error: &TrainError,
    place: Place,
    batches: &[StepBatch],
    auxiliary: Option<usize>,
) -> Option<Fault> {
    let is_of_numbers = matches!(error, TrainError::Metrics(_));
    is_of_numbers.then(|| spoilt_logits(place, shown(batches, auxiliary)))?
}

#[cfg(test)]
mod tests;
