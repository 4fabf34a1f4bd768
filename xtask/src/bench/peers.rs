//! `cargo xtask bench --peers`: the scoring kernels of `lane-metrics` beside the Python packages
//! cleanlab and aum, on the same arrays, one thread each.
//!
//! Ours and theirs run in turn, never at the same time, and must give the same answers. A figure is the
//! median over the rounds; the ratio is that of the medians, and beside it stand the least and the
//! largest ratio of a round.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::contender::Place;
use super::machine;
use super::options::Options;
use crate::markdown::aligned;
use crate::shell::Invocation;

/// Classes and rows.
const SIZES: [&str; 3] = ["10x100000", "10x1000000", "100x1000000"];

/// How many times as fast as cleanlab, and as aum's update, we have to be.
const BARS: [(&str, f64); 3] = [("find/", 5.0), ("scores/", 5.0), ("aum/", 50.0)];

/// Our bench and whom it is held against.
const PAIRS: [(&str, &str); 2] = [("confident_learning", "cleanlab"), ("alm", "aum")];

const SCRIPT: &str = "fixtures/reference/bench_peers.py";
const VERSIONS: &str = "import platform, sys; from importlib.metadata import version; \
    import cleanlab, aum; print(', '.join(['Python ' + platform.python_version()] + \
    [f'{it} {version(it)}' for it in ('cleanlab', 'numpy', 'aum', 'torch')]))";

/// One line of either side.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    case: String,
    ms: f64,
    answer: f64,
}

/// Times of one case and size, one a round.
#[derive(Clone, Debug, Default)]
struct Times {
    ours: Vec<f64>,
    theirs: Vec<f64>,
}

