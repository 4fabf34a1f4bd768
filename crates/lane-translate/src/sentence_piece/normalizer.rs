//! Text to the form in which pieces are looked for: characters exchanged by the model's table, white
//! space squeezed and written `▁`.
//!
//! The table is a double-array trie from byte strings to replacements, the longest match taken:
//!
//! ```text
//! u32 bytes of the trie | the trie, u32 each | replacements, each ended by a zero byte
//! ```
//!
//! The crate `tokenizers` reads the same table, but looks up whole graphemes and takes the shortest match,
//! which gives other pieces for some combining marks.

use super::SPACE;

/// What the model says about white space, and its table.
#[derive(Clone, Debug, Default)]
pub(super) struct Normalizer {
    pub(super) table: Option<Table>,
    pub(super) add_prefix: bool,
    pub(super) squeeze: bool,
    pub(super) escape: bool,
    /// Symbols of the user, which are never changed.
    pub(super) symbols: Vec<String>,
}

impl Normalizer {
    /// The normal form of `text`; empty where nothing is left of it.
    pub(super) fn normalize(&self, text: &str) -> String {
        let mut rest = text;
        if self.squeeze {
            while let Some((" ", length)) = self.prefix(rest) {
                rest = &rest[length..];
            }
        }
        let mut made = String::with_capacity(rest.len() + 8);
        if rest.is_empty() {
            return made;
        }
        let space = if self.escape { SPACE } else { " " };
        if self.add_prefix {
            made.push_str(space);
        }
        let mut after_space = self.squeeze;
        while let Some((replacement, length)) = self.prefix(rest) {
            rest = &rest[length..];
            let kept = if after_space { replacement.trim_start_matches(' ') } else { replacement };
            if !kept.is_empty() {
                made.push_str(&kept.replace(' ', space));
                after_space = self.squeeze && kept.ends_with(' ');
            }
        }
        if self.squeeze {
            made.truncate(made.trim_end_matches(space).len());
        }
        made
    }

    /// What the start of `text` becomes, and how many bytes that start has; none at the end.
    fn prefix<'a>(&'a self, text: &'a str) -> Option<(&'a str, usize)> {
        let first = text.chars().next()?;
        let symbols = self.symbols.iter().filter(|symbol| text.starts_with(symbol.as_str()));
        if let Some(length) = symbols.map(String::len).max() {
            return Some((&text[..length], length));
        }
        let found = self.table.as_ref().and_then(|table| table.longest(text));
        Some(found.unwrap_or((&text[..first.len_utf8()], first.len_utf8())))
    }
}

/// The table of replacements.
#[derive(Clone, Debug)]
pub(super) struct Table {
    units: Vec<u32>,
    replacements: String,
}

impl Table {
    /// Takes a table apart; a message where it is none.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, String> {
        let size = bytes.first_chunk().map(|size| u32::from_le_bytes(*size) as usize);
        let (trie, replacements) = size
            .and_then(|size| bytes[4..].split_at_checked(size))
            .ok_or_else(|| format!("a table of {} bytes, shorter than it says", bytes.len()))?;
        let units = trie.chunks_exact(4).map(|it| u32::from_le_bytes([it[0], it[1], it[2], it[3]]));
        let replacements = String::from_utf8(replacements.to_vec())
            .map_err(|error| format!("the table of replacements: {error}"))?;
        Ok(Self { units: units.collect(), replacements })
    }

    /// The longest key that `text` starts with: its replacement, and its length.
    fn longest<'a>(&'a self, text: &'a str) -> Option<(&'a str, usize)> {
        let mut node = offset(*self.units.first()?);
        let mut found = None;
        for (index, byte) in text.bytes().enumerate() {
            node ^= usize::from(byte);
            let unit = *self.units.get(node)?;
            if unit & LABEL != u32::from(byte) {
                break;
            }
            node ^= offset(unit);
            if unit & HAS_LEAF != 0 {
                found = Some((*self.units.get(node)? & VALUE, index + 1));
            }
        }
        let (value, length) = found.filter(|(_, length)| text.is_char_boundary(*length))?;
        let replacement = self.replacements.get(value as usize..)?.split('\0').next()?;
        Some((replacement, length))
    }
}

/// Bits of a unit of the double array, as darts-clone lays them out.
const HAS_LEAF: u32 = 1 << 8;
const LABEL: u32 = (1 << 31) | 0xff;
const VALUE: u32 = (1 << 31) - 1;

fn offset(unit: u32) -> usize {
    ((unit >> 10) << ((unit & (1 << 9)) >> 6)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain() -> Normalizer {
        Normalizer { add_prefix: true, squeeze: true, escape: true, ..Normalizer::default() }
    }

    #[test]
    fn white_space_is_squeezed_and_marked() {
        assert_eq!(plain().normalize("  two   words "), "▁two▁words");
        assert_eq!(plain().normalize(" "), "");
        assert_eq!(plain().normalize(""), "");
        assert_eq!(plain().normalize("▁a▁"), "▁▁a");
    }

    #[test]
    fn white_space_stays_where_the_model_says_so() {
        let normalizer = Normalizer { squeeze: false, ..plain() };
        assert_eq!(normalizer.normalize(" a  b "), "▁▁a▁▁b▁");
        let normalizer = Normalizer { add_prefix: false, escape: false, ..plain() };
        assert_eq!(normalizer.normalize(" a  b "), "a b");
    }

    #[test]
    fn broken_table_is_refused_or_finds_nothing() {
        assert!(Table::read(&[1, 0]).is_err());
        assert!(Table::read(&[9, 0, 0, 0, 1, 2]).is_err());
        assert!(Table::read(&[0, 0, 0, 0, 0xff]).is_err());
        let outside = Table { units: vec![u32::MAX; 3], replacements: String::new() };
        assert_eq!(outside.longest("abc"), None);
    }
}
