//! JSONL: the bytes of the labels that change are replaced, all others copied.
//!
//! The file was read before, so each line that is not blank is known to be one JSON object.

use std::collections::BTreeMap;
use std::ops::Range;

/// The file with other labels in some rows.
pub(super) fn relabel(bytes: &[u8], column: &str, labels: &BTreeMap<usize, &str>) -> Vec<u8> {
    let mut copy = Vec::with_capacity(bytes.len());
    let mut row = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let is_row = !line.iter().all(u8::is_ascii_whitespace);
        let label = labels.get(&row).filter(|_| is_row);
        let field = label.and_then(|label| Some((label, value_of(line, column)?)));
        row += usize::from(is_row);
        let Some((label, field)) = field else {
            copy.extend_from_slice(line);
            continue;
        };
        copy.extend_from_slice(&line[..field.start]);
        copy.extend_from_slice(json(label, &line[field.clone()]).as_bytes());
        copy.extend_from_slice(&line[field.end..]);
    }
    copy
}

/// The label as JSON: a number where the one before was a number and it is one, else a string.
fn json(label: &str, before: &[u8]) -> String {
    let was_number = !before.starts_with(b"\"");
    let is_number = |text: &str| text.parse::<i128>().is_ok_and(|it| it.to_string() == text);
    if was_number && is_number(label) {
        return label.to_owned();
    }
    serde_json::Value::from(label).to_string()
}

/// Where the value of a key stands; of the last one, as parsers have it, where there are several.
fn value_of(line: &[u8], key: &str) -> Option<Range<usize>> {
    let mut at = skip_blanks(line, line.iter().position(|byte| *byte == b'{')? + 1);
    let mut found = None;
    while line.get(at) == Some(&b'"') {
        let name = at..end_of_value(line, at);
        let colon = skip_blanks(line, name.end);
        let start = skip_blanks(line, colon + 1);
        let value = start..end_of_value(line, start);
        at = skip_blanks(line, value.end);
        if line.get(at) == Some(&b',') {
            at = skip_blanks(line, at + 1);
        }
        let name: Option<String> = serde_json::from_slice(&line[name]).ok();
        if name.as_deref() == Some(key) {
            found = Some(value);
        }
    }
    found
}

fn skip_blanks(line: &[u8], at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// The end of the value that starts at `start`: of a string its quote, of anything else the bracket
/// that closes it, or what separates it from the next.
fn end_of_value(line: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = line.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(line, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            byte if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    line.len()
}

fn end_of_string(line: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = line.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    line.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};

    use super::*;

    #[track_caller]
    fn check(text: &str, labels: &[(usize, &str)], expected: &str) {
        let found = relabel(text.as_bytes(), "label", &labels.iter().copied().collect());
        assert_eq!(String::from_utf8(found).unwrap(), expected);
    }

    #[test]
    fn only_the_values_that_change_are_touched() {
        check(
            "{\"label\" : \"a\", \"n\": 1.50, \"text\":\"\\u00e9\"}\r\n\n{\"n\":[1,{\"label\":2}],\"label\":\"b\"}",
            &[(0, "x"), (1, "y")],
            "{\"label\" : \"x\", \"n\": 1.50, \"text\":\"\\u00e9\"}\r\n\n{\"n\":[1,{\"label\":2}],\"label\":\"y\"}",
        );
        check("{\"label\":\"a\"}\n", &[], "{\"label\":\"a\"}\n");
    }

    #[test]
    fn numbers_stay_numbers_where_they_can() {
        check(
            "{\"label\":1}\n{\"label\": 2 }\n",
            &[(0, "3"), (1, "x")],
            "{\"label\":3}\n{\"label\": \"x\" }\n",
        );
        check(
            "{\"label\":\"1\"}\n{\"label\":1}",
            &[(0, "3"), (1, "03")],
            "{\"label\":\"3\"}\n{\"label\":\"03\"}",
        );
    }

    #[test]
    fn keys_are_compared_as_parsed_and_the_last_one_counts() {
        check("{\"l\\u0061bel\":\"a\"}", &[(0, "b")], "{\"l\\u0061bel\":\"b\"}");
        check(
            "{\"label\":\"a\",\"label\":\"b\"}",
            &[(0, "c")],
            "{\"label\":\"a\",\"label\":\"c\"}",
        );
        check(
            "{\"text\":\"\\\\\",\"label\":\"\\\"\"}",
            &[(0, "c\"")],
            "{\"text\":\"\\\\\",\"label\":\"c\\\"\"}",
        );
    }

    proptest! {
        #[test]
        fn any_other_value_is_left_as_it_is(before in "[\\[\\]{},:\"\\\\a ]{0,8}", nested: bool, label in "\\PC{0,5}") {
            let other = if nested { json!([{ "label": before, "b": [before] }]) } else { json!(before) };
            let mut object = Map::new();
            object.insert(before.clone() + "x", other.clone());
            object.insert("label".into(), json!(before));
            object.insert("z".into(), other);
            let text = Value::Object(object.clone()).to_string();
            let found = relabel(text.as_bytes(), "label", &[(0, label.as_str())].into());
            object.insert("label".into(), json!(label));
            prop_assert_eq!(serde_json::from_slice::<Value>(&found).unwrap(), Value::Object(object));
        }
    }
}
