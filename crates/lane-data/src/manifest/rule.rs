//! What becomes of one row: its text cleaned, its label by name, or a reason to leave it out.

use serde::{Deserialize, Serialize};

use super::{Cleaning, HubSource, LabelForm, LabelMap, Several};
use crate::manifest::table::RawRow;

/// A row of a prepared set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The text, cleaned.
    pub text: String,
    /// The name of its class.
    pub label: String,
}

/// Why a row is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// More than one label.
    SeveralLabels,
    /// No label.
    NoLabel,
    /// A class that the rule leaves out.
    LeftOut,
    /// Nothing is left of the text.
    NoText,
    /// Its key stood on an earlier row.
    RepeatedKey,
}

/// Rows left out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Rows with more than one label.
    pub several_labels: usize,
    /// Rows without a label.
    pub no_label: usize,
    /// Rows of a class that the rule leaves out.
    pub left_out: usize,
    /// Rows without text.
    pub no_text: usize,
    /// Rows whose key stood on an earlier one.
    pub repeated_key: usize,
}

impl Dropped {
    /// Counts one more.
    pub fn count(&mut self, reason: Reason) {
        *match reason {
            Reason::SeveralLabels => &mut self.several_labels,
            Reason::NoLabel => &mut self.no_label,
            Reason::LeftOut => &mut self.left_out,
            Reason::NoText => &mut self.no_text,
            Reason::RepeatedKey => &mut self.repeated_key,
        } += 1;
    }

    /// All of them.
    pub fn total(&self) -> usize {
        self.several_labels + self.no_label + self.left_out + self.no_text + self.repeated_key
    }
}

/// A label that the manifest does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownLabel {
    /// As the file has it.
    pub label: String,
    /// What would do.
    pub expected: String,
}

/// What `source` makes of a row; `Err` inside for a row to leave out.
///
/// # Errors
///
/// [`UnknownLabel`] if a label is none of those listed, or several stand where one is expected.
pub fn apply(source: &HubSource, raw: &RawRow) -> Result<Result<Row, Reason>, UnknownLabel> {
    let label = match label(&source.labels, &raw.labels)? {
        Ok(label) => label,
        Err(reason) => return Ok(Err(reason)),
    };
    let text = clean(&joined(&raw.texts), &source.clean);
    Ok(if text.trim().is_empty() { Err(Reason::NoText) } else { Ok(Row { text, label }) })
}

/// The one label of a row, by name.
///
/// # Errors
///
/// As [`apply`].
pub fn label(map: &LabelMap, found: &[String]) -> Result<Result<String, Reason>, UnknownLabel> {
    let found: Vec<&str> = found.iter().map(|it| it.trim()).filter(|it| !it.is_empty()).collect();
    let one = match (found.as_slice(), map.several) {
        ([], _) => return Ok(Err(Reason::NoLabel)),
        ([one], _) => one,
        (_, Several::Drop) => return Ok(Err(Reason::SeveralLabels)),
        (several, Several::Refuse) => {
            return Err(UnknownLabel {
                label: several.join(", "),
                expected: "one label a row".into(),
            });
        }
    };
    let name = named(map, one)
        .ok_or_else(|| UnknownLabel { label: (*one).into(), expected: expected(map) })?;
    Ok(if map.left_out.contains(name) { Err(Reason::LeftOut) } else { Ok(name.clone()) })
}

fn named<'a>(map: &'a LabelMap, label: &str) -> Option<&'a String> {
    match map.form {
        LabelForm::Name => map.names.iter().find(|name| *name == label),
        LabelForm::Number => {
            let number: i64 = label.parse().ok()?;
            map.names.get(usize::try_from(number.checked_sub(map.first)?).ok()?)
        }
    }
}

fn expected(map: &LabelMap) -> String {
    match map.form {
        LabelForm::Name => format!("one of {}", map.names.join(", ")),
        LabelForm::Number => {
            let last = map.first.saturating_add_unsigned(map.names.len().saturating_sub(1) as u64);
            format!("a number from {} to {last}", map.first)
        }
    }
}

