//! The page as bytes; how it behaves in a browser is tested beside `fixtures/reference`.

use super::*;
use crate::model::*;

const HOSTILE: &str =
    "</script><script>alert(1)</script><!-- \" onerror=\"alert(2) ' &amp; \u{2028}";

fn row(at: u32, text: &str) -> AuditRow {
    AuditRow {
        row: at,
        id: format!("id-{at}"),
        text: text.to_owned(),
        label: "a".into(),
        suggested: "b".into(),
        score: 1.0 / f64::from(at + 1),
        flagged: at < 2,
        reason: format!("Because of {text}"),
        rank: at + 1,
        kind: if at < 2 { RowKind::Wrong } else { RowKind::Fine },
        p_wrong: Some(0.5),
        alm: Some(f64::from(at)),
        confidence: Some(0.25),
        variability: Some(0.125),
        ..AuditRow::default()
    }
}

fn audit(texts: &[&str]) -> Audit {
    let rows: Vec<_> = texts.iter().enumerate().map(|(at, text)| row(at as u32, text)).collect();
    let data =
        DataFile { path: "/home/me/mine.csv".into(), n_rows: rows.len(), ..DataFile::default() };
    let estimate = |value| Estimate { value, low: value - 0.05, high: value + 0.04 };
    let summary = Summary {
        data,
        labels: vec!["a".into(), "b".into()],
        n_flagged: rows.iter().filter(|row| row.flagged).count(),
        cut_off: Some(CutOff {
            threshold: 0.4,
            precision: estimate(0.9),
            recall: estimate(0.8),
            share_wrong: estimate(0.1),
            confidence: 0.9,
            n_planted: 20,
            method: "Estimated from 20 labels changed on purpose.".into(),
        }),
        ..Summary::default()
    };
    Audit { summary, rows }
}

fn shown(audit: &Audit) -> String {
    page(audit, &Limits::default()).unwrap()
}

#[test]
fn the_page_needs_nothing_else() {
    let page = shown(&audit(&["one", "two", "three"]));
    assert!(page.starts_with("<!DOCTYPE html>"));
    for part in ["<link", "src=", "@import", "url(", "fetch(", "XMLHttpRequest"] {
        assert!(!page.contains(part), "{part}");
    }
    let addresses = page.match_indices("://").count();
    assert_eq!(addresses, page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    assert!(page.contains("default-src 'none'; script-src 'sha256-"));
}

#[test]
fn texts_stay_texts_wherever_they_stand() {
    let mut audit = audit(&[HOSTILE, "two"]);
    let row = &mut audit.rows[0];
    for field in [&mut row.label, &mut row.suggested, &mut row.id] {
        HOSTILE.clone_into(field);
    }
    let summary = &mut audit.summary;
    summary.labels = vec![HOSTILE.into(), "b".into()];
    summary.data.path = format!("/x/{HOSTILE}");
    summary.data.text_column = HOSTILE.into();
    summary.score = Score { name: HOSTILE.into(), meaning: HOSTILE.into() };
    summary.provenance.method = Some(HOSTILE.into());
    summary.classes = vec![ClassHealth { label: HOSTILE.into(), ..ClassHealth::default() }];
    let pair = ClassPair { label: HOSTILE.into(), suggested: "b".into(), n_rows: 1, share: 1.0 };
    summary.pairs = vec![pair];
    summary.noise_matrix = Some(vec![vec![0.9, 0.1], vec![0.0, 1.0]]);
    summary.duplicates = vec![DuplicateGroup {
        exact: true,
        similarity: 1.0,
        rows: vec![0, 1],
        labels: vec![HOSTILE.into(), "b".into()],
    }];
    let page = shown(&audit);
    assert_eq!(page.matches("<script").count(), 2, "the rows and our script");
    assert_eq!(page.matches("</script").count(), 2);
    assert!(!page.contains("<!--") && !page.contains("alert(1)</script>"));
    let quoted = page.matches("onerror=\"").count();
    assert_eq!(quoted, 0, "a quote within an attribute is escaped");
    let texts = page.matches("&lt;script&gt;alert(1)&lt;/script&gt;").count();
    assert!(10 < texts, "{texts}");
}

#[test]
fn numbers_are_said_in_plain_words() {
    let page = shown(&audit(&["one", "two", "three"]));
    for part in [
        "labels look wrong: 67% of all",
        "of the flagged labels are truly wrong, by estimate (85% to 94%): 2 to 2 of 2",
        "of the wrong labels that can be told by the text are flagged, by estimate (75% to 84%)",
        "of all labels are wrong in a way that can be told by the text, by estimate (5.0% to 14%)",
        "Estimated from 20 labels changed on purpose. The ranges hold at 90% confidence",
        "Labels of mine.csv",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("/home/me"), "a mailed page tells no folders");
}

#[test]
fn what_was_not_estimated_is_said_not_to_be() {
    let mut audit = audit(&["one"]);
    audit.summary.cut_off = None;
    assert!(shown(&audit).contains("was not estimated"));
}

#[test]
fn the_page_says_what_it_left_out() {
    let audit = audit(&["first", "second text", "third", "fourth"]);
    let limits = Limits { rows: 1, characters: 3, ..Limits::default() };
    let page = page(&audit, &limits).unwrap();
    assert!(page.contains(
        "first 1 row of the ranking. 3 more are in labels.csv beside it, 1 of them flagged."
    ));
    assert!(page.contains("1 text is cut after 3 characters"));
    assert!(page.contains("fir …") && !page.contains("second text"));
    assert!(!shown(&audit).contains("class=\"note\">This page has"));
}

#[test]
fn long_texts_leave_room_for_fewer_rows() {
    let long = "x".repeat(900);
    let audit = audit(&[&long, &long, &long]);
    let limits = Limits { bytes: 5_000, ..Limits::default() };
    let left_out = LeftOut::of(&audit, &limits);
    assert_eq!((left_out.n_rows, left_out.n_missing, left_out.n_flagged), (2, 1, 0));
}

#[test]
fn plots_appear_where_there_is_something_to_draw() {
    let mut audit = audit(&["one", "two", "three"]);
    assert_eq!(shown(&audit).matches("<svg").count(), 2);
    let point = |epoch, loss| EpochPoint { epoch, loss, agreement: 0.5 };
    audit.summary.curves = vec![point(1, 0.7), point(2, f64::NAN)];
    assert_eq!(shown(&audit).matches("<svg").count(), 4);
    for row in &mut audit.rows {
        (row.alm, row.confidence) = (None, None);
    }
    audit.summary.curves.truncate(1);
    assert_eq!(shown(&audit).matches("<svg").count(), 2);
}

#[test]
fn an_audit_of_nothing_has_a_page() {
    assert!(shown(&Audit::default()).contains("Labels of an unnamed file"));
}

#[test]
fn the_page_is_written_beside_the_audit() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &audit(&["one"])).unwrap();
    let page = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
    assert!(page.ends_with("</html>"));
}

#[test]
fn base64_is_that_of_the_standard() {
    let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
    assert!(pairs.iter().all(|(bytes, text)| base64(bytes.as_bytes()) == *text));
}
