//! What can be wrong with the settings of a loss.

/// Why a loss cannot be computed with these settings.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LossError {
    /// A setting without meaning.
    #[error("`{setting}` of loss `{loss}` is {found}, expected {expected}")]
    OutOfRange {
        /// The loss.
        loss: &'static str,
        /// Its setting.
        setting: &'static str,
        /// The value given.
        found: f64,
        /// The values understood.
        expected: &'static str,
    },
    /// Noisy labels need a label to be confused with.
    #[error("a loss over {found} classes, expected at least 2")]
    TooFewClasses {
        /// Their number.
        found: usize,
    },
}
