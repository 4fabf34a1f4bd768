//! What becomes of rows whose truth is known.

use std::path::PathBuf;

use lane_data::{Example, LabelSet};
use lane_metrics::cartography::{Look, MapConfig};

use super::*;
use crate::model::RowKind;
use crate::training::{Seen, TrainingLog};

const N_ROWS: usize = 120;

/// Three classes in turn; the models are sure of the truth but for row 7, on which they waver.
/// Rows 0 and 1 have the label of the next class, and rows 10 and 13 the text of row 16.
fn made() -> (Dataset, Vec<f64>) {
    let mut probabilities = Vec::new();
    let example = |row: usize| {
        let truth = row % 3;
        let given = if row < 2 { (truth + 1) % 3 } else { truth };
        let mut own = [0.02 + 0.001 * (row % 7) as f64; 3];
        own[truth] = 1.0 - own[(truth + 1) % 3] - own[(truth + 2) % 3];
        if row == 7 {
            own = [0.43, 0.46, 0.11];
        }
        probabilities.extend(own);
        let text = if [10, 13, 16].contains(&row) { 16 } else { row };
        Example {
            id: format!("id-{row}"),
            text: format!("Question number {text} of {}", text * text),
            label: ClassId(given as u16),
            gold: Some(ClassId(truth as u16)),
        }
    };
    let mut examples: Vec<Example> = (0..N_ROWS).map(example).collect();
    examples[13].label = ClassId(2);
    let labels = LabelSet::from_names(["a", "b", "c"]).unwrap();
    let dataset = Dataset {
        examples,
        labels,
        warnings: Vec::new(),
        sha256: String::new(),
        has_gold: true,
        path: PathBuf::new(),
    };
    (dataset, probabilities)
}

fn audit(material: &Material<'_>) -> Result<Audit, AuditError> {
    let data = DataFile { n_rows: N_ROWS, ..DataFile::default() };
    assemble(material, data, Provenance::default())
}

fn material<'a>(dataset: &'a Dataset, probabilities: Option<&'a [f64]>) -> Material<'a> {
    let duplicates = duplicates::Options::default();
    Material { dataset, probabilities, training: None, rank_by: None, duplicates }
}

#[test]
fn wrong_rows_come_first_with_the_true_label_and_a_reason() {
    let (dataset, probabilities) = made();
    let audit = audit(&material(&dataset, Some(&probabilities))).unwrap();
    let first: Vec<u32> = audit.rows[..3].iter().map(|it| it.row).collect();
    assert!([0, 1, 13].iter().all(|row| first.contains(row)), "{first:?}");
    for row in &audit.rows[..3] {
        let truth = ["a", "b", "c"][row.row as usize % 3];
        assert_eq!((row.kind, row.suggested.as_str()), (RowKind::Wrong, truth));
        assert!(row.reason.contains(&format!("says `{truth}`")), "{}", row.reason);
        assert!(row.p_label < row.p_suggested);
    }
    assert!(audit.rows.iter().zip(1..).all(|(row, rank)| row.rank == rank));
    assert_eq!(audit.summary.known.unwrap().n_wrong, 3);
    assert_eq!(audit.summary.known.unwrap().average_precision, Some(1.0));
    assert!(audit.summary.cut_off.is_some());
}

#[test]
fn hard_rows_and_conflicts_are_kept_apart_from_wrong_ones() {
    let (dataset, probabilities) = made();
    let audit = audit(&material(&dataset, Some(&probabilities))).unwrap();
    let kind = |row: u32| {
        let found = audit.rows.iter().find(|it| it.row == row).unwrap();
        (found.kind, found.flagged)
    };
    assert_eq!(kind(7), (RowKind::Hard, false));
    assert_eq!(kind(10), (RowKind::Conflict, false));
    assert_eq!(kind(30), (RowKind::Fine, false));
    assert_eq!(audit.summary.duplicates.len(), 1);
}

