//! The report as one HTML page: no network, no scripts, drawings inside.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Block, Picture, pieces};
use crate::csv::Table;

const STYLE: &str = include_str!("page.css");

/// The page; `title` is what a browser's tab shows.
pub(in super::super) fn page(title: &str, blocks: &[Block]) -> String {
    let first_section = blocks.iter().position(is_section);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { main { @for (at, block) in blocks.iter().enumerate() {
                @if Some(at) == first_section { (contents(blocks)) }
                @if is_section(block) { span id=(anchor(at)) {} }
                (part(block))
            } } }
        }
    };
    page.into_string() + "\n"
}

fn is_section(block: &Block) -> bool {
    matches!(block, Block::Heading(2, _) | Block::Folded(..))
}

/// Where links inside the page lead.
fn anchor(at: usize) -> String {
    format!("section-{at}")
}

/// Links to the sections.
fn contents(blocks: &[Block]) -> Markup {
    let sections = blocks.iter().enumerate().filter_map(|(at, block)| match block {
        Block::Heading(2, title) | Block::Folded(title, _) => Some((at, title)),
        _ => None,
    });
    html! {
        nav aria-label="Contents" {
            @for (at, title) in sections { a href={ "#" (anchor(at)) } { (inline(title)) } " " }
        }
    }
}

fn part(block: &Block) -> Markup {
    match block {
        Block::Heading(level, text) => heading(*level, text),
        Block::Text(text) => html! { p { (inline(text)) } },
        Block::List(lines) => html! { ul { @for line in lines { li { (inline(line)) } } } },
        Block::Grid(table) => grid(table, "grid"),
        Block::Facts(table) => grid(table, "grid words"),
        Block::Verbatim(text) => html! { pre { (text) } },
        Block::Picture(picture) => drawing(picture),
        Block::Folded(title, blocks) => html! {
            details { summary { (inline(title)) } @for block in blocks { (part(block)) } }
        },
    }
}

fn heading(level: u8, text: &str) -> Markup {
    match level {
        1 => html! { h1 { (inline(text)) } },
        2 => html! { h2 { (inline(text)) } },
        _ => html! { h3 { (inline(text)) } },
    }
}

/// Scrolls sideways where the screen is narrow; the first column stays.
fn grid(table: &Table, class: &str) -> Markup {
    html! {
        div class=(class) tabindex="0" {
            table {
                thead { tr { @for title in &table.columns { th scope="col" { (inline(title)) } } } }
                tbody {
                    @for row in &table.rows {
                        tr { @for (at, field) in row.iter().enumerate() { (cell(at, field)) } }
                    }
                }
            }
        }
    }
}

fn cell(at: usize, field: &str) -> Markup {
    let kind = match field {
        "reproduced" | "holds" => Some("good"),
        "not reproduced" | "contradicted" => Some("bad"),
        "not run" | "data not available" | "no verdict" | "undecided" => Some("open"),
        _ => None,
    };
    if at == 0 {
        return html! { th scope="row" { (inline(field)) } };
    }
    html! {
        td { @if let Some(kind) = kind { span class=(kind) { (field) } } @else { (inline(field)) } }
    }
}

/// Drawn by this program, with its texts escaped by the library that draws.
fn drawing(Picture { alt, svg, .. }: &Picture) -> Markup {
    html! { figure role="img" aria-label=(alt) { (PreEscaped(svg)) } }
}

fn inline(text: &str) -> Markup {
    html! {
        @for (piece, is_code) in pieces(text) {
            @if is_code { code { (piece) } } @else { (piece) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_becomes_markup() {
        let evil = "<script>alert(1)</script>";
        let mut table = Table::new(&[evil]);
        table.rows.push(vec![evil.to_owned()]);
        table.rows.push(vec!["\"><img src=x>".to_owned()]);
        let blocks = [
            Block::heading(2, evil),
            Block::text(format!("`{evil}` {evil}")),
            Block::List(vec![evil.to_owned()]),
            Block::Grid(table),
            Block::Verbatim(evil.to_owned()),
            Block::Folded(evil.to_owned(), Vec::new()),
        ];
        let page = page(evil, &blocks);
        assert!(!page.contains("<script") && !page.contains("<img"), "{page}");
        assert_eq!(page.matches("&lt;script&gt;").count(), 11);
    }

    #[test]
    fn the_page_needs_nothing_from_elsewhere() {
        let page = page("Results", &[Block::heading(2, "Standing")]);
        assert!(page.contains("<a href=\"#section-0\">Standing</a>"), "{page}");
        let outward = ["http:", "https:", "//", "src=", "@import", "url("];
        assert!(outward.iter().all(|it| !page.contains(it)), "{page}");
    }

    #[test]
    fn verdicts_are_words_with_a_color_and_not_a_color_alone() {
        assert_eq!(
            cell(2, "reproduced").into_string(),
            "<td><span class=\"good\">reproduced</span></td>"
        );
        assert_eq!(cell(2, "0.5").into_string(), "<td>0.5</td>");
    }
}
