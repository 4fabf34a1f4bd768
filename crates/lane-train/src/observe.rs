//! From a step's host logits to averaged margins and dynamics.

use lane_data::RowId;
use lane_metrics::averages::Visit;
use lane_metrics::weights::MarginWeights;
use lane_metrics::{ClassId, Logits, MetricsError, Probabilities, label_aware, margin};

use crate::divergence::{Fault, Place, spoilt_rows};
use crate::dynamics::{Dynamics, Observation};
use crate::error::TrainError;
use crate::evaluate::argmax;
use crate::method::{Method, StepBatch};
use crate::transfer::HostOutputs;

/// Updates the averages (unless this epoch is left out of them) and notes every row of the batch.
///
/// `host` holds the views that the method's margins are taken from, the original first; it alone is
/// noted.
pub(crate) fn observe(
    margins: &mut MarginWeights,
    method: &dyn Method,
    batch: &StepBatch,
    host: &HostOutputs,
    averaged: bool,
    dynamics: &mut Dynamics,
) -> Result<(), MetricsError> {
    let logits = Logits::new(&host.logits, host.n_classes)?;
    let auxiliary = host
        .auxiliary
        .as_deref()
        .map(|values| Probabilities::new(values, host.n_classes))
        .transpose()?;
    let views = method.margin_source().views;
    let n_views = views.n(batch.n_views);
    let averages = |view| views.averaged(&batch.rows, view, dynamics.n_rows());
    let rows: Vec<RowId> = (0..n_views).flat_map(averages).collect();
    let labels = batch.labels.repeat(n_views);
    let mut visits = Vec::with_capacity(rows.len());
    if averaged {
        margins.update_with(&rows, &labels, logits, auxiliary, |_, visit| visits.push(*visit))?;
    } else {
        look_only(margins, &rows, &labels, logits, auxiliary, &mut visits)?;
    }
    for (position, visit) in visits.iter().take(batch.rows.len()).enumerate() {
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
    rows: &[RowId],
    labels: &[ClassId],
    logits: Logits<'_>,
    auxiliary: Option<Probabilities<'_>>,
    visits: &mut Vec<Visit>,
) -> Result<(), MetricsError> {
    let floor = margins.config().weight_floor_probability;
    for (position, margin) in margin::of_batch(logits, labels)?.into_iter().enumerate() {
        let label_aware_margin = auxiliary.map(|it| {
            label_aware::of_margin(margin, it.row(position)[margin.rival.index()], floor)
        });
        visits.push(Visit {
            row: rows[position],
            margin: margin.value,
            rival: Some(margin.rival),
            label_aware_margin,
        });
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
    let auxiliary = host.auxiliary.as_deref().unwrap_or_default();
    let of = [(host.logits.as_slice(), "the classifier"), (auxiliary, "the auxiliary network")];
    let spoilt = of.map(|(values, network)| {
        let rows = spoilt_rows(values, host.n_classes, rows);
        Fault { place, what: format!("the logits of {network}"), rows }
    });
    match spoilt.iter().find(|fault| !fault.rows.is_empty()) {
        Some(fault) => TrainError::diverged(fault, id),
        None => TrainError::Metrics(error),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use lane_metrics::ClassId;
    use serde_json::Value;

    use super::*;
    use crate::config::Config;
    use crate::dynamics::DynamicsConfig;
    use crate::methods::Facts;
    use crate::methods::lane::Lane;
    use crate::transfer;

    const N_CLASSES: usize = 3;

    fn golden() -> Value {
        serde_json::from_str(include_str!("../../../fixtures/golden/lane.json")).unwrap()
    }

    fn lane(settings: &[&str]) -> Lane {
        let all = ["data.train=rows.csv"].iter().chain(settings).map(|text| text.parse().unwrap());
        let facts = Facts { n_rows: 4, n_classes: N_CLASSES };
        Lane::new(&Config::resolve(None, &all.collect::<Vec<_>>()).unwrap(), facts).unwrap()
    }

    /// Four rows with the labels of the golden file; no network's output is needed.
    fn batch() -> StepBatch {
        let mut batch = StepBatch::empty(2, &Device::flex());
        batch.rows = (0..4).map(RowId).collect();
        batch.labels = [0, 1, 2, 0].map(ClassId).to_vec();
        batch.n_views = 2;
        batch
    }

    /// What a step reads from the device, of two views: the second must not be looked at.
    fn host(epoch: usize) -> HostOutputs {
        let of = |key: &str| {
            let rows: Vec<Vec<f32>> =
                serde_json::from_value(golden()["inputs"][key][epoch].clone()).unwrap();
            let both: Vec<f32> = rows.concat().into_iter().chain([9.0; 12]).collect();
            Tensor::<2>::from_data(
                TensorData::new(both, [8, N_CLASSES]),
                &Device::flex().autodiff(),
            )
        };
        transfer::read_step(&of("logits_theta"), Some(&of("logits_pi")), 4)
    }

    struct Seen {
        margins: MarginWeights,
        folder: tempfile::TempDir,
    }

    /// Both golden epochs through the method, the first `skipped` of them outside the averages.
    fn both_epochs(method: &Lane, skipped: usize) -> Seen {
        let folder = tempfile::tempdir().unwrap();
        let mut margins = MarginWeights::new(4, method.weighting().0).unwrap();
        let mut dynamics = Dynamics::create(
            &folder.path().join("dynamics.parquet"),
            4,
            N_CLASSES,
            DynamicsConfig::default(),
        )
        .unwrap();
        for epoch in 0..2 {
            margins.start_epoch();
            observe(&mut margins, method, &batch(), &host(epoch), epoch >= skipped, &mut dynamics)
                .unwrap();
            dynamics.end_epoch(epoch as u32 + 1).unwrap();
        }
        dynamics.finish().unwrap();
        Seen { margins, folder }
    }

    impl Seen {
        fn weights(&self) -> Vec<f64> {
            (0..4).map(|row| self.margins.weight(RowId(row))).collect()
        }

        /// A column of the dynamics, both epochs after each other.
        fn dynamics(&self, name: &str) -> Vec<f64> {
            use arrow::array::{Array, Float32Array};
            use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
            let file = std::fs::File::open(self.folder.path().join("dynamics.parquet")).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
            let mut values = Vec::new();
            for batch in reader.map(Result::unwrap) {
                let column = batch.column_by_name(name).unwrap();
                let column: &Float32Array = column.as_any().downcast_ref().unwrap();
                assert_eq!(column.null_count(), 0);
                values.extend(column.values().iter().map(|&value| f64::from(value)));
            }
            values
        }
    }

    #[track_caller]
    fn check(ours: &[f64], theirs: &[&Value]) {
        let theirs: Vec<f64> = theirs
            .iter()
            .flat_map(|it| serde_json::from_value::<Vec<f64>>((*it).clone()).unwrap())
            .collect();
        assert_eq!(ours.len(), theirs.len());
        for (ours, theirs) in ours.iter().zip(&theirs) {
            assert!(
                (ours - theirs).abs() < 1e-6 + 1e-5 * theirs.abs(),
                "ours {ours}, theirs {theirs}"
            );
        }
    }

    #[test]
    fn golden_logits_give_the_golden_weights_through_the_method() {
        let golden = golden();
        let epochs = &golden["expected"]["per_epoch"];
        let seen = both_epochs(&lane(&[]), 0);
        check(&seen.weights(), &[&epochs[1]["lane"]["lambda_default"]]);
        check(&seen.dynamics("margin"), &[&epochs[0]["M"], &epochs[1]["M"]]);
        check(&seen.dynamics("label_aware_margin"), &[&epochs[0]["LM"], &epochs[1]["LM"]]);
        let of_steps = [&epochs[0]["lane"]["lambda_default"], &epochs[1]["lane"]["lambda_default"]];
        check(&seen.dynamics("weight"), &of_steps);
    }

    #[test]
    fn options_of_the_weights_reach_the_averages() {
        let golden = golden();
        let expected = &golden["expected"]["per_epoch"][1];
        let weights = |settings: &[&str]| both_epochs(&lane(settings), 0).weights();
        check(&weights(&["weights.sigma=literal"]), &[&expected["lane"]["lambda_literal_eq4_eq6"]]);
        check(&weights(&["weights.quantity=aum"]), &[&expected["lane_sim"]["lambda_default"]]);
    }

    #[test]
    fn an_epoch_left_out_is_seen_and_not_averaged() {
        let golden = golden();
        let epochs = &golden["expected"]["per_epoch"];
        let seen = both_epochs(&lane(&[]), 1);
        assert!((0..4).all(|row| seen.margins.averages().count(RowId(row)) == 1));
        check(&seen.dynamics("label_aware_margin"), &[&epochs[0]["LM"], &epochs[1]["LM"]]);
        assert_eq!(seen.dynamics("weight")[..4], [1.0; 4]);
        assert!(seen.weights().iter().any(|weight| *weight < 1.0));
    }

    #[test]
    fn rows_whose_outputs_are_no_numbers_are_named() {
        let mut host = host(0);
        host.logits[5] = f32::NAN;
        host.logits[9] = f32::INFINITY;
        let method = lane(&[]);
        let folder = tempfile::tempdir().unwrap();
        let mut margins = MarginWeights::new(4, method.weighting().0).unwrap();
        let mut dynamics = Dynamics::create(
            &folder.path().join("dynamics.parquet"),
            4,
            N_CLASSES,
            DynamicsConfig::default(),
        )
        .unwrap();
        let error =
            observe(&mut margins, &method, &batch(), &host, true, &mut dynamics).unwrap_err();
        assert!((0..4).all(|row| margins.averages().count(RowId(row)) == 0));
        let place = Place { epoch: 2, step: 7 };
        let error = name_rows(error, place, &host, &batch().rows, |row| format!("row-{row}"));
        assert!(!error.is_usage());
        assert_eq!(
            error.to_string(),
            "training diverged in epoch 2, step 7: the logits of the classifier became NaN or infinite \
             for rows row-1, row-3"
        );
    }
}
