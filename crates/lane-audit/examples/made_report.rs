//! A report of a made audit, to look at and to test in a browser.
//!
//! ```sh
//! cargo run -p lane-audit --example made_report -- FOLDER [ROWS] [CLASSES]
//! ```
//!
//! Writes the folder of an audit and its `report.html`. One text tries to break out of the page.
#![expect(clippy::print_stdout, reason = "it is run by hand")]
#![expect(clippy::cast_sign_loss, reason = "shares and counts are not negative")]

use std::path::Path;
use std::time::Instant;

use lane_audit::classes::{Classes, Row, Tally};
use lane_audit::model::{
    Audit, AuditRow, CutOff, DataFile, DuplicateGroup, EpochPoint, Estimate, Provenance, RowKind,
    Score, Summary,
};
use lane_audit::reason::{Evidence, Passes, Twin, Votes, sentence};
use lane_audit::{duplicates, report};
use lane_data::provenance::{Machine, Program};
use lane_metrics::ClassId;

const WORDS: &str = "account bank card charge cash transfer refund lost stolen pending payment top \
    up limit fee rate exchange pin code blocked phone number verify identity why when how please \
    could someone tell me about my the a is it not working yet still waiting for days money";
const HOSTILE: &str =
    "<script>alert(1)</script> \" onerror=\"alert(2) </script><!-- \u{2028} & &amp;";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("usage: made_report FOLDER [ROWS] [CLASSES]")?;
    let n_rows = arguments.next().map_or(Ok(2_000), |it| it.parse())?;
    let n_classes = arguments.next().map_or(Ok(9), |it| it.parse())?;
    let audit = made(n_rows, n_classes)?;
    let folder = Path::new(&folder);
    lane_audit::write(folder, &audit)?;
    let start = Instant::now();
    report::write(folder, &audit)?;
    let seconds = start.elapsed().as_secs_f64();
    let bytes = folder.join(report::FILE).metadata()?.len();
    println!("{n_rows} rows: {bytes} bytes in {seconds:.2} s");
    Ok(())
}

