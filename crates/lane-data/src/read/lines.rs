//! Line numbers of ascending byte offsets.
//!
//! A line ends with `\n`, `\r\n` or a lone `\r`, as the csv crate ends records. Its own line
//! numbers count `\n` only, and stand before the blank lines that it skips.

/// Walks forward through a file, counting lines.
pub(super) struct LineCounter<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl<'a> LineCounter<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, line: 1 }
    }

    /// The line of byte `offset`; offsets must not descend.
    pub(super) fn line_of(&mut self, offset: usize) -> u64 {
        let end = offset.min(self.bytes.len());
        while self.at < end {
            let ends_line = match self.bytes[self.at] {
                b'\n' => true,
                b'\r' => self.bytes.get(self.at + 1) != Some(&b'\n'),
                _ => false,
            };
            self.line += u64::from(ends_line);
            self.at += 1;
        }
        self.line
    }

    /// The line of the first byte from `offset` on that does not end a line: where a record
    /// starts when a reader has stopped at `offset`.
    pub(super) fn line_of_record(&mut self, offset: usize) -> u64 {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        let blank = rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.line_of(offset + blank)
    }
}

#[cfg(test)]
mod tests {
    use super::LineCounter;

    #[test]
    fn every_kind_of_line_end_counts_once() {
        let mut counter = LineCounter::new(b"a\nb\r\nc\rd");
        let lines: Vec<u64> = [0, 2, 5, 7].map(|offset| counter.line_of(offset)).to_vec();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert_eq!(counter.line_of(1000), 4);
    }

    #[test]
    fn blank_lines_before_a_record_are_counted() {
        let mut counter = LineCounter::new(b"a\n\n\r\nb\n");
        assert_eq!(counter.line_of_record(0), 1);
        assert_eq!(counter.line_of_record(2), 4);
        assert_eq!(counter.line_of_record(1000), 5);
    }
}
