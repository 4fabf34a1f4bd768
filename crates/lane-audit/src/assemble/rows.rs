//! The rows of an audit, each with all that is known of it.

use lane_metrics::{ClassId, RowId};

use super::twins::{self, Conflict};
use super::{Judged, Sources};
use crate::classes::Classes;
use crate::model::{AuditRow, DuplicateGroup, RowKind};
use crate::reason::{Evidence, Passes, Twin, sentence};
use crate::training::TrainingScores;

/// The rows in the order of the ranking.
pub(super) fn of(
    sources: &Sources<'_>,
    (order, scores): (&[RowId], &[f64]),
    (names, classes): (&[String], &Classes),
    groups: &[DuplicateGroup],
) -> Vec<AuditRow> {
    let twins = twins::of(groups, sources.labels);
    let of_row = |(rank, row): (u32, &RowId)| {
        let at = row.index();
        let (group, conflict) = twins[at].unzip();
        let known = Row {
            sources,
            at,
            names,
            classes,
            conflict: conflict.flatten(),
            training: sources.material.training.map(|it| it.rows[at]).unwrap_or_default(),
        };
        AuditRow { rank, score: scores[at], duplicates: group, ..known.describe() }
    };
    (1..).zip(order).map(of_row).collect()
}

/// A row with what is known of it.
struct Row<'a> {
    sources: &'a Sources<'a>,
    at: usize,
    names: &'a [String],
    classes: &'a Classes,
    conflict: Option<Conflict>,
    training: TrainingScores,
}

impl Row<'_> {
    fn describe(&self) -> AuditRow {
        let example = &self.sources.material.dataset.examples[self.at];
        let (label, suggested) = (self.label(), self.sources.suggested(self.at));
        let training = &self.training;
        AuditRow {
            row: self.at as u32,
            id: example.id.clone(),
            text: example.text.clone(),
            label: self.name(label).into(),
            suggested: self.name(suggested).into(),
            weight: training.weight,
            flagged: self.sources.flagged[self.at],
            reason: self.reason(),
            kind: self.kind(),
            p_wrong: self.sources.p_wrong(self.at),
            p_label: self.probability(label),
            p_suggested: self.probability(suggested),
            label_distance: self.distance(suggested),
            alm: training.alm,
            aum: training.aum,
            loss: training.loss,
            confidence: training.confidence,
            variability: training.variability,
            correctness: training.correctness,
            forgetting: training.forgetting,
            ..AuditRow::default()
        }
    }

    fn label(&self) -> ClassId {
        self.sources.labels[self.at]
    }

    fn name(&self, class: ClassId) -> &str {
        &self.names[class.index()]
    }

    fn probability(&self, class: ClassId) -> Option<f64> {
        self.sources.probabilities(self.at).map(|values| values[class.index()])
    }

    /// Of the label to `other`, where both are known to the models.
    fn distance(&self, other: ClassId) -> Option<f64> {
        let means = &self.classes.mean_probabilities;
        self.sources.judged.map(|_| means.label_distance(self.label(), other))
    }

    fn kind(&self) -> RowKind {
        let is_hard = |judged: &Judged<'_>| !judged.is_easy(self.at, self.label());
        if self.sources.flagged[self.at] {
            RowKind::Wrong
        } else if self.conflict.is_some() {
            RowKind::Conflict
        } else if self.sources.judged.map_or_else(|| self.was_hard_to_learn(), is_hard) {
            RowKind::Hard
        } else {
            RowKind::Fine
        }
    }

    /// Where only a training tells: less than half a chance on average.
    fn was_hard_to_learn(&self) -> bool {
        self.training.confidence.is_some_and(|it| it < 0.5)
    }

    fn reason(&self) -> String {
        let label = self.label();
        let rival = self.sources.rival(self.at).unwrap_or(label);
        let n_passes = self.sources.material.training.map(|it| it.n_epochs);
        let passes = n_passes.zip(self.training.correctness);
        let twin = |it: Conflict| Twin {
            label: &self.names[it.label],
            row: it.row,
            n_rows: it.n_rows,
            similarity: it.similarity,
        };
        sentence(&Evidence {
            kind: self.kind(),
            label: self.name(label),
            rival: self.name(rival),
            p_label: self.probability(label),
            p_rival: self.probability(rival),
            label_distance: self.distance(rival),
            votes: None,
            passes: passes.map(|(n_passes, n_agreeing)| Passes { n_passes, n_agreeing }),
            twin: self.conflict.map(twin),
        })
    }
}
