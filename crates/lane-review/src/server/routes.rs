//! What the page asks, and what it is answered: JSON both ways.
//!
//! | request | answer |
//! |---|---|
//! | `GET /api/session` | who reviews what, how far, and where to begin |
//! | `GET /api/items/PLACE` | the row at that place of the queue |
//! | `GET /api/open/PLACE`, `GET /api/skipped/PLACE` | the next place without a decision; that was skipped |
//! | `GET /api/disagreements` | rows that annotators decided differently |
//! | `POST /api/decide` | keeps a decision |
//! | `POST /api/undo` | takes the annotator's newest decision back |

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lane_audit::AuditRow;
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::shown::{Disagreement, Item, Progress};
use super::Site;
use crate::agreement::opinions;
use crate::decision::{Decision, Entry, Standing};
use crate::error::ReviewError;

mod shown;

/// Why a request gets no answer.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(super) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// Understood, and not possible with this audit.
    fn impossible(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, message)
    }
}

impl From<ReviewError> for Refusal {
    fn from(error: ReviewError) -> Self {
        let causes = std::iter::successors(std::error::Error::source(&error), |it| it.source());
        let message = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.message }).to_string();
        (self.status, [(CONTENT_TYPE, "application/json")], body).into_response()
    }
}

type Answer = Result<Response, Refusal>;

fn answer(value: &impl Serialize) -> Answer {
    let body = serde_json::to_string(value)
        .map_err(|error| Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

pub(super) async fn session(State(site): State<Arc<Site>>) -> Answer {
    let standing = site.store().standing()?;
    let summary = &site.review.audit().summary;
    answer(&json!({
        "annotator": site.annotator,
        "file": summary.data.path.rsplit(['/', '\\']).next(),
        "score": summary.score,
        "labels": summary.labels,
        "progress": Progress::of(&site, &standing)?,
        "next": next_open(&site, &standing, site.review.n_shown() - 1),
    }))
}

pub(super) async fn item(State(site): State<Arc<Site>>, Path(place): Path<usize>) -> Answer {
    let n = site.review.n_shown();
    let row = site.review.at(place).ok_or_else(|| {
        let message = format!("there is no place {place}: there are {n} rows, the first is 0");
        Refusal::new(StatusCode::NOT_FOUND, message)
    })?;
    let standing = site.store().standing()?;
    answer(&Item::of(&site, place, row, &standing))
}

pub(super) async fn open(State(site): State<Arc<Site>>, Path(after): Path<usize>) -> Answer {
    let standing = site.store().standing()?;
    answer(&json!({ "next": next_open(&site, &standing, after) }))
}

pub(super) async fn skipped(State(site): State<Arc<Site>>, Path(after): Path<usize>) -> Answer {
    let standing = site.store().standing()?;
    let mine = mine(&site, &standing);
    let skipped = |row| mine.get(&row).is_some_and(|it| it.decision == Decision::Skip);
    answer(&json!({ "next": site.review.next(after, skipped) }))
}

pub(super) async fn disagreements(State(site): State<Arc<Site>>) -> Answer {
    let standing = site.store().standing()?;
    let rows: Vec<_> = opinions(&standing)
        .iter()
        .filter_map(|(row, opinions)| Disagreement::of(&site, *row, opinions))
        .collect();
    answer(&json!({ "rows": rows }))
}

/// The body of `POST /api/decide`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Decided {
    row: u32,
    decision: Decision,
    /// For [`Decision::Other`], and only there.
    #[serde(default)]
    label: Option<String>,
}

pub(super) async fn decide(State(site): State<Arc<Site>>, body: Bytes) -> Answer {
    let decided: Decided = serde_json::from_slice(&body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let row = site.review.row(decided.row).ok_or_else(|| {
        let n_rows = site.review.audit().rows.len();
        Refusal::impossible(format!(
            "row {} does not exist: there are {n_rows} rows, the first is 0",
            decided.row
        ))
    })?;
    let entry = Entry {
        row: row.row,
        label: &row.label,
        decision: decided.decision,
        new_label: new_label(&site, row, &decided)?,
        annotator: &site.annotator,
    };
    let mut store = site.store();
    let number = store.record(entry)?;
    let standing = store.standing()?;
    let next = site.review.place_of(row.row).and_then(|place| next_open(&site, &standing, place));
    answer(&json!({ "number": number, "progress": Progress::of(&site, &standing)?, "next": next }))
}

/// The label that a decision gives the row; none where it is skipped.
fn new_label<'a>(
    site: &Site,
    row: &'a AuditRow,
    decided: &'a Decided,
) -> Result<Option<&'a str>, Refusal> {
    match (decided.decision, decided.label.as_deref()) {
        (Decision::Keep, None) => Ok(Some(&row.label)),
        (Decision::Suggestion, None) if row.suggested == row.label => {
            Err(Refusal::impossible("the suggestion is the label that the row has"))
        }
        (Decision::Suggestion, None) => Ok(Some(&row.suggested)),
        (Decision::Skip, None) => Ok(None),
        (Decision::Other, Some(label)) if site.review.has_label(label) => Ok(Some(label)),
        (Decision::Other, Some(label)) => {
            Err(Refusal::impossible(format!("`{label}` is not a label of the file")))
        }
        (Decision::Other, None) => {
            Err(Refusal::impossible("another label was chosen, but none given"))
        }
        (_, Some(_)) => Err(Refusal::impossible("a label is given with `other` only")),
    }
}

pub(super) async fn undo(State(site): State<Arc<Site>>, body: Bytes) -> Answer {
    let _: Nothing = serde_json::from_slice(&body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, error.to_string()))?;
    let mut store = site.store();
    let Some(undone) = store.undo(&site.annotator)? else {
        return Err(Refusal::new(StatusCode::CONFLICT, "there is nothing to undo"));
    };
    let standing = store.standing()?;
    answer(&json!({
        "undone": undone,
        "place": site.review.place_of(undone.row),
        "progress": Progress::of(&site, &standing)?,
    }))
}

/// The body of `POST /api/undo`: an object without fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What the annotator of this server decided, by row.
fn mine<'a>(site: &Site, standing: &'a [Standing]) -> BTreeMap<u32, &'a Standing> {
    let mine = standing.iter().filter(|it| it.annotator == site.annotator);
    mine.map(|it| (it.row, it)).collect()
}

fn next_open(site: &Site, standing: &[Standing], after: usize) -> Option<usize> {
    let mine = mine(site, standing);
    site.review.next(after, |row| !mine.contains_key(&row))
}
