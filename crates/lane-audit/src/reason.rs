//! Why a row stands where it stands, in one plain sentence.
//!
//! A sentence says what the numbers say and no more: shares that would round to 0 or 1 are given
//! as bounds, "rather than" needs the larger probability, and what was not measured is not
//! mentioned.

use std::borrow::Cow;

use crate::model::RowKind;

/// From this distance on two labels are called rarely confused.
pub const RARELY_CONFUSED: f64 = 0.95;
/// Up to this distance two labels are called often confused.
pub const OFTEN_CONFUSED: f64 = 0.7;
/// Both labels of a wavering model have at least this probability …
pub const WAVERS_FROM: f64 = 0.2;
/// … and they differ by at most this.
pub const WAVERS_WITHIN: f64 = 0.3;
/// Longer names of labels are cut.
const LONGEST_NAME: usize = 60;

/// What speaks for and against a label. What was not measured is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Evidence<'a> {
    /// What kind of row it is.
    pub kind: RowKind,
    /// The label it has.
    pub label: &'a str,
    /// The label that fits best; for a hard row whose label fits best, the next best may stand here.
    pub rival: &'a str,
    /// Probability of the label, by models that did not see the row.
    pub p_label: Option<f64>,
    /// Probability of the rival, by models that did not see the row.
    pub p_rival: Option<f64>,
    /// How far apart the two labels are for the model.
    pub label_distance: Option<f64>,
    /// How models that did not see the row voted.
    pub votes: Option<Votes>,
    /// How the row fared in training.
    pub passes: Option<Passes>,
    /// A row with the same or nearly the same text and another label.
    pub twin: Option<Twin<'a>>,
}

/// Votes of models that did not see the row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Votes {
    /// Models that voted.
    pub n_models: u32,
    /// Of them, for the rival.
    pub n_for_rival: u32,
}

/// Passes of training over the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passes {
    /// Passes made.
    pub n_passes: u32,
    /// Passes after which the model said the given label.
    pub n_agreeing: u32,
}

/// Rows with the same or nearly the same text and another label.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Twin<'a> {
    /// Their label.
    pub label: &'a str,
    /// The first of them, by its place in the file.
    pub row: u32,
    /// How many they are.
    pub n_rows: u32,
    /// 1 for the same text, below for one nearly the same.
    pub similarity: f64,
}

/// The sentence.
///
/// # Examples
///
/// ```
/// use lane_audit::reason::{Evidence, sentence};
/// use lane_audit::RowKind;
///
/// let why = sentence(&Evidence {
///     kind: RowKind::Wrong,
///     label: "card-lost",
///     rival: "refund",
///     p_label: Some(0.01),
///     p_rival: Some(0.97),
///     ..Evidence::default()
/// });
/// assert_eq!(why, "A model that did not see this row says `refund` (0.97) rather than `card-lost` (0.01).");
/// ```
pub fn sentence(evidence: &Evidence<'_>) -> String {
    match evidence.kind {
        RowKind::Wrong => wrong(evidence),
        RowKind::Conflict => conflict(evidence),
        RowKind::Hard => hard(evidence),
        RowKind::Fine => fine(evidence),
    }
}

fn wrong(evidence: &Evidence<'_>) -> String {
    let (label, rival) = (name(evidence.label), name(evidence.rival));
    if let Some(said) = said(evidence) {
        return match (evidence.twin, distance(evidence)) {
            (Some(twin), _) if twin.label == evidence.rival => {
                format!("{said}, and {}.", stands(twin))
            }
            (_, Some(distance)) if rival_leads(evidence) => format!("{said}, {distance}."),
            _ => format!("{said}."),
        };
    }
    if let Some(twin) = evidence.twin {
        return capitalized(&stands(twin));
    }
    match evidence.passes {
        Some(passes) if evidence.label != evidence.rival => format!(
            "Although trained with `{label}`, the model said so after {} of {} passes, and leans to `{rival}`.",
            passes.n_agreeing, passes.n_passes
        ),
        _ if evidence.label == evidence.rival => {
            format!("By its score, `{label}` is among the labels that fit worst.")
        }
        _ => format!(
            "By its score, `{label}` is among the labels that fit worst; `{rival}` fits better."
        ),
    }
}

fn conflict(evidence: &Evidence<'_>) -> String {
    match evidence.twin {
        Some(twin) => capitalized(&stands(twin)),
        None => "The same text, or nearly, stands under another label too.".to_owned(),
    }
}

