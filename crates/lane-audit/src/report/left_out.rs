//! What the page leaves out of an audit.

use maud::{Markup, html};

use super::Limits;
use super::format::{count, counted};
use crate::model::Audit;

/// Bytes of a row's numbers as JSON, more or less.
const NUMBERS: usize = 100;

/// What the page leaves out of an audit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "they are counts, and named so everywhere")]
pub(super) struct LeftOut {
    /// Rows in the page.
    pub(super) n_rows: usize,
    /// Rows of the audit that are not.
    pub(super) n_missing: usize,
    /// Of them, flagged.
    pub(super) n_flagged: usize,
    /// Rows in the page whose text is cut.
    pub(super) n_cut: usize,
}

impl LeftOut {
    pub(super) fn of(audit: &Audit, limits: &Limits) -> Self {
        let mut bytes = 0;
        let fits = |row: &&crate::model::AuditRow| {
            let text = row.text.len().min(4 * limits.characters);
            bytes += text + row.reason.len() + row.id.len() + NUMBERS;
            bytes <= limits.bytes
        };
        let n_rows = audit.rows.iter().take(limits.rows).take_while(fits).count();
        let (shown, missing) = audit.rows.split_at(n_rows);
        let longer = |text: &str| text.chars().nth(limits.characters).is_some();
        Self {
            n_rows,
            n_missing: missing.len(),
            n_flagged: missing.iter().filter(|row| row.flagged).count(),
            n_cut: shown.iter().filter(|row| longer(&row.text)).count(),
        }
    }

    /// What a reader has to know about it.
    pub(super) fn notes(self, limits: &Limits) -> Markup {
        html! {
            @if self.n_missing > 0 {
                p.note {
                    "This page has the first " (counted(self.n_rows, "row", "rows"))
                    " of the ranking. " (count(self.n_missing)) " more are in labels.csv beside it"
                    @match self.n_flagged {
                        0 => { ", none of them flagged." },
                        n => { ", " (count(n)) " of them flagged." },
                    }
                }
            }
            @if self.n_cut > 0 {
                p.note {
                    (counted(self.n_cut, "text is", "texts are")) " cut after "
                    (count(limits.characters)) " characters; labels.csv has them whole."
                }
            }
        }
    }
}
