//! CSV and TSV.

use lane_data::Columns;
use lane_data::read::{self, LabelPolicy};

use super::{dataset, refusal, refused, shown, texts, with_file};

const QUOTE_HINT: &str = "inside a quoted field a quote is written twice; \
    a field that starts with a quote must be quoted as a whole";

#[test]
fn columns_are_found_by_name_in_any_order() {
    let read = dataset("a.csv", "label,id,extra,text,gold\nb,r1,,x,a\na,r2,,y,b\n").unwrap();
    assert_eq!(shown(&read), ["r1|x|b|a", "r2|y|a|b"]);
    assert!(read.has_gold);
    assert_eq!(read.labels.names(), ["a", "b"]);
}

#[test]
fn rows_without_an_id_column_are_named_by_their_number() {
    let read = dataset("a.csv", "text,label\nx,a\ny,b\n").unwrap();
    assert_eq!(shown(&read), ["0|x|a|-", "1|y|b|-"]);
    assert!(!read.has_gold);
}

#[test]
fn columns_may_have_other_names() {
    let columns = Columns {
        text: "sentence".into(),
        label: "emotion".into(),
        gold: Some("truth".into()),
        id: Some("key".into()),
    };
    let bytes = b"key,sentence,emotion,truth\nk,x,1,2\nl,y,2,2\n";
    let read = with_file("a.csv", bytes, |path| {
        read::dataset(path, &columns, LabelPolicy::Discover).unwrap()
    });
    assert_eq!(shown(&read), ["k|x|1|2", "l|y|2|2"]);
}

#[test]
fn labels_are_trimmed_and_texts_kept_as_they_are() {
    let read = dataset("a.csv", "text , label\n  x  , a \n\"y\n\"\"z\"\"\",b\n").unwrap();
    assert_eq!(shown(&read), ["0|  x  |a|-", "1|y\n\"z\"|b|-"]);
}

#[test]
fn byte_order_mark_blank_lines_and_windows_line_ends_are_accepted() {
    let read = dataset("a.csv", "\u{feff}text,label\r\n\r\nx,a\r\n\r\ny,b\r\n\r\n").unwrap();
    assert_eq!(shown(&read), ["0|x|a|-", "1|y|b|-"]);
    let quoted = dataset("a.csv", "\u{feff}\"text\",\"label\"\nx,a\ny,b\n").unwrap();
    assert_eq!(quoted.n_rows(), 2);
}

#[test]
fn tabs_separate_the_fields_of_tsv() {
    let read = dataset("a.tsv", "text\tlabel\nx, y\ta\n\"p\tq\"\tb\n").unwrap();
    assert_eq!(shown(&read), ["0|x, y|a|-", "1|p\tq|b|-"]);
}

#[test]
fn hash_is_that_of_the_file_on_disk() {
    let read = dataset("a.csv", "text,label\nx,a\ny,b\n").unwrap();
    assert_eq!(read.sha256, "0105cee4c647ce758fff2e9db1e189b2841d918ecdf04938299807dc67c261f3");
    let marked = dataset("a.csv", "\u{feff}text,label\nx,a\ny,b\n").unwrap();
    assert_ne!(read.sha256, marked.sha256);
}

#[test]
fn missing_column_is_answered_with_those_found_and_the_nearest() {
    refused(
        "a.csv",
        "id,text,lable\n1,x,a\n",
        "a.csv, line 1: no column `label`; the columns are `id`, `text`, `lable`",
        Some("did you mean column `lable`?"),
    );
    refused(
        "a.csv",
        "great movie,1\n",
        "a.csv, line 1: no column `text`; the columns are `great movie`, `1`",
        None,
    );
}

#[test]
fn column_that_stands_twice_is_refused() {
    refused(
        "a.csv",
        "text,label,text\nx,a,y\n",
        "a.csv, line 1: column `text` stands there more than once",
        None,
    );
}

#[test]
fn header_alone_has_no_rows() {
    refused("a.csv", "text,label\n", "a.csv: the file has no rows", None);
}

#[test]
fn line_numbers_count_lines_of_the_file_not_records() {
    // The record before spans lines 2 to 4, then a blank line.
    refused(
        "a.csv",
        "text,label\n\"x\ny\nz\",a\n\n\"p\nq\",\n",
        "a.csv, line 6, column `label`: the label is empty",
        None,
    );
    for end in ["\n", "\r\n", "\r"] {
        let text = ["text,label", "x,a", "", "y,b", "z, "].join(end);
        refused("a.csv", text, "a.csv, line 5, column `label`: the label is empty", None);
    }
}

