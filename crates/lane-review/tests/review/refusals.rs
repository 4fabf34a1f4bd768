//! Requests that are not answered.

use lane_review::{Review, ReviewError, RowKind, Server, ServerOptions};

use crate::client::{Answer, Client};
use crate::folder::{Folder, KINDS};

const KEEP: &str = r#"{"row":0,"decision":"keep"}"#;

#[track_caller]
fn refused(answer: &Answer, status: u16, why: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    assert!(answer.error().contains(why), "{answer:?}");
    assert!(!answer.head.contains("access-control-"), "{}", answer.head);
    assert!(answer.head.contains("content-security-policy: default-src 'none';"));
}

/// A write with these headers beside host and cookie.
fn write(client: &Client, headers: &[&str], body: &str) -> Answer {
    let (host, cookie) = (client.host(), client.cookie());
    let all: Vec<&str> =
        [host.as_str(), &cookie].into_iter().chain(headers.iter().copied()).collect();
    client.send("POST /api/decide", &all, body)
}

const JSON: &str = "Content-Type: application/json";
const OURS: &str = "X-Lane-Review: 1";

#[test]
fn without_the_token_there_is_nothing_to_see() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let wrong = format!("GET /?token={}", "0".repeat(64));
    let why = "open the whole address";
    refused(&client.send(&wrong, &[&client.host()], ""), 403, why);
    let cookie = format!("Cookie: lane_review_{}={}", client.port, "0".repeat(64));
    refused(&client.send("GET /api/session", &[&client.host(), &cookie], ""), 403, why);
    for path in
        ["/", "/review.js", "/review.css", "/icon.svg", "/api/session", "/api/items/0", "/none"]
    {
        refused(&client.send(&format!("GET {path}"), &[&client.host()], ""), 403, why);
    }
    refused(&client.send("POST /api/decide", &[&client.host(), JSON, OURS], KEEP), 403, why);
    let other = folder.serve("bob");
    let cookie = format!("Cookie: lane_review_{}={}", client.port, other.token);
    refused(&client.send("GET /", &[&client.host(), &cookie], ""), 403, why);
}

#[test]
fn the_token_in_the_address_opens_the_page_and_nothing_else() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let page = client.send(&format!("GET /?token={}", client.token), &[&client.host()], "");
    assert_eq!(page.status, 200);
    let cookie =
        format!("lane_review_{}={}; path=/; httponly; samesite=strict", client.port, client.token);
    assert!(page.head.contains(&cookie), "{}", page.head);
    assert!(!page.body.contains(&client.token));
    for line in ["GET /api/session", "POST /api/undo"] {
        let line = format!("{line}?token={}", client.token);
        refused(&client.send(&line, &[&client.host(), JSON, OURS], "{}"), 403, "whole address");
    }
}

#[test]
fn a_foreign_host_is_refused_even_with_the_token() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let port = client.port;
    let why = "the address must be 127.0.0.1 or localhost";
    for host in [
        format!("Host: evil.example:{port}"),
        "Host: 127.0.0.1".into(),
        format!("Host: 127.0.0.1:{}", port ^ 1),
        format!("Host: 127.0.0.1.evil.example:{port}"),
        format!("Host: 127.0.0.1:{port}\r\nHost: evil.example"),
        "X-Forwarded-Host: 127.0.0.1".into(),
    ] {
        refused(&client.send("GET /api/session", &[&host, &client.cookie()], ""), 403, why);
    }
    let line = format!("GET http://evil.example:{port}/api/session");
    refused(&client.send(&line, &[&client.host(), &client.cookie()], ""), 403, why);
    let localhost = format!("Host: LOCALHOST:{port}");
    client.send("GET /api/session", &[&localhost, &client.cookie()], "").json();
}

#[test]
fn a_write_needs_our_origin_json_and_our_header() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    for origin in ["https://evil.example", "null", "http://127.0.0.1", "https://127.0.0.1:1"] {
        let origin = format!("Origin: {origin}");
        refused(&write(&client, &[JSON, OURS, &origin], KEEP), 403, "a write from another site");
    }
    refused(&write(&client, &[JSON], KEEP), 403, "a write without the header x-lane-review");
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
        let kind = format!("Content-Type: {kind}");
        refused(&write(&client, &[&kind, OURS], KEEP), 415, "a write must be application/json");
    }
    refused(&write(&client, &[OURS], KEEP), 415, "a write must be application/json");
    let kept = client.get("/api/session").json();
    assert_eq!(kept["progress"]["n_decided"], 0);
    write(&client, &["Content-Type: application/json; charset=utf-8", OURS], KEEP).json();
    let ours = format!("Origin: http://localhost:{}", client.port);
    write(&client, &[JSON, OURS, &ours], KEEP).json();
}

