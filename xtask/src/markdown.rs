//! Tables of Markdown that read in a terminal too.

/// Rows padded to columns of one width; the first is the header.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let width_of = |column: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default().max(3)
    };
    let widths: Vec<usize> = (0..rows[0].len()).map(width_of).collect();
    let line = |row: &[String]| {
        let padded = row.iter().zip(&widths).map(|(text, &width)| format!("{text:<width$}"));
        format!("| {} |\n", padded.collect::<Vec<_>>().join(" | "))
    };
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let mut text = line(&rows[0]) + &line(&rule);
    text.extend(rows[1..].iter().map(|row| line(row)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["case", "ms"], ["a", "12345"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(aligned(&rows), "| case | ms    |\n| ---- | ----- |\n| a    | 12345 |\n");
    }
}
