//! From an inflected word to the forms that a dictionary may list.
//!
//! The list of exceptions goes before the rules: *geese* is *goose*, not *geese* without its end.
//! The rules are those that the manual page morphy(7WN) prints, applied once.

use std::collections::HashMap;

use super::PartOfSpeech;

/// Ends taken off, and what stands there instead.
fn rules(speech: PartOfSpeech) -> &'static [(&'static str, &'static str)] {
    match speech {
        PartOfSpeech::Noun => &[
            ("s", ""),
            ("ses", "s"),
            ("xes", "x"),
            ("zes", "z"),
            ("ches", "ch"),
            ("shes", "sh"),
            ("men", "man"),
            ("ies", "y"),
        ],
        PartOfSpeech::Verb => &[
            ("s", ""),
            ("ies", "y"),
            ("es", "e"),
            ("es", ""),
            ("ed", "e"),
            ("ed", ""),
            ("ing", "e"),
            ("ing", ""),
        ],
        PartOfSpeech::Adjective => &[("er", ""), ("est", ""), ("er", "e"), ("est", "e")],
        PartOfSpeech::Adverb => &[],
    }
}

/// `word`, and what it may be a form of; most are no words, which the index tells.
pub(super) fn of(
    word: &str,
    speech: PartOfSpeech,
    exceptions: &HashMap<Box<str>, Vec<Box<str>>>,
) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    if let Some(bases) = exceptions.get(word) {
        forms.extend(bases.iter().map(ToString::to_string));
    } else {
        let stem = |(end, instead): &(&str, &str)| {
            word.strip_suffix(end)
                .filter(|stem| !stem.is_empty())
                .map(|stem| stem.to_owned() + instead)
        };
        forms.extend(rules(speech).iter().filter_map(stem));
    }
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_part_of_speech_give_its_base_forms_among_others() {
        let none = HashMap::new();
        for (word, speech, base) in [
            ("films", PartOfSpeech::Noun, "film"),
            ("boxes", PartOfSpeech::Noun, "box"),
            ("women", PartOfSpeech::Noun, "woman"),
            ("tries", PartOfSpeech::Verb, "try"),
            ("loved", PartOfSpeech::Verb, "love"),
            ("running", PartOfSpeech::Verb, "runn"),
            ("finest", PartOfSpeech::Adjective, "fine"),
            ("soon", PartOfSpeech::Adverb, "soon"),
        ] {
            assert!(of(word, speech, &none).iter().any(|form| form == base), "{word}");
        }
        assert_eq!(of("s", PartOfSpeech::Noun, &none), ["s"]);
    }

    #[test]
    fn exceptions_go_before_the_rules() {
        let exceptions = HashMap::from([("geese".into(), vec!["goose".into()])]);
        assert_eq!(of("geese", PartOfSpeech::Noun, &exceptions), ["geese", "goose"]);
    }
}
