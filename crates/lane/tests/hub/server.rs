//! A server that imitates the hub's `resolve` addresses: ranges, etags, commits, redirects, tokens;
//! and the ways in which a server can fail.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What the server says the files belong to.
pub(crate) const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// How a file is answered for.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// From here, with a length.
    Plain,
    /// 307 to another path of this server, as renamed repositories are.
    MovedHere,
    /// 302 to a full address, as large files are; the hash goes in `x-linked-etag`.
    MovedAway,
    /// So many times, half of what was asked for; then all of it.
    Breaks(usize),
    /// Half of it, always, without saying how much was to come.
    EndsEarly,
    /// The whole file, whatever part was asked for; the first time only half of it.
    IgnoresRanges(usize),
    /// 401 without this token.
    Gated(&'static str),
    /// Nothing but this status, so many times.
    Status(u16, usize),
}

#[derive(Clone, Debug)]
struct Entry {
    bytes: Vec<u8>,
    etag: String,
    manner: Manner,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<String, Entry>,
    /// Every request: path and range.
    log: Vec<String>,
}

/// The server, until the test ends.
pub(crate) struct Server {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A client that hangs up is no concern of the server.
                std::thread::spawn(move || answer(stream, port, &state).ok());
            }
        });
        Self { port, state }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Serves `bytes` at `path` of the data set `repository`, at revision `main`.
    pub(crate) fn serve(&self, repository: &str, path: &str, bytes: &[u8], manner: Manner) {
        self.serve_at(&format!("/datasets/{repository}/resolve/main/{path}"), bytes, manner);
    }

    pub(crate) fn serve_at(&self, address: &str, bytes: &[u8], manner: Manner) {
        // As git does for small files, if with another hash: equal contents, equal name.
        let sum = bytes.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31) + u64::from(*byte));
        let etag = format!("{sum:040x}");
        self.serve_as(address, bytes, &etag, manner);
    }

    pub(crate) fn serve_as(&self, address: &str, bytes: &[u8], etag: &str, manner: Manner) {
        let entry = Entry { bytes: bytes.to_vec(), etag: etag.into(), manner };
        self.state.lock().unwrap().entries.insert(address.into(), entry);
    }

    /// Path and range of every request so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state.lock().unwrap().log.clone()
    }
}

struct Request {
    path: String,
    start: usize,
    end: Option<usize>,
    token: Option<String>,
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut request = Request { path: String::new(), start: 0, end: None, token: None };
    for line in BufReader::new(stream).lines() {
        let line = line?;
        let lower = line.to_lowercase();
        if line.is_empty() {
            break;
        } else if let Some(rest) = line.strip_prefix("GET ") {
            request.path = rest.split(' ').next().unwrap_or_default().into();
        } else if let Some(range) = lower.strip_prefix("range: bytes=") {
            let (start, end) = range.split_once('-').unwrap();
            (request.start, request.end) = (start.parse().unwrap(), end.parse().ok());
        } else if lower.starts_with("authorization: bearer ") {
            request.token = line.split(' ').nth(2).map(Into::into);
        }
    }
    Ok(request)
}

/// What to do, decided while the state is held.
enum Answer {
    Status(u16),
    Redirect(u16, String, Entry),
    Part { entry: Entry, start: usize, sent: usize, with_length: bool },
}

fn answer(stream: TcpStream, port: u16, state: &Mutex<State>) -> std::io::Result<()> {
    let request = read(&stream)?;
    let answer = {
        let mut state = state.lock().unwrap();
        let end = request.end.map_or(String::new(), |end| end.to_string());
        state.log.push(format!("{} {}-{end}", request.path, request.start));
        decide(&mut state, &request, port)
    };
    write(stream, &request, answer)
}

fn decide(state: &mut State, request: &Request, port: u16) -> Answer {
    let path = request.path.trim_start_matches("/moved").trim_start_matches("/cdn");
    let was_moved = path != request.path;
    let Some(entry) = state.entries.get_mut(path) else { return Answer::Status(404) };
    let whole = entry.bytes.len();
    let wanted = request.end.map_or(whole, |end| end + 1).min(whole).saturating_sub(request.start);
    let half = (wanted / 2).max(1);
    let is_probe = request.end.is_some();
    let served = entry.clone();
    let part =
        |entry: Entry, start, sent, with_length| Answer::Part { entry, start, sent, with_length };
    match &mut entry.manner {
        Manner::Gated(token) if request.token.as_deref() != Some(*token) => Answer::Status(401),
        Manner::Status(status, times) if 0 < *times => {
            *times -= 1;
            Answer::Status(*status)
        }
        Manner::MovedHere if !was_moved => Answer::Redirect(307, format!("/moved{path}"), served),
        Manner::MovedAway if !was_moved => {
            Answer::Redirect(302, format!("http://127.0.0.1:{port}/cdn{path}"), served)
        }
        Manner::Breaks(times) if !is_probe && 0 < *times => {
            *times -= 1;
            part(served, request.start, half, true)
        }
        Manner::EndsEarly if !is_probe => part(served, request.start, half, false),
        Manner::IgnoresRanges(times) if !is_probe => {
            let sent = if 0 < *times { whole / 2 } else { whole };
            *times = times.saturating_sub(1);
            part(served, 0, sent, true)
        }
        _ if whole <= request.start => Answer::Status(416),
        _ => part(served, request.start, wanted, true),
    }
}

fn write(mut stream: TcpStream, request: &Request, answer: Answer) -> std::io::Result<()> {
    let (status, mut headers, body) = match answer {
        Answer::Status(status) => (status, vec!["content-length: 0".into()], Vec::new()),
        Answer::Redirect(status, location, entry) => {
            let headers = vec![
                format!("location: {location}"),
                format!("x-linked-etag: \"{}\"", entry.etag),
                "content-length: 0".into(),
            ];
            (status, headers, Vec::new())
        }
        Answer::Part { entry, start, sent, with_length } => {
            let whole = entry.bytes.len();
            let end = request.end.unwrap_or(whole - 1).min(whole - 1);
            let mut headers = vec![
                format!("etag: \"{}\"", entry.etag),
                format!("content-range: bytes {start}-{end}/{whole}"),
            ];
            if with_length {
                headers.push(format!("content-length: {}", end + 1 - start));
            }
            (206, headers, entry.bytes[start..(start + sent).min(whole)].to_vec())
        }
    };
    headers.push(format!("x-repo-commit: {COMMIT}"));
    headers.push("connection: close".into());
    write!(stream, "HTTP/1.1 {status} Of course\r\n{}\r\n\r\n", headers.join("\r\n"))?;
    stream.write_all(&body)?;
    stream.flush()?;
    stream.shutdown(std::net::Shutdown::Write)
}
