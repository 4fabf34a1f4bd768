//! CSV and TSV: the bytes of the fields that change are replaced, all others copied.
//!
//! The file was read before, so its quotes are known to be closed and its records to be even.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

const MARK: &[u8] = b"\xEF\xBB\xBF";

/// The file with other labels in some rows.
pub(super) fn relabel(
    bytes: &[u8],
    delimiter: u8,
    column: &str,
    labels: &BTreeMap<usize, &str>,
) -> Vec<u8> {
    let mut records = Records { bytes, delimiter, at: 0 };
    if bytes.starts_with(MARK) {
        records.at = MARK.len();
    }
    let header = records.next().unwrap_or_default();
    // Trimmed as the reader does it, of any white space there is.
    let is_column = |field: &Range<usize>| {
        std::str::from_utf8(&value(&bytes[field.clone()])).is_ok_and(|it| it.trim() == column)
    };
    let position = header.iter().position(is_column);
    let mut copy = Vec::with_capacity(bytes.len());
    let mut copied = 0;
    for (row, fields) in records.enumerate() {
        let field = position.and_then(|position| fields.get(position));
        if let (Some(label), Some(field)) = (labels.get(&row), field) {
            copy.extend_from_slice(&bytes[copied..field.start]);
            let was_quoted = bytes.get(field.start) == Some(&b'"');
            copy.extend_from_slice(quoted(label, delimiter, was_quoted).as_bytes());
            copied = field.end;
        }
    }
    copy.extend_from_slice(&bytes[copied..]);
    copy
}

/// What a field says.
fn value(field: &[u8]) -> Cow<'_, [u8]> {
    let Some(inner) = field.strip_prefix(b"\"").and_then(|it| it.strip_suffix(b"\"")) else {
        return Cow::Borrowed(field);
    };
    let text = String::from_utf8_lossy(inner).replace("\"\"", "\"");
    Cow::Owned(text.into_bytes())
}

/// A field that says `value`, in quotes where the one before was or where it must.
fn quoted(value: &str, delimiter: u8, was_quoted: bool) -> Cow<'_, str> {
    let needs = |byte: u8| byte == delimiter || matches!(byte, b'"' | b'\n' | b'\r');
    if was_quoted || value.bytes().any(needs) {
        return Cow::Owned(format!("\"{}\"", value.replace('"', "\"\"")));
    }
    Cow::Borrowed(value)
}

/// The fields of each record, as ranges of bytes; blank lines are none.
struct Records<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    at: usize,
}

impl Iterator for Records<'_> {
    type Item = Vec<Range<usize>>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.bytes.get(self.at).is_some_and(|it| ends_line(*it)) {
            self.at += 1;
        }
        if self.bytes.len() <= self.at {
            return None;
        }
        let mut fields = Vec::new();
        loop {
            let start = self.at;
            self.at = self.end_of_field(start);
            fields.push(start..self.at);
            if self.bytes.get(self.at) != Some(&self.delimiter) {
                return Some(fields);
            }
            self.at += 1;
        }
    }
}

impl Records<'_> {
    fn end_of_field(&self, start: usize) -> usize {
        let mut at = start;
        if self.bytes.get(at) == Some(&b'"') {
            // A quote within is written twice: it closes the field and opens it again.
            while self.bytes.get(at) == Some(&b'"') {
                let rest = self.bytes.get(at + 1..).unwrap_or_default();
                at += rest.iter().position(|it| *it == b'"').map_or(rest.len() + 1, |it| it + 2);
            }
            return at.min(self.bytes.len());
        }
        let ends = |byte: &u8| *byte == self.delimiter || ends_line(*byte);
        while self.bytes.get(at).is_some_and(|byte| !ends(byte)) {
            at += 1;
        }
        at
    }
}

fn ends_line(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, labels: &[(usize, &str)], expected: &str) {
        let labels = labels.iter().copied().collect();
        let found = relabel(text.as_bytes(), b',', "label", &labels);
        assert_eq!(String::from_utf8(found).unwrap(), expected);
    }

    #[test]
    fn only_the_fields_that_change_are_touched() {
        check("text,label,x\na,b,1.50\nc, d ,\n", &[(1, "e")], "text,label,x\na,b,1.50\nc,e,\n");
        check("label\na\nb", &[(1, "c")], "label\na\nc");
        check("label,text\r\na,x\r\n\r\nb,y\r\n", &[(1, "c")], "label,text\r\na,x\r\n\r\nc,y\r\n");
    }

    #[test]
    fn quotes_stay_and_come_where_they_are_needed() {
        check(
            "text,\"label\"\n\"a,\"\"b\"\"\n\",\"c\"\n",
            &[(0, "d")],
            "text,\"label\"\n\"a,\"\"b\"\"\n\",\"d\"\n",
        );
        check("label,text\na,x\n", &[(0, "b,\"c\"")], "label,text\n\"b,\"\"c\"\"\",x\n");
        check("label,text\n\"\",x\n\"a\"", &[(1, "b")], "label,text\n\"\",x\n\"b\"");
    }

    #[test]
    fn white_space_of_any_kind_is_no_part_of_a_name() {
        for name in ["label\u{b}", "\u{a0}label", "\" label\u{2003}\""] {
            let text = format!("text,{name}\na,b\n");
            check(&text, &[(0, "c")], &text.replace(",b", ",c"));
        }
    }

    #[test]
    fn the_byte_order_mark_is_no_part_of_the_first_name() {
        check("\u{feff}label,text\na,x\n", &[(0, "b")], "\u{feff}label,text\nb,x\n");
    }

    proptest! {
        #[test]
        fn fields_are_those_that_the_csv_crate_reads(
            rows in prop::collection::vec(prop::collection::vec("[a\",\n\r ]{0,4}", 3), 1..6),
            crlf: bool,
        ) {
            let terminator = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let bytes = writer.into_inner().unwrap();
            let records = Records { bytes: &bytes, delimiter: b',', at: 0 };
            let found: Vec<Vec<String>> = records
                .map(|fields| fields.into_iter().map(|it| value(&bytes[it]).into_owned()))
                .map(|fields| fields.map(|it| String::from_utf8(it).unwrap()).collect())
                .collect();
            prop_assert_eq!(found, rows);
        }
    }
}
