//! Back-translations, read from a file that any translator may have made.
//!
//! ```text
//! id<TAB>text of the row, there and back
//! ```
//!
//! one row a line, in UTF-8, without header, in any order; everything after the first tab is
//! text. The paper goes en → de → en with `opus-mt-en-de` and `opus-mt-de-en` (Tiedemann and
//! Thottingal 2020), as `lane translate` does in a build that has it.
//!
//! A row keeps its text where the file has nothing for it, an empty line, or the text itself
//! again; [`Translated::kept`] counts them. An id may stand twice with one and the same text, as
//! it does after a translator was stopped and started again, but not with two.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::DataError;
use crate::place::Place;
use crate::read::text::{self, TextFile};

/// The name of the id's column in messages.
const ID: &str = "id";

/// A file of translations.
#[derive(Debug)]
pub struct Translations {
    path: PathBuf,
    sha256: String,
    by_id: HashMap<String, (u64, String)>,
}

/// The translations of some rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Translated {
    /// By row; none where the row keeps its text.
    pub texts: Vec<Option<String>>,
    /// Why rows keep theirs.
    pub kept: Kept,
}

/// Rows that keep their text, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The file has no such id.
    pub missing: usize,
    /// The translation is empty.
    pub empty: usize,
    /// The translation is the text itself, but for white space.
    pub identical: usize,
}

impl Kept {
    /// All of them.
    pub fn total(self) -> usize {
        self.missing + self.empty + self.identical
    }
}

impl Translations {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`] if the system refuses, and with the line: [`DataError::NoTab`],
    /// [`DataError::EmptyId`], [`DataError::NotUtf8`], and [`DataError::DuplicateId`] for an id
    /// with two texts. [`DataError::NoRows`] if there is nothing in the file.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let TextFile { bytes, sha256 } = text::read(path)?;
        let mut by_id = HashMap::new();
        for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let text = utf8(path, line, bytes.strip_suffix(b"\r").unwrap_or(bytes))?;
            if !text.trim().is_empty() {
                add(&mut by_id, path, line, text)?;
            }
        }
        if by_id.is_empty() {
            return Err(DataError::NoRows { path: path.into() });
        }
        Ok(Self { path: path.into(), sha256, by_id })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Rows that the file has, empty ones included.
    pub fn n_rows(&self) -> usize {
        self.by_id.len()
    }

    /// SHA-256 of the file, lower-case hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The translations of rows with these ids and texts.
    pub fn of<'a>(&self, rows: impl IntoIterator<Item = (&'a str, &'a str)>) -> Translated {
        let mut kept = Kept::default();
        let texts = rows
            .into_iter()
            .map(|(id, text)| {
                let counter = match self.by_id.get(id) {
                    None => &mut kept.missing,
                    Some((_, made)) if made.trim().is_empty() => &mut kept.empty,
                    Some((_, made)) if same_words(made, text) => &mut kept.identical,
                    Some((_, made)) => return Some(made.clone()),
                };
                *counter += 1;
                None
            })
            .collect();
        Translated { texts, kept }
    }
}

/// Whether two texts are the same but for white space.
pub fn same_words(left: &str, right: &str) -> bool {
    left.split_whitespace().eq(right.split_whitespace())
}

fn utf8<'a>(path: &Path, line: u64, bytes: &'a [u8]) -> Result<&'a str, DataError> {
    std::str::from_utf8(bytes).map_err(|error| DataError::NotUtf8 {
        path: path.into(),
        place: Place::Line(line),
        column: if bytes[..error.valid_up_to()].contains(&b'\t') { "text" } else { ID }.into(),
        byte: bytes[error.valid_up_to()],
    })
}

fn add(
    by_id: &mut HashMap<String, (u64, String)>,
    path: &Path,
    line: u64,
    text: &str,
) -> Result<(), DataError> {
    let place = Place::Line(line);
    let (id, text) =
        text.split_once('\t').ok_or_else(|| DataError::NoTab { path: path.into(), place })?;
    if id.trim().is_empty() {
        return Err(DataError::EmptyId { path: path.into(), place, column: ID.into() });
    }
    match by_id.get(id) {
        Some((_, known)) if known == text => {}
        Some((first, _)) => {
            let first = Place::Line(*first);
            let (path, column, id) = (path.into(), ID.into(), id.into());
            return Err(DataError::DuplicateId { path, place, column, id, first });
        }
        None => drop(by_id.insert(id.into(), (line, text.into()))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("de.tsv");
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn read(bytes: &[u8]) -> Translations {
        let (_folder, path) = file(bytes);
        Translations::read(&path).unwrap()
    }

    #[track_caller]
    fn refused(bytes: &[u8], message: &str) {
        let (folder, path) = file(bytes);
        let error = Translations::read(&path).unwrap_err().to_string();
        assert_eq!(error.replace(&format!("{}/", folder.path().display()), ""), message);
    }

    fn of(translations: &Translations, rows: &[(&str, &str)]) -> (Vec<Option<String>>, Kept) {
        let Translated { texts, kept } = translations.of(rows.iter().copied());
        (texts, kept)
    }

    #[test]
    fn rows_are_found_by_id_whatever_their_order() {
        let translations = read("b\tzwei\na\teins\n".as_bytes());
        let (texts, kept) = of(&translations, &[("a", "one"), ("b", "two")]);
        assert_eq!(texts, [Some("eins".into()), Some("zwei".into())]);
        assert_eq!(kept.total(), 0);
    }

    #[test]
    fn row_missing_from_the_file_keeps_its_text() {
        let (texts, kept) = of(&read(b"a\tx\n"), &[("b", "two")]);
        assert_eq!((texts, kept), (vec![None], Kept { missing: 1, ..Kept::default() }));
    }

    #[test]
    fn row_with_an_empty_translation_keeps_its_text() {
        let (texts, kept) = of(&read(b"a\t\nb\t \n"), &[("a", "one"), ("b", "two")]);
        assert_eq!((texts, kept), (vec![None, None], Kept { empty: 2, ..Kept::default() }));
    }

    #[test]
    fn row_translated_into_itself_keeps_its_text() {
        let (texts, kept) = of(&read(b"a\tone  day \n"), &[("a", "one day")]);
        assert_eq!((texts, kept), (vec![None], Kept { identical: 1, ..Kept::default() }));
    }

    #[test]
    fn byte_order_mark_carriage_returns_blank_lines_and_tabs_in_texts_are_read() {
        let translations = read(b"\xEF\xBB\xBFa\tx\ty\r\n\r\nb\tz");
        let (texts, _) = of(&translations, &[("a", ""), ("b", "")]);
        assert_eq!(texts, [Some("x\ty".into()), Some("z".into())]);
    }

    #[test]
    fn id_twice_with_one_text_is_read_and_with_two_is_refused() {
        assert_eq!(read(b"a\tx\na\tx\n").by_id.len(), 1);
        refused(
            b"a\tx\nb\tx\na\ty\n",
            "de.tsv, line 3, column `id`: id `a` already stands on line 1",
        );
    }

    #[test]
    fn broken_files_are_answered_with_the_line() {
        refused(b"a\tx\nb y\n", "de.tsv, line 2: found no tab, expected `id<TAB>text`");
        refused(b"a\tx\n\ty\n", "de.tsv, line 2, column `id`: the id is empty");
        refused(b"a\t\xff\n", "de.tsv, line 1, column text: byte 0xff is not valid UTF-8");
        refused(b"\n \n", "de.tsv: the file has no rows");
        refused(
            b"\xFF\xFEa",
            "de.tsv, line 1: the file starts with the byte-order mark of UTF-16, expected UTF-8",
        );
    }
}
