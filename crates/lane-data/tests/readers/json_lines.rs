//! JSONL.

use super::{dataset, refused, shown, texts};

const TWO: &str = "{\"text\":\"x\",\"label\":\"a\"}\n{\"text\":\"y\",\"label\":\"b\"}\n";

#[test]
fn each_line_is_a_row() {
    let read = dataset("a.jsonl", TWO).unwrap();
    assert_eq!(shown(&read), ["0|x|a|-", "1|y|b|-"]);
    assert_eq!(dataset("a.ndjson", format!("\u{feff}{TWO}")).unwrap().n_rows(), 2);
}

#[test]
fn labels_and_ids_may_be_integers() {
    let text = r#"{"id":7,"text":"x","label":2,"gold":"1"}
{"id":"8","text":"y","label":"1","gold":2}"#;
    assert_eq!(shown(&dataset("a.jsonl", text).unwrap()), ["7|x|2|1", "8|y|1|2"]);
}

#[test]
fn blank_lines_are_skipped_but_counted() {
    refused(
        "a.jsonl",
        "\n{\"text\":\"x\",\"label\":1}\r\n \r\n{\"text\":\"y\",\"label\":\"\"}\n",
        "a.jsonl, line 4, column `label`: the label is empty",
        None,
    );
}

#[test]
fn broken_json_is_refused_by_line_and_character() {
    refused(
        "a.jsonl",
        format!("{TWO}{{\"text\":\"x\",\"label\":}}\n"),
        "a.jsonl, line 3, character 21: broken JSON: expected value",
        None,
    );
    refused(
        "a.jsonl",
        "{\"text\":\"x\n",
        "a.jsonl, line 1, character 10: broken JSON: EOF while parsing a string",
        None,
    );
}

#[test]
fn line_that_is_no_object_is_refused() {
    let hint = Some("write one object per line instead of one array");
    let message = "a.jsonl, line 1: found an array, expected one JSON object";
    refused("a.jsonl", "[{\"text\":\"x\"}]", message, hint);
    refused("a.jsonl", "[\n{\"text\":\"x\"}\n]", message, hint);
    refused("a.jsonl", "3", "a.jsonl, line 1: found a number, expected one JSON object", None);
}

#[test]
fn missing_key_is_answered_with_those_found() {
    refused(
        "a.jsonl",
        "{\"text\":\"x\",\"labels\":1}",
        "a.jsonl, line 1: no column `label`; the columns are `text`, `labels`",
        Some("did you mean column `labels`?"),
    );
    refused(
        "a.jsonl",
        format!("{TWO}{{\"label\":1}}"),
        "a.jsonl, line 3: no column `text`; the columns are `label`",
        None,
    );
}

#[test]
fn gold_on_some_rows_only_is_refused() {
    refused(
        "a.jsonl",
        format!("{TWO}{{\"text\":\"z\",\"label\":\"a\",\"gold\":\"a\"}}"),
        "a.jsonl, line 3: column `gold` is present, but line 1 has none; \
         all rows must have it, or none",
        None,
    );
    refused(
        "a.jsonl",
        format!("{{\"text\":\"z\",\"label\":\"a\",\"gold\":\"a\"}}\n{TWO}"),
        "a.jsonl, line 2: no column `gold`; the columns are `text`, `label`",
        None,
    );
}

#[test]
fn values_of_other_types_are_refused_by_column() {
    for (text, label, message) in [
        ("3", "1", "column `text`: found the number 3, expected a string"),
        ("[]", "1", "column `text`: found an array, expected a string"),
        ("null", "1", "column `text`: the text is empty"),
        ("\"x\"", "1.5", "column `label`: found the number 1.5, expected a string or an integer"),
        ("\"x\"", "true", "column `label`: found true, expected a string or an integer"),
        ("\"x\"", "{}", "column `label`: found an object, expected a string or an integer"),
        ("\"x\"", "null", "column `label`: the label is empty"),
    ] {
        let line = format!("{{\"text\":{text},\"label\":{label}}}");
        refused("a.jsonl", line, &format!("a.jsonl, line 1, {message}"), None);
    }
}

#[test]
fn bytes_that_are_not_utf8_are_refused_by_line_and_character() {
    refused(
        "a.jsonl",
        [TWO.as_bytes(), b"{\"text\":\"\xe9\",\"label\":1}"].concat(),
        "a.jsonl, line 3, column unknown (character 10): byte 0xe9 is not valid UTF-8",
        Some("save the file as UTF-8"),
    );
}

#[test]
fn id_that_stands_twice_is_refused_though_one_is_a_number() {
    refused(
        "a.jsonl",
        "{\"id\":1,\"text\":\"x\",\"label\":1}\n{\"id\":\"1\",\"text\":\"y\",\"label\":2}",
        "a.jsonl, line 2, column `id`: id `1` already stands on line 1",
        None,
    );
}

#[test]
fn texts_are_read_whatever_the_labels_are() {
    let read =
        texts("a.jsonl", "{\"text\":\"x\"}\n{\"text\":\"y\",\"label\":[],\"gold\":1}").unwrap();
    assert_eq!(read.texts, ["x", "y"]);
}
