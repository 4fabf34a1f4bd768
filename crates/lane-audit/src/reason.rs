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
    /// Probability of the label, by models that did not see the row; the mean where they are several.
    pub p_label: Option<f64>,
    /// Probability of the rival, likewise.
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
        (Some(p), _) if 0.5 < p => match evidence.votes {
            Some(Votes { n_models: 2.., .. }) => {
                format!(
                    "Models that did not see this row say `{label}` too ({} on average).",
                    share(p)
                )
            }
            _ => format!("A model that did not see this row says `{label}` too ({}).", share(p)),
        },
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
    let (n_models, n_for_rival) =
        evidence.votes.map_or((1, 1), |votes| (votes.n_models, votes.n_for_rival));
    let voice = match (n_models, n_for_rival) {
        (..=1, _) => "A model that did not see this row says".to_owned(),
        (_, 1) => format!("1 of {n_models} models that did not see this row says"),
        _ => format!("{n_for_rival} of {n_models} models that did not see this row say"),
    };
    match (evidence.p_label, evidence.p_rival) {
        (Some(p), Some(q)) if p < q && 0 < n_for_rival => {
            Some(format!("{voice} `{rival}` ({}) rather than `{label}` ({})", share(q), share(p)))
        }
        (Some(p), Some(q)) => {
            let (p, q) = (share(p), share(q));
            Some(if n_models < 2 {
                format!("A model that did not see this row gives `{label}` {p} and `{rival}` {q}")
            } else {
                format!(
                    "{n_models} models that did not see this row give `{label}` {p} and `{rival}` {q} on average"
                )
            })
        }
        _ if evidence.votes.is_some() && 0 < n_for_rival => {
            Some(format!("{voice} `{rival}` rather than `{label}`"))
        }
        _ => None,
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
mod tests;
