//! From a chat model's reply to a class.
//!
//! Reply and label names are brought to lower case and everything but letters and digits to spaces.
//! A reply that then is a label is that class; otherwise the label that stands first in it as whole
//! words is, the longest where several start at the same word. A reply without any is *unparsed*.
//!
//! `I think it is anger, not joy` is `anger`; `fearful` is not `fear`.

use std::collections::BTreeMap;

use lane_data::LabelSet;
use lane_metrics::ClassId;

use crate::error::FewShotError;

/// Finds the labels of one label set in replies.
#[derive(Clone, Debug)]
pub struct ReplyParser {
    /// The words of each label, and its class.
    labels: Vec<(Vec<String>, ClassId)>,
}

impl ReplyParser {
    /// A parser for the labels of a data set.
    ///
    /// # Errors
    ///
    /// [`FewShotError::WordlessLabel`] for a label without letter or digit and
    /// [`FewShotError::AmbiguousLabels`] for two that differ in case or punctuation only: no reply
    /// could tell them.
    pub fn new(labels: &LabelSet) -> Result<Self, FewShotError> {
        let mut known: BTreeMap<Vec<String>, &str> = BTreeMap::new();
        let mut parsed = Vec::with_capacity(labels.len());
        for (class, name) in (0..).map(ClassId).zip(labels.names()) {
            let words = words_of(name);
            if words.is_empty() {
                return Err(FewShotError::WordlessLabel { label: name.clone() });
            }
            if let Some(other) = known.insert(words.clone(), name) {
                let (first, second) = (other.to_owned(), name.clone());
                return Err(FewShotError::AmbiguousLabels { first, second });
            }
            parsed.push((words, class));
        }
        // The longest first, so that the first that fits is the longest that fits.
        parsed.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
        Ok(Self { labels: parsed })
    }

    /// The class a reply names, none if it names none.
    pub fn parse(&self, reply: &str) -> Option<ClassId> {
        let words = words_of(reply);
        // A reply that is a label needs no rule of its own: its longest match starts at the first word.
        (0..words.len()).find_map(|start| {
            let fits = |label: &[String]| words[start..].starts_with(label);
            self.labels.iter().find(|(label, _)| fits(label)).map(|(_, class)| *class)
        })
    }
}

/// Lower-case words; whatever is neither letter nor digit separates them.
fn words_of(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower
        .split(|it: char| !it.is_alphanumeric())
        .filter(|it| !it.is_empty())
        .map(Into::into)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parser<const N: usize>(labels: [&str; N]) -> ReplyParser {
        ReplyParser::new(&LabelSet::from_names(labels).unwrap()).unwrap()
    }

    #[track_caller]
    fn refused<const N: usize>(labels: [&str; N], expected: &str) {
        let error = ReplyParser::new(&LabelSet::from_names(labels).unwrap()).unwrap_err();
        assert!(error.is_usage());
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn punctuation_within_a_label_may_be_written_or_left_out() {
        let parser = parser(["card-lost", "order_change"]);
        for reply in ["card-lost", "Card lost.", "**card_lost**", "The label is: card lost!"] {
            assert_eq!(parser.parse(reply), Some(ClassId(0)), "{reply}");
        }
        assert_eq!(parser.parse("cardlost"), None);
    }

    #[test]
    fn the_longest_label_wins_where_several_start_at_the_same_word() {
        let parser = parser(["card", "card lost", "lost"]);
        assert_eq!(parser.parse("card lost"), Some(ClassId(1)));
        assert_eq!(parser.parse("card was lost"), Some(ClassId(0)));
        assert_eq!(parser.parse("lost card"), Some(ClassId(2)));
    }

    #[test]
    fn labels_of_any_script_are_words() {
        let parser = parser(["Ärger", "радость", "喜び"]);
        assert_eq!(parser.parse("ÄRGER."), Some(ClassId(0)));
        assert_eq!(parser.parse("«Радость»"), Some(ClassId(1)));
        assert_eq!(parser.parse("喜び。"), Some(ClassId(2)));
    }

    #[test]
    fn an_empty_reply_is_unparsed() {
        assert_eq!(parser(["a", "b"]).parse(""), None);
        assert_eq!(parser(["a", "b"]).parse(" \n.-"), None);
    }

    #[test]
    fn labels_that_no_reply_could_tell_apart_are_refused() {
        refused(
            ["+1", "-1"],
            "labels `+1` and `-1` cannot be told apart in a reply, which is read without case and punctuation",
        );
        refused(["yes", "?"], "label `?` has no letter or digit, so no reply could name it");
    }

    proptest! {
        #[test]
        fn a_label_is_its_own_reply_whatever_surrounds_it(
            names in prop::collection::btree_set("[a-d]{1,2}( [a-d]{1,2}){0,2}", 2..8),
            before in "[ .,:*\"\n]{0,4}",
            after in "[ .,:*\"\n]{0,4}",
        ) {
            let parser = ReplyParser::new(&LabelSet::from_names(names.clone()).unwrap()).unwrap();
            for (class, name) in (0..).map(ClassId).zip(&names) {
                let reply = format!("{before}{}{after}", name.to_uppercase());
                prop_assert_eq!(parser.parse(&reply), Some(class));
            }
        }
    }
}