fn hard(evidence: &Evidence<'_>) -> String {
    let (label, rival) = (name(evidence.label), name(evidence.rival));
    let differ = evidence.label != evidence.rival;
    match (evidence.p_label, evidence.p_rival) {
        (Some(p), Some(q)) if differ && wavers(p, q) => {
            let ((a, p), (b, q)) =
                if p < q { ((rival, q), (label, p)) } else { ((label, p), (rival, q)) };
            let (p, q) = (share(p), share(q));
            format!(
                "Hard: the model wavers between `{a}` ({p}) and `{b}` ({q}), and the label is one of them."
            )
        }
        (Some(p), Some(q)) if differ && p < q => {
            let (p, q) = (share(p), share(q));
            format!(
                "Hard: the model says `{rival}` ({q}) rather than `{label}` ({p}), but not clearly enough to call the label wrong."
            )
        }
        (Some(p), _) if p < 0.6 => {
            format!("Hard: the model gives the label `{label}` only {}.", share(p))
        }
        _ => match evidence.passes {
            Some(it) if it.n_agreeing < it.n_passes => format!(
                "Hard: while it learned, the model said `{label}` after {} of {} passes.",
                it.n_agreeing, it.n_passes
            ),
            _ => format!("Hard for the model, but nothing says that `{label}` is wrong."),
        },
    }
}

fn fine(evidence: &Evidence<'_>) -> String {
    let label = name(evidence.label);
    if evidence.label != evidence.rival && rival_leads(evidence) {
        return match said(evidence) {
            Some(said) => format!("{said}, but not clearly enough to flag it."),
            None => format!("Nothing speaks clearly against `{label}`."),
        };
    }
    match (evidence.p_label, evidence.passes) {
        (Some(p), _) if 0.5 < p => {
            format!("A model that did not see this row says `{label}` too ({}).", share(p))
        }
        (None, Some(it)) if it.n_passes < 2 * it.n_agreeing => format!(
            "While it learned, the model said `{label}` after {} of {} passes.",
            it.n_agreeing, it.n_passes
        ),
        _ => format!("Nothing speaks clearly against `{label}`."),
    }
}

/// What models that did not see the row say, as far as it is known; without a full stop.
fn said(evidence: &Evidence<'_>) -> Option<String> {
    if evidence.label == evidence.rival {
        return None;
    }
    let (label, rival) = (name(evidence.label), name(evidence.rival));
    let voice = match evidence.votes {
        Some(Votes { n_models, n_for_rival }) if 1 < n_models && 0 < n_for_rival => {
            let say = if n_for_rival == 1 { "says" } else { "say" };
            format!("{n_for_rival} of {n_models} models that did not see this row {say}")
        }
        _ => "A model that did not see this row says".to_owned(),
    };
    match (evidence.p_label, evidence.p_rival) {
        (Some(p), Some(q)) if p < q => {
            Some(format!("{voice} `{rival}` ({}) rather than `{label}` ({})", share(q), share(p)))
        }
        (Some(p), Some(q)) => Some(format!(
            "A model that did not see this row gives `{label}` {} and `{rival}` {}",
            share(p),
            share(q)
        )),
        _ => match evidence.votes {
            Some(Votes { n_for_rival, .. }) if 0 < n_for_rival => {
                Some(format!("{voice} `{rival}` rather than `{label}`"))
            }
            _ => None,
        },
    }
}

fn rival_leads(evidence: &Evidence<'_>) -> bool {
    matches!((evidence.p_label, evidence.p_rival), (Some(p), Some(q)) if p < q)
}

