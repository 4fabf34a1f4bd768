//! Expands a pattern of the template grammar into one text.
//!
//! ```text
//! {name}    one alternative of the slot `name`, itself expanded
//! (a|b|c)   one of the alternatives; an empty one is allowed
//! [a]       `a` or nothing, evenly
//! ```
//!
//! Everything else stands for itself. The number of draws depends on the path taken, so a text is
//! a function of the pattern and the generator's state alone.

use anyhow::{Result, bail};

use super::splitmix::SplitMix64;

/// A slot's name and its alternatives.
pub(crate) type Slot = (&'static str, &'static [&'static str]);

/// One text of `pattern`, without double blanks.
pub(crate) fn expand(pattern: &str, slots: &[&[Slot]], random: &mut SplitMix64) -> Result<String> {
    let mut text = String::new();
    expand_into(pattern, slots, random, &mut text)?;
    Ok(text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",").replace(" .", "."))
}

fn expand_into(
    pattern: &str,
    slots: &[&[Slot]],
    random: &mut SplitMix64,
    text: &mut String,
) -> Result<()> {
    let mut rest = pattern;
    while let Some(at) = rest.find(['{', '(', '[', '}', ')', ']']) {
        text.push_str(&rest[..at]);
        let inside = group(&rest[at..], pattern)?;
        match rest.as_bytes()[at] {
            b'{' => {
                let alternatives = alternatives_of(inside, slots)?;
                expand_into(alternatives[random.below(alternatives.len())], slots, random, text)?;
            }
            b'(' => {
                let alternatives = split_alternatives(inside);
                expand_into(alternatives[random.below(alternatives.len())], slots, random, text)?;
            }
            _ if random.percent(50) => expand_into(inside, slots, random, text)?,
            _ => {}
        }
        rest = &rest[at + inside.len() + 2..];
    }
    text.push_str(rest);
    Ok(())
}

/// What stands between the bracket that opens `text` and its partner.
fn group<'a>(text: &'a str, pattern: &str) -> Result<&'a str> {
    let mut depth = 0_usize;
    for (at, symbol) in text.char_indices() {
        match symbol {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' if depth <= 1 => {
                let pair = (text.as_bytes()[0], symbol);
                if matches!(pair, (b'{', '}') | (b'(', ')') | (b'[', ']')) {
                    return Ok(&text[1..at]);
                }
                break;
            }
            '}' | ')' | ']' => depth -= 1,
            _ => {}
        }
    }
    bail!("pattern `{pattern}` has a bracket without its partner at `{text}`")
}

fn split_alternatives(inside: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, symbol) in inside.char_indices() {
        match symbol {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth = depth.saturating_sub(1),
            '|' if depth == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    parts
}

fn alternatives_of(name: &str, slots: &[&[Slot]]) -> Result<&'static [&'static str]> {
    match slots.iter().flat_map(|table| table.iter()).find(|(known, _)| *known == name) {
        Some((_, [])) | None => bail!("no slot `{name}` in the grammar"),
        Some((_, alternatives)) => Ok(alternatives),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOTS: &[Slot] = &[("card", &["card", "(debit|bank) card"]), ("loop", &["{card} again"])];

    fn all(pattern: &str) -> Vec<String> {
        let mut random = SplitMix64::new(5);
        let mut texts: Vec<String> =
            (0..200).map(|_| expand(pattern, &[SLOTS], &mut random).unwrap()).collect();
        texts.sort();
        texts.dedup();
        texts
    }

    #[test]
    fn a_slot_gives_each_of_its_alternatives() {
        assert_eq!(all("my {card}"), ["my bank card", "my card", "my debit card"]);
    }

    #[test]
    fn brackets_nest_and_leave_no_double_blanks() {
        assert_eq!(all("a [b (c|d [e])] f"), ["a b c f", "a b d e f", "a b d f", "a f"]);
    }

    #[test]
    fn plain_text_stands_for_itself() {
        assert_eq!(all("no brackets | here"), ["no brackets | here"]);
    }

    #[test]
    fn unknown_slots_and_lone_brackets_are_refused() {
        let refusal =
            |pattern| expand(pattern, &[SLOTS], &mut SplitMix64::new(1)).unwrap_err().to_string();
        assert_eq!(refusal("my {purse}"), "no slot `purse` in the grammar");
        assert!(refusal("my (card").contains("bracket without its partner"));
        assert!(refusal("my card)").contains("bracket without its partner"));
        assert!(refusal("my {card)").contains("bracket without its partner"));
    }
}
