//! The key of an endpoint, kept out of sight.

use std::fmt;

use crate::error::FewShotError;

/// A key read from an environment variable, or the absence of one.
///
/// Neither its `Debug` output nor any error message shows it.
#[derive(Clone)]
pub struct ApiKey {
    variable: String,
    value: Option<String>,
}

impl ApiKey {
    /// The key in the environment variable `variable`; no key where it is empty or not set, as
    /// servers at home want none.
    ///
    /// # Errors
    ///
    /// [`FewShotError::Setting`] if that is no name of a variable (the key itself, for instance, which
    /// is then not shown), or if the key has characters that no header can carry.
    pub fn from_environment(variable: &str) -> Result<Self, FewShotError> {
        let is_name = variable.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
            && !variable.starts_with(|it: char| it.is_ascii_digit())
            && !variable.is_empty();
        if !is_name {
            let expected = "the name of an environment variable, such as OPENAI_API_KEY";
            return Err(FewShotError::setting("--api-key-env", "something else", expected));
        }
        Self::new(variable, std::env::var(variable).ok().as_deref())
    }

    /// The key `value`, said to come from `variable`.
    ///
    /// # Errors
    ///
    /// [`FewShotError::Setting`] if it has characters that no header can carry.
    pub fn new(variable: &str, value: Option<&str>) -> Result<Self, FewShotError> {
        let value = value.map(str::trim).filter(|value| !value.is_empty());
        if value.is_some_and(|value| !value.bytes().all(|it| it.is_ascii_graphic())) {
            let expected = "to name a variable whose value is one word of ASCII characters";
            return Err(FewShotError::setting("--api-key-env", variable, expected));
        }
        Ok(Self { variable: variable.into(), value: value.map(Into::into) })
    }

    /// Whether there is a key.
    pub fn is_set(&self) -> bool {
        self.value.is_some()
    }

    /// Where it was looked for.
    pub fn variable(&self) -> &str {
        &self.variable
    }

    pub(super) fn header(&self) -> Option<String> {
        self.value.as_ref().map(|value| format!("Bearer {value}"))
    }

    /// `text` with the key blotted out, should a server send it back.
    pub(super) fn hidden_in(&self, text: &str) -> String {
        match &self.value {
            Some(value) => text.replace(value.as_str(), "***"),
            None => text.into(),
        }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.is_set() { "set" } else { "not set" };
        write!(f, "ApiKey({}, {state})", self.variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let key = ApiKey::new("MY_KEY", Some(" sk-secret\n")).unwrap();
        assert_eq!(format!("{key:?}"), "ApiKey(MY_KEY, set)");
        assert_eq!(key.header().unwrap(), "Bearer sk-secret");
        assert_eq!(key.hidden_in("bad key sk-secret."), "bad key ***.");
    }

    #[test]
    fn an_empty_key_is_none() {
        let key = ApiKey::new("MY_KEY", Some(" ")).unwrap();
        assert!(!key.is_set() && key.header().is_none());
    }

    #[test]
    fn a_key_given_in_place_of_a_name_is_refused_without_being_shown() {
        for given in ["sk-proj-secret", "", "1secret"] {
            let error = ApiKey::from_environment(given).unwrap_err();
            assert!(error.is_usage() && !error.to_string().contains("secret"), "{error}");
        }
        let error = ApiKey::new("MY_KEY", Some("two secrets")).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