#[test]
fn health_pairs_and_flags_add_up() {
    let (dataset, probabilities) = made();
    let Audit { summary, rows } = audit(&material(&dataset, Some(&probabilities))).unwrap();
    let flagged = rows.iter().filter(|it| it.flagged).count();
    assert_eq!(summary.n_flagged, flagged);
    assert_eq!(summary.classes.iter().map(|it| it.n_flagged).sum::<usize>(), flagged);
    assert_eq!(summary.pairs.iter().map(|it| it.n_rows).sum::<usize>(), flagged);
    for row in summary.noise_matrix.unwrap() {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-9);
    }
}

#[test]
fn another_score_ranks_by_itself_and_claims_no_precision() {
    let (dataset, probabilities) = made();
    let rank_by = Some(RankBy::SelfConfidence);
    let Audit { summary, rows } =
        audit(&Material { rank_by, ..material(&dataset, Some(&probabilities)) }).unwrap();
    assert!(rows.windows(2).all(|two| two[0].p_label <= two[1].p_label));
    assert_eq!((summary.score.name.as_str(), summary.cut_off), ("self-confidence", None));
}

/// Two epochs: rows with a wrong label have a negative margin in both.
fn log(dataset: &Dataset) -> Training {
    let mut log = TrainingLog::new(N_ROWS, MapConfig::default()).unwrap();
    for epoch in 1..3 {
        let seen = |(row, it): (u32, &Example)| {
            let correct = Some(it.label) == it.gold;
            Seen {
                row: RowId(row),
                margin: if correct { 2.0 } else { -1.0 },
                label_aware_margin: None,
                look: Some(Look { p_label: if correct { 0.9 } else { 0.2 }, correct }),
                predicted: it.gold,
                weight: Some(1.0),
            }
        };
        let seen: Vec<Seen> = (0..).zip(&dataset.examples).map(seen).collect();
        log.add_epoch(epoch, &seen).unwrap();
    }
    log.finish()
}

#[test]
fn a_training_alone_ranks_by_its_margins_and_flags_the_negative_ones() {
    let (dataset, _) = made();
    let log = log(&dataset);
    let training = Some(&log);
    let Audit { summary, rows } =
        audit(&Material { training, ..material(&dataset, None) }).unwrap();
    assert_eq!((summary.score.name.as_str(), summary.n_flagged), ("aum", 3));
    assert_eq!((rows[0].row, rows[0].suggested.as_str(), rows[0].aum), (0, "a", Some(-1.0)));
    assert_eq!(rows[0].p_label, None);
    assert_eq!(summary.curves.len(), 2);
    let needs = |rank_by| {
        let material = Material { training, rank_by: Some(rank_by), ..material(&dataset, None) };
        audit(&material).unwrap_err().to_string()
    };
    assert_eq!(needs(RankBy::Suspicion), "to rank by suspicion takes out-of-fold probabilities");
    assert_eq!(needs(RankBy::Alm), "to rank by alm takes a training that logged it");
}

#[test]
fn scores_of_training_stand_beside_those_out_of_fold() {
    let (dataset, probabilities) = made();
    let log = log(&dataset);
    let audit =
        audit(&Material { training: Some(&log), ..material(&dataset, Some(&probabilities)) });
    let first = &audit.unwrap().rows[0];
    assert_eq!((first.weight, first.correctness), (Some(1.0), Some(0)));
    assert!(first.p_label.is_some() && first.loss.is_some());
}

#[test]
fn nothing_to_rank_by_is_refused() {
    let (dataset, _) = made();
    let error = audit(&material(&dataset, None)).unwrap_err().to_string();
    assert!(
        error.starts_with("to rank by any score takes out-of-fold probabilities or"),
        "{error}"
    );
}

#[test]
fn models_that_cannot_tell_the_labels_flag_nothing_and_the_audit_says_so() {
    let (dataset, _) = made();
    let frequencies = [0.34, 0.33, 0.33].repeat(N_ROWS);
    let Audit { summary, rows } = audit(&material(&dataset, Some(&frequencies))).unwrap();
    assert!(rows.iter().all(|row| !row.flagged) && summary.cut_off.is_none());
    assert!(summary.notes[0].contains("no better than their frequencies"), "{:?}", summary.notes);
    let (_, probabilities) = made();
    assert!(audit(&material(&dataset, Some(&probabilities))).unwrap().summary.notes.is_empty());
}
