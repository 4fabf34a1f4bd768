//! The folder of an audit: `labels.csv` and `audit.json`.
//!
//! Both are written under a temporary name and renamed, `audit.json` last: a folder that has it is
//! finished.

use std::fs;
use std::io::Write;
use std::path::Path;

use crate::error::AuditError;
use crate::model::{Audit, AuditRow, Summary};

/// What this version writes and reads.
pub(crate) const FORMAT: u32 = 1;
const ROWS: &str = "labels.csv";
const SUMMARY: &str = "audit.json";

/// Writes the folder, which is made if it is not there.
///
/// # Errors
///
/// [`AuditError::Io`].
pub fn write(folder: &Path, audit: &Audit) -> Result<(), AuditError> {
    fs::create_dir_all(folder).map_err(AuditError::io("create", folder))?;
    let path = folder.join(ROWS);
    let mut table = csv::Writer::from_writer(Vec::new());
    for row in &audit.rows {
        table.serialize(row).map_err(|error| AuditError::io("write", &path)(error.into()))?;
    }
    let bytes =
        table.into_inner().map_err(|error| AuditError::io("write", &path)(error.into_error()))?;
    replace(&path, &bytes)?;
    let path = folder.join(SUMMARY);
    let summary = Summary { format: FORMAT, ..audit.summary.clone() };
    let mut text = serde_json::to_vec_pretty(&summary)
        .map_err(|error| AuditError::io("write", &path)(error.into()))?;
    text.push(b'\n');
    replace(&path, &text)
}

/// Reads what [`write()`] wrote.
///
/// # Errors
///
/// [`AuditError::NotAnAudit`] where a file is missing, broken or of another format.
pub fn read(folder: &Path) -> Result<Audit, AuditError> {
    let path = folder.join(SUMMARY);
    let text = fs::read_to_string(&path)
        .map_err(|error| AuditError::not_an_audit(folder, format!("{SUMMARY}: {error}")))?;
    let broken = |error: String| AuditError::not_an_audit(folder, error);
    let summary: Summary =
        serde_json::from_str(&text).map_err(|error| broken(format!("{SUMMARY}: {error}")))?;
    if summary.format != FORMAT {
        let found = summary.format;
        return Err(broken(format!("{SUMMARY} has format {found}, expected {FORMAT}")));
    }
    let mut table = csv::Reader::from_path(folder.join(ROWS))
        .map_err(|error| broken(format!("{ROWS}: {error}")))?;
    let rows: Result<Vec<AuditRow>, _> = table.deserialize().collect();
    let rows = rows.map_err(|error| broken(format!("{ROWS}: {error}")))?;
    if rows.len() != summary.data.n_rows {
        let (found, expected) = (rows.len(), summary.data.n_rows);
        return Err(broken(format!("{ROWS} has {found} rows, expected {expected}")));
    }
    Ok(Audit { summary, rows })
}

/// Writes a file whole or not at all.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), AuditError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".lane-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            file.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        file.persist(path).map(drop).map_err(|error| error.error)
    };
    write().map_err(AuditError::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{DataFile, RowKind};

    fn audit() -> Audit {
        let row = AuditRow {
            row: 1,
            id: "b".into(),
            text: "one, \"two\"\nthree".into(),
            label: "x".into(),
            suggested: "y".into(),
            score: 0.1 + 0.2,
            flagged: true,
            reason: "why".into(),
            rank: 1,
            kind: RowKind::Wrong,
            p_label: Some(0.25),
            ..AuditRow::default()
        };
        let second = AuditRow { row: 0, rank: 2, flagged: false, ..row.clone() };
        let data = DataFile { n_rows: 2, ..DataFile::default() };
        let summary = Summary { format: FORMAT, data, ..Summary::default() };
        Audit { summary, rows: vec![row, second] }
    }

    #[test]
    fn what_was_written_is_read_to_the_last_bit() {
        let folder = tempfile::tempdir().unwrap();
        let audit = audit();
        write(&folder.path().join("audit"), &audit).unwrap();
        assert_eq!(read(&folder.path().join("audit")).unwrap(), audit);
    }

    #[test]
    fn the_ranking_begins_with_the_columns_of_every_other_list_of_labels() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &audit()).unwrap();
        let text = fs::read_to_string(folder.path().join(ROWS)).unwrap();
        assert!(
            text.starts_with("row,id,text,label,suggested,score,weight,flagged,reason,rank,kind,")
        );
    }

    #[test]
    fn a_folder_without_an_audit_or_with_half_of_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let message = |found: &str| {
            let error = read(folder.path()).unwrap_err().to_string();
            assert!(error.contains("is not the folder of a finished audit"), "{error}");
            assert!(error.contains(found), "{error}");
        };
        message("audit.json: ");
        write(folder.path(), &audit()).unwrap();
        let rows = fs::read_to_string(folder.path().join(ROWS)).unwrap();
        let half: Vec<&str> = rows.lines().take(3).collect();
        fs::write(folder.path().join(ROWS), half.join("\n")).unwrap();
        message("labels.csv has 1 rows, expected 2");
        fs::write(folder.path().join(SUMMARY), "{\"format\": 9}").unwrap();
        message("audit.json: missing field");
    }
}
