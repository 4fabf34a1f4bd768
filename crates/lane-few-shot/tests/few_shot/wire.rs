//! What goes over the wire, and what each answer of a server is taken for.

use std::time::{Duration, Instant};

use lane_few_shot::chat::{ChatError, ChatModel, ChatRequest, LimitField, Reply};
use lane_few_shot::http::{ApiKey, HttpModel};
use lane_few_shot::retry::{RetryPolicy, Retrying};
use serde_json::json;

use crate::server::{Answer, Received, Server, completion, error};

const KEY: &str = "sk-test-secret";

fn request() -> ChatRequest {
    ChatRequest {
        model: "test-model".into(),
        system: "Say a label.".into(),
        user: "Text: a\nLabel:".into(),
        temperature: Some(0.0),
        max_tokens: 8,
        limit_field: LimitField::MaxTokens,
        seed: Some(1),
    }
}

fn client(server: &Server, timeout: Duration) -> HttpModel {
    let key = ApiKey::new("TEST_KEY", Some(KEY)).unwrap();
    HttpModel::new(&server.endpoint(), key, timeout).unwrap()
}

/// One attempt.
fn ask(
    answer: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
) -> Result<Reply, ChatError> {
    let server = Server::start(answer);
    let reply = client(&server, Duration::from_secs(20)).reply(&request());
    assert_eq!(server.received().len(), 1);
    reply
}

/// Up to three more attempts, after pauses of about a millisecond.
fn ask_again(server: &Server) -> Result<Reply, ChatError> {
    let first = Duration::from_millis(1);
    let policy = RetryPolicy { first, ..RetryPolicy::new(3, 1) };
    let wait = |_: &ChatError, pause| std::thread::sleep(pause);
    Retrying::new(client(server, Duration::from_secs(20)), policy, wait).reply(&request())
}

