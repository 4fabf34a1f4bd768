//! How often a run is kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::TrainError;

/// How often a checkpoint is written. It changes nothing in what a run comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Every {
    /// Only when the run is told to stop.
    Never,
    /// After so many steps.
    Steps(u64),
    /// After so much time, at the end of a step.
    Time(Duration),
}

impl Default for Every {
    /// Ten minutes: what is lost costs less than a coffee, and what is written less than a percent.
    fn default() -> Self {
        Self::Time(Duration::from_mins(10))
    }
}

impl FromStr for Every {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        const UNITS: [(char, u64); 3] = [('s', 1), ('m', 60), ('h', 3600)];
        let unit = UNITS.into_iter().find(|(unit, _)| text.ends_with(*unit));
        let number = unit.map_or(text, |_| &text[..text.len() - 1]).parse::<u64>().ok();
        let time = |seconds| number.and_then(|number: u64| number.checked_mul(seconds));
        match (unit, number) {
            _ if text == "never" => Ok(Self::Never),
            (_, Some(0)) => Ok(Self::Never),
            (None, Some(steps)) => Ok(Self::Steps(steps)),
            (Some((_, seconds)), _) if time(seconds).is_some() => {
                Ok(Self::Time(Duration::from_secs(time(seconds).unwrap_or_default())))
            }
            _ => {
                let expected = "a time as in 90s, 10m or 2h, a number of steps, or never";
                Err(TrainError::setting("--checkpoint-every", text, expected))
            }
        }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => formatter.write_str("never"),
            Self::Steps(steps) => write!(formatter, "{steps}"),
            Self::Time(time) => write!(formatter, "{}s", time.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_steps_and_never_are_told_apart_by_their_form() {
        let read = |text: &str| text.parse::<Every>().unwrap();
        assert_eq!(read("90s"), Every::Time(Duration::from_secs(90)));
        assert_eq!((read("10m"), read("2h")), (Every::default(), read("7200s")));
        assert_eq!(
            (read("500"), read("0"), read("never")),
            (Every::Steps(500), Every::Never, Every::Never)
        );
        assert_eq!(read("0m"), Every::Never);
        for every in [Every::Never, Every::Steps(3), Every::default()] {
            assert_eq!(read(&every.to_string()), every);
        }
    }

    #[test]
    fn anything_else_is_answered_with_the_forms_there_are() {
        for text in ["", "m", "ten", "1.5m", "-3", "10 m", "99999999999999999999h", "3ü"] {
            let error = text.parse::<Every>().unwrap_err();
            assert!(error.is_usage() && error.to_string().contains("90s, 10m or 2h"), "{error}");
        }
    }
}
