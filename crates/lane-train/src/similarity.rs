//! The table of similarities of classes, for class-conditional noise.

use std::path::Path;

use lane_data::noise::Transition;
use lane_data::read::Table;
use lane_data::shown::shown;
use lane_data::{ClassId, DataError, LabelSet, Place};

use crate::error::TrainError;

/// A square table: first row the class names in any order, then one row a class in the same order.
/// Returns it row-major, in the order of the classes.
///
/// # Errors
///
/// [`TrainError::Data`] for what is no table, [`TrainError::Config`] for columns that are not the
/// classes.
pub(crate) fn read(path: &Path, labels: &LabelSet) -> Result<Vec<f64>, TrainError> {
    let table = Table::read(path)?;
    let classes = classes(path, table.header(), labels)?;
    let n_classes = labels.len();
    let mut similarity = vec![0.0; n_classes * n_classes];
    let mut n_rows = 0;
    table.for_each(|line, fields| {
        let Some(from) = classes.get(n_rows) else {
            return Err(refused(
                path,
                &format!("line {line}: more than {n_classes} rows, expected one for each class"),
            ));
        };
        for (text, to) in fields.iter().zip(&classes) {
            let value: Option<f64> = text.parse().ok();
            let Some(value) = value.filter(|it| it.is_finite() && 0.0 <= *it) else {
                let (path, place) = (path.into(), Place::Line(line));
                let (column, found) = (labels.name(*to).into(), format!("`{}`", shown(text)));
                let expected = "a finite number from 0 up";
                return Err(DataError::WrongType { path, place, column, found, expected }.into());
            };
            similarity[from.index() * n_classes + to.index()] = value;
        }
        n_rows += 1;
        Ok::<_, TrainError>(())
    })?;
    if n_rows != n_classes {
        let message =
            format!("the end: found {n_rows} rows, expected one for each of {n_classes} classes");
        return Err(refused(path, &message));
    }
    Ok(similarity)
}

/// The noise that similarities stand for.
///
/// # Errors
///
/// [`TrainError::Similarity`] for a class unlike every other; those of [`Transition::from_similarity`].
pub(crate) fn transition(
    path: &Path,
    rate: f64,
    similarity: &[f64],
    labels: &LabelSet,
) -> Result<Transition, TrainError> {
    Transition::from_similarity(rate, similarity, labels.len()).map_err(|error| match error {
        DataError::NoSimilarity { class } => {
            let name = labels.names().get(class).map_or("", String::as_str);
            let message = format!(
                "row of class `{}`: no similarity to any other, so its noise has nowhere to go",
                shown(name)
            );
            refused(path, &message)
        }
        other => other.into(),
    })
}

/// The class of each column: every one of them once.
fn classes(path: &Path, header: &[String], labels: &LabelSet) -> Result<Vec<ClassId>, TrainError> {
    let mut classes = Vec::with_capacity(labels.len());
    for name in header {
        let Some(class) = labels.id(name) else {
            let message = format!("line 1: column `{}` is no class of the data", shown(name));
            return Err(refused(path, &message));
        };
        if classes.contains(&class) {
            let message = format!("line 1: column `{}` stands there more than once", shown(name));
            return Err(refused(path, &message));
        }
        classes.push(class);
    }
    let (n_found, n_classes) = (classes.len(), labels.len());
    if n_found != n_classes {
        let message = format!(
            "line 1: found {n_found} columns, expected one for each of {n_classes} classes"
        );
        return Err(refused(path, &message));
    }
    Ok(classes)
}

fn refused(path: &Path, message: &str) -> TrainError {
    TrainError::Similarity { path: path.into(), message: message.into() }
}