/// Text columns as one text; columns with nothing in them leave no space behind.
pub fn joined(texts: &[String]) -> String {
    let texts: Vec<&str> =
        texts.iter().map(String::as_str).filter(|it| !it.trim().is_empty()).collect();
    texts.join(" ")
}

/// A text after the changes, in order.
pub fn clean(text: &str, steps: &[Cleaning]) -> String {
    steps.iter().fold(text.to_owned(), |text, step| match step {
        Cleaning::DecodeCommas => text.replace("_comma_", ","),
        Cleaning::DecodeLineEnds => text.replace("\\n", "\n"),
        Cleaning::CollapseSpaces => text.split_whitespace().collect::<Vec<_>>().join(" "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{self, Source};

    fn source(name: &str) -> HubSource {
        match manifest::find(name).unwrap().source {
            Source::Hub(source) => *source,
            Source::Request(_) => panic!("{name} is not on the hub"),
        }
    }

    fn raw(texts: &[&str], labels: &[&str]) -> RawRow {
        let owned = |values: &[&str]| values.iter().map(|&it| it.to_owned()).collect();
        RawRow { texts: owned(texts), labels: owned(labels), key: None }
    }

    #[track_caller]
    fn kept(name: &str, texts: &[&str], labels: &[&str]) -> (String, String) {
        let row = apply(&source(name), &raw(texts, labels)).unwrap().unwrap();
        (row.text, row.label)
    }

    #[test]
    fn goemotions_keeps_rows_with_exactly_one_label_that_is_not_neutral() {
        let source = source("goemotions");
        let of = |labels: &[&str]| apply(&source, &raw(&["hm"], labels)).unwrap();
        assert_eq!(of(&["0"]).unwrap().label, "admiration");
        assert_eq!(of(&["26"]).unwrap().label, "surprise");
        assert_eq!(of(&["27"]), Err(Reason::LeftOut));
        assert_eq!(of(&["0", "27"]), Err(Reason::SeveralLabels));
        assert_eq!(of(&[]), Err(Reason::NoLabel));
        let wrong = apply(&source, &raw(&["hm"], &["28"])).unwrap_err();
        assert_eq!(
            (wrong.label.as_str(), wrong.expected.as_str()),
            ("28", "a number from 0 to 27")
        );
    }

    #[test]
    fn stars_of_amazon_count_from_one_and_title_and_text_become_one_line() {
        let (text, label) = kept("amazon_review", &["Fine", "It works.\\nMostly."], &["5"]);
        assert_eq!((text.as_str(), label.as_str()), ("Fine It works. Mostly.", "5 stars"));
        assert_eq!(kept("amazon_review", &["", "Meh"], &["1"]), ("Meh".into(), "1 star".into()));
        assert!(apply(&source("amazon_review"), &raw(&["", "x"], &["0"])).is_err());
        assert!(apply(&source("amazon_review"), &raw(&["", "x"], &["five"])).is_err());
    }

    #[test]
    fn commas_of_the_dialogues_are_decoded() {
        let (text, label) =
            kept("empathetic_dialogues", &["At night_comma_ alone_comma_  afraid"], &["terrified"]);
        assert_eq!((text.as_str(), label.as_str()), ("At night, alone, afraid", "terrified"));
    }

    #[test]
    fn a_row_without_text_or_label_is_left_out_and_counted() {
        let source = source("isear");
        let mut dropped = Dropped::default();
        for raw in [raw(&[" \n"], &["joy"]), raw(&["x"], &[" "]), raw(&["x"], &[])] {
            dropped.count(apply(&source, &raw).unwrap().unwrap_err());
        }
        assert_eq!(dropped, Dropped { no_text: 1, no_label: 2, ..Dropped::default() });
        assert_eq!(dropped.total(), 3);
    }

    #[test]
    fn several_labels_are_refused_where_the_set_should_have_one() {
        let wrong = apply(&source("isear"), &raw(&["x"], &["joy", "fear"])).unwrap_err();
        assert_eq!(
            (wrong.label.as_str(), wrong.expected.as_str()),
            ("joy, fear", "one label a row")
        );
    }
}
