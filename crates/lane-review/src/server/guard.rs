//! What a request needs before it is answered, and what every answer carries.
//!
//! | needs | keeps out |
//! |---|---|
//! | `Host: 127.0.0.1:PORT` or `localhost:PORT` | a foreign name that was made to point here (DNS rebinding) |
//! | the token, once in the address, then in a cookie | other users of the machine, other pages |
//! | to write: our `Origin` where there is one, JSON, and a header of our own | other pages, which can send neither unasked |
//!
//! The cookie is not readable by scripts and not sent from other sites. Its name has the port, since
//! cookies of all ports are kept together. No answer allows another origin anything.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Site;
use super::routes::Refusal;
use crate::error::ReviewError;

/// A form cannot send it, and a script of another origin only if we allowed it to.
const WRITE_HEADER: &str = "x-lane-review";
const TOKEN_BYTES: usize = 32;

const ALWAYS: [(HeaderName, &str); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// A secret that cannot be guessed.
pub(super) fn random_token() -> Result<String, ReviewError> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(ReviewError::NoRandomness)?;
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    Ok(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

/// The cookie that stands for the token from the first page on.
pub(super) fn cookie(site: &Site) -> String {
    format!("{}={}; Path=/; HttpOnly; SameSite=Strict", cookie_name(site), site.token)
}

fn cookie_name(site: &Site) -> String {
    format!("lane_review_{}", site.port)
}

pub(super) async fn check(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let mut response = match admit(&site, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    for (name, value) in ALWAYS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn admit(site: &Site, request: &Request) -> Result<(), Refusal> {
    let (uri, headers) = (request.uri(), request.headers());
    if !is_our_host(site, uri, headers) {
        return Err(Refusal::forbidden(
            "the address must be 127.0.0.1 or localhost, with our port",
        ));
    }
    if !has_token(site, request.method(), uri, headers) {
        return Err(Refusal::forbidden("open the whole address that `lane review` printed last"));
    }
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        return Ok(());
    }
    admit_write(site, headers)
}

fn admit_write(site: &Site, headers: &HeaderMap) -> Result<(), Refusal> {
    let ours = our_hosts(site).map(|host| format!("http://{host}"));
    let foreign = |origin: &HeaderValue| !ours.iter().any(|it| it.as_bytes() == origin.as_bytes());
    if headers.get_all(header::ORIGIN).iter().any(foreign) {
        return Err(Refusal::forbidden("a write from another site"));
    }
    if !headers.contains_key(WRITE_HEADER) {
        return Err(Refusal::forbidden("a write without the header x-lane-review"));
    }
    let kind = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        return Err(Refusal::new(status, "a write must be application/json"));
    }
    Ok(())
}

fn our_hosts(site: &Site) -> [String; 2] {
    ["127.0.0.1", "localhost"].map(|name| format!("{name}:{}", site.port))
}

/// One header `Host`, and an address in the request line, if any, that say who we are.
fn is_our_host(site: &Site, uri: &Uri, headers: &HeaderMap) -> bool {
    let ours = our_hosts(site);
    let is_ours = |host: &[u8]| ours.iter().any(|it| host.eq_ignore_ascii_case(it.as_bytes()));
    let mut hosts = headers.get_all(header::HOST).iter();
    let one = hosts.next().is_some_and(|host| is_ours(host.as_bytes())) && hosts.next().is_none();
    one && uri.authority().is_none_or(|it| is_ours(it.as_str().as_bytes()))
}

/// In the cookie; in the address only where a person opens the page.
fn has_token(site: &Site, method: &Method, uri: &Uri, headers: &HeaderMap) -> bool {
    let name = cookie_name(site);
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut cookies =
        cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    if cookies.any(|(key, value)| key == name && is_same(value, &site.token)) {
        return true;
    }
    let mut fields = uri.query().unwrap_or("").split('&').filter_map(|it| it.split_once('='));
    let opens = *method == Method::GET && uri.path() == "/";
    opens && fields.any(|(key, value)| key == "token" && is_same(value, &site.token))
}

/// In a time that does not depend on where the two differ.
fn is_same(found: &str, expected: &str) -> bool {
    let differences = found.bytes().zip(expected.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    found.len() == expected.len() && differences == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (random_token().unwrap(), random_token().unwrap());
        assert_eq!(one.len(), 2 * TOKEN_BYTES);
        assert_ne!(one, other);
    }

    #[test]
    fn only_the_whole_token_is_the_token() {
        assert!(is_same("abc", "abc"));
        for other in ["", "ab", "abd", "abcd", "ABC"] {
            assert!(!is_same(other, "abc"), "{other}");
        }
    }
}
