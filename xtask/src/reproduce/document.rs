//! A report as a list of blocks, written as Markdown and as one HTML page with the same words.
//!
//! Text between backquotes is code; nothing else is markup, and whatever else a name or a message
//! holds is shown as it is.

mod markdown;
mod page;

pub(super) use self::markdown::markdown;
pub(super) use self::page::page;

use crate::csv::Table;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Block {
    /// From level 1, the title.
    Heading(u8, String),
    Text(String),
    List(Vec<String>),
    Grid(Table),
    /// A table of words, not of numbers.
    Facts(Table),
    /// Lines as they are.
    Verbatim(String),
    Picture(Picture),
    /// A section that the page keeps closed until it is asked for.
    Folded(String, Vec<Block>),
}

/// A drawing in a file beside the report.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) file: String,
    pub(super) alt: String,
    pub(super) svg: String,
}

impl Block {
    pub(super) fn heading(level: u8, text: impl Into<String>) -> Self {
        Self::Heading(level, text.into())
    }

    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

/// Pieces of a text, and whether each is code.
fn pieces(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let pieces = text.split('`').enumerate().map(|(at, piece)| (piece, at % 2 == 1));
    pieces.filter(|(piece, _)| !piece.is_empty())
}
