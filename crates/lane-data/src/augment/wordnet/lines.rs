//! The lines of WordNet's files.

use std::collections::HashMap;

use super::File;
use crate::error::DataError;
use crate::place::Place;

/// The words of a synset that may stand in a text.
pub(super) type Synset = Box<[Box<str>]>;

/// What the index says of a lemma.
#[derive(Debug)]
pub(super) struct Index {
    /// Senses that occur in the tagged texts.
    pub(super) n_tagged: u32,
    /// Byte offsets of its synsets in the data file, most frequent sense first.
    pub(super) synsets: Box<[u32]>,
}

/// Reads `data.*`.
pub(super) fn synsets(file: &File) -> Result<HashMap<u32, Synset>, DataError> {
    let mut synsets = HashMap::new();
    for line in lines(file) {
        let (line, text) = line?;
        let fields = text.split(" | ").next().unwrap_or_default();
        let (offset, words) = synset(fields)
            .ok_or_else(|| refused(file, line, "`offset file type n_words word id …`"))?;
        synsets.insert(offset, words);
    }
    Ok(synsets)
}

fn synset(fields: &str) -> Option<(u32, Synset)> {
    let mut fields = fields.split_whitespace();
    let offset = fields.next()?.parse().ok()?;
    let n_words = usize::from_str_radix(fields.nth(2)?, 16).ok()?;
    let mut words = Vec::new();
    for _ in 0..n_words {
        let word = fields.next()?;
        u8::from_str_radix(fields.next()?, 16).ok()?;
        words.extend(as_in_text(word));
    }
    // The number of pointers stands next, three digits.
    fields.next()?.parse::<u16>().ok()?;
    Some((offset, words.into()))
}

/// A lemma in lower-case letters and spaces; none if it has other characters.
///
/// An adjective may carry where it stands, as in `galore(ip)`.
fn as_in_text(lemma: &str) -> Option<Box<str>> {
    let lemma = lemma.split('(').next().unwrap_or(lemma);
    let spaced = lemma.replace(['_', '-'], " ").to_lowercase();
    let letters = |word: &str| !word.is_empty() && word.chars().all(char::is_alphabetic);
    spaced.split(' ').all(letters).then(|| spaced.into())
}

/// Reads `index.*`, whose offsets must all be among `synsets`.
pub(super) fn index(
    file: &File,
    synsets: &HashMap<u32, Synset>,
) -> Result<HashMap<Box<str>, Index>, DataError> {
    let mut lemmas = HashMap::new();
    for line in lines(file) {
        let (line, text) = line?;
        let (lemma, entry) = entry(text).ok_or_else(|| {
            refused(
                file,
                line,
                "`lemma pos n_synsets n_pointers pointer … n_senses n_tagged offset …`",
            )
        })?;
        if !entry.synsets.iter().all(|offset| synsets.contains_key(offset)) {
            return Err(refused(file, line, "offsets of synsets that the data file has"));
        }
        lemmas.insert(lemma.into(), entry);
    }
    Ok(lemmas)
}

fn entry(text: &str) -> Option<(&str, Index)> {
    let mut fields = text.split_whitespace();
    let lemma = fields.next()?;
    let n_synsets: usize = fields.nth(1)?.parse().ok()?;
    let n_pointers: usize = fields.next()?.parse().ok()?;
    let n_tagged = fields.nth(n_pointers + 1)?.parse().ok()?;
    let offsets: Option<Vec<u32>> = fields.map(|offset| offset.parse().ok()).collect();
    let synsets = offsets.filter(|offsets| offsets.len() == n_synsets)?;
    Some((lemma, Index { n_tagged, synsets: synsets.into() }))
}

/// Reads `*.exc`: base forms by inflected form.
pub(super) fn exceptions(file: &File) -> Result<HashMap<Box<str>, Vec<Box<str>>>, DataError> {
    let mut exceptions: HashMap<Box<str>, Vec<Box<str>>> = HashMap::new();
    for line in lines(file) {
        let (line, text) = line?;
        let mut forms = text.split_whitespace().map(Box::from);
        let Some(inflected) = forms.next() else { continue };
        let bases: Vec<Box<str>> = forms.collect();
        if bases.is_empty() {
            return Err(refused(file, line, "`inflected base …`"));
        }
        exceptions.entry(inflected).or_default().extend(bases);
    }
    Ok(exceptions)
}

/// Lines with their numbers, the licence and blank ones left out.
fn lines(file: &File) -> impl Iterator<Item = Result<(u64, &str), DataError>> {
    (1..)
        .zip(file.bytes.split(|byte| *byte == b'\n'))
        .filter(|(_, bytes)| !bytes.trim_ascii().is_empty() && !bytes.starts_with(b" "))
        .map(|(line, bytes)| match std::str::from_utf8(bytes) {
            Ok(text) => Ok((line, text)),
            Err(_) => Err(refused(file, line, "UTF-8")),
        })
}

fn refused(file: &File, line: u64, expected: &'static str) -> DataError {
    DataError::WordNetLine { path: file.path.clone(), place: Place::Line(line), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_synset_lose_markers_and_those_with_other_characters_are_left_out() {
        let line =
            "00014490 00 s 04 abounding 0 galore(ip) 0 24-hour_clock 0 full-grown 1 002 & 1 a 0";
        let (offset, words) = synset(line).unwrap();
        assert_eq!((offset, words.join(",")), (14_490, "abounding,galore,full grown".into()));
        assert_eq!(as_in_text("U.S.").as_deref(), None);
        assert_eq!(as_in_text("Hong_Kong").as_deref(), Some("hong kong"));
    }

    #[test]
    fn the_number_of_words_is_hexadecimal() {
        let words = "a 0 b 0 c 0 d 0 e 0 f 0 g 0 h 0 i 0 j 0";
        let (_, read) = synset(&format!("1 00 n 0a {words} 000")).unwrap();
        assert_eq!(read.len(), 10);
        assert!(synset(&format!("1 00 n 0b {words} 000")).is_none());
    }

    #[test]
    fn entry_of_the_index_counts_its_offsets() {
        let (lemma, entry) = entry("good a 3 2 ! & 3 2 11 22 33  ").unwrap();
        assert_eq!((lemma, entry.n_tagged, &*entry.synsets), ("good", 2, &[11, 22, 33][..]));
        assert!(super::entry("good a 3 2 ! & 3 2 11 22").is_none());
        assert!(super::entry("good a 3 2 ! &").is_none());
    }
}
