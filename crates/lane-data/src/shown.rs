//! Text of others in messages: short, on one line, and without power over a terminal.
//!
//! A label may hold an escape sequence that clears the screen, a line end that makes a message of
//! its own, or three million letters. Messages quote it all the same, by way of here.

use std::fmt::Write;

/// Characters kept of one name or value.
const LONGEST: usize = 60;
/// Names kept of a list.
const MOST: usize = 20;
/// Characters kept of a line that is not known to be made of quoted parts: its beginning, its end.
const LINE: (usize, usize) = (700, 200);

/// A name or value as a message quotes it.
pub fn shown(text: &str) -> String {
    let mut kept: String = text.chars().take(LONGEST).map(escaped).collect();
    let n = text.chars().count();
    if LONGEST < n {
        // Writing to a String cannot fail.
        let _ = write!(kept, "… ({n} characters)");
    }
    kept
}

/// Names in backticks, the first of them where there are many.
pub fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    let kept: Vec<String> =
        names.iter().take(MOST).map(|name| format!("`{}`", shown(name))).collect();
    match names.len().saturating_sub(MOST) {
        0 => kept.join(", "),
        n_more => format!("{} and {n_more} more", kept.join(", ")),
    }
}

/// A whole message before it is printed: every line of bearable length, control characters spelt out.
///
/// The net below [`shown`], for what other libraries quote.
pub fn message(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

fn line(text: &str) -> String {
    let (head, tail) = LINE;
    let n = text.chars().count();
    if n <= head + tail {
        return text.chars().map(escaped).collect();
    }
    let first: String = text.chars().take(head).map(escaped).collect();
    let last: String = text.chars().skip(n - tail).map(escaped).collect();
    format!("{first} … ({} characters left out) … {last}", n - head - tail)
}

/// A character itself, or its number where it would act and not show.
fn escaped(character: char) -> String {
    match character {
        '\n' => "\\n".into(),
        '\r' => "\\r".into(),
        '\t' => "\\t".into(),
        it if it.is_control() || turns_text(it) => it.escape_unicode().to_string(),
        it => it.into(),
    }
}

/// Characters without width, and those that turn the direction of what follows.
fn turns_text(it: char) -> bool {
    matches!(it, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_spelt_out() {
        assert_eq!(shown("a\u{1b}[2Jb\nc\u{202e}\0é"), "a\\u{1b}[2Jb\\nc\\u{202e}\\u{0}é");
        assert_eq!(message("one\u{7}\ntwo"), "one\\u{7}\ntwo");
    }

    #[test]
    fn what_is_long_is_cut_and_counted() {
        let long = "é".repeat(3000);
        assert_eq!(shown(&long), format!("{}… (3000 characters)", "é".repeat(60)));
        let cut = message(&format!("{long}, expected less"));
        assert!(cut.ends_with("expected less") && cut.contains("(2115 characters left out)"));
        assert_eq!(message(&long[..1600]), long[..1600]);
    }

    #[test]
    fn long_lists_name_the_first() {
        let names: Vec<String> = (0..1000).map(|i| i.to_string()).collect();
        assert!(list(&names).ends_with("`18`, `19` and 980 more"));
        assert_eq!(list(&names[..2]), "`0`, `1`");
        assert_eq!(list(&[]), "none");
    }
}
