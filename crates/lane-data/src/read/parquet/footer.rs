//! The footer of a Parquet file, walked before the decoder reads it.
//!
//! The decoder makes room for as many row groups and children of a column as a footer states, and
//! follows columns within columns as deep as they go; both end the process where a footer lies.

use std::io::{self, Read, Seek, SeekFrom};

use super::compact::{Compact, Met};
use super::shapes::{FOOTER, N_CHILDREN, SCHEMA};

/// Columns within one another; tables of texts and labels have 4 levels or less.
const DEEPEST: usize = 64;

/// What ends a file: bytes of the footer, then four letters.
const TAIL: usize = 8;
const LETTERS: &[u8] = b"PAR1";

/// Refuses a footer that is no footer. What does not even end as a Parquet file is left to the decoder,
/// which says so.
pub(super) fn check(file: &mut (impl Read + Seek)) -> Result<(), String> {
    let failed = |error: io::Error| format!("footer: {error}");
    let n_bytes = file.seek(SeekFrom::End(0)).map_err(failed)?;
    let mut tail = [0; TAIL];
    let Some(tail_start) = n_bytes.checked_sub(TAIL as u64) else { return Ok(()) };
    file.seek(SeekFrom::Start(tail_start)).map_err(failed)?;
    file.read_exact(&mut tail).map_err(failed)?;
    let (length, letters) = tail.split_at(4);
    let length = length.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte));
    let start = tail_start.checked_sub(length);
    let Some(start) = start.filter(|_| letters == LETTERS) else { return Ok(()) };
    file.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut n_children = Vec::new();
    let mut show = |path: &[i64], met| match (path, met) {
        ([SCHEMA, SCHEMA], Met::Struct) => n_children.push(0),
        ([SCHEMA, SCHEMA, N_CHILDREN], Met::Integer(value)) => {
            if let Some(last) = n_children.last_mut() {
                *last = value;
            }
        }
        _ => {}
    };
    let mut reader = io::BufReader::new(file);
    Compact::new(&mut reader, length).walk(FOOTER, &mut show).map_err(failed)?;
    check_schema(&n_children)
}

/// Columns stand with their children behind them, so many to each.
fn check_schema(n_children: &[i64]) -> Result<(), String> {
    // Of each level, how many are still to come.
    let mut to_come: Vec<u64> = Vec::new();
    let mut sum = 0_u64;
    for (at, n) in n_children.iter().enumerate() {
        if let Some(left) = to_come.last_mut() {
            *left -= 1;
            sum -= 1;
        }
        let behind = (n_children.len() - at - 1) as u64;
        let n = u64::try_from(*n).ok().filter(|n| n.saturating_add(sum) <= behind);
        let n = n.ok_or_else(|| {
            format!(
                "column {at} of the schema states {} within it, {behind} follow",
                n_children[at]
            )
        })?;
        sum += n;
        to_come.push(n);
        if DEEPEST < to_come.len() {
            return Err(format!("a schema of more than {DEEPEST} columns within one another"));
        }
        while to_come.last() == Some(&0) {
            to_come.pop();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_schema_whose_columns_are_all_there_is_taken() {
        assert_eq!(check_schema(&[]), Ok(()));
        assert_eq!(check_schema(&[2, 0, 0]), Ok(()));
        assert_eq!(check_schema(&[2, 1, 1, 0, 0]), Ok(()));
        assert_eq!(
            check_schema(&[1; 64].iter().copied().chain([0]).collect::<Vec<_>>()[1..]),
            Ok(())
        );
    }

    #[test]
    fn a_schema_that_states_more_than_follow_is_refused() {
        let said = |at, n, behind| {
            Err(format!("column {at} of the schema states {n} within it, {behind} follow"))
        };
        assert_eq!(check_schema(&[2, 0]), said(0, 2, 1));
        assert_eq!(check_schema(&[2, 1, 0]), said(1, 1, 1));
        assert_eq!(check_schema(&[i64::MAX]), said(0, i64::MAX, 0));
        assert_eq!(check_schema(&[-1, 0]), said(0, -1, 1));
    }

    #[test]
    fn a_schema_deeper_than_any_table_is_refused() {
        let deep = [vec![1; 100_000], vec![0]].concat();
        let said = "a schema of more than 64 columns within one another";
        assert_eq!(check_schema(&deep), Err(said.into()));
    }

    #[test]
    fn a_footer_is_found_by_the_end_of_the_file() {
        let file = |footer: &[u8], length: u32, letters: &[u8]| {
            let bytes = [b"PAR1", footer, &length.to_le_bytes(), letters].concat();
            check(&mut Cursor::new(bytes))
        };
        // Two columns in the schema, of which the first has 1 within it; then its last byte missing.
        let footer = [0x29, 0x2c, 0x55, 2, 0, 0, 0];
        assert_eq!(file(&footer, 7, b"PAR1"), Ok(()));
        let beyond = "footer: it ends within a value";
        assert_eq!(file(&footer[..6], 6, b"PAR1"), Err(beyond.into()));
        // Not a Parquet file: the decoder says so.
        assert_eq!(file(&footer[..6], 6, b"ARRO"), Ok(()));
        assert_eq!(file(&footer, 999, b"PAR1"), Ok(()));
        assert_eq!(check(&mut Cursor::new(b"PAR1")), Ok(()));
    }
}