fn distance(evidence: &Evidence<'_>) -> Option<&'static str> {
    match evidence.label_distance {
        Some(distance) if RARELY_CONFUSED <= distance => Some("which are rarely confused"),
        Some(distance) if distance <= OFTEN_CONFUSED => Some("which are often confused"),
        _ => None,
    }
}

/// Where the text stands a second time, as part of a sentence.
fn stands(twin: Twin<'_>) -> String {
    let (label, row) = (name(twin.label), twin.row);
    let more = match twin.n_rows {
        0 | 1 => String::new(),
        2 => " and 1 more row".to_owned(),
        n_rows => format!(" and {} more rows", n_rows - 1),
    };
    if twin.similarity < 1.0 {
        let likeness = share(twin.similarity);
        format!(
            "nearly the same text (likeness {likeness}) stands under `{label}` in row {row}{more}"
        )
    } else {
        format!("the same text stands under `{label}` in row {row}{more}")
    }
}

fn capitalized(part: &str) -> String {
    let mut characters = part.chars();
    let first = characters.next().map(|it| it.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}

fn wavers(p: f64, q: f64) -> bool {
    WAVERS_FROM <= p.min(q) && (p - q).abs() <= WAVERS_WITHIN
}

/// Two digits, but never 0 or 1 for what is not.
fn share(value: f64) -> String {
    if value < 0.005 {
        "under 0.01".to_owned()
    } else if 0.995 <= value {
        "over 0.99".to_owned()
    } else {
        format!("{value:.2}")
    }
}

/// A label fit for a sentence: on one line, without the quotes around it, not too long.
fn name(label: &str) -> Cow<'_, str> {
    let plain = |it: char| !it.is_control() && it != '`';
    if label.chars().all(plain) && label.chars().nth(LONGEST_NAME).is_none() {
        return Cow::Borrowed(label);
    }
    let mut shown: String = label
        .chars()
        .take(LONGEST_NAME)
        .map(|it| {
            if it == '`' {
                '\''
            } else if it.is_control() {
                ' '
            } else {
                it
            }
        })
        .collect();
    if label.chars().nth(LONGEST_NAME).is_some() {
        shown.push('…');
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Evidence<'_> = Evidence {
        kind: RowKind::Wrong,
        label: "card-lost",
        rival: "refund",
        p_label: Some(0.01),
        p_rival: Some(0.97),
        label_distance: None,
        votes: None,
        passes: None,
        twin: None,
    };
    const TWIN: Twin<'_> = Twin { label: "refund", row: 17, n_rows: 1, similarity: 1.0 };

    fn all(evidence: &[Evidence<'_>]) -> String {
        evidence.iter().map(sentence).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn wrong_labels_are_told_by_models_that_did_not_see_the_row() {
        let votes = |n_models, n_for_rival| Some(Votes { n_models, n_for_rival });
        insta::assert_snapshot!(all(&[
            Evidence { votes: votes(5, 5), label_distance: Some(0.99), ..BASE },
            Evidence { votes: votes(5, 1), label_distance: Some(0.6), ..BASE },
            Evidence { votes: votes(1, 1), label_distance: Some(0.8), ..BASE },
            Evidence { p_label: Some(1e-9), p_rival: Some(1.0), ..BASE },
            Evidence { p_label: Some(0.4), p_rival: Some(0.35), votes: votes(5, 2), label_distance: Some(1.0), ..BASE },
            Evidence { p_label: None, p_rival: None, votes: votes(5, 4), ..BASE },
            Evidence { votes: votes(5, 5), twin: Some(TWIN), ..BASE },
            Evidence { votes: votes(5, 5), twin: Some(Twin { label: "other", ..TWIN }), ..BASE },
        ]), @"");
    }

    #[test]
    fn without_such_models_training_or_the_score_must_do() {
        let base = Evidence { p_label: None, p_rival: None, ..BASE };
        let passes = Some(Passes { n_passes: 10, n_agreeing: 1 });
        insta::assert_snapshot!(all(&[
            Evidence { passes, ..base },
            base,
            Evidence { rival: "card-lost", ..base },
            Evidence { twin: Some(TWIN), passes, ..base },
        ]), @"");
    }

    #[test]
    fn conflicts_name_the_other_row() {
        let base = Evidence { kind: RowKind::Conflict, ..BASE };
        insta::assert_snapshot!(all(&[
            Evidence { twin: Some(TWIN), ..base },
            Evidence { twin: Some(Twin { n_rows: 2, ..TWIN }), ..base },
            Evidence { twin: Some(Twin { n_rows: 4, similarity: 0.86, ..TWIN }), ..base },
            Evidence { twin: Some(Twin { similarity: 0.999, ..TWIN }), ..base },
            base,
        ]), @"");
    }

    #[test]
    fn hard_rows_are_not_called_wrong() {
        let base = Evidence { kind: RowKind::Hard, p_label: None, p_rival: None, ..BASE };
        let some =
            |p_label, p_rival| Evidence { p_label: Some(p_label), p_rival: Some(p_rival), ..base };
        let passes = |n_agreeing| Some(Passes { n_passes: 10, n_agreeing });
        insta::assert_snapshot!(all(&[
            some(0.4, 0.45),
            some(0.5, 0.3),
            some(0.1, 0.6),
            Evidence { rival: "card-lost", ..some(0.4, 0.4) },
            Evidence { passes: passes(6), ..base },
            Evidence { passes: passes(10), ..base },
        ]), @"");
    }

    #[test]
    fn fine_rows_say_what_agrees() {
        let base = Evidence { kind: RowKind::Fine, rival: "card-lost", ..BASE };
        let passes = |n_agreeing| Some(Passes { n_passes: 10, n_agreeing });
        insta::assert_snapshot!(all(&[
            Evidence { p_label: Some(0.98), ..base },
            Evidence { p_label: Some(0.3), ..base },
            Evidence { rival: "refund", p_label: Some(0.4), p_rival: Some(0.5), ..base },
            Evidence { p_label: None, p_rival: None, passes: passes(9), ..base },
            Evidence { p_label: None, p_rival: None, passes: passes(2), ..base },
        ]), @"");
    }

    #[test]
    fn names_cannot_break_out_of_their_quotes_or_lines() {
        let long = "x".repeat(70);
        let evidence = Evidence { label: "a`b\nc", rival: &long, ..BASE };
        insta::assert_snapshot!(sentence(&evidence), @"");
    }
}
