//! From rows, probabilities and training scores to an audit.
//!
//! ```text
//! out-of-fold probabilities ──► judge ──► suspicion, cut-off, suggestions, noise matrix ─┐
//! epochs of a training      ──► training scores ─────────────────────────────────────────┼─► Audit
//! texts and labels          ──► duplicates ──────────────────────────────────────────────┘
//! ```
//!
//! | kind | a row … |
//! | --- | --- |
//! | wrong | that is flagged: among the first of the ranking, up to the cut-off |
//! | conflict | that is not, and whose text stands, the same or nearly, under another label too |
//! | hard | that is neither, and whose label is not the most probable one or has less than ½ |
//! | fine | of the rest |

mod rows;
mod twins;

use lane_data::Dataset;
use lane_metrics::confident_learning::{LabeledRows, scores};
use lane_metrics::{ClassId, RowId, detection};

use crate::classes::{Classes, Tally};
use crate::cut_off::{self, Cut};
use crate::duplicates;
use crate::error::AuditError;
use crate::folder::FORMAT;
use crate::model::{Audit, CutOff, DataFile, Known, Provenance, Summary};
use crate::noise_matrix::OutOfFold;
use crate::rank_by::RankBy;
use crate::suspicion::{Judge, Suggestion, ranking};
use crate::training::Training;

/// Keeps the logarithm of a probability of 0 finite.
const LEAST_PROBABILITY: f64 = 1e-12;
/// Said where nothing can be flagged.
const BLIND: &str = "Models that did not see the rows tell the labels no better than their frequencies do, \
                     so nothing is flagged: there may be too few rows, or the texts may not show the label.";

/// What an audit is made of.
#[derive(Clone, Copy, Debug)]
pub struct Material<'a> {
    /// The rows.
    pub dataset: &'a Dataset,
    /// Out-of-fold probabilities, row-major, shape `[n_rows, n_classes]`, rows sum to 1.
    pub probabilities: Option<&'a [f64]>,
    /// The epochs of a training.
    pub training: Option<&'a Training>,
    /// The score to rank by; none = suspicion, else ALM, else AUM, as far as there are any.
    pub rank_by: Option<RankBy>,
    /// What counts as a duplicate.
    pub duplicates: duplicates::Options,
}

/// Makes the audit of `material`; `data` and `provenance` are taken as they are.
///
/// # Errors
///
/// [`AuditError::Ranking`] where probabilities or labels cannot be, [`AuditError::NoScore`] where
/// there is nothing to rank by, or not what was asked for.
pub fn assemble(
    material: &Material<'_>,
    data: DataFile,
    provenance: Provenance,
) -> Result<Audit, AuditError> {
    let labels = material.dataset.given_labels();
    let n_classes = material.dataset.n_classes();
    let judged = match material.probabilities {
        Some(probabilities) => {
            Some(Judged::new(OutOfFold::new(probabilities, &labels, n_classes)?))
        }
        None => None,
    };
    let rank_by = chosen(material)?;
    let scores = scores_of(rank_by, material, &labels, judged.as_ref())?;
    let order = ranking(&scores);
    let is_blind = judged.as_ref().is_some_and(|it| it.is_blind);
    let flagged = if is_blind {
        vec![false; labels.len()]
    } else {
        flags(rank_by, &order, material, judged.as_ref())
    };
    let names = material.dataset.labels.names().to_vec();
    let sources = Sources { material, labels: &labels, judged: judged.as_ref(), flagged: &flagged };
    let classes = sources.classes(&names)?;
    let texts: Vec<(&str, &str)> = material
        .dataset
        .examples
        .iter()
        .map(|it| (it.text.as_str(), names[it.label.index()].as_str()))
        .collect();
    let groups = duplicates::find(&texts, &material.duplicates);
    let rows = rows::of(&sources, (&order, &scores), (&names, &classes), &groups);
    let Classes { health, pairs, .. } = classes;
    let summary = Summary {
        format: FORMAT,
        data,
        score: rank_by.score(),
        n_flagged: flagged.iter().filter(|it| **it).count(),
        cut_off: judged
            .as_ref()
            .filter(|_| rank_by == RankBy::Suspicion && !is_blind)
            .map(Judged::cut_off),
        notes: if is_blind { vec![BLIND.into()] } else { Vec::new() },
        known: known(material.dataset, &scores, &flagged)?,
        classes: health,
        pairs,
        noise_matrix: judged.as_ref().map(|it| it.noise_matrix(n_classes)),
        duplicates: groups,
        curves: material.training.map(|it| it.curves.clone()).unwrap_or_default(),
        provenance,
        labels: names,
    };
    Ok(Audit { summary, rows })
}

