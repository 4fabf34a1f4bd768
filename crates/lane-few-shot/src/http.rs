//! A chat model behind an OpenAI-compatible endpoint.
//!
//! `POST {endpoint}/chat/completions`, one call for each attempt, no redirects: a redirect would
//! carry the key to another address. Proxies are taken from the environment (`HTTPS_PROXY`, …), for
//! addresses other than this machine's own.
//!
//! | answer | taken as |
//! |---|---|
//! | 2xx with a choice | a reply |
//! | 2xx that is no JSON or has no choice | [`ChatError::Malformed`], asked again |
//! | 400 with code `content_filter` | an empty reply with that reason |
//! | 401 | [`ChatError::Unauthorized`] |
//! | 404 | [`ChatError::NotFound`] |
//! | 408, 409, 429, 5xx | [`ChatError::NotReady`], asked again |
//! | 429 with code `insufficient_quota`, anything else | [`ChatError::Refused`] |
//! | no connection, a cut one, no answer in time | [`ChatError::Unreachable`], asked again |

mod key;
mod pause;
mod wire;

use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::{Agent, Proxy};

pub use self::key::ApiKey;
use crate::chat::{ChatError, ChatModel, ChatRequest, Reply};
use crate::error::FewShotError;

/// An answer of a few tokens is far smaller; what is larger is no answer.
const LARGEST_ANSWER: u64 = 4 << 20;

/// A server.
#[derive(Debug)]
pub struct HttpModel {
    agent: Agent,
    url: String,
    key: ApiKey,
}

impl HttpModel {
    /// A server at `endpoint`, such as `https://api.openai.com/v1`; nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`FewShotError::Setting`] if the endpoint is no plain http address.
    pub fn new(endpoint: &str, key: ApiKey, timeout: Duration) -> Result<Self, FewShotError> {
        let host = host_of(endpoint)?;
        let proxy = if is_this_machine(host) { None } else { Proxy::try_from_env() };
        let config = Agent::config_builder()
            .proxy(proxy)
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("lane-few-shot/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = format!("{}/chat/completions", endpoint.trim_end_matches('/'));
        Ok(Self { agent: config.into(), url, key })
    }

    /// Whether a key would cross the network unencrypted.
    pub fn shows_key(&self) -> bool {
        let host = self.url.strip_prefix("http://").and_then(|rest| rest.split('/').next());
        self.key.is_set() && host.is_some_and(|host| !is_this_machine(host))
    }

    fn failure(&self, request: &ChatRequest, answer: &Answer) -> ChatError {
        let url = self.url.clone();
        let message = self.key.hidden_in(&wire::error_message(&answer.body));
        let status = answer.status;
        match status {
            401 => ChatError::Unauthorized {
                url,
                message,
                variable: self.key.variable().into(),
                state: if self.key.is_set() { "set" } else { "not set" },
            },
            404 => ChatError::NotFound { url, model: request.model.clone(), message },
            429 if wire::error_code(&answer.body).as_deref() == Some("insufficient_quota") => {
                ChatError::Refused { url, status, message }
            }
            408 | 409 | 429 | 500..=599 => {
                ChatError::NotReady { url, status, message, after: answer.pause }
            }
            _ => ChatError::Refused { url, status, message },
        }
    }

    fn unreachable(&self, error: &ureq::Error) -> ChatError {
        ChatError::Unreachable { url: self.url.clone(), message: error.to_string() }
    }
}

/// What a server sent.
struct Answer {
    status: u16,
    pause: Option<Duration>,
    body: String,
}

impl ChatModel for HttpModel {
    fn reply(&self, request: &ChatRequest) -> Result<Reply, ChatError> {
        let mut call = self.agent.post(&self.url).header(header::CONTENT_TYPE, "application/json");
        if let Some(value) = self.key.header() {
            call = call.header(header::AUTHORIZATION, value);
        }
        let response = call.send(request.body()).map_err(|error| self.unreachable(&error))?;
        let answer = self.read(response)?;
        if (200..300).contains(&answer.status) {
            return wire::reply(&answer.body).map_err(|found| ChatError::Malformed {
                url: self.url.clone(),
                found: self.key.hidden_in(&found),
            });
        }
        let filtered = wire::error_code(&answer.body).as_deref() == Some("content_filter");
        if answer.status == StatusCode::BAD_REQUEST.as_u16() && filtered {
            return Ok(Reply { finish_reason: Some("content_filter".into()), ..Reply::default() });
        }
        Err(self.failure(request, &answer))
    }
}

impl HttpModel {
    fn read(&self, response: Response<ureq::Body>) -> Result<Answer, ChatError> {
        let (parts, mut body) = response.into_parts();
        let text = |name: &str, headers: &HeaderMap| {
            headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let pause = pause::asked(|name| text(name, &parts.headers));
        let body = body.with_config().limit(LARGEST_ANSWER).read_to_vec();
        let body = body.map_err(|error| self.unreachable(&error))?;
        // What is not UTF-8 is not JSON either, and is then shown as far as it goes.
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Answer { status: parts.status.as_u16(), pause, body })
    }
}

/// The host of an address that can be written into a record: no password, nothing after the path.
fn host_of(endpoint: &str) -> Result<&str, FewShotError> {
    let rest = endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split('/').next());
    let tail = endpoint.contains(|it: char| it == '?' || it == '#' || it.is_whitespace());
    if let Some(host) = host.filter(|it| !it.is_empty() && !it.contains('@') && !tail) {
        return Ok(host);
    }
    // Not shown: there may be a password in it.
    let expected = "http(s)://HOST/PATH without name, password, `?` and `#`, such as https://api.openai.com/v1";
    Err(FewShotError::setting("--endpoint", "another address", expected))
}

fn is_this_machine(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.starts_with("127.") || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_proxy_is_asked_for_this_machine() {
        for host in ["localhost", "localhost:8000", "127.0.0.1:1", "[::1]:8000", "[::1]"] {
            assert!(is_this_machine(host), "{host}");
        }
        for host in ["api.openai.com", "api.openai.com:443", "[2001:db8::1]:80", "localhost.com"] {
            assert!(!is_this_machine(host), "{host}");
        }
    }

    #[test]
    fn a_key_is_shown_to_the_network_over_http_only() {
        let shows = |endpoint, key| {
            let key = ApiKey::new("MY_KEY", key).unwrap();
            HttpModel::new(endpoint, key, Duration::from_secs(1)).unwrap().shows_key()
        };
        assert!(shows("http://models.example/v1", Some("secret")));
        assert!(!shows("http://models.example/v1", None));
        assert!(!shows("https://models.example/v1", Some("secret")));
        assert!(!shows("http://localhost:8000/v1", Some("secret")));
    }

    #[test]
    fn an_address_that_could_hold_a_secret_is_refused_without_being_shown() {
        for endpoint in [
            "https://me:secret@host/v1",
            "https://host/v1?key=secret",
            "https://host/v1#secret",
            "secret",
            "ftp://secret/v1",
            "https:///secret",
        ] {
            let error = host_of(endpoint).unwrap_err();
            assert!(error.is_usage() && !error.to_string().contains("secret"), "{error}");
        }
        for endpoint in ["https://api.openai.com/v1", "http://127.0.0.1:8080", "http://[::1]:1/v1/"]
        {
            assert!(host_of(endpoint).is_ok(), "{endpoint}");
        }
    }
}
