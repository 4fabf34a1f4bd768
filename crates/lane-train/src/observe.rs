//! From a step's host logits to averaged margins and dynamics.

use lane_data::RowId;
use lane_metrics::averages::Visit;
use lane_metrics::{Logits, MetricsError, Probabilities, label_aware, margin};
use lane_metrics::weights::MarginWeights;

use crate::dynamics::{Dynamics, Observation};
use crate::error::TrainError;
use crate::evaluate::argmax;
use crate::method::{Method, StepBatch};
use crate::transfer::HostOutputs;

/// Where in a run a batch was seen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) epoch: u32,
    pub(crate) step: usize,
}

/// Updates the averages (unless this epoch is left out of them) and notes every row of the batch.
pub(crate) fn observe(
    margins: &mut MarginWeights,
    method: &dyn Method,
    batch: &StepBatch,
    host: &HostOutputs,
    averaged: bool,
    dynamics: &mut Dynamics,
) -> Result<(), MetricsError> {
    let logits = Logits::new(&host.logits, host.n_classes)?;
    let auxiliary = host.auxiliary.as_deref().map(|values| Probabilities::new(values, host.n_classes)).transpose()?;
    let mut visits = Vec::with_capacity(batch.rows.len());
    if averaged {
        margins.update_with(&batch.rows, &batch.labels, logits, auxiliary, |_, visit| visits.push(*visit))?;
    } else {
        look_only(margins, batch, logits, auxiliary, &mut visits)?;
    }
    for (position, visit) in visits.iter().enumerate() {
        let row = logits.row(position);
        let label = batch.labels[position];
        let observation = Observation {
            label,
            margin: visit.margin,
            label_aware_margin: visit.label_aware_margin,
            p_label: probability(row, label.index()),
            predicted: argmax(row),
            weight: method.weight(batch.rows[position], margins) as f32,
        };
        dynamics.observe(batch.rows[position], observation, row);
    }
    Ok(())
}

/// The margins of a batch that stays out of the averages.
fn look_only(
    margins: &MarginWeights,
    batch: &StepBatch,
    logits: Logits<'_>,
    auxiliary: Option<Probabilities<'_>>,
    visits: &mut Vec<Visit>,
) -> Result<(), MetricsError> {
    let floor = margins.config().weight_floor_probability;
    for (position, margin) in margin::of_batch(logits, &batch.labels)?.into_iter().enumerate() {
        let label_aware_margin =
            auxiliary.map(|it| label_aware::of_margin(margin, it.row(position)[margin.rival.index()], floor));
        visits.push(Visit { row: batch.rows[position], margin: margin.value, rival: Some(margin.rival), label_aware_margin });
    }
    Ok(())
}

fn probability(logits: &[f32], class: usize) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    (logits[class] - highest).exp() / total
}

/// Names the rows whose outputs are no numbers; any other refusal is passed on.
pub(crate) fn name_rows(
    error: MetricsError,
    place: Place,
    host: &HostOutputs,
    rows: &[RowId],
    id: impl Fn(RowId) -> String,
) -> TrainError {
    let spoilt = |values: &[f32]| -> Vec<String> {
        let bad = values.chunks_exact(host.n_classes).zip(rows).filter(|(row, _)| row.iter().any(|value| !value.is_finite()));
        bad.map(|(_, row)| id(*row)).collect()
    };
    let (what, spoilt) = match spoilt(&host.logits) {
        rows if rows.is_empty() => {
            ("the auxiliary network's output", host.auxiliary.as_deref().map(spoilt).unwrap_or_default())
        }
        rows => ("the classifier's output", rows),
    };
    if spoilt.is_empty() {
        return TrainError::Metrics(error);
    }
    let shown: Vec<&str> = spoilt.iter().take(8).map(String::as_str).collect();
    let more = spoilt.len().saturating_sub(shown.len());
    let rows = shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() };
    TrainError::NotFinite { epoch: place.epoch, step: place.step, what, rows }
}
