//! One setting of a configuration, as the command line gives it.

use crate::error::TrainError;

/// Names in a dotted key; no setting has more than two. Deep tables are read and dropped level by level,
/// on a stack that ends.
const DEEPEST: usize = 16;

/// One `key=value` of the command line; the key is dotted, the value a TOML value or a bare word.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    key: String,
    value: toml::Value,
}

impl Setting {
    /// A setting from a key and any value TOML knows.
    pub fn new(key: impl Into<String>, value: impl Into<toml::Value>) -> Self {
        Self { key: key.into(), value: value.into() }
    }

    /// Dotted name.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value, as TOML has it.
    pub fn value(&self) -> String {
        self.value.to_string()
    }

    pub(crate) fn apply(&self, table: &mut toml::Table) -> Result<(), TrainError> {
        let mut parts: Vec<&str> = self.key.split('.').collect();
        if DEEPEST < parts.len() {
            let expected = format!("at most {DEEPEST} names joined by dots");
            return Err(TrainError::setting("--set", &self.key, expected));
        }
        let Some(last) = parts.pop().filter(|last| !last.is_empty()) else {
            return Err(TrainError::setting(
                "--set",
                &self.key,
                "a dotted key, as in `training.epochs=10`",
            ));
        };
        let mut at = table;
        for part in parts {
            at = at
                .entry(part)
                .or_insert_with(|| toml::Value::Table(toml::Table::new()))
                .as_table_mut()
                .ok_or_else(|| {
                    TrainError::setting("--set", &self.key, format!("`{part}` to be a table"))
                })?;
        }
        at.insert(last.into(), self.value.clone());
        Ok(())
    }
}

impl std::str::FromStr for Setting {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let Some((key, value)) = text.split_once('=') else {
            return Err(TrainError::setting(
                "--set",
                text,
                "`key=value`, as in `training.epochs=10`",
            ));
        };
        let (key, value) = (key.trim(), value.trim());
        let parsed = format!("value = {value}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.into()));
        Ok(Self::new(key, parsed))
    }
}

/// Refuses what is not a finite number above 0.
pub(crate) fn positive(key: &str, value: f64) -> Result<(), TrainError> {
    within(key, value, f64::MIN_POSITIVE, f64::MAX)
        .map_err(|_| TrainError::setting(key, value, "a number above 0"))
}

/// Refuses what is not a share below 1.
pub(crate) fn below_one(key: &str, value: f64) -> Result<(), TrainError> {
    within(key, value, 0.0, 1.0 - f64::EPSILON)
        .map_err(|_| TrainError::setting(key, value, "a number from 0 and below 1"))
}

/// Refuses what is not a finite number in `low..=high`.
pub(crate) fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), TrainError> {
    if value.is_finite() && (low..=high).contains(&value) {
        return Ok(());
    }
    let expected = if high < f64::MAX {
        format!("a number in {low}..={high}")
    } else {
        format!("a number of at least {low}")
    };
    Err(TrainError::setting(key, value, expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn settings(texts: &[&str]) -> Vec<Setting> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn resolve(texts: &[&str]) -> Result<Config, TrainError> {
        let mut all = vec!["method=lane", "data.train=rows.csv"];
        all.extend(texts);
        Config::resolve(None, &settings(&all))
    }

    #[test]
    fn settings_reach_nested_keys_and_bare_words_are_text() {
        let config =
            resolve(&["training.epochs=7", "model.encoder=some/folder", "weights.sigma=literal"])
                .unwrap();
        assert_eq!((config.epochs(), config.model.encoder.as_str()), (7, "some/folder"));
    }

    #[test]
    fn a_misspelt_key_is_named_back() {
        let error = resolve(&["training.epoch=7"]).unwrap_err().to_string();
        assert!(error.contains("unknown field `epoch`") && error.contains("epochs"), "{error}");
    }

    #[test]
    fn values_out_of_range_are_refused_with_the_range() {
        let error = resolve(&["training.warmup=3"]).unwrap_err();
        assert_eq!(error.to_string(), "`training.warmup` is 3, expected a number in 0..=0.999");
        assert!(error.is_usage());
        assert!(resolve(&["training.lr=nan"]).is_err());
        assert!(resolve(&["training.batch_size=0"]).is_err());
        assert!(resolve(&["views.kinds=[\"deletion\"]"]).is_err());
    }

    #[test]
    fn defaults_follow_the_kind_of_encoder() {
        assert_eq!(resolve(&["model.encoder=dir"]).unwrap().epochs(), 5);
        assert_eq!(
            resolve(&["model.encoder=dir", "model.freeze_encoder=true"]).unwrap().epochs(),
            40
        );
        assert_eq!(resolve(&[]).unwrap().epochs(), 15);
    }

    #[test]
    fn the_mixture_takes_the_auxiliary_network_only_over_a_frozen_encoder() {
        use lane_metrics::weights::Quantity;
        let mixture = |texts: &[&str]| resolve(texts).unwrap().mixture;
        let frozen = mixture(&["model.encoder=dir", "model.freeze_encoder=true"]);
        assert_eq!((frozen.quantity, frozen.contrastive_weight), (Some(Quantity::Alm), Some(1.0)));
        let trained = mixture(&["model.encoder=dir"]);
        assert_eq!(
            (trained.quantity, trained.contrastive_weight),
            (Some(Quantity::Aum), Some(0.0))
        );
        assert_eq!(trained.plain_epochs, Some(2));
    }

    #[test]
    fn the_resolved_config_reads_back_as_itself() {
        let config = resolve(&["lane.alpha=0.5"]).unwrap();
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), config);
    }
}
