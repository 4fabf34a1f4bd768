//! `lane review` and `lane apply`; the requests themselves are tested in `lane-review`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use lane_audit::model::DataFile;
use lane_audit::{Audit, AuditRow, RowKind, Summary};

use crate::support::Place;

/// `data.csv` and its audit: the second of three labels is wrong.
fn place() -> Place {
    let place = Place::new();
    place.write("data.csv", "text,label\none,a\ntwo,a\nthree,b\n");
    let row = |row: u32, rank, text: &str, label: &str, suggested: &str, kind| AuditRow {
        row,
        rank,
        id: row.to_string(),
        text: text.into(),
        label: label.into(),
        suggested: suggested.into(),
        flagged: kind == RowKind::Wrong,
        reason: "why".into(),
        kind,
        ..AuditRow::default()
    };
    let rows = vec![
        row(1, 1, "two", "a", "b", RowKind::Wrong),
        row(0, 2, "one", "a", "b", RowKind::Hard),
        row(2, 3, "three", "b", "b", RowKind::Fine),
    ];
    let data = DataFile {
        path: place.path("data.csv").display().to_string(),
        // Of the lines above, by `sha256sum`.
        sha256: "d5d1c0f322aafd1225d4a86a6b3d0fec4b77fe0e255e6b624cabc0f0f691b12c".into(),
        n_rows: 3,
        text_column: "text".into(),
        label_column: "label".into(),
        id_column: None,
    };
    let labels = vec!["a".into(), "b".into()];
    let summary = Summary { data, labels, ..Summary::default() };
    lane_audit::write(&place.path("audit"), &Audit { summary, rows }).unwrap();
    place
}

/// A running `lane review`; killed when it goes out of scope.
struct Running {
    child: Child,
    url: String,
}

impl Running {
    fn start(place: &Place, words: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lane"))
            .args(["review", "audit"])
            .args(words)
            .current_dir(place.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().into() }
    }

    /// Posts a decision as the page does; returns the status.
    fn decide(&self, body: &str) -> String {
        let rest = self.url.strip_prefix("http://127.0.0.1:").unwrap();
        let (port, token) = rest.split_once("/?token=").unwrap();
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        let length = body.len();
        write!(
            stream,
            "POST /api/decide HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nCookie: lane_review_{port}={token}\r\n\
             Content-Type: application/json\r\nX-Lane-Review: 1\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn what_was_decided_before_a_kill_is_applied_and_nothing_else() {
    let place = place();
    let ann = Running::start(&place, &["--annotator", "ann"]);
    assert_eq!(ann.decide(r#"{"row":1,"decision":"suggestion"}"#), "200");
    assert_eq!(ann.decide(r#"{"row":9,"decision":"keep"}"#), "422");
    drop(ann);
    let dry = place.lane("apply audit --dry-run --json").succeeded().json();
    assert_eq!((&dry["n_changed"], &dry["dry_run"]), (&1.into(), &true.into()));
    assert_eq!(place.names(), ["audit", "data.csv"]);
    let said = place.lane("apply audit").succeeded().stdout;
    assert!(said.starts_with("1 of 3 labels changed\n     1 rows decided\n"), "{said}");
    assert_eq!(place.read("data.corrected.csv"), "text,label\none,a\ntwo,b\nthree,b\n");
    assert!(place.read("data.changes.csv").contains("\n1,1,two,a,b,ann,20"));
    let again = place.lane("apply audit");
    assert_eq!(again.code, 2);
    assert!(
        again.stderr.contains("hint: choose another name, or give --force"),
        "{}",
        again.stderr
    );
}

#[test]
fn a_majority_may_decide_and_who_disagrees_is_named() {
    let place = place();
    for (name, decision) in [("ann", "suggestion"), ("bob", "keep"), ("cyn", "suggestion")] {
        let running = Running::start(&place, &["--annotator", name, "--kinds", "wrong"]);
        let body = format!(r#"{{"row":1,"decision":"{decision}"}}"#);
        assert_eq!(running.decide(&body), "200");
    }
    let said = place.lane("apply audit --dry-run").succeeded().stdout;
    assert!(said.starts_with("0 of 3 labels would change\n"), "{said}");
    assert!(said.contains("     1 rows left: annotators disagree\n"), "{said}");
    assert!(said.contains("row 1, now a: ann: b, bob: a, cyn: b\n"), "{said}");
    let by_most =
        place.lane("apply audit --dry-run --min-agreement 0.66 --json").succeeded().json();
    assert_eq!(by_most["n_changed"], 1);
}

#[test]
fn decisions_on_rows_drawn_at_random_say_how_right_the_flags_are() {
    let place = place();
    let running = Running::start(&place, &["--estimate"]);
    assert_eq!(running.decide(r#"{"row":1,"decision":"suggestion"}"#), "200");
    drop(running);
    let said = place.lane("apply audit --dry-run").succeeded().stdout;
    // One row of three is flagged, so that all flagged rows were seen.
    let expected = "of 1 flagged rows looked at, 1 wrong: precision 1.00 (1.00 to 1.00)";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn what_cannot_be_reviewed_or_applied_is_wrong_usage() {
    let place = place();
    let refused = |line: &str, answer: &str| {
        let said = place.lane(line);
        assert_eq!(said.code, 2, "{}", said.stderr);
        assert!(said.stdout.is_empty() && said.stderr.contains(answer), "{line}: {}", said.stderr);
    };
    refused("review none", "none is not the folder of a finished audit: audit.json");
    refused(
        "review audit --kinds conflict",
        "the audit has no rows of the kinds asked for (conflict)",
    );
    refused("apply audit", "nobody has decided anything yet");
    refused(
        "apply audit --min-agreement 0.5",
        "the least agreement is 0.5, expected a share above 0.5",
    );
    place.write("data.csv", "text,label\none,a\ntwo,b\n");
    refused("apply audit --accept-flagged", "data.csv has changed since the audit: its SHA-256 is");
}

#[test]
fn the_help_of_apply_says_what_is_never_done() {
    let said = Place::new().lane("apply --help").succeeded().stdout;
    for promise in
        ["beside the audited file, which is never changed", "keep their label and are listed"]
    {
        assert!(said.contains(promise), "{said}");
    }
}