#[test]
fn the_request_has_the_path_headers_and_body_of_the_protocol() {
    let server = Server::start(|_, _| completion("joy"));
    let reply = client(&server, Duration::from_secs(20)).reply(&request()).unwrap();
    assert_eq!((reply.content.as_str(), reply.finish_reason.as_deref()), ("joy", Some("stop")));
    assert_eq!((reply.prompt_tokens, reply.completion_tokens), (Some(10), Some(1)));
    assert_eq!(reply.model.as_deref(), Some("test-model-0613"));
    let received = &server.received()[0];
    assert_eq!(received.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(received.header("authorization"), Some("Bearer sk-test-secret"));
    assert_eq!(received.header("content-type"), Some("application/json"));
    let expected = json!({
        "model": "test-model",
        "messages": [
            {"role": "system", "content": "Say a label."},
            {"role": "user", "content": "Text: a\nLabel:"},
        ],
        "temperature": 0.0,
        "max_tokens": 8,
        "seed": 1,
    });
    assert_eq!(received.body, expected);
}

#[test]
fn without_a_key_no_authorization_is_sent() {
    let server = Server::start(|_, _| completion("joy"));
    let key = ApiKey::new("TEST_KEY", None).unwrap();
    let endpoint = format!("{}/", server.endpoint());
    let model = HttpModel::new(&endpoint, key, Duration::from_secs(20)).unwrap();
    model.reply(&request()).unwrap();
    assert_eq!(server.received()[0].header("authorization"), None);
    assert_eq!(server.received()[0].line, "POST /v1/chat/completions HTTP/1.1");
}

#[test]
fn a_wrong_key_names_the_variable_and_never_the_key() {
    let error = ask(|_, _| error(401, "Incorrect API key: sk-test-secret")).unwrap_err();
    assert!(!error.is_transient());
    let message = error.to_string();
    assert!(message.contains("environment variable `TEST_KEY`, which is set"), "{message}");
    assert!(message.contains("Incorrect API key: ***") && !message.contains(KEY), "{message}");
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let error = ask(|_, _| error(404, "no such model")).unwrap_err();
    assert!(!error.is_transient());
    assert!(error.to_string().ends_with("or has no model `test-model`: no such model"), "{error}");
}

#[test]
fn what_was_refused_once_is_not_asked_again() {
    for (status, code) in
        [(400, "context_length_exceeded"), (403, "x"), (429, "insufficient_quota")]
    {
        let body = json!({"error": {"message": "no", "code": code}}).to_string();
        let error = ask(move |_, _| Answer::Whole(status, Vec::new(), body.clone())).unwrap_err();
        assert!(!error.is_transient(), "{status} {error}");
        assert!(error.to_string().ends_with(&format!("refuses the request ({status}): no")));
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = Server::start(|_, _| completion("joy"));
    let to = elsewhere.endpoint();
    let error = ask(move |_, _| Answer::Whole(307, vec![("Location", to.clone())], String::new()));
    assert!(error.unwrap_err().to_string().contains("(307)"));
    assert_eq!(elsewhere.received().len(), 0);
}

#[test]
fn too_many_requests_and_faults_of_the_server_are_asked_again() {
    let server = Server::start(|_, before| match before {
        0 => error(429, "slow down"),
        1 => error(503, "overloaded"),
        2 => error(500, "oops"),
        _ => completion("joy"),
    });
    assert_eq!(ask_again(&server).unwrap().retries, 3);
    assert_eq!(server.received().len(), 4);
}

#[test]
fn a_pause_that_is_asked_for_is_kept() {
    let after = |seconds: &str| vec![("Retry-After", seconds.to_owned())];
    let server = Server::start(move |_, before| match before {
        0 => Answer::Whole(429, after("1"), "{}".into()),
        _ => completion("joy"),
    });
    let started = Instant::now();
    assert_eq!(ask_again(&server).unwrap().retries, 1);
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_server_that_stays_down_is_given_up_with_its_last_word() {
    let server = Server::start(|_, _| error(502, "bad gateway"));
    let message = ask_again(&server).unwrap_err().to_string();
    assert!(message.ends_with("is not ready (502): bad gateway"), "{message}");
    assert_eq!(server.received().len(), 4);
}

#[test]
fn broken_json_and_an_answer_without_choices_are_asked_again() {
    let server = Server::start(|_, before| match before {
        0 => Answer::Whole(200, Vec::new(), "<html>".into()),
        1 => Answer::Whole(200, Vec::new(), r#"{"choices":[]}"#.into()),
        2 => Answer::Whole(200, Vec::new(), r#"{"choices":[{}]}"#.into()),
        _ => completion("joy"),
    });
    assert_eq!(ask_again(&server).unwrap().retries, 3);
    let error = ask(|_, _| Answer::Whole(200, Vec::new(), "<html>".into())).unwrap_err();
    assert!(error.to_string().contains("answers with <html> ("), "{error}");
}

#[test]
fn a_connection_that_is_cut_or_silent_is_asked_again() {
    let cut = ask(|_, _| Answer::Cut).unwrap_err();
    assert!(cut.is_transient() && cut.to_string().contains("cannot be reached"), "{cut}");
    let server = Server::start(|_, _| Answer::Late(Duration::from_secs(2)));
    let late = client(&server, Duration::from_millis(200)).reply(&request()).unwrap_err();
    assert!(late.is_transient() && late.to_string().contains("timeout"), "{late}");
    let server =
        Server::start(|_, before| if before < 2 { Answer::Cut } else { completion("joy") });
    assert_eq!(ask_again(&server).unwrap().retries, 2);
}

#[test]
fn a_server_that_is_not_there_cannot_be_reached() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let key = ApiKey::new("TEST_KEY", None).unwrap();
    let model = HttpModel::new(&format!("http://{nobody}"), key, Duration::from_secs(5)).unwrap();
    let error = model.reply(&request()).unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("cannot be reached"), "{error}");
}

#[test]
fn what_the_server_withholds_is_an_answer() {
    let choice = json!({"message": {"content": "jo"}, "finish_reason": "content_filter"});
    let body = json!({"choices": [choice]}).to_string();
    assert!(ask(move |_, _| Answer::Whole(200, Vec::new(), body.clone())).unwrap().is_filtered());
    let body = json!({"error": {"message": "filtered", "code": "content_filter"}}).to_string();
    let reply = ask(move |_, _| Answer::Whole(400, Vec::new(), body.clone())).unwrap();
    assert!(reply.is_filtered() && reply.content.is_empty());
}
