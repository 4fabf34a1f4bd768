//! Asking again: how often, and after how long.
//!
//! ```text
//! pause before attempt k+1 = max( what the server asks for,  first · 2^(k−1) · u ),  u in 0.5..1,
//!                            at most `longest`
//! ```
//!
//! u is drawn from a named stream, so that several requests that failed together do not come back
//! together. A server that asks for a longer pause than `longest` ends the run instead: its limit is
//! then one of days, not of seconds.

use std::time::Duration;

use lane_data::seed;

use crate::chat::{ChatError, ChatModel, ChatRequest, Reply};

/// When to ask again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryPolicy {
    /// How often, after the first attempt.
    pub retries: u32,
    /// The pause before the second attempt, at most.
    pub first: Duration,
    /// No pause is longer.
    pub longest: Duration,
    /// Seed of the spread of pauses.
    pub seed: u64,
}

impl RetryPolicy {
    /// Pauses from about a second to five minutes.
    pub fn new(retries: u32, seed: u64) -> Self {
        Self { retries, first: Duration::from_secs(1), longest: Duration::from_mins(5), seed }
    }

    /// The pause after failed attempt number `attempt` (from 1) of a request.
    pub fn pause(&self, request_key: &str, attempt: u32, asked: Option<Duration>) -> Duration {
        let name = format!("few-shot/pause/{request_key}");
        let bits = seed::stream(self.seed, &name, &[u64::from(attempt)]) >> 11;
        let unit = bits as f64 / (1_u64 << 53) as f64;
        let doubled = self.first.as_secs_f64() * 2_f64.powi(attempt.min(64).cast_signed() - 1);
        let own = (doubled * f64::midpoint(1.0, unit)).min(self.longest.as_secs_f64());
        Duration::from_secs_f64(own).max(asked.unwrap_or_default())
    }
}

/// Asks another model until there is an answer, an error that no further attempt would mend, or no
/// attempt left.
///
/// The last error is the one reported; [`ChatError::TooLongAWait`] where the server asks for a pause
/// longer than the policy's longest.
#[derive(Debug)]
pub struct Retrying<M, W> {
    model: M,
    policy: RetryPolicy,
    /// Told of each failed attempt that another will follow, and of the pause until then; it waits.
    wait: W,
}

impl<M: ChatModel, W: Fn(&ChatError, Duration) + Sync> Retrying<M, W> {
    /// Asks `model` by `policy`; `wait` has to sleep, and may tell why.
    pub fn new(model: M, policy: RetryPolicy, wait: W) -> Self {
        Self { model, policy, wait }
    }
}

impl<M: ChatModel, W: Fn(&ChatError, Duration) + Sync> ChatModel for Retrying<M, W> {
    fn reply(&self, request: &ChatRequest) -> Result<Reply, ChatError> {
        let mut attempt = 1;
        loop {
            let error = match self.model.reply(request) {
                Ok(reply) => return Ok(Reply { retries: attempt - 1, ..reply }),
                Err(error) if error.is_transient() && attempt <= self.policy.retries => error,
                Err(error) => return Err(error),
            };
            let (asked, longest) = (error.asked_pause(), self.policy.longest);
            if let Some(asked) = asked.filter(|asked| longest < *asked) {
                let (seconds, longest) = (asked.as_secs(), longest.as_secs());
                return Err(ChatError::TooLongAWait { url: error.url().into(), seconds, longest });
            }
            (self.wait)(&error, self.policy.pause(&request.key(), attempt, asked));
            attempt += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::chat::LimitField;

    /// Answers with these, the last first.
    struct Script(Mutex<Vec<Result<Reply, ChatError>>>);

    impl ChatModel for Script {
        fn reply(&self, _: &ChatRequest) -> Result<Reply, ChatError> {
            self.0.lock().unwrap().pop().unwrap()
        }
    }

    fn busy(after: Option<u64>) -> Result<Reply, ChatError> {
        let after = after.map(Duration::from_secs);
        Err(ChatError::NotReady {
            url: "u".into(),
            status: 429,
            message: "slow down".into(),
            after,
        })
    }

    fn refused() -> Result<Reply, ChatError> {
        Err(ChatError::Refused { url: "u".into(), status: 400, message: "no".into() })
    }

    /// What came of it, and the pauses on the way.
    fn ask(mut script: Vec<Result<Reply, ChatError>>) -> (Result<Reply, ChatError>, Vec<Duration>) {
        script.reverse();
        let request = ChatRequest {
            model: "m".into(),
            system: String::new(),
            user: String::new(),
            temperature: None,
            max_tokens: 8,
            limit_field: LimitField::MaxTokens,
            seed: None,
        };
        let pauses = Mutex::new(Vec::new());
        let wait = |_: &ChatError, pause| pauses.lock().unwrap().push(pause);
        let model = Retrying::new(Script(Mutex::new(script)), RetryPolicy::new(2, 1), wait);
        let reply = model.reply(&request);
        (reply, pauses.into_inner().unwrap())
    }

    fn answer() -> Reply {
        Reply { content: "joy".into(), ..Reply::default() }
    }

    #[test]
    fn a_first_answer_needs_no_pause() {
        let (reply, pauses) = ask(vec![Ok(answer())]);
        assert_eq!((reply.unwrap().retries, pauses.len()), (0, 0));
    }

    #[test]
    fn a_busy_server_is_asked_again_after_growing_pauses() {
        let (reply, pauses) = ask(vec![busy(None), busy(None), Ok(answer())]);
        assert_eq!(reply.unwrap().retries, 2);
        let seconds: Vec<f64> = pauses.iter().map(Duration::as_secs_f64).collect();
        assert!(
            (0.5..1.0).contains(&seconds[0]) && (1.0..2.0).contains(&seconds[1]),
            "{seconds:?}"
        );
    }

    #[test]
    fn a_pause_the_server_asks_for_is_kept() {
        let (_, pauses) = ask(vec![busy(Some(7)), Ok(answer())]);
        assert_eq!(pauses, [Duration::from_secs(7)]);
        let (reply, pauses) = ask(vec![busy(Some(3600)), Ok(answer())]);
        assert_eq!(pauses, []);
        assert!(reply.unwrap_err().to_string().contains("asks to wait 3600 s"));
    }

    #[test]
    fn the_last_error_is_reported_when_no_attempt_is_left() {
        let (reply, pauses) = ask(vec![busy(None), busy(None), busy(None)]);
        assert_eq!((reply, pauses.len()), (busy(None), 2));
    }

    #[test]
    fn a_refusal_is_final() {
        let (reply, pauses) = ask(vec![refused()]);
        assert_eq!((reply, pauses.len()), (refused(), 0));
    }

    #[test]
    fn pauses_of_requests_that_failed_together_differ_and_have_a_limit() {
        let policy = RetryPolicy::new(90, 1);
        assert_ne!(policy.pause("a", 1, None), policy.pause("b", 1, None));
        assert_eq!(policy.pause("a", 1, None), policy.pause("a", 1, None));
        assert_eq!(policy.pause("a", 80, None), policy.longest);
    }
}