pub(super) fn run(root: &Path, options: &Options, rounds: u32) -> Result<ExitCode> {
    let python = find_python(root, options)?;
    let versions = Invocation::new(&*python, &["-c", VERSIONS]).stdout(root)?;
    let benches = build(root)?;
    let sizes: &[&str] = if options.quick { &["10x1000"] } else { &SIZES };
    let place = Place::last();
    let mut table: BTreeMap<(usize, String), Times> = BTreeMap::new();
    for round in 0..rounds {
        for (at, size) in sizes.iter().enumerate() {
            for ((_, whom), bench) in PAIRS.iter().zip(&benches) {
                let ours = Invocation::new(bench.display().to_string(), &["--times", size]);
                let theirs = Invocation::new(&*python, &[SCRIPT, whom, size]);
                let (ours, theirs) = (lines(root, &place, &ours)?, lines(root, &place, &theirs)?);
                take(&mut table, at, &ours, &theirs)?;
            }
            eprintln!("round {} of {rounds}, {size}", round + 1);
        }
    }
    let text = report(root, &versions, sizes, &table, rounds);
    print!("{text}");
    let out = root.join("target").join("bench");
    fs::create_dir_all(&out)?;
    let path = out.join("peers.md");
    fs::write(&path, &text).with_context(|| format!("failed to write {}", path.display()))?;
    eprintln!("written to {}", path.display());
    let is_missed = table.iter().any(|((_, case), times)| times.ratio() < bar_of(case));
    Ok(if options.strict && is_missed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The Python asked for or of `LANE_PYTHON`, which must have both packages.
fn find_python(root: &Path, options: &Options) -> Result<String> {
    let named = || std::env::var_os("LANE_PYTHON").filter(|it| !it.is_empty()).map(PathBuf::from);
    let python = options.python.clone().or_else(named).unwrap_or_else(|| "python3".into());
    let python = python.display().to_string();
    let check = Invocation::new(&*python, &["-c", "import cleanlab, aum"]);
    if let Err(error) = check.stdout(root) {
        bail!(
            "`{python}` cannot import cleanlab and aum; `{python} -m pip install cleanlab==2.9.0 \
             aum==1.0.2` installs them, --python FILE names another\n{error:#}"
        );
    }
    Ok(python)
}

/// The binaries of our benches.
fn build(root: &Path) -> Result<Vec<PathBuf>> {
    let arguments = ["bench", "-p", "lane-metrics", "--features", "simd", "--no-run"];
    let messages =
        Invocation::cargo(&arguments).with(["--message-format=json".into()]).stdout(root)?;
    let found = |name: &str| {
        let of_bench = |line: &str| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            let is_it =
                message["target"]["name"] == name && message["target"]["kind"][0] == "bench";
            is_it.then(|| message["executable"].as_str().map(PathBuf::from))?
        };
        messages.lines().find_map(of_bench).with_context(|| format!("no bench `{name}` was built"))
    };
    PAIRS.iter().map(|(name, _)| found(name)).collect()
}

/// What one side prints.
fn lines(root: &Path, place: &Place, call: &Invocation) -> Result<Vec<Line>> {
    let call = place.prepare(call);
    let printed = call.stdout(root)?;
    let parsed: Result<Vec<Line>, _> = printed.lines().map(serde_json::from_str).collect();
    parsed.with_context(|| format!("`{call}` printed something else than times"))
}

/// Adds a round; the answers must be the same.
fn take(
    table: &mut BTreeMap<(usize, String), Times>,
    size: usize,
    ours: &[Line],
    theirs: &[Line],
) -> Result<()> {
    for ours in ours {
        // Our ALM has no rival of its own: it does more than aum, and is held against it.
        let rival = if ours.case == "alm/update" { "aum/update" } else { &ours.case };
        let theirs = theirs.iter().find(|it| it.case == rival);
        let theirs = theirs.with_context(|| format!("no time of the other side for {rival}"))?;
        let (a, b) = (ours.answer, theirs.answer);
        ensure!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{rival}: our answer is {a}, theirs {b}");
        let times = table.entry((size, ours.case.clone())).or_default();
        times.ours.push(ours.ms);
        times.theirs.push(theirs.ms);
    }
    Ok(())
}

impl Times {
    fn ratio(&self) -> f64 {
        median(&self.theirs) / median(&self.ours)
    }

    /// The least and the largest ratio of a round.
    fn spread(&self) -> (f64, f64) {
        let ratios = self.ours.iter().zip(&self.theirs).map(|(ours, theirs)| theirs / ours);
        ratios.fold((f64::INFINITY, 0.0), |(a, b), it| (a.min(it), b.max(it)))
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

fn bar_of(case: &str) -> f64 {
    BARS.iter().find(|(start, _)| case.starts_with(start)).map_or(0.0, |it| it.1)
}

fn report(
    root: &Path,
    versions: &str,
    sizes: &[&str],
    table: &BTreeMap<(usize, String), Times>,
    rounds: u32,
) -> String {
    let titles =
        ["case", "classes x rows", "lane ms", "rival ms", "times", "of a round", "bar", "met"];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    for ((size, case), times) in table {
        let (ratio, bar) = (times.ratio(), bar_of(case));
        let (least, most) = times.spread();
        let or_blank = |text: String| if bar > 0.0 { text } else { String::new() };
        rows.push(vec![
            case.clone(),
            sizes[*size].to_owned(),
            format!("{:.1}", median(&times.ours)),
            format!("{:.1}", median(&times.theirs)),
            format!("{ratio:.1}"),
            format!("{least:.1}–{most:.1}"),
            or_blank(format!("{bar:.0}")),
            or_blank(if ratio < bar { "NO" } else { "yes" }.to_owned()),
        ]);
    }
    let mut text = machine::in_short(root);
    let _ = writeln!(
        text,
        "{}.\nOne thread each, {rounds} rounds in turn, medians.\n",
        versions.trim()
    );
    text + &aligned(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(case: &str, ms: f64, answer: f64) -> Line {
        Line { case: case.into(), ms, answer }
    }

    #[test]
    fn ratios_are_of_medians_and_their_spread_of_rounds() {
        let mut table = BTreeMap::new();
        for (ours, theirs) in [(1.0, 6.0), (2.0, 8.0), (1.0, 5.0)] {
            let (ours, theirs) = (line("find/both", ours, 3.0), line("find/both", theirs, 3.0));
            take(&mut table, 0, &[ours], &[theirs]).unwrap();
        }
        let times = &table[&(0, "find/both".to_owned())];
        assert!((times.ratio() - 6.0).abs() < 1e-12);
        assert_eq!(times.spread(), (4.0, 6.0));
        assert!(bar_of("find/both") < times.ratio() && times.ratio() < bar_of("aum/update"));
    }

    #[test]
    fn sides_that_give_other_answers_are_no_rivals() {
        let (ours, theirs) = ([line("find/both", 1.0, 3.0)], [line("find/both", 1.0, 4.0)]);
        let message = take(&mut BTreeMap::new(), 0, &ours, &theirs).unwrap_err().to_string();
        assert_eq!(message, "find/both: our answer is 3, theirs 4");
        let lonely = take(&mut BTreeMap::new(), 0, &ours, &[]).unwrap_err().to_string();
        assert_eq!(lonely, "no time of the other side for find/both");
    }

    #[test]
    fn a_python_without_the_packages_is_refused_with_the_remedy() {
        let options = Options::parsed(&["--peers", "--python", "python-but-not-there"]).unwrap();
        let message = find_python(Path::new("/"), &options).unwrap_err().to_string();
        assert!(message.contains("-m pip install cleanlab==2.9.0 aum==1.0.2"), "{message}");
    }
}
