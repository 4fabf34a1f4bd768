//! A browser that can also be rude: it writes requests byte by byte.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) port: u16,
    pub(crate) token: String,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head, as it came, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// Why it was refused.
    pub(crate) fn error(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["error"].as_str().unwrap_or(&self.body).to_owned()
    }
}

impl Client {
    pub(crate) fn new(url: &str) -> Self {
        let rest = url.strip_prefix("http://127.0.0.1:").unwrap();
        let (port, token) = rest.trim().split_once("/?token=").unwrap();
        Self { port: port.parse().unwrap(), token: token.into() }
    }

    pub(crate) fn host(&self) -> String {
        format!("Host: 127.0.0.1:{}", self.port)
    }

    pub(crate) fn cookie(&self) -> String {
        format!("Cookie: other=1; lane_review_{}={}", self.port, self.token)
    }

    /// A request of exactly these lines and this body.
    pub(crate) fn send(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let (headers, length) = (headers.join("\r\n"), body.len());
        let request = format!(
            "{line} HTTP/1.1\r\n{headers}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_lowercase(), body: body.into() }
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path}"), &[&self.host(), &self.cookie()], "")
    }

    pub(crate) fn post(&self, path: &str, body: &str) -> Answer {
        let headers = [
            self.host(),
            self.cookie(),
            format!("Origin: http://127.0.0.1:{}", self.port),
            "Content-Type: application/json".into(),
            "X-Lane-Review: 1".into(),
        ];
        self.send(&format!("POST {path}"), &headers.each_ref().map(String::as_str), body)
    }

    /// Decides; `what` is a decision, or `other LABEL`.
    pub(crate) fn decide(&self, row: u32, what: &str) -> Answer {
        let (decision, label) = what.split_once(' ').unzip();
        let decision = decision.unwrap_or(what);
        let mut body = serde_json::json!({ "row": row, "decision": decision });
        if let Some(label) = label {
            body["label"] = label.into();
        }
        self.post("/api/decide", &body.to_string())
    }
}
