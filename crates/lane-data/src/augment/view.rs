//! The kinds of views, and their names in settings.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::DataError;

const ORIGINAL: &str = "original";
const REPEAT: &str = "repeat";
const DELETION: &str = "deletion";
const BACK_TRANSLATION: &str = "back-translation";
const SYNONYM: &str = "synonym";
const SWITCHOUT: &str = "switchout";

/// How one view of a text is made.
///
/// In settings: `original`, `repeat`, `deletion`, or alterations joined by `+`, as in
/// `synonym+switchout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ViewKind {
    /// The text itself.
    Original,
    /// The text once more: only the dropout differs.
    Repeat,
    /// Words removed at random, never all of them.
    Deletion,
    /// The text with at least one alteration.
    Altered(Alterations),
}

/// Which alterations a view has; they are applied in the order of the fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Alterations {
    /// Translated and back.
    pub back_translation: bool,
    /// Some words replaced by synonyms.
    pub synonym: bool,
    /// Some word pieces exchanged.
    pub switchout: bool,
}

impl Alterations {
    const NONE: Self = Self { back_translation: false, synonym: false, switchout: false };

    /// The names of those there are, in order.
    fn names(self) -> impl Iterator<Item = &'static str> {
        [
            (self.back_translation, BACK_TRANSLATION),
            (self.synonym, SYNONYM),
            (self.switchout, SWITCHOUT),
        ]
        .into_iter()
        .filter_map(|(there, name)| there.then_some(name))
    }

    fn slot(&mut self, name: &str) -> Option<&mut bool> {
        match name {
            BACK_TRANSLATION => Some(&mut self.back_translation),
            SYNONYM => Some(&mut self.synonym),
            SWITCHOUT => Some(&mut self.switchout),
            _ => None,
        }
    }
}

impl ViewKind {
    /// Synonyms alone.
    pub const SYNONYM: Self = Self::Altered(Alterations { synonym: true, ..Alterations::NONE });

    /// Synonyms, then SwitchOut.
    pub const SYNONYM_AND_SWITCHOUT: Self =
        Self::Altered(Alterations { synonym: true, switchout: true, ..Alterations::NONE });

    /// The eight subsets of the three alterations, the text itself first.
    pub const SUBSETS: [Self; 8] = [
        Self::Original,
        Self::subset(true, false, false),
        Self::subset(false, true, false),
        Self::subset(true, true, false),
        Self::subset(false, false, true),
        Self::subset(true, false, true),
        Self::subset(false, true, true),
        Self::subset(true, true, true),
    ];

    const fn subset(back_translation: bool, switchout: bool, synonym: bool) -> Self {
        Self::Altered(Alterations { back_translation, synonym, switchout })
    }

    /// What is altered; nothing for views of other kinds.
    pub fn alterations(self) -> Alterations {
        match self {
            Self::Altered(alterations) => alterations,
            _ => Alterations::NONE,
        }
    }
}

impl fmt::Display for ViewKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Original => f.pad(ORIGINAL),
            Self::Repeat => f.pad(REPEAT),
            Self::Deletion => f.pad(DELETION),
            Self::Altered(alterations) => f.pad(&alterations.names().collect::<Vec<_>>().join("+")),
        }
    }
}

impl FromStr for ViewKind {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self, DataError> {
        match text {
            ORIGINAL => return Ok(Self::Original),
            REPEAT => return Ok(Self::Repeat),
            DELETION => return Ok(Self::Deletion),
            _ => {}
        }
        let mut alterations = Alterations::NONE;
        for name in text.split('+') {
            match alterations.slot(name.trim()) {
                Some(there) if !*there => *there = true,
                _ => return Err(unknown(text)),
            }
        }
        Ok(Self::Altered(alterations))
    }
}

fn unknown(name: &str) -> DataError {
    let expected = format!(
        "{ORIGINAL}, {REPEAT}, {DELETION}, or one or more of {BACK_TRANSLATION}, {SYNONYM}, \
         {SWITCHOUT}, each once, joined by `+`"
    );
    DataError::UnknownName { what: "view", name: name.into(), expected }
}

impl TryFrom<String> for ViewKind {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<ViewKind> for String {
    fn from(kind: ViewKind) -> Self {
        kind.to_string()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_lead_there_and_back_and_agree_with_serde() {
        let others = [ViewKind::Repeat, ViewKind::Deletion];
        for kind in ViewKind::SUBSETS.into_iter().chain(others) {
            assert_eq!(kind.to_string().parse::<ViewKind>().unwrap(), kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
        }
        assert_eq!(ViewKind::SUBSETS[7].to_string(), "back-translation+synonym+switchout");
    }

    #[test]
    fn the_subsets_are_eight_different_views_the_text_itself_first() {
        assert_eq!(HashSet::from(ViewKind::SUBSETS).len(), 8);
        assert_eq!(ViewKind::SUBSETS[0], ViewKind::Original);
        assert!(ViewKind::SUBSETS.contains(&ViewKind::SYNONYM));
        assert!(ViewKind::SUBSETS.contains(&ViewKind::SYNONYM_AND_SWITCHOUT));
    }

    #[test]
    fn alterations_may_be_named_in_any_order() {
        let kind: ViewKind = "switchout + synonym".parse().unwrap();
        assert_eq!(kind, ViewKind::SYNONYM_AND_SWITCHOUT);
    }

    #[test]
    fn unknown_repeated_and_mixed_names_are_refused_with_those_there_are() {
        for name in [
            "synonims",
            "synonym+synonym",
            "original+synonym",
            "deletion+switchout",
            "",
            "synonym+",
        ] {
            let error = name.parse::<ViewKind>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("unknown view `{name}`, expected one of: original")),
                "{error}"
            );
            assert!(error.contains("synonym") && error.ends_with("joined by `+`"));
        }
    }
}