/// What out-of-fold probabilities say.
struct Judged<'a> {
    judge: Judge<'a>,
    suggestions: Vec<Suggestion>,
    cut: Cut,
    is_blind: bool,
}

impl<'a> Judged<'a> {
    fn new(rows: OutOfFold<'a>) -> Self {
        let judge = Judge::new(rows);
        let (suggestions, cut) = (judge.suggestions(), cut_off::choose(&judge));
        Self { suggestions, cut, is_blind: is_blind(rows), judge }
    }

    fn cut_off(&self) -> CutOff {
        self.cut.cut_off.clone()
    }

    fn noise_matrix(&self, n_classes: usize) -> Vec<Vec<f64>> {
        let rows = self.judge.noise().given_where_true.chunks_exact(n_classes);
        rows.map(<[f64]>::to_vec).collect()
    }

    /// Whether the given label is the most probable one, with at least ½.
    fn is_easy(&self, row: usize, label: ClassId) -> bool {
        let values = self.judge.rows().row(row);
        let own = values[label.index()];
        0.5 <= own && values.iter().all(|it| *it <= own)
    }

    /// Whether another class is more probable than the label.
    fn disagrees(&self, row: usize, label: ClassId) -> bool {
        let values = self.judge.rows().row(row);
        values.iter().any(|it| values[label.index()] < *it)
    }
}

/// Whether the given labels are no likelier to the models than by their frequencies alone.
///
/// ```text
/// mean(d) ≤ 2 sd(d) / √n,   d_i = log P_iy − log(n_y / n)
/// ```
fn is_blind(rows: OutOfFold<'_>) -> bool {
    let n_rows = rows.n_rows() as f64;
    let mut counts = vec![0.0; rows.n_classes()];
    rows.labels().iter().for_each(|label| counts[label.index()] += 1.0);
    let gain = |row: usize| {
        let label = rows.labels()[row].index();
        rows.row(row)[label].max(LEAST_PROBABILITY).ln() - f64::ln(counts[label] / n_rows)
    };
    let mean = (0..rows.n_rows()).map(gain).sum::<f64>() / n_rows;
    let square = (0..rows.n_rows()).map(|row| (gain(row) - mean).powi(2)).sum::<f64>();
    mean <= 2.0 * (square / (n_rows - 1.0)).sqrt() / n_rows.sqrt()
}

/// All that is known of the rows, before they are told apart.
struct Sources<'a> {
    material: &'a Material<'a>,
    labels: &'a [ClassId],
    judged: Option<&'a Judged<'a>>,
    flagged: &'a [bool],
}

impl Sources<'_> {
    /// The best of the other labels, where there is anything to tell by.
    fn rival(&self, row: usize) -> Option<ClassId> {
        match (self.judged, self.material.training) {
            (Some(judged), _) => Some(judged.suggestions[row].label),
            (None, Some(training)) => training.rows[row].rival,
            (None, None) => None,
        }
    }

    /// The rival, where it is held to fit better than the label.
    fn suggested(&self, row: usize) -> ClassId {
        let label = self.labels[row];
        let doubted = self.flagged[row] || self.judged.is_some_and(|it| it.disagrees(row, label));
        self.rival(row).filter(|_| doubted).unwrap_or(label)
    }

    fn p_wrong(&self, row: usize) -> Option<f64> {
        self.judged.filter(|judged| !judged.is_blind).map(|judged| judged.cut.p_wrong[row])
    }

    fn probabilities(&self, row: usize) -> Option<&[f64]> {
        self.judged.map(|judged| judged.judge.rows().row(row))
    }

    fn classes(&self, names: &[String]) -> Result<Classes, AuditError> {
        let mut tally = Tally::new(names.len());
        let mut values = Vec::new();
        for row in 0..self.labels.len() {
            let probabilities = self.probabilities(row);
            values.clear();
            values.extend(probabilities.into_iter().flatten().map(|it| *it as f32));
            tally.add(crate::classes::Row {
                label: self.labels[row],
                suggested: self.suggested(row),
                flagged: self.flagged[row],
                p_wrong: self.p_wrong(row),
                probabilities: probabilities.map(|_| &values[..]),
            })?;
        }
        tally.finish(names)
    }
}

