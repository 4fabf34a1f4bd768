//! Relative links in Markdown: each has to lead to a file or folder that is there.

use std::path::Path;

/// One message for each link of the page at `path` that leads nowhere.
///
/// Links to other sites, to places in the page itself and whatever stands in code are let pass.
pub(crate) fn broken(path: &Path, shown: &str, text: &str) -> Vec<String> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let leads_nowhere = |target: &&str| {
        let file = target.split('#').next().unwrap_or_default();
        !file.is_empty() && !file.contains(':') && !folder.join(file).exists()
    };
    let targets = outside_code(text).flat_map(|line| targets_in(&line));
    let targets: Vec<String> = targets.collect();
    let dead = targets.iter().map(String::as_str).filter(leads_nowhere);
    dead.map(|target| format!("{shown} links to {target}, which is not there")).collect()
}

/// The lines outside fences, each without what stands in backticks.
fn outside_code(text: &str) -> impl Iterator<Item = String> {
    let mut fenced = false;
    text.lines().filter_map(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then(|| line.split('`').step_by(2).collect())
    })
}

/// What stands in `](…)` and after `[name]:` at the start of a line.
fn targets_in(line: &str) -> Vec<String> {
    let inline = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let defined = line.strip_prefix('[').and_then(|rest| rest.split_once("]: "));
    let defined = defined.and_then(|(_, rest)| rest.split_whitespace().next());
    inline.chain(defined).map(|it| it.trim_matches(['<', '>']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken_in(text: &str) -> Vec<String> {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("page.md");
        broken(&page, "page.md", text)
    }

    #[test]
    fn a_link_to_nothing_is_named() {
        let expected = ["page.md links to src/nothing.rs, which is not there"];
        assert_eq!(broken_in("see [this](src/nothing.rs) one"), expected);
        assert_eq!(broken_in("[this]: src/nothing.rs"), expected);
        assert_eq!(broken_in("![figure](src/nothing.rs \"title\")"), expected);
    }

    #[test]
    fn links_to_what_is_there_pass() {
        assert!(
            broken_in("[a](src/main.rs), [b](src) and [c](Cargo.toml#dependencies)").is_empty()
        );
    }

    #[test]
    fn other_sites_places_in_the_page_and_code_pass() {
        let text = "[a](https://example.org/x) [b](#here) `[c](nowhere)`\n```\n[d](nowhere)\n```\n";
        assert_eq!(broken_in(text), Vec::<String>::new());
    }

    #[test]
    fn a_link_after_a_fence_is_read_again() {
        assert_eq!(broken_in("```\ncode\n```\n[a](nowhere)").len(), 1);
    }
}