/// Numbers without a pattern, the same each time (`xorshift64*`).
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        (self.share() * n as f64) as usize
    }

    fn share(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn made(n_rows: usize, n_classes: usize) -> Result<Audit, lane_audit::AuditError> {
    let mut dice = Dice(7);
    let labels: Vec<String> = (0..n_classes).map(label).collect();
    let mut rows: Vec<AuditRow> =
        (0..n_rows).map(|row| made_row(row, &labels, &mut dice)).collect();
    let pairs: Vec<(&str, &str)> =
        rows.iter().map(|row| (row.text.as_str(), row.label.as_str())).collect();
    let start = Instant::now();
    let groups = duplicates::find(&pairs, &duplicates::Options::default());
    println!("{} groups of duplicates in {:.2} s", groups.len(), start.elapsed().as_secs_f64());
    explain(&mut rows, &groups);
    let classes = classes(&rows, &labels)?;
    rows.sort_by(|a, b| b.score.total_cmp(&a.score));
    rows.iter_mut().zip(1..).for_each(|(row, rank)| row.rank = rank);
    let summary = Summary {
        data: DataFile {
            path: "/home/someone/data/bank-questions.csv".into(),
            sha256: "made".into(),
            n_rows,
            text_column: "text".into(),
            label_column: "label".into(),
            id_column: None,
        },
        score: Score {
            name: "made".into(),
            meaning: "drawn by lot; this audit is made up.".into(),
        },
        n_flagged: rows.iter().filter(|row| row.flagged).count(),
        cut_off: Some(cut_off()),
        noise_matrix: Some(noise_matrix(n_classes)),
        classes: classes.health,
        pairs: classes.pairs,
        duplicates: groups,
        curves: (1..=8).map(point).collect(),
        provenance: Provenance {
            program: Program { version: "lane-audit, made example".into(), ..Program::default() },
            machine: Some(Machine::here()),
            method: Some("lane".into()),
            seed: 7,
            ..Provenance::default()
        },
        labels,
        ..Summary::default()
    };
    Ok(Audit { summary, rows })
}

/// Duplicates, kind and reason of each row.
fn explain(rows: &mut [AuditRow], groups: &[DuplicateGroup]) {
    let group_of = duplicates::by_row(groups, rows.len());
    let first = |group: &DuplicateGroup| rows[group.rows[0] as usize].label.clone();
    let labels: Vec<String> = groups.iter().map(first).collect();
    for row in rows {
        row.duplicates = group_of[row.row as usize];
        let twin = row.duplicates.map(|at| {
            let DuplicateGroup { rows, similarity, .. } = &groups[at as usize];
            Twin { label: &labels[at as usize], row: rows[0], n_rows: 1, similarity: *similarity }
        });
        let twin = twin.filter(|it| it.label != row.label);
        if twin.is_some() && row.kind == RowKind::Fine {
            row.kind = RowKind::Conflict;
        }
        row.reason = reason(row, twin);
    }
}

fn classes(rows: &[AuditRow], labels: &[String]) -> Result<Classes, lane_audit::AuditError> {
    let class = |name: &str| ClassId(labels.iter().position(|it| it == name).unwrap_or(0) as u16);
    let mut tally = Tally::new(labels.len());
    for row in rows {
        tally.add(Row {
            label: class(&row.label),
            suggested: class(&row.suggested),
            flagged: row.flagged,
            p_wrong: row.p_wrong,
            probabilities: None,
        })?;
    }
    tally.finish(labels)
}

fn label(at: usize) -> String {
    let words =
        ["card lost", "refund", "exchange rate", "top up", "pin blocked", "transfer pending"];
    match at {
        0 => "<b>bold</b> & \"quoted\"".to_owned(),
        at => format!(
            "{}{}",
            words[at % words.len()],
            if at < words.len() { String::new() } else { format!(" {at}") }
        ),
    }
}

fn made_row(at: usize, labels: &[String], dice: &mut Dice) -> AuditRow {
    let right = dice.below(labels.len());
    let is_wrong = dice.share() < 0.08;
    // Errors prefer a neighbor, so that some pairs stand out.
    let step = if dice.share() < 0.6 { 1 } else { 1 + dice.below(labels.len() - 1) };
    let given = if is_wrong { (right + step) % labels.len() } else { right };
    let doubt = dice.share();
    let p_label = if is_wrong { 0.3 * doubt } else { 1.0 - 0.6 * doubt * doubt };
    let p_other = (1.0 - p_label) * (0.6 + 0.4 * dice.share());
    let score = p_other - p_label;
    let flagged = score > 0.35;
    let hard = !flagged && score > -0.15;
    let suggested = if flagged || score > 0.0 {
        if is_wrong { right } else { (right + step) % labels.len() }
    } else {
        given
    };
    AuditRow {
        row: at as u32,
        id: at.to_string(),
        text: text(at, dice),
        label: labels[given].clone(),
        suggested: labels[suggested].clone(),
        score,
        weight: Some(p_label),
        flagged,
        kind: if flagged {
            RowKind::Wrong
        } else if hard {
            RowKind::Hard
        } else {
            RowKind::Fine
        },
        p_wrong: Some((score * 0.5 + 0.5).clamp(0.0, 1.0).powi(2)),
        p_label: Some(p_label),
        p_suggested: Some(if suggested == given { p_label } else { p_other }),
        label_distance: Some(if step == 1 { 0.6 } else { 0.99 }),
        alm: Some(6.0 * p_label - 3.0 + dice.share()),
        aum: Some(5.0 * p_label - 2.5 + dice.share()),
        loss: Some(-(p_label + 0.02).ln()),
        confidence: Some((p_label + 0.1 * (dice.share() - 0.5)).clamp(0.0, 1.0)),
        variability: Some(0.45 * (p_label * (1.0 - p_label)).sqrt() + 0.1 * dice.share()),
        correctness: Some((8.0 * p_label) as u32),
        forgetting: Some(dice.below(4) as u32),
        ..AuditRow::default()
    }
}

/// About 100 characters; some stand twice, one is hostile.
fn text(at: usize, dice: &mut Dice) -> String {
    if at == 3 {
        return HOSTILE.to_owned();
    }
    if at % 97 == 5 {
        return format!("Why is my payment number {} still pending?", at % 4);
    }
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut text = String::new();
    while text.len() < 95 {
        text.push_str(words[dice.below(words.len())]);
        text.push(' ');
    }
    text.push('?');
    text
}

fn reason(row: &AuditRow, twin: Option<Twin<'_>>) -> String {
    let agreeing = row.correctness.unwrap_or(0);
    sentence(&Evidence {
        kind: row.kind,
        label: &row.label,
        rival: &row.suggested,
        p_label: row.p_label,
        p_rival: row.p_suggested,
        label_distance: row.label_distance,
        votes: Some(Votes {
            n_models: 5,
            n_for_rival: (5.0 * row.p_suggested.unwrap_or(0.0)).ceil() as u32,
        }),
        passes: Some(Passes { n_passes: 8, n_agreeing: agreeing }),
        twin,
    })
}

fn cut_off() -> CutOff {
    CutOff {
        threshold: 0.35,
        precision: Estimate { value: 0.91, low: 0.87, high: 0.94 },
        recall: Estimate { value: 0.84, low: 0.78, high: 0.9 },
        share_wrong: Estimate { value: 0.082, low: 0.071, high: 0.095 },
        confidence: 0.9,
        n_planted: 100,
        method: "Made up, as everything here.".into(),
    }
}

fn noise_matrix(n_classes: usize) -> Vec<Vec<f64>> {
    let share = |a: usize, b: usize| {
        if a == b {
            0.92
        } else if (a + 1) % n_classes == b {
            0.05
        } else {
            0.03 / (n_classes - 2) as f64
        }
    };
    (0..n_classes).map(|a| (0..n_classes).map(|b| share(a, b)).collect()).collect()
}

fn point(epoch: u32) -> EpochPoint {
    let passed = f64::from(epoch);
    EpochPoint { epoch, loss: 1.8 / passed.sqrt() - 0.4, agreement: 0.95 - 0.6 / passed }
}
