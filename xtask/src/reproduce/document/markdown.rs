//! The report as Markdown that reads in a terminal too.

use super::{Block, Picture, pieces};
use crate::csv::Table;
use crate::markdown::aligned;

/// The whole text; blocks stand apart by a blank line.
pub(in super::super) fn markdown(blocks: &[Block]) -> String {
    let parts: Vec<String> = blocks.iter().map(part).collect();
    parts.join("\n")
}

fn part(block: &Block) -> String {
    match block {
        Block::Heading(level, text) => heading(*level, text),
        Block::Text(text) => format!("{}\n", inline(text)),
        Block::List(lines) => list(lines),
        Block::Grid(table) | Block::Facts(table) => grid(table),
        Block::Verbatim(text) => {
            let fence = if text.contains("```") { "~~~~" } else { "```" };
            format!("{fence}text\n{}\n{fence}\n", text.trim_end())
        }
        Block::Picture(Picture { file, alt, .. }) => format!("![{}]({file})\n", inline(alt)),
        Block::Folded(title, blocks) => format!("{}\n{}", heading(2, title), markdown(blocks)),
    }
}

fn list(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| "- ".to_owned() + &inline(line)).collect();
    lines.join("\n") + "\n"
}

fn heading(level: u8, text: &str) -> String {
    format!("{} {}\n", "#".repeat(level.into()), inline(text))
}

fn grid(table: &Table) -> String {
    let fit = |field: &String| inline(field).replace('|', "\\|").replace('\n', " ");
    let rows = std::iter::once(&table.columns).chain(&table.rows);
    aligned(&rows.map(|row| row.iter().map(fit).collect()).collect::<Vec<_>>())
}

/// Text in which only code is markup.
fn inline(text: &str) -> String {
    let piece = |(piece, is_code): (&str, bool)| {
        if is_code { format!("`{piece}`") } else { escaped(piece) }
    };
    pieces(text).map(piece).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('*', "\\*")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_text() {
        assert_eq!(inline("<script> of `a<b>` & *c*"), "&lt;script> of `a<b>` &amp; \\*c\\*");
        let mut table = Table::new(&["a|b"]);
        table.rows.push(vec!["two\nlines".to_owned()]);
        assert_eq!(grid(&table), "| a\\|b      |\n| --------- |\n| two lines |\n");
    }

    #[test]
    fn blocks_stand_apart() {
        let blocks = [
            Block::heading(1, "Results"),
            Block::List(vec!["one".to_owned(), "two".to_owned()]),
            Block::Folded("More".to_owned(), vec![Block::Verbatim("x".to_owned())]),
        ];
        let expected = "# Results\n\n- one\n- two\n\n## More\n\n```text\nx\n```\n";
        assert_eq!(markdown(&blocks), expected);
    }
}
