//! Rows from any reader, checked one by one and gathered.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use lane_metrics::ClassId;

use super::LabelPolicy;
use crate::columns::Chosen;
use crate::dataset::{Dataset, Example, Unlabelled};
use crate::error::DataError;
use crate::label_set::{LabelSet, MAX_CLASSES};
use crate::place::Place;
use crate::shown::shown;

/// One row as a reader finds it, untrimmed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) place: Place,
    pub(super) text: &'a str,
    pub(super) label: Option<&'a str>,
    pub(super) gold: Option<&'a str>,
    pub(super) id: Option<&'a str>,
}

/// Where readers put rows.
pub(super) trait RowSink {
    fn push(&mut self, chosen: &Chosen, row: Row<'_>) -> Result<(), DataError>;
}

/// What ids can number; smaller in tests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) n_rows: u64,
    pub(super) n_classes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { n_rows: u64::from(u32::MAX), n_classes: MAX_CLASSES }
    }
}

/// Texts and ids, which both kinds of file have.
struct Named<'a> {
    path: &'a Path,
    limit: u64,
    ids: Vec<String>,
    texts: Vec<String>,
    seen: HashMap<String, Place>,
}

impl<'a> Named<'a> {
    fn new(path: &'a Path, limits: Limits) -> Self {
        let (ids, texts, seen) = (Vec::new(), Vec::new(), HashMap::new());
        Self { path, limit: limits.n_rows, ids, texts, seen }
    }

    fn push(&mut self, chosen: &Chosen, row: Row<'_>) -> Result<(), DataError> {
        let (path, place) = (self.path, row.place);
        if self.texts.len() as u64 >= self.limit {
            return Err(DataError::TooManyRows { path: path.into(), place, limit: self.limit });
        }
        if row.text.trim().is_empty() {
            let column = chosen.text.clone();
            return Err(DataError::EmptyText { path: path.into(), place, column });
        }
        refuse_nul(path, place, &chosen.text, row.text)?;
        let id = match row.id {
            Some(id) => self.unique(chosen, place, id.trim())?,
            None => self.texts.len().to_string(),
        };
        self.ids.push(id);
        self.texts.push(row.text.to_owned());
        Ok(())
    }

    fn unique(&mut self, chosen: &Chosen, place: Place, id: &str) -> Result<String, DataError> {
        let path = self.path.into();
        let column = chosen.id.clone().unwrap_or_default();
        if id.is_empty() {
            return Err(DataError::EmptyId { path, place, column });
        }
        refuse_nul(self.path, place, &column, id)?;
        match self.seen.insert(id.to_owned(), place) {
            None => Ok(id.to_owned()),
            Some(first) => {
                Err(DataError::DuplicateId { path, place, column, id: id.into(), first })
            }
        }
    }

    fn refuse_none(&self) -> Result<(), DataError> {
        if self.texts.is_empty() {
            return Err(DataError::NoRows { path: self.path.into() });
        }
        Ok(())
    }
}

/// JSON and Parquet can say what no text file can hold, so that a copy could not be read back.
fn refuse_nul(path: &Path, place: Place, column: &str, value: &str) -> Result<(), DataError> {
    if value.contains('\0') {
        let (path, column) = (path.into(), format!("`{}`", shown(column)));
        return Err(DataError::Nul { path, place, column });
    }
    Ok(())
}

/// Gathers texts for prediction.
pub(super) struct TextRows<'a>(Named<'a>);

impl<'a> TextRows<'a> {
    pub(super) fn new(path: &'a Path, limits: Limits) -> Self {
        Self(Named::new(path, limits))
    }

    pub(super) fn finish(self, sha256: String) -> Result<Unlabelled, DataError> {
        self.0.refuse_none()?;
        let Named { path, ids, texts, .. } = self.0;
        Ok(Unlabelled { ids, texts, sha256, path: path.into() })
    }
}

impl RowSink for TextRows<'_> {
    fn push(&mut self, chosen: &Chosen, row: Row<'_>) -> Result<(), DataError> {
        self.0.push(chosen, row)
    }
}

/// Gathers labelled rows.
///
/// Labels get provisional numbers in the order they turn up, so that a name is held once and
/// not once a row; the final numbers are known at the end only.
pub(super) struct LabelledRows<'a> {
    rows: Named<'a>,
    policy: LabelPolicy<'a>,
    max_classes: usize,
    numbers: BTreeMap<String, u32>,
    labels: Vec<u32>,
    golds: Vec<u32>,
    has_gold: bool,
    /// Rows for each provisional number, by the given label, and where the first one stands.
    counts: Vec<(u64, Place)>,
}

impl<'a> LabelledRows<'a> {
    pub(super) fn new(path: &'a Path, policy: LabelPolicy<'a>, limits: Limits) -> Self {
        Self {
            rows: Named::new(path, limits),
            policy,
            max_classes: limits.n_classes,
            numbers: BTreeMap::new(),
            labels: Vec::new(),
            golds: Vec::new(),
            has_gold: false,
            counts: Vec::new(),
        }
    }

