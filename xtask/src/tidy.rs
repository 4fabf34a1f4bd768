//! `cargo xtask tidy`: what no compiler checks.
//!
//! Every source file opens with a header, stays short and has a name of the field; nothing ends in
//! blanks; links lead somewhere; README and architecture page name every crate; `unsafe` stands where
//! it may; the committed corpus is what its grammar gives.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{corpus, links, unsafety};

const MOST_LINES: usize = 400;
/// Files that may be longer, from the root. A table of facts may be long; logic may not.
const LONG_FILES: &[&str] = &[];
/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "common", "misc", "base", "helpers", "mod"];
/// Files whose subject happens to have such a name: the method BASE of the tables.
const NAMED_FOR_THEIR_SUBJECT: &[&str] = &["crates/lane-train/src/methods/base.rs"];
/// Pages that name every crate.
const PAGES_OF_CRATES: &[&str] = &["README.md", "docs/ARCHITECTURE.md"];
const KINDS_WITHOUT_TRAILING_BLANKS: &[&str] = &["rs", "md", "toml", "py", "sh"];

/// Folders of files that are meant to be bad.
const RUBBISH: [&str; 2] = ["fixtures/adversarial/", "fixtures/fuzz/"];

pub(crate) fn run(root: &Path) -> Result<()> {
    let problems = problems_under(root)?;
    if !problems.is_empty() {
        bail!("{}", problems.join("\n       "));
    }
    corpus::run(root, true)
}

fn problems_under(root: &Path) -> Result<Vec<String>> {
    let mut problems = Vec::new();
    for path in files_under(root)? {
        let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default();
        let is_rubbish = RUBBISH.iter().any(|it| shown.starts_with(it)) && extension != "md";
        if is_rubbish || !KINDS_WITHOUT_TRAILING_BLANKS.contains(&extension) {
            continue;
        }
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {shown}"))?;
        problems.extend(trailing_blanks(&shown, &text));
        match extension {
            "rs" => problems.extend(source_problems(&shown, &text)),
            "md" => problems.extend(links::broken(&path, &shown, &text)),
            _ => {}
        }
    }
    for page in PAGES_OF_CRATES {
        match fs::read_to_string(root.join(page)) {
            Ok(text) => problems.extend(crates_not_named(root, page, &text)?),
            Err(_) => problems.push(format!("{page} is missing")),
        }
    }
    problems.extend(unsafety::problems(root)?);
    Ok(problems)
}

/// All files but those in build outputs and in the folders of tools, sorted.
fn files_under(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let listed =
        fs::read_dir(folder).with_context(|| format!("failed to list {}", folder.display()))?;
    for entry in listed {
        let entry = entry?;
        let name = entry.file_name();
        let kind = entry.file_type()?;
        if kind.is_dir() && ![".git", ".lane", "target"].iter().any(|it| name == *it) {
            files.extend(files_under(&entry.path())?);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn source_problems(shown: &str, text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if !text.starts_with("//!") {
        problems.push(format!("{shown} does not open with `//!`: say what it is"));
    }
    let n_lines = text.lines().count();
    if n_lines > MOST_LINES && !LONG_FILES.contains(&shown) {
        problems.push(format!("{shown} has {n_lines} lines, more than {MOST_LINES}: cut it"));
    }
    let stem = Path::new(shown).file_stem().and_then(|it| it.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) && !NAMED_FOR_THEIR_SUBJECT.contains(&shown) {
        problems.push(format!("{shown} has a name that says nothing: name what is inside"));
    }
    problems
}

fn trailing_blanks(shown: &str, text: &str) -> Vec<String> {
    let blank = |(at, line): (usize, &str)| {
        line.ends_with([' ', '\t']).then(|| format!("{shown}:{} ends in blanks", at + 1))
    };
    let mut problems: Vec<String> = text.lines().enumerate().filter_map(blank).collect();
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(format!("{shown} does not end with a newline"));
    }
    problems
}

fn crates_not_named(root: &Path, page: &str, text: &str) -> Result<Vec<String>> {
    let mut names = vec!["xtask".to_owned()];
    for entry in fs::read_dir(root.join("crates")).context("failed to list crates")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    let outside_names = |symbol: char| !symbol.is_ascii_alphanumeric() && symbol != '-';
    let words: Vec<&str> = text.split(outside_names).collect();
    names.retain(|name| !words.contains(&name.as_str()));
    Ok(names.iter().map(|name| format!("{page} does not name the crate `{name}`")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_file_without_a_header_is_named() {
        let problems = source_problems("xtask/src/a.rs", "use std::fs;\n");
        assert_eq!(problems, ["xtask/src/a.rs does not open with `//!`: say what it is"]);
    }

    #[test]
    fn a_long_file_is_named_with_its_length() {
        let text = "//! a\n".repeat(401);
        assert_eq!(source_problems("a.rs", &text), ["a.rs has 401 lines, more than 400: cut it"]);
        assert_eq!(source_problems("a.rs", &"//! a\n".repeat(400)), Vec::<String>::new());
    }

    #[test]
    fn a_file_name_that_says_nothing_is_refused() {
        assert_eq!(source_problems("crates/a/src/utils.rs", "//! a\n").len(), 1);
        assert_eq!(source_problems("crates/a/src/noise/mod.rs", "//! a\n").len(), 1);
        assert_eq!(source_problems("crates/a/src/base.rs", "//! a\n").len(), 1);
        assert_eq!(source_problems("crates/a/src/modes.rs", "//! a\n").len(), 0);
        assert_eq!(source_problems("crates/lane-train/src/methods/base.rs", "//! a\n").len(), 0);
    }

    #[test]
    fn blanks_at_the_end_of_a_line_are_named_by_line() {
        assert_eq!(trailing_blanks("a.md", "one\ntwo \n"), ["a.md:2 ends in blanks"]);
        assert_eq!(trailing_blanks("a.md", "one"), ["a.md does not end with a newline"]);
        assert_eq!(trailing_blanks("a.md", ""), Vec::<String>::new());
    }

    #[test]
    fn a_crate_that_a_page_leaves_out_is_named() {
        let root = tempfile::tempdir().unwrap();
        for name in ["lane", "lane-data"] {
            fs::create_dir_all(root.path().join("crates").join(name)).unwrap();
        }
        let missing = crates_not_named(root.path(), "README.md", "`lane-data` and xtask").unwrap();
        assert_eq!(missing, ["README.md does not name the crate `lane`"]);
    }

    #[test]
    fn build_outputs_are_not_read() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["target/debug", "src"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("a.rs"), "no header\n").unwrap();
        }
        assert_eq!(files_under(root.path()).unwrap(), [root.path().join("src/a.rs")]);
    }
}