/// The score asked for, else the best there is.
fn chosen(material: &Material<'_>) -> Result<RankBy, AuditError> {
    let best = match (material.probabilities, material.training) {
        (Some(_), _) => RankBy::Suspicion,
        (None, Some(training)) if training.has_label_aware_margins() => RankBy::Alm,
        (None, Some(_)) => RankBy::Aum,
        (None, None) => {
            let needs = "out-of-fold probabilities or the epochs of a training";
            return Err(AuditError::NoScore { score: "any score".into(), needs });
        }
    };
    Ok(material.rank_by.unwrap_or(best))
}

/// The score of every row, finite; rows that a training never saw come last.
fn scores_of(
    rank_by: RankBy,
    material: &Material<'_>,
    labels: &[ClassId],
    judged: Option<&Judged<'_>>,
) -> Result<Vec<f64>, AuditError> {
    let missing = |needs| AuditError::NoScore { score: rank_by.to_string(), needs };
    if rank_by.is_out_of_fold() {
        let (Some(judged), Some(probabilities)) = (judged, material.probabilities) else {
            return Err(missing("out-of-fold probabilities"));
        };
        let rows = LabeledRows::new(probabilities, labels, material.dataset.n_classes())?;
        let negated = |scores: Vec<f64>| scores.into_iter().map(|it| 0.0 - it).collect();
        return Ok(match rank_by {
            RankBy::SelfConfidence => negated(scores::self_confidence(rows)),
            RankBy::NormalizedMargin => negated(scores::normalized_margin(rows)),
            RankBy::ConfidenceWeightedEntropy => negated(scores::confidence_weighted_entropy(rows)),
            _ => judged.judge.suspicions(),
        });
    }
    let training = material.training.ok_or_else(|| missing("the epochs of a training"))?;
    let scores: Vec<Option<f64>> =
        training.rows.iter().map(|scores| rank_by.of_training(scores)).collect();
    let least = scores.iter().flatten().copied().reduce(f64::min);
    let least = least.ok_or_else(|| missing("a training that logged it"))?;
    Ok(scores.into_iter().map(|it| it.unwrap_or(least)).collect())
}

/// As many as the probabilities say, else those with a negative averaged margin.
fn flags(
    rank_by: RankBy,
    order: &[RowId],
    material: &Material<'_>,
    judged: Option<&Judged<'_>>,
) -> Vec<bool> {
    let n_flagged = judged.map_or_else(
        || {
            let by = if rank_by == RankBy::Alm { RankBy::Alm } else { RankBy::Aum };
            let is_negative = |row: &&RowId| {
                let scores = material.training.map(|it| &it.rows[row.index()]);
                scores.and_then(|it| by.of_training(it)).is_some_and(|score| 0.0 < score)
            };
            order.iter().filter(is_negative).count()
        },
        |judged| judged.cut.n_flagged,
    );
    let mut flagged = vec![false; order.len()];
    order.iter().take(n_flagged).for_each(|row| flagged[row.index()] = true);
    flagged
}

fn known(dataset: &Dataset, scores: &[f64], flagged: &[bool]) -> Result<Option<Known>, AuditError> {
    let Some(gold) = dataset.gold_labels() else { return Ok(None) };
    let wrong: Vec<bool> =
        dataset.examples.iter().zip(gold).map(|(it, gold)| it.label != gold).collect();
    let found = detection::of_scores(scores, &wrong, flagged)?;
    Ok(Some(Known {
        n_wrong: found.n_wrong,
        average_precision: found.average_precision,
        precision: found.precision,
        recall: found.recall,
    }))
}

#[cfg(test)]
mod tests;
