//! Looks in order of row and epoch to scores, one row at a time.
//!
//! ```text
//! aum         (1/t) Σ M        averages        confidence   μ̂      cartography
//! alm         (1/t') Σ LM      averages        variability  σ̂      cartography
//! weight      of the last look                 correctness          cartography
//! loss        (1/t) Σ −ln p    here            forgetting           cartography, forgetfulness
//! ```
//!
//! t: looks at the row; t': those with a label-aware margin; p: probability of the given label.
//! What lane-metrics keeps of a data set is kept of one row here, and begun anew with each.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, Float32Array, Float64Array, RecordBatch, UInt16Array, UInt32Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use lane_metrics::averages::{MarginAverages, Visit};
use lane_metrics::cartography::{DataMap, Look, MapConfig, MapPoint};
use lane_metrics::{MetricsError, RowId};

use super::looks::Looks;
use crate::error::Fault;

/// The smallest f32 above 0. A probability that f32 rounds to 0 is below half of it; its loss is taken
/// to be 103.3, and not infinite for ever.
const LEAST_PROBABILITY: f64 = f32::from_bits(1) as f64;

/// The only row there is at a time.
const ROW: RowId = RowId(0);

/// The columns of scored rows.
pub(super) fn schema() -> SchemaRef {
    let field = |name, kind| Field::new(name, kind, name == "alm");
    Arc::new(Schema::new(vec![
        field("row", DataType::UInt32),
        field("label", DataType::UInt16),
        field("aum", DataType::Float64),
        field("alm", DataType::Float64),
        field("weight", DataType::Float32),
        field("loss", DataType::Float64),
        field("confidence", DataType::Float64),
        field("variability", DataType::Float64),
        field("correctness", DataType::UInt32),
        field("forgetting", DataType::UInt32),
        field("epochs", DataType::UInt32),
    ]))
}

/// Where a row stands that more looks may follow.
#[derive(Clone, Copy)]
struct Current {
    row: u32,
    epoch: u32,
    label: u16,
    weight: f32,
    loss: f64,
}

/// A row with nothing to follow.
struct Scored {
    last: Current,
    aum: f64,
    alm: Option<f64>,
    point: MapPoint,
}

/// Takes looks in order and gives rows.
pub(super) struct Scorer {
    margins: MarginAverages,
    map: DataMap,
    current: Option<Current>,
    scored: Vec<Scored>,
}

impl Scorer {
    pub(super) fn new(config: MapConfig) -> Result<Self, MetricsError> {
        let (margins, map) = (MarginAverages::new(1)?, DataMap::new(1, config)?);
        Ok(Self { margins, map, current: None, scored: Vec::new() })
    }

    /// Takes the next looks; hands back the rows that are done with.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let looks = Looks::of(batch)?;
        for look in 0..looks.len() {
            self.look(&looks, look).map_err(Box::new)?;
        }
        self.take()
    }

    /// Hands back the last row, which nothing follows now.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        self.end_row();
        self.take()
    }

    fn look(&mut self, looks: &Looks<'_>, look: usize) -> Result<(), Fault> {
        let (row, epoch) = looks.key(look);
        let loss = match self.current {
            Some(current) if current.row == row => {
                if current.epoch == epoch {
                    return Err(Fault::Twice { row, epoch });
                }
                current.loss
            }
            _ => {
                self.end_row();
                0.0
            }
        };
        let (p_label, weight) = (looks.p_labels.value(look), looks.weights.value(look));
        checked(looks, look)?;
        let margins = looks.label_aware_margins;
        let visit = Visit {
            row: ROW,
            margin: looks.margins.value(look),
            rival: None,
            label_aware_margin: margins.is_valid(look).then(|| margins.value(look)),
        };
        let p_label = f64::from(p_label);
        let seen = Look { p_label, correct: looks.correct.value(look) };
        self.margins
            .record(&visit)
            .and_then(|()| self.map.record(ROW, epoch, seen))
            .map_err(|error| refused(error, looks, look))?;
        let loss = loss - p_label.clamp(LEAST_PROBABILITY, 1.0).ln();
        let label = looks.labels.value(look);
        self.current = Some(Current { row, epoch, label, weight, loss });
        Ok(())
    }

    fn end_row(&mut self) {
        let seen = self.current.take().zip(self.margins.aum(ROW)).zip(self.map.point(ROW));
        if let Some(((last, aum), point)) = seen {
            self.scored.push(Scored { last, aum, alm: self.margins.alm(ROW), point });
        }
        self.margins.reset();
        self.map.reset();
    }

    fn take(&mut self) -> Result<RecordBatch> {
        let batch = table(&self.scored)?;
        self.scored.clear();
        Ok(batch)
    }
}

/// Expected of a probability.
const PROBABILITY: &str = "a probability, 0 to 1";

/// Refuses what is no number, by the name of its column.
fn checked(looks: &Looks<'_>, look: usize) -> Result<(), Fault> {
    let columns = [
        ("margin", looks.margins, "a finite number"),
        ("label_aware_margin", looks.label_aware_margins, "a finite number or nothing"),
        ("weight", looks.weights, "a finite number"),
        ("p_label", looks.p_labels, PROBABILITY),
    ];
    for (column, values, expected) in columns {
        let found = values.value(look);
        if values.is_valid(look) && !found.is_finite() {
            let (row, epoch) = looks.key(look);
            return Err(Fault::Value { row, epoch, column, found, expected });
        }
    }
    Ok(())
}

/// What lane-metrics refuses, by the row's own number; it draws the line for rounding above 1.
fn refused(error: MetricsError, looks: &Looks<'_>, look: usize) -> Fault {
    let (row, epoch) = looks.key(look);
    match error {
        MetricsError::LabelProbability { .. } => {
            let (column, found) = ("p_label", looks.p_labels.value(look));
            Fault::Value { row, epoch, column, found, expected: PROBABILITY }
        }
        other => Fault::Refused { row, epoch, message: other.to_string() },
    }
}

fn table(rows: &[Scored]) -> Result<RecordBatch> {
    let counts = |pick: fn(&Scored) -> u32| -> ArrayRef {
        Arc::new(UInt32Array::from_iter_values(rows.iter().map(pick)))
    };
    let numbers = |pick: fn(&Scored) -> f64| -> ArrayRef {
        Arc::new(Float64Array::from_iter_values(rows.iter().map(pick)))
    };
    let columns: Vec<ArrayRef> = vec![
        counts(|it| it.last.row),
        Arc::new(UInt16Array::from_iter_values(rows.iter().map(|it| it.last.label))),
        numbers(|it| it.aum),
        Arc::new(rows.iter().map(|it| it.alm).collect::<Float64Array>()),
        Arc::new(Float32Array::from_iter_values(rows.iter().map(|it| it.last.weight))),
        numbers(|it| it.last.loss / f64::from(it.point.n_epochs)),
        numbers(|it| it.point.confidence),
        numbers(|it| it.point.variability),
        counts(|it| it.point.correctness),
        counts(|it| it.point.forgetfulness),
        counts(|it| it.point.n_epochs),
    ];
    RecordBatch::try_new(schema(), columns).map_err(DataFusionError::from)
}
