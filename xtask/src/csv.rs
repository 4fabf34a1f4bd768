//! Comma-separated text in and out (RFC 4180), as much of it as the corpus and the run folders need.
//!
//! Our own sixty lines keep a dependency out of xtask, which has to build in seconds.

use anyhow::{Context, Result, bail, ensure};

/// A table with a header row; every row is as long as the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[&str]) -> Self {
        Self { columns: columns.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Reads a whole file's text; a byte-order mark and blank lines at the end are let pass.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut records = records_of(text.trim_start_matches('\u{feff}'))?.into_iter();
        let columns = records.next().context("no header row")?;
        let rows: Vec<_> = records.filter(|row| *row != [""]).collect();
        if let Some(at) = rows.iter().position(|row| row.len() != columns.len()) {
            let (found, expected) = (rows[at].len(), columns.len());
            bail!("row {at} has {found} fields, the header has {expected}");
        }
        Ok(Self { columns, rows })
    }

    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// As [`Table::column`], with a message that names what there is.
    pub(crate) fn required(&self, name: &str) -> Result<usize> {
        self.column(name)
            .with_context(|| format!("no column `{name}` among {}", self.columns.join(", ")))
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for record in std::iter::once(&self.columns).chain(&self.rows) {
            let fields: Vec<String> = record.iter().map(|field| quoted(field)).collect();
            text.push_str(&fields.join(","));
            text.push('\n');
        }
        text
    }
}

fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

fn records_of(text: &str) -> Result<Vec<Vec<String>>> {
    let (mut records, mut record, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut inside_quotes = false;
    let mut symbols = text.chars().peekable();
    while let Some(symbol) = symbols.next() {
        match symbol {
            '"' if inside_quotes && symbols.peek() == Some(&'"') => {
                symbols.next();
                field.push('"');
            }
            '"' if inside_quotes || field.is_empty() => inside_quotes = !inside_quotes,
            ',' if !inside_quotes => record.push(std::mem::take(&mut field)),
            '\r' if !inside_quotes && symbols.peek() == Some(&'\n') => {}
            '\n' if !inside_quotes => {
                record.push(std::mem::take(&mut field));
                records.push(std::mem::take(&mut record));
            }
            other => field.push(other),
        }
    }
    ensure!(!inside_quotes, "a quote in record {} is never closed", records.len());
    if !field.is_empty() || !record.is_empty() {
        record.push(field);
        records.push(record);
    }
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut table = Table::new(&["id", "text"]);
        for text in ["plain", "a, b", "say \"no\"", "two\nlines", "", "crlf\r\n"] {
            table.rows.push(vec!["1".to_owned(), text.to_owned()]);
        }
        assert_eq!(Table::parse(&table.text()).unwrap(), table);
    }

    #[test]
    fn a_byte_order_mark_crlf_and_a_missing_last_newline_are_accepted() {
        let table = Table::parse("\u{feff}id,text\r\n1,\"a\"\r\n2,b").unwrap();
        assert_eq!(table.columns, ["id", "text"]);
        assert_eq!(table.rows, [["1", "a"], ["2", "b"]]);
    }

    #[test]
    fn a_short_row_an_open_quote_and_an_empty_file_are_refused() {
        let refusal = |text| Table::parse(text).unwrap_err().to_string();
        assert_eq!(refusal("a,b\n1\n"), "row 0 has 1 fields, the header has 2");
        assert_eq!(refusal("a\n\"x\n"), "a quote in record 1 is never closed");
        assert_eq!(refusal(""), "no header row");
    }

    #[test]
    fn a_missing_column_is_named_with_those_there_are() {
        let table = Table::parse("a,b\n").unwrap();
        assert_eq!(table.required("c").unwrap_err().to_string(), "no column `c` among a, b");
    }
}
