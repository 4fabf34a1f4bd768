//! Names of the classes and their numbers.

use std::collections::BTreeMap;

use lane_metrics::ClassId;
use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::suggest;

/// The most classes that a [`ClassId`] can number.
pub const MAX_CLASSES: usize = u16::MAX as usize + 1;

/// Class names in the order of their [`ClassId`]s.
///
/// A set found in a file is in numeric order when every name is an integer (so that `10`
/// follows `9`) and in lexicographic order otherwise: a function of the names alone, never of
/// the order of the rows. Serialized as the list of names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct LabelSet {
    names: Vec<String>,
    ids: BTreeMap<String, ClassId>,
}

impl LabelSet {
    /// A set in the order given, as read back from a saved model.
    ///
    /// # Errors
    ///
    /// [`DataError::RepeatedLabel`] if a name occurs twice;
    /// [`DataError::TooManyLabels`] over [`MAX_CLASSES`] names.
    pub fn from_names<S: Into<String>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, DataError> {
        let names: Vec<String> = names.into_iter().map(Into::into).collect();
        if names.len() > MAX_CLASSES {
            return Err(DataError::TooManyLabels { n_labels: names.len(), limit: MAX_CLASSES });
        }
        let mut ids = BTreeMap::new();
        for (index, name) in names.iter().enumerate() {
            if ids.insert(name.clone(), ClassId(index as u16)).is_some() {
                return Err(DataError::RepeatedLabel { label: name.clone() });
            }
        }
        Ok(Self { names, ids })
    }

    /// The set of distinct `names`, in the order that the type promises.
    ///
    /// # Errors
    ///
    /// [`DataError::TooManyLabels`] over [`MAX_CLASSES`] distinct names.
    pub fn discover<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, DataError> {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let numbers: Option<Vec<i128>> = names.iter().map(|name| name.parse().ok()).collect();
        if let Some(numbers) = numbers {
            let mut numbered: Vec<(i128, &str)> = numbers.into_iter().zip(names).collect();
            numbered.sort_unstable();
            names = numbered.into_iter().map(|(_, name)| name).collect();
        }
        Self::from_names(names)
    }

    /// The number of a class, `None` if no class has this name.
    pub fn id(&self, name: &str) -> Option<ClassId> {
        self.ids.get(name).copied()
    }

    /// The name of a class.
    ///
    /// # Panics
    ///
    /// If the id is not one of this set.
    pub fn name(&self, id: ClassId) -> &str {
        &self.names[id.index()]
    }

    /// All names, class 0 first.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there is no class at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The known name nearest to a misspelt one.
    pub(crate) fn closest(&self, name: &str) -> Option<&str> {
        suggest::closest(name, self.names.iter().map(String::as_str))
    }
}

impl TryFrom<Vec<String>> for LabelSet {
    type Error = DataError;

    fn try_from(names: Vec<String>) -> Result<Self, DataError> {
        Self::from_names(names)
    }
}

impl From<LabelSet> for Vec<String> {
    fn from(labels: LabelSet) -> Self {
        labels.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(names: &[&str], expected: &[&str]) {
        assert_eq!(LabelSet::discover(names.iter().copied()).unwrap().names(), expected);
    }

    #[test]
    fn words_are_in_lexicographic_order() {
        check(&["sport", "business", "sport"], &["business", "sport"]);
    }

    #[test]
    fn integers_are_in_numeric_order() {
        check(&["10", "9", "-1", "9"], &["-1", "9", "10"]);
    }

    #[test]
    fn one_word_among_integers_makes_all_of_them_words() {
        check(&["10", "9", "none"], &["10", "9", "none"]);
    }

    #[test]
    fn two_spellings_of_one_number_stay_two_classes() {
        check(&["1", "01", "0"], &["0", "01", "1"]);
    }

    #[test]
    fn names_and_numbers_lead_to_each_other() {
        let labels = LabelSet::from_names(["b", "a"]).unwrap();
        assert_eq!(labels.id("a"), Some(ClassId(1)));
        assert_eq!(labels.name(ClassId(1)), "a");
        assert_eq!(labels.id("c"), None);
        assert_eq!((labels.len(), labels.is_empty()), (2, false));
    }

    #[test]
    fn name_given_twice_is_refused() {
        let err = LabelSet::from_names(["a", "b", "a"]).unwrap_err();
        assert_eq!(err.to_string(), "label `a` is listed twice");
    }

    #[test]
    fn more_names_than_a_class_id_can_number_are_refused() {
        let err = LabelSet::from_names((0..=MAX_CLASSES).map(|i| i.to_string())).unwrap_err();
        assert_eq!(err.to_string(), "65537 classes, expected at most 65536");
        assert!(LabelSet::from_names((0..MAX_CLASSES).map(|i| i.to_string())).is_ok());
    }

    #[test]
    fn serialized_as_the_list_of_names() {
        let labels = LabelSet::from_names(["b", "a"]).unwrap();
        let text = serde_json::to_string(&labels).unwrap();
        assert_eq!(text, r#"["b","a"]"#);
        assert_eq!(serde_json::from_str::<LabelSet>(&text).unwrap(), labels);
        assert!(serde_json::from_str::<LabelSet>(r#"["a","a"]"#).is_err());
    }
}
