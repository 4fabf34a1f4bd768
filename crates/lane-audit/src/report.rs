//! The report of an audit: one HTML page that needs nothing else.
//!
//! Style, script, plots and rows are in the page; it opens no connection, and its content
//! security policy forbids it to. The first rows are plain HTML; with a script all of them can be
//! sorted and filtered. They are in the page as JSON in which no text can end an element
//! ([`rows`]), and the script puts texts on the page as texts, never as HTML.
//!
//! [`Limits`] keep the page small enough for a mail; it says what it left out.

mod format;
mod health;
mod left_out;
mod numbers;
mod plots;
pub mod rows;
mod source;
mod twins;

use std::path::Path;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};

use crate::error::AuditError;
use crate::folder::replace;
use crate::model::Audit;
use left_out::LeftOut;

/// Name of the page in the folder of the audit.
pub const FILE: &str = "report.html";
const STYLE: &str = include_str!("report/page.css");
const SCRIPT: &str = include_str!("report/page.js");

/// How much of an audit the page holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows, from the top of the ranking.
    pub rows: usize,
    /// Characters of a text; the rest is cut.
    pub characters: usize,
    /// Bytes of texts and reasons together; many mail servers refuse more than 25 MB.
    pub bytes: usize,
    /// Rows that are there without the script, too, and on paper.
    pub plain_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rows: 50_000, characters: 1_000, bytes: 16 << 20, plain_rows: 100 }
    }
}

/// Writes the page to [`FILE`] in `folder`, whole or not at all.
///
/// # Errors
///
/// [`AuditError::Io`], and [`AuditError::Plot`] should a plot fail.
pub fn write(folder: &Path, audit: &Audit) -> Result<(), AuditError> {
    replace(&folder.join(FILE), page(audit, &Limits::default())?.as_bytes())
}

/// The page.
///
/// # Errors
///
/// [`AuditError::Plot`] should a plot fail.
pub fn page(audit: &Audit, limits: &Limits) -> Result<String, AuditError> {
    let left_out = LeftOut::of(audit, limits);
    let file = format::file_name(&audit.summary.data.path);
    let plots = plots::section(audit)?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Labels of " (file) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#ranking" { "Skip to the ranking" }
                header {
                    h1 { "Labels of " (file) }
                    (contents(audit))
                }
                main {
                    (numbers::section(&audit.summary))
                    (rows::section(audit, limits, &left_out))
                    (plots)
                    (health::sections(&audit.summary))
                    (twins::section(audit))
                    (source::section(&audit.summary))
                }
                (rows::data(audit, limits, &left_out)?)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

fn contents(audit: &Audit) -> Markup {
    let summary = &audit.summary;
    let parts = [
        ("numbers", "Numbers", true),
        ("ranking", "Ranking", true),
        ("plots", "Plots", plots::any(audit)),
        ("classes", "Classes", !summary.classes.is_empty()),
        ("pairs", "Confused labels", !summary.pairs.is_empty()),
        ("twins", "Duplicates", !summary.duplicates.is_empty()),
        ("source", "Source", true),
    ];
    html! {
        nav aria-label="Contents" {
            ul {
                @for (id, name, _) in parts.iter().filter(|(_, _, there)| *there) {
                    li { a href={ "#" (id) } { (name) } }
                }
            }
        }
    }
}

/// Only our own script may run, by its hash, and nothing may be fetched: should a text ever end up
/// as HTML, it still does nothing.
fn policy() -> String {
    let hash = base64(&Sha256::digest(SCRIPT));
    format!(
        "default-src 'none'; script-src 'sha256-{hash}'; style-src 'unsafe-inline'; \
         base-uri 'none'; form-action 'none'"
    )
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= group.len() { digit.into() } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