#[test]
fn empty_text_label_gold_and_id_are_refused_by_column() {
    for (row, message) in [
        ("1, \t ,a,a", "column `text`: the text is empty"),
        ("1,,a,a", "column `text`: the text is empty"),
        ("1,x, ,a", "column `label`: the label is empty"),
        ("1,x,a,", "column `gold`: the label is empty"),
        (" ,x,a,a", "column `id`: the id is empty"),
    ] {
        let text = format!("id,text,label,gold\n0,x,b,b\n{row}\n");
        refused("a.csv", text, &format!("a.csv, line 3, {message}"), None);
    }
}

#[test]
fn id_that_stands_twice_is_refused_with_both_lines() {
    refused(
        "a.csv",
        "id,text,label\nr1,x,a\nr2,y,b\n r1 ,z,a\n",
        "a.csv, line 4, column `id`: id `r1` already stands on line 2",
        None,
    );
}

#[test]
fn ragged_row_is_refused_with_both_widths() {
    let hint = Some("a field that contains the separator must stand in double quotes");
    refused(
        "a.csv",
        "text,label\nx,a\nwell, no,b\n",
        "a.csv, line 3: the number of fields is 3, expected 2 as in the header",
        hint,
    );
    refused(
        "a.csv",
        "text,label\nx\n",
        "a.csv, line 2: the number of fields is 1, expected 2 as in the header",
        hint,
    );
}

#[test]
fn quote_never_closed_is_refused_where_it_opens() {
    refused(
        "a.csv",
        "text,label\nx,a\n\"y,b\nz,a\n",
        "a.csv, line 3, column `text`: a quote is opened and never closed",
        Some(QUOTE_HINT),
    );
    refused(
        "a.csv",
        "\"text,label\nx,a\n",
        "a.csv, line 1, column 1: a quote is opened and never closed",
        Some(QUOTE_HINT),
    );
    refused(
        "a.tsv",
        "text\tlabel\nx\t\"a\n",
        "a.tsv, line 2, column `label`: a quote is opened and never closed",
        Some(QUOTE_HINT),
    );
}

#[test]
fn stray_quote_that_closes_rows_later_is_refused_where_it_opens() {
    refused(
        "a.csv",
        "text,label\n\"he said,a\nx,b\n\"yes,a\n",
        "a.csv, line 2, column `text`: the quote opened here is closed on line 4, \
         but text follows before the next separator",
        Some(QUOTE_HINT),
    );
}

#[test]
fn bytes_that_are_not_utf8_are_refused_by_line_column_and_value() {
    let hint = Some("save the file as UTF-8");
    refused(
        "a.csv",
        b"text,label\nx,a\ncaf\xe9,b\n",
        "a.csv, line 3, column `text`: byte 0xe9 is not valid UTF-8",
        hint,
    );
    refused(
        "a.csv",
        b"text,label,note\nx,a,\xff\n",
        "a.csv, line 2, column `note`: byte 0xff is not valid UTF-8",
        hint,
    );
    refused(
        "a.csv",
        b"text,l\xe4bel\nx,a\n",
        "a.csv, line 1, column 2: byte 0xe4 is not valid UTF-8",
        hint,
    );
    refused(
        "a.csv",
        b"\xff\xfet\0e\0",
        "a.csv, line 1: the file starts with the byte-order mark of UTF-16, expected UTF-8",
        hint,
    );
}

#[test]
fn texts_are_read_without_a_label_column() {
    let read = texts("a.csv", "id,text\nr1,x\nr2,y\n").unwrap();
    assert_eq!(
        (read.ids, read.texts),
        (vec!["r1".into(), "r2".into()], vec!["x".into(), "y".into()])
    );
    let unnamed = texts("a.csv", "text,label\nx,\ny,\n").unwrap();
    assert_eq!(unnamed.ids, ["0", "1"]);
    let (message, _) = refusal(texts("a.csv", "text\nx\n \n"));
    assert_eq!(message, "a.csv, line 3, column `text`: the text is empty");
    let (message, _) = refusal(texts("a.csv", "id,text\n1,x\n1,y\n"));
    assert_eq!(message, "a.csv, line 3, column `id`: id `1` already stands on line 2");
    let (message, _) = refusal(texts("a.csv", "text\n"));
    assert_eq!(message, "a.csv: the file has no rows");
}
