//! `cargo xtask corpus`: writes the built-in corpus, or compares it with what is committed.
//!
//! Short customer messages in ten classes, five pairs of which are close in meaning, from a
//! template grammar and a fixed seed. The text is ours, so anyone may use it for anything.

mod classes;
mod grammar;
mod slots;
pub(crate) mod splitmix;
mod typo;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use self::classes::{CLASSES, partner_of};
use self::slots::{FRAMES, PAIR_FRAMES, SHARED};
use self::splitmix::SplitMix64;
use crate::csv::Table;

/// Chosen once; another seed is another corpus.
const SEED: u64 = 20_261_121;
const VALIDATION_ROWS: usize = 20;
const TEST_ROWS: usize = 40;
/// Rows of a class in the training split: at least this many, and up to ten more, because real
/// classes are not equally frequent.
const FEWEST_TRAIN_ROWS: usize = 100;
/// Messages in a hundred that quote the partner class.
const PAIR_FRAME_CHANCES: usize = 8;
const TYPO_CHANCES: usize = 12;
const NO_CAPITALS_CHANCES: usize = 30;
const NO_FULL_STOP_CHANCES: usize = 35;
/// The grammar yields far more texts than are asked of it; this ends a grammar that does not.
const MOST_ATTEMPTS: usize = 100_000;

/// Where the corpus lies, from the root of the repository.
pub(crate) const FOLDER: &str = "fixtures/builtin";

