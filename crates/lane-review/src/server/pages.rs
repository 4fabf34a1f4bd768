//! The page itself: three files and an icon, part of the program.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::response::IntoResponse;

use super::{Site, guard};

/// The page; brings the cookie, so that nothing after it needs the token in an address.
pub(super) async fn index(State(site): State<Arc<Site>>) -> impl IntoResponse {
    let headers =
        [(CONTENT_TYPE, "text/html; charset=utf-8".to_owned()), (SET_COOKIE, guard::cookie(&site))];
    (headers, include_str!("../page/review.html"))
}

pub(super) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], include_str!("../page/review.js"))
}

pub(super) async fn style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], include_str!("../page/review.css"))
}

pub(super) async fn icon() -> impl IntoResponse {
    ([(CONTENT_TYPE, "image/svg+xml")], include_str!("../page/icon.svg"))
}
