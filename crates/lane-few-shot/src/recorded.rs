//! Replies kept on disk, one JSON line each, under the hash of their request.
//!
//! The same file serves three ends: `replies.jsonl` of a run folder, from which a stopped run goes
//! on; `--record`, which keeps a copy elsewhere; and `--replay`, which answers from it without any
//! network. A line that was cut off at the end of the file is dropped and asked again; anything else
//! that is no reply is refused. Where a request stands twice, its first reply counts.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use serde::{Deserialize, Serialize};

use crate::chat::{ChatError, ChatModel, ChatRequest, Reply};
use crate::error::FewShotError;

/// Replies by the key of their request.
pub type Replies = BTreeMap<String, Reply>;

#[derive(Serialize, Deserialize)]
struct Line {
    key: String,
    #[serde(flatten)]
    reply: Reply,
}

/// The replies of whole lines.
fn parse(bytes: &[u8], path: &Path) -> Result<Replies, FewShotError> {
    let mut replies = Replies::new();
    for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let broken = |reason| FewShotError::BrokenRecording { path: path.into(), line, reason };
        let text = std::str::from_utf8(bytes)
            .map_err(|error| broken(format!("not valid UTF-8: {error}")))?;
        if text.trim().is_empty() {
            continue;
        }
        let Line { key, reply } =
            serde_json::from_str(text).map_err(|error| broken(reason(&error)))?;
        replies.entry(key).or_insert(reply);
    }
    Ok(replies)
}

/// The parser saw one line only, so its "line 1" would mislead.
fn reason(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let reason = message.split(" at line ").next().unwrap_or(&message);
    if error.is_data() {
        // A flattened line is put together first, so that the place is lost.
        return reason.to_owned();
    }
    format!("broken JSON at character {}: {reason}", error.column())
}

/// Everything up to the last line end.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1)]
}

/// Reads the replies of a file.
///
/// # Errors
///
/// [`FewShotError::Io`] if it cannot be read, [`FewShotError::BrokenRecording`] for a line that is
/// no reply.
pub fn read(path: &Path) -> Result<Replies, FewShotError> {
    let bytes = lane_data::open::bytes(path).map_err(FewShotError::io("read", path))?;
    parse(whole_lines(&bytes), path)
}

/// A file of replies that grows. While it is open no other process can open it.
#[derive(Debug)]
pub struct ReplyLog {
    file: File,
    path: PathBuf,
}

impl ReplyLog {
    /// Opens or creates the file, and reads the replies that are there.
    ///
    /// # Errors
    ///
    /// [`FewShotError::InUse`] if another process has it open, and those of [`read`].
    pub fn open(path: &Path) -> Result<(Self, Replies), FewShotError> {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        if path.exists() {
            lane_data::open::ordinary(path).map_err(FewShotError::io("read", path))?;
        }
        let mut file = options.open(path).map_err(FewShotError::io("create", path))?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                return Err(FewShotError::InUse { path: path.into() });
            }
            // A file system without locks is no reason to stop.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(FewShotError::io("read", path))?;
        let whole = whole_lines(&bytes);
        let replies = parse(whole, path)?;
        file.set_len(whole.len() as u64).map_err(FewShotError::io("create", path))?;
        file.seek(SeekFrom::End(0)).map_err(FewShotError::io("create", path))?;
        Ok((Self { file, path: path.into() }, replies))
    }

    /// Adds a reply, and does not return before the system has it.
    ///
    /// # Errors
    ///
    /// [`FewShotError::Io`].
    pub fn append(&mut self, key: &str, reply: &Reply) -> Result<(), FewShotError> {
        let line = Line { key: key.into(), reply: reply.clone() };
        let write = || -> std::io::Result<()> {
            let mut text = serde_json::to_string(&line)?;
            text.push('\n');
            // One call a line, so that a kill leaves whole lines but for the last.
            (&self.file).write_all(text.as_bytes())
        };
        write().map_err(FewShotError::io("write", &self.path))
    }
}

/// Answers from a recording alone.
#[derive(Clone, Debug)]
pub struct Replayed(pub Replies);

impl ChatModel for Replayed {
    fn reply(&self, request: &ChatRequest) -> Result<Reply, ChatError> {
        let key = request.key();
        self.0.get(&key).cloned().ok_or(ChatError::NotRecorded { key })
    }
}

/// Answers as another model does, and keeps what it answers.
#[derive(Debug)]
pub struct Recording<M> {
    model: M,
    log: Mutex<ReplyLog>,
}

impl<M: ChatModel> Recording<M> {
    /// Records the replies of `model` at the end of `log`.
    pub fn new(model: M, log: ReplyLog) -> Self {
        Self { model, log: Mutex::new(log) }
    }
}

impl<M: ChatModel> ChatModel for Recording<M> {
    fn reply(&self, request: &ChatRequest) -> Result<Reply, ChatError> {
        let reply = self.model.reply(request)?;
        let mut log = self.log.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        log.append(&request.key(), &reply)
            .map_err(|error| ChatError::Record { message: error.to_string() })?;
        Ok(reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(content: &str) -> Reply {
        Reply { content: content.into(), prompt_tokens: Some(3), retries: 1, ..Reply::default() }
    }

    fn opened(text: &str) -> (tempfile::TempDir, Result<(ReplyLog, Replies), FewShotError>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replies.jsonl");
        std::fs::write(&path, text).unwrap();
        let opened = ReplyLog::open(&path);
        (folder, opened)
    }

    #[test]
    fn what_is_appended_is_read_again_and_the_first_reply_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("replies.jsonl");
        let (mut log, replies) = ReplyLog::open(&path).unwrap();
        assert!(replies.is_empty());
        for (key, content) in [("a", "joy\n\"so\""), ("b", "ärger"), ("a", "fear")] {
            log.append(key, &reply(content)).unwrap();
        }
        let expected = [("a".into(), reply("joy\n\"so\"")), ("b".into(), reply("ärger"))];
        assert_eq!(read(&path).unwrap(), expected.into());
        drop(log);
        assert_eq!(ReplyLog::open(&path).unwrap().1.len(), 2);
    }

    #[test]
    fn a_line_that_was_cut_off_is_dropped_and_the_next_one_is_whole() {
        let whole = "{\"key\":\"a\",\"content\":\"joy\"}\n";
        let (folder, opened) = opened(&format!("{whole}{{\"key\":\"b\",\"con"));
        let (mut log, replies) = opened.unwrap();
        assert_eq!(replies.len(), 1);
        log.append("b", &reply("fear")).unwrap();
        let path = folder.path().join("replies.jsonl");
        assert_eq!(read(&path).unwrap().len(), 2);
        assert!(std::fs::read_to_string(path).unwrap().starts_with(whole));
    }

    #[test]
    fn a_line_that_is_no_reply_is_refused_with_its_number() {
        let (_folder, opened) = opened("{\"key\":\"a\",\"content\":\"joy\"}\nnonsense\n");
        let error = opened.unwrap_err();
        assert!(error.is_usage());
        assert!(error.to_string().contains("replies.jsonl, line 2: not a recorded reply"));
    }

    #[test]
    fn a_file_that_is_open_is_not_opened_again() {
        let (folder, opened) = opened("");
        let again = ReplyLog::open(&folder.path().join("replies.jsonl"));
        assert!(again.unwrap_err().to_string().contains("in use by another process"));
        drop(opened);
        assert!(ReplyLog::open(&folder.path().join("replies.jsonl")).is_ok());
    }
}
