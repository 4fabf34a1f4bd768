//! Which columns of a file hold what.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::place::Place;

/// Names of the columns to read.
///
/// `gold` and `id` are optional in two senses: `None` takes the column called `gold` or `id`
/// where the file has one and does without where it has not; a name given here must exist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The text to classify; default `text`.
    pub text: String,
    /// The given, possibly wrong label; default `label`.
    pub label: String,
    /// The label known to be right; default: `gold` if there is such a column.
    pub gold: Option<String>,
    /// A name for each row, unique in the file; default: `id` if there is such a column,
    /// else the row number from 0.
    pub id: Option<String>,
}

impl Default for Columns {
    fn default() -> Self {
        Self { text: "text".into(), label: "label".into(), gold: None, id: None }
    }
}

/// What a reader has to deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// Texts with labels, for training and evaluation.
    Labelled,
    /// Texts alone, for prediction.
    TextOnly,
}

/// The columns of one file that are read, by the names they have there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Chosen {
    pub(crate) text: String,
    pub(crate) label: Option<String>,
    pub(crate) gold: Option<String>,
    pub(crate) id: Option<String>,
}

impl Columns {
    /// Match the names against those `found` in the file.
    pub(crate) fn choose(
        &self,
        want: Want,
        path: &Path,
        place: Place,
        found: &[String],
    ) -> Result<Chosen, DataError> {
        let required = |name: &str| -> Result<String, DataError> {
            match found.iter().filter(|it| *it == name).count() {
                0 => Err(DataError::MissingColumn {
                    path: path.into(),
                    place,
                    column: name.into(),
                    found: found.to_vec(),
                }),
                1 => Ok(name.into()),
                _ => {
                    Err(DataError::RepeatedColumn { path: path.into(), place, column: name.into() })
                }
            }
        };
        let optional = |name: &Option<String>, default: &str| match name {
            Some(name) => required(name).map(Some),
            None if found.iter().any(|it| it == default) => required(default).map(Some),
            None => Ok(None),
        };
        let labelled = want == Want::Labelled;
        Ok(Chosen {
            text: required(&self.text)?,
            label: if labelled { Some(required(&self.label)?) } else { None },
            gold: if labelled { optional(&self.gold, "gold")? } else { None },
            id: optional(&self.id, "id")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(columns: &Columns, want: Want, found: &[&str]) -> Result<Chosen, DataError> {
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        columns.choose(want, Path::new("a.csv"), Place::Line(1), &found)
    }

    #[test]
    fn gold_and_id_are_taken_where_the_file_has_them() {
        let columns = Columns::default();
        let bare = choose(&columns, Want::Labelled, &["text", "label"]).unwrap();
        assert_eq!((bare.gold, bare.id), (None, None));
        let full = choose(&columns, Want::Labelled, &["id", "text", "label", "gold"]).unwrap();
        assert_eq!((full.gold.as_deref(), full.id.as_deref()), (Some("gold"), Some("id")));
    }

    #[test]
    fn column_asked_for_by_name_must_exist() {
        let columns = Columns { gold: Some("truth".into()), ..Columns::default() };
        let err = choose(&columns, Want::Labelled, &["text", "label", "gold"]).unwrap_err();
        assert_eq!(
            err.to_string(),
            "a.csv, line 1: no column `truth`; the columns are `text`, `label`, `gold`"
        );
    }

    #[test]
    fn texts_alone_need_no_label_column() {
        let chosen = choose(&Columns::default(), Want::TextOnly, &["text", "gold"]).unwrap();
        assert_eq!((chosen.label, chosen.gold), (None, None));
    }

    #[test]
    fn column_that_stands_twice_is_refused() {
        let err = choose(&Columns::default(), Want::Labelled, &["text", "label", "label"]);
        assert_eq!(
            err.unwrap_err().to_string(),
            "a.csv, line 1: column `label` stands there more than once"
        );
    }
}
