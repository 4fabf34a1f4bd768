//! `decisions.sqlite`: every decision that was made, in the order in which they came.
//!
//! Entries are added and never changed or deleted, and triggers refuse both. An undo is an entry too:
//! it names the one it takes back. What counts is the view `standing`: of each annotator and row the
//! newest entry that was not taken back.
//!
//! A decision is on disk before it is confirmed (`synchronous = EXTRA`), so neither a killed process nor
//! a power cut loses it. A rollback journal rather than a write-ahead log: between entries the database
//! is one file, which can be copied and mailed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lane_audit::model::DataFile;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, TransactionBehavior, params};

use crate::decision::{Decision, Entry, Standing};
use crate::error::ReviewError;

const NAME: &str = "decisions.sqlite";
/// Other processes write for milliseconds only.
const PATIENCE: Duration = Duration::from_secs(10);
const FORMAT: &str = "1";
const SCHEMA: &str = include_str!("store.sql");
const COLUMNS: &str = "number, row, decision, new_label, annotator, decided_at";

/// The decisions of an audit.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the decisions in the folder of an audit of `data`; makes the file if it is not there.
    ///
    /// # Errors
    ///
    /// [`ReviewError::ForeignDecisions`] where they are about other data, [`ReviewError::Store`].
    pub fn open(folder: &Path, data: &DataFile) -> Result<Self, ReviewError> {
        let mut store = Self::connect(folder, OpenFlags::default())?;
        store.prepare(data).map_err(store.failed("prepare"))?;
        store.check(data)?;
        Ok(store)
    }

    /// As [`Store::open`], but nothing where there is no such file.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open_existing(folder: &Path, data: &DataFile) -> Result<Option<Self>, ReviewError> {
        if !Self::path_in(folder).exists() {
            return Ok(None);
        }
        // Not read-only: what a killed process left half-written has to be rolled back.
        let store = Self::connect(folder, OpenFlags::default() & !OpenFlags::SQLITE_OPEN_CREATE)?;
        store.check(data)?;
        Ok(Some(store))
    }

    /// Where the decisions of an audit are.
    pub fn path_in(folder: &Path) -> PathBuf {
        folder.join(NAME)
    }

    fn connect(folder: &Path, flags: OpenFlags) -> Result<Self, ReviewError> {
        let path = Self::path_in(folder);
        // A folder may be called `file:…`.
        let flags = flags & !OpenFlags::SQLITE_OPEN_URI;
        let open = || -> rusqlite::Result<Connection> {
            let connection = Connection::open_with_flags(&path, flags)?;
            connection.busy_timeout(PATIENCE)?;
            connection.pragma_update(None, "synchronous", "EXTRA")?;
            Ok(connection)
        };
        match open() {
            Ok(connection) => Ok(Self { connection, path }),
            Err(source) => Err(ReviewError::Store { action: "open", path, source }),
        }
    }

    fn failed(&self, action: &'static str) -> impl FnOnce(rusqlite::Error) -> ReviewError + use<> {
        let path = self.path.clone();
        move |source| ReviewError::Store { action, path, source }
    }

    /// Makes the tables of a new file, and says what the decisions are about.
    fn prepare(&mut self, data: &DataFile) -> rusqlite::Result<()> {
        let transaction =
            self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let tables = "SELECT count(*) FROM sqlite_schema";
        if transaction.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0 {
            transaction.execute_batch(SCHEMA)?;
            for (key, value) in [("format", FORMAT), ("data_sha256", data.sha256.as_str())] {
                let insert = "INSERT INTO audit (key, value) VALUES (?1, ?2)";
                transaction.execute(insert, params![key, value])?;
            }
        }
        transaction.commit()
    }

    fn check(&self, data: &DataFile) -> Result<(), ReviewError> {
        let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'audit'";
        let has_table = self.connection.query_row(table, [], |row| row.get::<_, i64>(0));
        let has_table = has_table.map_err(self.failed("read"))? == 1;
        for (key, what, expected) in [
            ("format", "format", FORMAT),
            ("data_sha256", "decisions on data", data.sha256.as_str()),
        ] {
            let select = "SELECT value FROM audit WHERE key = ?1";
            let read = || self.connection.query_row(select, [key], |row| row.get(0)).optional();
            let found: Option<String> =
                if has_table { read().map_err(self.failed("read"))? } else { None };
            if found.as_deref() != Some(expected) {
                let found = found.unwrap_or_else(|| "none".into());
                return Err(ReviewError::ForeignDecisions {
                    path: self.path.clone(),
                    found: format!("{what} {found}"),
                    expected: expected.into(),
                });
            }
        }
        Ok(())
    }

    /// Adds a decision; it is on disk when this returns. Returns its number.
    pub(crate) fn record(&mut self, entry: Entry<'_>) -> Result<i64, ReviewError> {
        let insert = "INSERT INTO decisions (row, label, decision, new_label, annotator)
                      VALUES (?1, ?2, ?3, ?4, ?5)";
        let Entry { row, label, decision, new_label, annotator } = entry;
        let values = params![row, label, decision.as_str(), new_label, annotator];
        self.connection.execute(insert, values).map_err(self.failed("write"))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Takes the newest decision of an annotator back, by another entry. Returns what it was.
    pub(crate) fn undo(&mut self, annotator: &str) -> Result<Option<Standing>, ReviewError> {
        let failed = self.failed("write");
        let mut undo = || -> rusqlite::Result<Option<Standing>> {
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let newest = format!(
                "SELECT {COLUMNS} FROM standing WHERE annotator = ?1 ORDER BY number DESC LIMIT 1"
            );
            let newest = transaction.query_row(&newest, [annotator], standing).optional()?;
            if let Some(newest) = &newest {
                let copy =
                    "INSERT INTO decisions (row, label, decision, new_label, annotator, undoes)
                     SELECT row, label, decision, new_label, annotator, number
                     FROM decisions WHERE number = ?1";
                transaction.execute(copy, [newest.number])?;
            }
            transaction.commit()?;
            Ok(newest)
        };
        undo().map_err(failed)
    }

    /// What counts of every annotator, by row, then in the order in which it was decided.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Store`].
    pub fn standing(&self) -> Result<Vec<Standing>, ReviewError> {
        let select = || -> rusqlite::Result<Vec<Standing>> {
            let select = format!("SELECT {COLUMNS} FROM standing ORDER BY row, number");
            let mut select = self.connection.prepare(&select)?;
            select.query_map([], standing)?.collect()
        };
        select().map_err(self.failed("read"))
    }
}

fn standing(row: &Row<'_>) -> rusqlite::Result<Standing> {
    let name: String = row.get(2)?;
    let decision = Decision::from_name(&name)
        .ok_or_else(|| rusqlite::Error::InvalidColumnName(format!("decision `{name}`")))?;
    Ok(Standing {
        number: row.get(0)?,
        row: row.get(1)?,
        decision,
        new_label: row.get(3)?,
        annotator: row.get(4)?,
        decided_at: row.get(5)?,
    })
}

#[cfg(test)]
mod tests;
