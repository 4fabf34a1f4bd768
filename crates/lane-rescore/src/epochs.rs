//! Which epochs of a training count.

use std::fmt;
use std::str::FromStr;

use crate::error::RescoreError;

/// Epochs from one to another, both included; counted from 1 as in `dynamics.parquet`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epochs {
    /// The first that counts.
    pub first: u32,
    /// The last that counts.
    pub last: u32,
}

impl Epochs {
    /// Every epoch.
    pub const ALL: Self = Self { first: 0, last: u32::MAX };
}

impl FromStr for Epochs {
    type Err = RescoreError;

    /// `2..5`, `2..`, `..5` or `..`; both ends count.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let end = |text: &str, open: u32| {
            if text.is_empty() { Some(open) } else { text.parse().ok() }
        };
        text.split_once("..")
            .and_then(|(first, last)| {
                Some(Self { first: end(first, Self::ALL.first)?, last: end(last, Self::ALL.last)? })
            })
            .filter(|epochs| epochs.first <= epochs.last)
            .ok_or_else(|| RescoreError::Setting {
                setting: "epochs",
                found: format!("`{text}`"),
                expected: "FROM..TO with both ends counted, such as 2..5, 2.. or ..5",
            })
    }
}

impl fmt::Display for Epochs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first != Self::ALL.first {
            write!(f, "{}", self.first)?;
        }
        f.write_str("..")?;
        if self.last == Self::ALL.last { Ok(()) } else { write!(f, "{}", self.last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_they_are_shown() {
        for (text, first, last) in [
            ("2..5", 2, 5),
            ("2..", 2, u32::MAX),
            ("..5", 0, 5),
            ("..", 0, u32::MAX),
            ("3..3", 3, 3),
        ] {
            let epochs: Epochs = text.parse().unwrap();
            assert_eq!(
                (epochs.first, epochs.last, epochs.to_string().as_str()),
                (first, last, text)
            );
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "3", "5..2", "a..", "1..=3", "1...3", "-1..2"] {
            let said = text.parse::<Epochs>().unwrap_err().to_string();
            assert!(said.starts_with(&format!("epochs is `{text}`, expected FROM..TO")), "{said}");
        }
    }
}