#[test]
fn writes_are_posts_and_no_other_site_is_allowed_anything() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    for path in ["/api/decide", "/api/undo"] {
        refused(&client.get(path), 405, "");
    }
    refused(&client.post("/api/session", "{}"), 405, "");
    let preflight = ["Origin: https://evil.example", "Access-Control-Request-Method: POST"];
    let (host, cookie) = (client.host(), client.cookie());
    refused(&client.send("OPTIONS /api/decide", &[&host, preflight[0], preflight[1]], ""), 403, "");
    refused(
        &client.send("OPTIONS /api/decide", &[&host, &cookie, preflight[0], preflight[1]], ""),
        403,
        "another site",
    );
}

#[test]
fn bodies_that_say_nothing_sensible_are_refused() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let oversized = format!(r#"{{"row":0,"decision":"other","label":"{}"}}"#, "x".repeat(20_000));
    refused(&client.post("/api/decide", &oversized), 413, "");
    for (body, status, why) in [
        ("", 400, "EOF"),
        (r#"{"row":0,"decision":"kept"}"#, 400, "unknown variant `kept`"),
        (r#"{"row":-1,"decision":"keep"}"#, 400, "invalid value"),
        (r#"{"row":0,"decision":"keep","annotator":"bob"}"#, 400, "unknown field `annotator`"),
        (r#"{"row":6,"decision":"keep"}"#, 422, "row 6 does not exist: there are 6 rows"),
        (
            r#"{"row":0,"decision":"other","label":"thing"}"#,
            422,
            "`thing` is not a label of the file",
        ),
        (r#"{"row":0,"decision":"other"}"#, 422, "but none given"),
        (r#"{"row":0,"decision":"keep","label":"place"}"#, 422, "with `other` only"),
        (
            r#"{"row":3,"decision":"suggestion"}"#,
            422,
            "the suggestion is the label that the row has",
        ),
    ] {
        refused(&client.post("/api/decide", body), status, why);
    }
    refused(&client.post("/api/undo", ""), 400, "EOF");
    refused(&client.post("/api/undo", "{}"), 409, "there is nothing to undo");
    refused(&client.get("/api/items/5"), 404, "there are 5 rows");
    refused(&client.get("/api/items/-1"), 400, "");
    assert_eq!(client.get("/api/session").json()["progress"]["n_decided"], 0);
}

#[test]
fn the_page_puts_data_in_as_text_and_loads_nothing_from_elsewhere() {
    let folder = Folder::new();
    let client = folder.serve("ann");
    let page = client.get("/");
    for header in [
        "frame-ancestors 'none'",
        "script-src 'self'; style-src 'self'",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
    ] {
        assert!(page.head.contains(header), "{header}: {}", page.head);
    }
    let script = client.get("/review.js").body;
    for markup in
        ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http"]
    {
        assert!(!script.contains(markup), "{markup}");
    }
    for inline in ["style=", "onclick", "<script>", "<style", "http:", "https:"] {
        assert!(!page.body.contains(inline), "{inline}");
    }
}

#[test]
fn what_cannot_be_served_is_refused_before_a_port_is_opened() {
    let folder = Folder::new();
    let error = Review::open(&folder.audit(), &[]).unwrap_err();
    assert!(matches!(error, ReviewError::NothingToShow { .. }) && error.is_usage());
    assert_eq!(Review::open(&folder.audit(), &[RowKind::Fine]).unwrap().n_shown(), 1);
    let bind = |annotator: &str, port| {
        let review = Review::open(&folder.audit(), &KINDS).unwrap();
        let options = ServerOptions { annotator: annotator.into(), port };
        Server::bind(&folder.audit(), review, &options).unwrap_err().to_string()
    };
    assert_eq!(bind(" ", 0), "the name of the annotator is \" \", expected some letters");
    let taken = folder.serve("ann").port;
    assert_eq!(bind("ann", taken), format!("cannot listen on 127.0.0.1:{taken}"));
}
