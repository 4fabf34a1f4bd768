//! What libFuzzer says of its work.

use std::fmt;

/// Lines at the end of what was said that explain a finding.
const LAST_LINES: usize = 40;

/// The count of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    runs: u64,
    /// Edges that the seeds reach, and all that were reached.
    before: u64,
    after: u64,
    /// Inputs that reached something new.
    new_units: u64,
    peak_mib: u64,
    /// Cases that crashed, hung or took too much memory.
    has_found: bool,
}

impl Tally {
    /// None where nothing was run.
    pub(super) fn of(said: &str) -> Option<Self> {
        let mut tally = Self::default();
        for line in said.lines() {
            let value = |name: &str| line.strip_prefix(name).and_then(|it| it.trim().parse().ok());
            if let Some(edges) = number_after(line, "cov: ") {
                if line.contains("INITED") {
                    tally.before = edges;
                }
                tally.after = edges;
                tally.runs = tally.runs.max(counted(line));
            }
            tally.runs = value("stat::number_of_executed_units:").unwrap_or(tally.runs);
            tally.new_units = value("stat::new_units_added:").unwrap_or(tally.new_units);
            tally.peak_mib = value("stat::peak_rss_mb:").unwrap_or(tally.peak_mib);
            tally.has_found |= line.contains("ERROR: libFuzzer:");
        }
        (tally.runs > 0 || tally.has_found).then_some(tally)
    }
}

/// `#123` at the beginning of a line.
fn counted(line: &str) -> u64 {
    let digits = line.strip_prefix('#').and_then(|it| it.split_ascii_whitespace().next());
    digits.and_then(|it| it.parse().ok()).unwrap_or_default()
}

fn number_after(line: &str, name: &str) -> Option<u64> {
    line.split_once(name)?.1.split_ascii_whitespace().next()?.parse().ok()
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, before, after, new_units, peak_mib, has_found } = self;
        let found = if *has_found { "a finding" } else { "nothing found" };
        write!(
            f,
            "{runs} runs, {before} edges by the seeds and {after} in all, {new_units} new cases, \
             {peak_mib} MiB, {found}"
        )
    }
}

/// The last lines, where libFuzzer tells what happened.
pub(super) fn end(said: &str) -> String {
    let lines: Vec<&str> = said.lines().collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "#31\tINITED cov: 900 ft: 2000 corp: 31/2Kb exec/s: 0 rss: 40Mb
#77\tNEW    cov: 905 ft: 2010 corp: 32/2Kb lim: 99 exec/s: 0 rss: 40Mb L: 9/9
Done 4096 runs in 61 second(s)
stat::number_of_executed_units: 4096
stat::new_units_added:          12
stat::peak_rss_mb:              52
";

    #[test]
    fn runs_and_coverage_are_those_that_libfuzzer_counts() {
        let shown =
            "4096 runs, 900 edges by the seeds and 905 in all, 12 new cases, 52 MiB, nothing found";
        assert_eq!(Tally::of(SAID).unwrap().to_string(), shown);
    }

    #[test]
    fn a_run_that_broke_off_counts_up_to_its_last_line() {
        let said = SAID.split("Done").next().unwrap().to_owned()
            + "==7== ERROR: libFuzzer: deadly signal\n";
        let tally = Tally::of(&said).unwrap();
        assert!(tally.has_found && tally.runs == 77);
        assert_eq!(Tally::of("sh: not found\n"), None);
    }

    #[test]
    fn only_the_end_of_a_long_story_is_told() {
        let said: Vec<String> = (0..100).map(|line| line.to_string()).collect();
        assert!(end(&said.join("\n")).starts_with("60\n61\n"));
        assert_eq!(end("a\nb"), "a\nb");
    }
}