    /// The provisional number of a label, given or gold.
    fn number(
        &mut self,
        column: Option<&String>,
        place: Place,
        label: &str,
    ) -> Result<u32, DataError> {
        let label = label.trim();
        if let Some(number) = self.numbers.get(label) {
            return Ok(*number);
        }
        let path = self.rows.path.into();
        let column = column.cloned().unwrap_or_default();
        if label.is_empty() {
            return Err(DataError::EmptyLabel { path, place, column });
        }
        refuse_nul(self.rows.path, place, &column, label)?;
        if let LabelPolicy::Known(known) = self.policy
            && known.id(label).is_none()
        {
            let closest = known.closest(label).map(Into::into);
            let label = label.into();
            return Err(DataError::UnseenLabel { path, place, column, label, closest });
        }
        if self.numbers.len() >= self.max_classes {
            let limit = self.max_classes;
            return Err(DataError::TooManyClasses { path, place, column, limit });
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(label.to_owned(), number);
        self.counts.push((0, place));
        Ok(number)
    }

    pub(super) fn finish(self, sha256: String) -> Result<Dataset, DataError> {
        self.rows.refuse_none()?;
        let labels = match self.policy {
            LabelPolicy::Known(known) => known.clone(),
            LabelPolicy::Discover => {
                self.refuse_one_class()?;
                LabelSet::discover(self.numbers.keys().map(String::as_str))?
            }
        };
        let warnings = match self.policy {
            LabelPolicy::Known(_) => Vec::new(),
            LabelPolicy::Discover => self.warnings(),
        };
        let mut classes = vec![ClassId(0); self.numbers.len()];
        for (name, number) in &self.numbers {
            // Every name is in the set: it was found there, or the set was made of them.
            classes[*number as usize] = labels.id(name).unwrap_or(ClassId(0));
        }
        let class = |number: u32| classes[number as usize];
        let Named { path, ids, texts, .. } = self.rows;
        let mut golds = self.golds.into_iter().map(class);
        let examples = ids
            .into_iter()
            .zip(texts)
            .zip(self.labels)
            .map(|((id, text), label)| Example {
                id,
                text,
                label: class(label),
                gold: golds.next(),
            })
            .collect();
        let (has_gold, path) = (self.has_gold, path.into());
        Ok(Dataset { examples, labels, warnings, sha256, has_gold, path })
    }

    /// The given labels must differ; other classes in the gold column do not help a learner.
    fn refuse_one_class(&self) -> Result<(), DataError> {
        let mut used = self.numbers.iter().filter(|(_, number)| self.n_rows(**number) > 0);
        match (used.next(), used.next()) {
            (Some((name, _)), None) => {
                Err(DataError::OneClass { path: self.rows.path.into(), label: name.clone() })
            }
            _ => Ok(()),
        }
    }

    fn n_rows(&self, number: u32) -> u64 {
        self.counts[number as usize].0
    }

    fn warnings(&self) -> Vec<String> {
        let warn = |(name, number): (&String, &u32)| {
            let (n_rows, place) = self.counts[*number as usize];
            let name = shown(name);
            match n_rows {
                0 => Some(format!("class `{name}` occurs in the gold column only ({place})")),
                1 => Some(format!("class `{name}` has one row only ({place})")),
                _ => None,
            }
        };
        self.numbers.iter().filter_map(warn).collect()
    }
}

impl RowSink for LabelledRows<'_> {
    fn push(&mut self, chosen: &Chosen, row: Row<'_>) -> Result<(), DataError> {
        self.rows.push(chosen, row)?;
        let label = self.number(chosen.label.as_ref(), row.place, row.label.unwrap_or_default())?;
        let count = &mut self.counts[label as usize];
        if count.0 == 0 {
            count.1 = row.place;
        }
        count.0 += 1;
        self.labels.push(label);
        if let Some(gold) = row.gold {
            let gold = self.number(chosen.gold.as_ref(), row.place, gold)?;
            self.golds.push(gold);
            self.has_gold = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { n_rows: 2, n_classes: 2 };

    fn chosen() -> Chosen {
        Chosen { text: "text".into(), label: Some("label".into()), gold: None, id: None }
    }

    fn push(sink: &mut impl RowSink, line: u64, label: &str) -> Result<(), DataError> {
        let place = Place::Line(line);
        let row = Row { place, text: "x", label: Some(label), gold: None, id: None };
        sink.push(&chosen(), row)
    }

    #[test]
    fn row_over_the_limit_is_refused_and_the_last_one_within_is_not() {
        let mut rows = LabelledRows::new(Path::new("a.csv"), LabelPolicy::Discover, SMALL);
        push(&mut rows, 2, "a").unwrap();
        push(&mut rows, 3, "b").unwrap();
        let err = push(&mut rows, 4, "a").unwrap_err();
        assert_eq!(err.to_string(), "a.csv, line 4: more than 2 rows");
        let mut texts = TextRows::new(Path::new("a.csv"), SMALL);
        push(&mut texts, 2, "").unwrap();
        push(&mut texts, 3, "").unwrap();
        let err = push(&mut texts, 4, "").unwrap_err();
        assert_eq!(err.to_string(), "a.csv, line 4: more than 2 rows");
    }

    #[test]
    fn limits_are_what_row_and_class_ids_can_number() {
        let Limits { n_rows, n_classes } = Limits::default();
        assert_eq!(n_rows, u64::from(u32::MAX));
        assert_eq!(n_classes - 1, usize::from(u16::MAX));
    }

    #[test]
    fn class_over_the_limit_is_refused() {
        let limits = Limits { n_rows: 9, ..SMALL };
        let mut rows = LabelledRows::new(Path::new("a.csv"), LabelPolicy::Discover, limits);
        push(&mut rows, 2, "a").unwrap();
        push(&mut rows, 3, "b").unwrap();
        push(&mut rows, 4, " a ").unwrap();
        let err = push(&mut rows, 5, "c").unwrap_err();
        let message = "a.csv, line 5, column `label`: more than 2 distinct labels";
        assert_eq!(err.to_string(), message);
    }
}