/// Writes the three splits under `root`; with `check`, compares and writes nothing.
pub(crate) fn run(root: &Path, check: bool) -> Result<()> {
    let folder = root.join(FOLDER);
    for (name, table) in splits()? {
        let path = folder.join(format!("{name}.csv"));
        if check {
            let committed = fs::read_to_string(&path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            ensure!(
                committed == table.text(),
                "{} differs from what the grammar gives; `cargo xtask corpus` writes it anew",
                path.display()
            );
        } else {
            fs::create_dir_all(&folder)?;
            fs::write(&path, table.text())
                .with_context(|| format!("failed to write {}", path.display()))?;
            println!("{}: {} rows", path.display(), table.rows.len());
        }
    }
    Ok(())
}

/// `(split, table)` for train, validation and test, with columns `id,text,label`.
fn splits() -> Result<Vec<(&'static str, Table)>> {
    let mut splits = vec![("train", vec![]), ("validation", vec![]), ("test", vec![])];
    let mut seen = BTreeSet::new();
    for (at, class) in CLASSES.iter().enumerate() {
        let mut random = SplitMix64::new(SEED + at as u64);
        let n_train = FEWEST_TRAIN_ROWS + random.below(11);
        let sizes = [n_train, VALIDATION_ROWS, TEST_ROWS];
        for ((_, rows), size) in splits.iter_mut().zip(sizes) {
            for _ in 0..size {
                rows.push((unseen_message(at, &mut random, &mut seen)?, class.label));
            }
        }
    }
    let mut random = SplitMix64::new(SEED + CLASSES.len() as u64);
    Ok(splits
        .into_iter()
        .map(|(name, mut rows)| {
            random.shuffle(&mut rows);
            (name, table_of(name, rows))
        })
        .collect())
}

fn table_of(split: &str, rows: Vec<(String, &str)>) -> Table {
    let mut table = Table::new(&["id", "text", "label"]);
    for (at, (text, label)) in rows.into_iter().enumerate() {
        table.rows.push(vec![format!("{split}-{at:04}"), text, label.to_owned()]);
    }
    table
}

fn unseen_message(
    class: usize,
    random: &mut SplitMix64,
    seen: &mut BTreeSet<String>,
) -> Result<String> {
    for _ in 0..MOST_ATTEMPTS {
        let message = message_of(class, random)?;
        if seen.insert(letters_of(&message)) {
            return Ok(message);
        }
    }
    bail!("the grammar of `{}` ran out of new messages", CLASSES[class].label)
}

/// Two messages that differ in capitals and stops only count as one.
fn letters_of(message: &str) -> String {
    message.chars().filter(|it| it.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn message_of(class: usize, random: &mut SplitMix64) -> Result<String> {
    let frames = if random.percent(PAIR_FRAME_CHANCES) { PAIR_FRAMES } else { FRAMES };
    let frame = frames[random.below(frames.len())];
    let asks = [("ask", CLASSES[class].asks), ("other", partner_of(class).asks)];
    let slots = [&asks[..], SHARED];
    let mut message = grammar::expand(frame, &slots, random)?;
    if random.percent(TYPO_CHANCES) {
        message = typo::slip(&message, random);
    }
    if !random.percent(NO_CAPITALS_CHANCES) {
        message = with_capitals(&message);
    }
    if !random.percent(NO_FULL_STOP_CHANCES) {
        message.push('.');
    }
    Ok(message)
}

/// A capital at the start of each sentence.
fn with_capitals(message: &str) -> String {
    let sentences = message.split(". ").map(|sentence| {
        let mut letters = sentence.chars();
        letters
            .next()
            .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
    });
    sentences.collect::<Vec<String>>().join(". ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts_of(table: &Table) -> BTreeSet<String> {
        table.rows.iter().map(|row| letters_of(&row[1])).collect()
    }

    #[test]
    fn every_class_has_its_share_of_every_split() {
        for (name, table) in splits().unwrap() {
            for class in CLASSES {
                let count = table.rows.iter().filter(|row| row[2] == class.label).count();
                match name {
                    "train" => assert!((100..=110).contains(&count), "{count}"),
                    "validation" => assert_eq!(count, 20),
                    _ => assert_eq!(count, 40),
                }
            }
        }
    }

    #[test]
    fn no_text_stands_twice() {
        let splits = splits().unwrap();
        let n_rows: usize = splits.iter().map(|(_, table)| table.rows.len()).sum();
        let texts: BTreeSet<_> = splits.iter().flat_map(|(_, table)| texts_of(table)).collect();
        assert_eq!(texts.len(), n_rows);
    }

    #[test]
    fn every_pattern_of_the_grammar_expands() {
        for class in CLASSES {
            for pattern in class.asks {
                for seed in 0..50 {
                    let text =
                        grammar::expand(pattern, &[SHARED], &mut SplitMix64::new(seed)).unwrap();
                    assert!(!text.contains(['(', '[', '{', '|', ')', ']', '}']), "{text}");
                }
            }
        }
    }

    #[test]
    fn no_word_gives_a_class_away() {
        let train = splits().unwrap().swap_remove(0).1;
        let rows: Vec<(BTreeSet<String>, &str)> =
            train.rows.iter().map(|row| (words_of(&row[1]), row[2].as_str())).collect();
        let words: BTreeSet<&String> = rows.iter().flat_map(|(words, _)| words).collect();
        for class in CLASSES {
            let n_own = rows.iter().filter(|(_, label)| *label == class.label).count() as f64;
            for word in &words {
                let with: Vec<_> = rows.iter().filter(|(words, _)| words.contains(*word)).collect();
                let hits = with.iter().filter(|(_, label)| *label == class.label).count() as f64;
                let (recall, precision) = (hits / n_own, hits / with.len() as f64);
                assert!(recall < 0.6 || precision < 0.7, "{word}: {recall:.2} {precision:.2}");
            }
        }
    }

    fn words_of(text: &str) -> BTreeSet<String> {
        text.split(|symbol: char| !symbol.is_alphanumeric()).map(str::to_lowercase).collect()
    }

    #[test]
    fn the_partner_of_a_class_is_the_one_beside_it() {
        let labels = |at: usize| (CLASSES[at].label, partner_of(at).label);
        assert_eq!(labels(0), ("card-lost", "card-stolen"));
        assert_eq!(labels(5), ("order-change", "order-cancel"));
    }

    #[test]
    fn the_corpus_is_the_same_each_time() {
        assert_eq!(splits().unwrap(), splits().unwrap());
    }

    #[test]
    fn sentences_open_with_a_capital() {
        assert_eq!(with_capitals("hello. it is me"), "Hello. It is me");
    }
}
