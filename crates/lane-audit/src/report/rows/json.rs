//! The rows as JSON that may stand in a page.

use std::collections::HashMap;
use std::io;

use maud::{Markup, PreEscaped, html};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::ser::{CompactFormatter, Formatter};

use super::super::Limits;
use super::super::format::rounded;
use super::super::left_out::LeftOut;
use super::{KINDS, place, shown};
use crate::error::AuditError;
use crate::model::{Audit, AuditRow};

/// A number of a row: its key, what the page calls it, where it is.
type Number = (&'static str, &'static str, fn(&AuditRow) -> Option<f64>);

const NUMBERS: [Number; 15] = [
    ("row", "place in the file, from 0", |row| Some(row.row.into())),
    ("score", "score", |row| Some(row.score)),
    ("p_wrong", "probability that the label is wrong", |row| row.p_wrong),
    ("p_label", "probability of the given label, out of fold", |row| row.p_label),
    ("p_suggested", "probability of the suggested label, out of fold", |row| row.p_suggested),
    ("label_distance", "distance of the two labels: 0 never told apart, 1 never confused", |row| {
        row.label_distance
    }),
    ("alm", "average label-aware margin", |row| row.alm),
    ("aum", "average margin", |row| row.aum),
    ("weight", "weight in training", |row| row.weight),
    ("loss", "mean loss", |row| row.loss),
    ("confidence", "mean probability of the label in training", |row| row.confidence),
    ("variability", "deviation of that probability", |row| row.variability),
    ("correctness", "epochs that predicted the label", |row| row.correctness.map(f64::from)),
    ("forgetting", "times the label was learnt and lost", |row| row.forgetting.map(f64::from)),
    ("duplicates", "group of duplicates, from 1", |row| {
        row.duplicates.map(|group| f64::from(group) + 1.0)
    }),
];

/// The element that holds the rows.
///
/// # Errors
///
/// [`AuditError::Io`] should a number not fit into JSON.
pub(in crate::report) fn data(
    audit: &Audit,
    limits: &Limits,
    left_out: &LeftOut,
) -> Result<Markup, AuditError> {
    let rows = &audit.rows[..left_out.n_rows];
    let table = Table { rows, labels: &audit.summary.labels, limits };
    let text = inert(&table).map_err(|error| {
        AuditError::io("write", std::path::Path::new(super::super::FILE))(error.into())
    })?;
    Ok(html! { script #data type="application/json" { (PreEscaped(text)) } })
}

/// JSON without any character that means something to HTML.
fn inert(value: &impl Serialize) -> serde_json::Result<String> {
    let mut serializer = serde_json::Serializer::with_formatter(Vec::new(), Inert);
    value.serialize(&mut serializer)?;
    String::from_utf8(serializer.into_inner()).map_err(serde::ser::Error::custom)
}

struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, after) = rest.split_at(at);
            let mut characters = after.chars();
            let escaped = characters.next().map_or(0, u32::from);
            CompactFormatter.write_string_fragment(writer, before)?;
            write!(writer, "\\u{escaped:04x}")?;
            rest = characters.as_str();
        }
        CompactFormatter.write_string_fragment(writer, rest)
    }
}

struct Table<'a> {
    rows: &'a [AuditRow],
    labels: &'a [String],
    limits: &'a Limits,
}

impl Table<'_> {
    /// Names of all labels, those of the summary first, and each name's place.
    fn names(&self) -> (Vec<&str>, HashMap<&str, usize>) {
        let (mut names, mut places) = (Vec::new(), HashMap::new());
        let of_rows = self.rows.iter().flat_map(|row| [&row.label, &row.suggested]);
        for name in self.labels.iter().chain(of_rows) {
            places.entry(name.as_str()).or_insert_with(|| {
                names.push(name.as_str());
                names.len() - 1
            });
        }
        (names, places)
    }

    fn column<T>(&self, of_row: impl Fn(&AuditRow) -> T) -> Vec<T> {
        self.rows.iter().map(of_row).collect()
    }

    fn texts<'a>(&'a self, of_row: impl Fn(&'a AuditRow) -> &'a str) -> Vec<&'a str> {
        self.rows.iter().map(of_row).collect()
    }
}

impl Serialize for Table<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (names, places) = self.names();
        let at = |name: &String| places.get(name.as_str()).copied();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("labels", &names)?;
        map.serialize_entry("kinds", &KINDS)?;
        map.serialize_entry("rank", &self.column(|row| row.rank))?;
        let texts: Vec<_> =
            self.rows.iter().map(|row| shown(&row.text, self.limits.characters)).collect();
        map.serialize_entry("text", &texts)?;
        map.serialize_entry("reason", &self.texts(|row| &row.reason))?;
        map.serialize_entry("label", &self.column(|row| at(&row.label)))?;
        map.serialize_entry("suggested", &self.column(|row| at(&row.suggested)))?;
        map.serialize_entry("kind", &self.column(|row| place(row.kind)))?;
        map.serialize_entry("flagged", &self.column(|row| u8::from(row.flagged)))?;
        if self.rows.iter().any(|row| row.id != row.row.to_string()) {
            map.serialize_entry("id", &self.texts(|row| &row.id))?;
        }
        let there: Vec<_> = NUMBERS
            .iter()
            .filter(|(_, _, of)| self.rows.iter().any(|row| of(row).is_some()))
            .collect();
        let scores: Vec<_> = there.iter().map(|(key, name, _)| [key, name]).collect();
        map.serialize_entry("scores", &scores)?;
        for (key, _, of_row) in there {
            map.serialize_entry(key, &self.column(|row| of_row(row).map(Short)))?;
        }
        map.end()
    }
}

/// A number in as few characters as four digits take.
struct Short(f64);

impl Serialize for Short {
    #[expect(clippy::float_cmp, reason = "whether a number is whole is a question of its bits")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.trunc() == self.0 && self.0.abs() < 1e15 {
            return serializer.serialize_i64(self.0 as i64);
        }
        serializer.serialize_f64(rounded(self.0))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_in_a_text_can_end_the_element() {
        let text = inert(&"</script><!--&\u{2028}\u{2029}\"\\").unwrap();
        assert_eq!(text, r#""\u003c/script\u003e\u003c!--\u0026\u2028\u2029\"\\""#);
    }

    #[test]
    fn numbers_are_short_and_what_is_none_is_null() {
        let numbers = [0.1 + 0.2, 3.0, -1.0 / 3.0, 1e-9, f64::NAN, 0.0].map(Short);
        assert_eq!(inert(&numbers).unwrap(), "[0.3,3,-0.3333,1e-9,null,0]");
    }

    proptest! {
        #[test]
        fn a_parser_reads_the_same_text(text in "\\PC*|[<>&\"\\\\\u{2028}a\n]*") {
            let inert = inert(&text).unwrap();
            let is_plain = |it: char| !"<>&\u{2028}\u{2029}".contains(it);
            prop_assert!(inert.chars().all(is_plain));
            prop_assert_eq!(serde_json::from_str::<String>(&inert).unwrap(), text);
        }
    }
}
