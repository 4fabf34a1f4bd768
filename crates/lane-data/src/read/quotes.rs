//! Quotes that the csv crate would let pass.
//!
//! It reads an unclosed quote to the end of the file, and joins what follows a closing quote to
//! the field. Both swallow rows without a word, so both are looked for beforehand, by the same
//! rules: a quote opens a field only as its first character; inside, two quotes are one.

use super::lines::LineCounter;

/// What is wrong with a quoted field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Unclosed,
    /// Text goes on after the closing quote, on this line.
    TextAfter {
        closed: u64,
    },
}

/// The first broken field: line of its opening quote, and its column from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BrokenQuote {
    pub(crate) line: u64,
    pub(crate) column: usize,
    pub(crate) fault: Fault,
}

pub(crate) fn check(bytes: &[u8], delimiter: u8) -> Result<(), BrokenQuote> {
    let (mut at, mut column) = (0, 0);
    while at < bytes.len() {
        if bytes[at] == b'"' {
            at = quoted_field(bytes, at, delimiter).map_err(|(closed, end)| {
                let mut lines = LineCounter::new(bytes);
                let line = lines.line_of(at);
                let fault = if closed {
                    Fault::TextAfter { closed: lines.line_of(end) }
                } else {
                    Fault::Unclosed
                };
                BrokenQuote { line, column, fault }
            })?;
        } else {
            at += bytes[at..].iter().take_while(|byte| !ends_field(**byte, delimiter)).count();
        }
        column = if bytes.get(at) == Some(&delimiter) { column + 1 } else { 0 };
        at += 1;
    }
    Ok(())
}

/// The end of the quoted field that starts at `open`; else whether it is closed, and where.
fn quoted_field(bytes: &[u8], open: usize, delimiter: u8) -> Result<usize, (bool, usize)> {
    let mut at = open + 1;
    loop {
        let Some(step) = bytes[at..].iter().position(|byte| *byte == b'"') else {
            return Err((false, bytes.len()));
        };
        at += step + 1;
        match bytes.get(at) {
            Some(b'"') => at += 1,
            Some(byte) if !ends_field(*byte, delimiter) => return Err((true, at - 1)),
            _ => return Ok(at),
        }
    }
}

fn ends_field(byte: u8, delimiter: u8) -> bool {
    byte == delimiter || byte == b'\n' || byte == b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_is(text: &str, expected: Result<(), (u64, usize, Fault)>) {
        let found = check(text.as_bytes(), b',').map_err(|it| (it.line, it.column, it.fault));
        assert_eq!(found, expected);
    }

    #[test]
    fn well_formed_quotes_pass() {
        check_is("a,b\n\"x, \"\"y\"\"\nz\",1\n\"\",2", Ok(()));
        check_is("", Ok(()));
        check_is("\"\"", Ok(()));
        check_is("\"a\"\r\n\"b\"\r\n", Ok(()));
    }

    #[test]
    fn quote_within_a_plain_field_is_a_character() {
        check_is("a,5\" disk\nb, \"c\"\n", Ok(()));
    }

    #[test]
    fn quote_never_closed_is_found_where_it_opens() {
        check_is("a,b\n1,\"x\ny,2\n", Err((2, 1, Fault::Unclosed)));
        check_is("a,b\n1,\"x\"\"", Err((2, 1, Fault::Unclosed)));
        check_is("\"", Err((1, 0, Fault::Unclosed)));
    }

    #[test]
    fn text_after_a_closing_quote_is_found_where_the_quote_opens() {
        check_is("a\n\"hello\nfoo\n\"bar\"\n", Err((2, 0, Fault::TextAfter { closed: 4 })));
        check_is("\"a\" ,b", Err((1, 0, Fault::TextAfter { closed: 1 })));
    }
}
