//! The JSON that comes back: the few fields we read, and error bodies in the forms servers use.

use serde::Deserialize;
use serde_json::Value;

use crate::chat::Reply;

/// Longest piece of a strange answer that is shown.
const MOST_SHOWN: usize = 200;

#[derive(Deserialize)]
struct Completion {
    #[serde(default)]
    choices: Vec<Choice>,
    model: Option<String>,
    system_fingerprint: Option<String>,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    prompt_tokens: Option<u64>,
    completion_tokens: Option<u64>,
}

/// The first choice of a completion; what was found instead, where there is none.
pub(super) fn reply(body: &str) -> Result<Reply, String> {
    let completion: Completion =
        serde_json::from_str(body).map_err(|error| format!("{} ({error})", shown(body)))?;
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(format!("no choice: {}", error_message(body)));
    };
    let usage = completion.usage.as_ref();
    Ok(Reply {
        content: choice.message.content.unwrap_or_default(),
        finish_reason: choice.finish_reason,
        prompt_tokens: usage.and_then(|usage| usage.prompt_tokens),
        completion_tokens: usage.and_then(|usage| usage.completion_tokens),
        model: completion.model,
        system_fingerprint: completion.system_fingerprint,
        retries: 0,
    })
}

/// What an error body says: `error.message` usually, else the body itself.
pub(super) fn error_message(body: &str) -> String {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    ["/error/message", "/error", "/message", "/detail"]
        .iter()
        .find_map(|path| value.pointer(path)?.as_str())
        .map_or_else(|| shown(body), shown)
}

/// `error.code`, by which servers tell errors of one status apart.
pub(super) fn error_code(body: &str) -> Option<String> {
    let value: Value = serde_json::from_str(body).ok()?;
    value.pointer("/error/code")?.as_str().map(Into::into)
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST_SHOWN) {
        _ if line.is_empty() => "nothing".into(),
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_completion_is_read_field_by_field() {
        let body = r#"{"id":"x","object":"chat.completion","created":1,"model":"m-0613",
            "system_fingerprint":"fp","choices":[{"index":0,"logprobs":null,
            "message":{"role":"assistant","content":"joy","refusal":null},"finish_reason":"stop"}],
            "usage":{"prompt_tokens":12,"completion_tokens":1,"total_tokens":13}}"#;
        let expected = Reply {
            content: "joy".into(),
            finish_reason: Some("stop".into()),
            prompt_tokens: Some(12),
            completion_tokens: Some(1),
            model: Some("m-0613".into()),
            system_fingerprint: Some("fp".into()),
            retries: 0,
        };
        assert_eq!(reply(body), Ok(expected));
    }

    #[test]
    fn a_server_may_leave_out_all_but_the_message() {
        let bare = reply(r#"{"choices":[{"message":{"content":"joy"}}]}"#).unwrap();
        assert_eq!(bare, Reply { content: "joy".into(), ..Reply::default() });
        let silent = reply(r#"{"choices":[{"message":{"content":null}}]}"#).unwrap();
        assert_eq!(silent.content, "");
    }

    #[test]
    fn what_is_no_completion_is_described() {
        assert!(reply("<html>\n busy").unwrap_err().starts_with("<html> busy (expected value"));
        assert!(reply("").unwrap_err().starts_with("nothing ("));
        assert_eq!(reply(r#"{"choices":[]}"#).unwrap_err(), r#"no choice: {"choices":[]}"#);
        let wrapped = r#"{"error":{"message":"provider is down","code":502}}"#;
        assert_eq!(reply(wrapped).unwrap_err(), "no choice: provider is down");
    }

    #[test]
    fn errors_are_read_in_the_forms_servers_use() {
        for body in [
            r#"{"error":{"message":"no key","type":"t","code":"invalid_api_key"}}"#,
            r#"{"error":"no key"}"#,
            r#"{"message":"no key"}"#,
            r#"{"detail":"no key"}"#,
            "no\nkey",
        ] {
            assert_eq!(error_message(body), "no key", "{body}");
        }
        assert_eq!(
            error_code(r#"{"error":{"code":"insufficient_quota"}}"#).unwrap(),
            "insufficient_quota"
        );
        assert_eq!(error_code(r#"{"error":{"code":429}}"#), None);
    }

    #[test]
    fn a_long_body_is_cut_between_characters() {
        let message = error_message(&"é".repeat(500));
        assert_eq!(message.chars().count(), MOST_SHOWN + 2);
    }
}
