//! A server on this machine that speaks as much HTTP as one request takes.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// One request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Such as `POST /v1/chat/completions HTTP/1.1`.
    pub(crate) line: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The text asked about.
    pub(crate) fn question(&self) -> &str {
        let user = self.body["messages"][1]["content"].as_str().unwrap();
        user.rsplit_once("Text: ").unwrap().1.strip_suffix("\nLabel:").unwrap()
    }
}

/// What the server does.
pub(crate) enum Answer {
    /// Status, further headers, body.
    Whole(u16, Vec<(&'static str, String)>, String),
    /// Promises more than it sends.
    Cut,
    /// Says nothing for a while.
    Late(Duration),
}

/// A completion with this reply and 10 + 1 tokens.
pub(crate) fn completion(reply: &str) -> Answer {
    let body = json!({
        "model": "test-model-0613",
        "choices": [{"message": {"role": "assistant", "content": reply}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 1},
    });
    Answer::Whole(200, Vec::new(), body.to_string())
}

pub(crate) fn error(status: u16, message: &str) -> Answer {
    Answer::Whole(status, Vec::new(), json!({"error": {"message": message}}).to_string())
}

/// Ends when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// `answer` is told of a request and how many came before it.
    pub(crate) fn start(
        answer: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let received = Arc::new(Mutex::new(Vec::new()));
        let stopped = Arc::new(AtomicBool::new(false));
        let (answer, list, stop) = (Arc::new(answer), received.clone(), stopped.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().take_while(|_| !stop.load(Ordering::SeqCst)) {
                let (answer, list) = (answer.clone(), list.clone());
                std::thread::spawn(move || serve(&stream.unwrap(), &*answer, &list));
            }
        });
        Self { address, received, stopped }
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the loop, which then sees that it is to end.
        drop(TcpStream::connect(self.address));
    }
}

fn serve(
    stream: &TcpStream,
    answer: &dyn Fn(&Received, usize) -> Answer,
    list: &Mutex<Vec<Received>>,
) {
    let Some(request) = read(stream) else { return };
    let before = {
        let mut list = list.lock().unwrap();
        list.push(request.clone());
        list.len() - 1
    };
    let mut out = stream;
    // The client may have gone away by now, as after a timeout.
    let _ = match answer(&request, before) {
        Answer::Whole(status, headers, body) => {
            let headers: Vec<String> =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let headers = headers.concat();
            let length = body.len();
            write!(
                out,
                "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
            )
        }
        Answer::Cut => write!(out, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{{\"choices\":["),
        Answer::Late(pause) => {
            std::thread::sleep(pause);
            Ok(())
        }
    };
}

fn read(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<(String, String)> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap();
    Some(Received { line: lines[0].clone(), headers, body })
}
