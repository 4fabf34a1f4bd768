//! The data sets of the LANE paper: where each is to be had, and how its rows become `text,label`.
//!
//! One TOML file a set stands in `manifest/`; its stem is the set's name, as the tables of the
//! paper have it. A set is either on the Hugging Face hub ([`Source::Hub`]: files, columns, labels,
//! cleaning, split, all of it data and none of it code) or with its owners
//! ([`Source::Request`]: whom to ask). Somebody else's set needs a file of the same form and
//! nothing else.
//!
//! | step | what it does | in |
//! |---|---|---|
//! | read | the columns named, of CSV, TSV, JSONL or Parquet | [`table`] |
//! | rule | one text and one label a row, or a [`Reason`](rule::Reason) with its reason | [`rule`] |
//! | part | which row goes to train, validation and test | [`partition`] |
//! | write | `train.csv`, `validation.csv`, `test.csv` | [`prepare`] |

mod check;
pub mod partition;
pub mod prepare;
pub mod rule;
pub mod table;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::DataError;
use crate::read::hash_of_bytes;

/// The sets in the order of the paper's tables.
const BUILT_IN: [(&str, &str); 11] = [
    ("empathetic_dialogues", include_str!("manifest/empathetic_dialogues.toml")),
    ("goemotions", include_str!("manifest/goemotions.toml")),
    ("isear", include_str!("manifest/isear.toml")),
    ("cancer_emo", include_str!("manifest/cancer_emo.toml")),
    ("rcv1", include_str!("manifest/rcv1.toml")),
    ("scihtc", include_str!("manifest/scihtc.toml")),
    ("sst5", include_str!("manifest/sst5.toml")),
    ("amazon_review", include_str!("manifest/amazon_review.toml")),
    ("yelp_review", include_str!("manifest/yelp_review.toml")),
    ("yahoo_answers", include_str!("manifest/yahoo_answers.toml")),
    ("ag_news", include_str!("manifest/ag_news.toml")),
];

/// What is known of a data set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The stem of its file.
    #[serde(skip_deserializing)]
    pub name: String,
    /// The name its authors use.
    pub title: String,
    /// What is told apart.
    pub task: String,
    /// Number of classes after the reduction to one label a row.
    pub classes: usize,
    /// The score by which it is judged in the paper's tables.
    pub metric: Metric,
    /// Rows as its authors give them.
    pub sizes: Sizes,
    /// What the LANE paper says of it, and where that cannot be literal.
    pub paper: String,
    /// How one label a row comes about.
    pub reduction: String,
    /// Terms of use, as far as they are stated anywhere.
    pub license: String,
    /// Whom to cite.
    pub citation: String,
    /// Whether files, columns and terms were found stated in public pages or code.
    pub confirmed: bool,
    /// What to know besides.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Where it is to be had.
    pub source: Source,
    /// SHA-256 of the manifest's file.
    #[serde(skip)]
    pub sha256: String,
    /// The manifest's file, as it stands.
    #[serde(skip)]
    pub toml: String,
}

/// A score of the paper's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Share of rows predicted right.
    Accuracy,
    /// F1 of the classes, weighted by their rows.
    WeightedF1,
    /// F1 of the classes, each alike.
    MacroF1,
}

impl Metric {
    /// As tables print it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::WeightedF1 => "weighted F1",
            Self::MacroF1 => "macro F1",
        }
    }
}

/// Official numbers of rows, before any reduction; a part that does not exist has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sizes {
    /// All rows.
    pub total: usize,
    /// Rows to learn from.
    pub train: Option<usize>,
    /// Rows that choose the epoch.
    pub validation: Option<usize>,
    /// Rows that are only scored.
    pub test: Option<usize>,
}

/// Where a set is to be had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Source {
    /// On the Hugging Face hub.
    Hub(Box<HubSource>),
    /// With its owners, who must be asked.
    Request(RequestSource),
}

/// Files of a repository on the hub, and what to do with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HubSource {
    /// `OWNER/NAME` of a data-set repository.
    pub repository: String,
    /// A commit, branch or tag; `main` where none is given.
    pub revision: Option<String>,
    /// Its files, in the order in which their rows are taken.
    pub files: Vec<SourceFile>,
    /// Which columns hold what.
    pub columns: ColumnMap,
    /// What the labels mean.
    pub labels: LabelMap,
    /// Changes to the text, in this order.
    #[serde(default)]
    pub clean: Vec<Cleaning>,
    /// How rows become train, validation and test.
    pub split: SplitRule,
}

/// A file of a source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// The part of the set that it holds.
    pub part: Part,
    /// Its path in the repository; the extension tells the format.
    pub path: String,
    /// SHA-256 of its bytes, where it is known; else the first fetch records it.
    pub sha256: Option<String>,
}

/// What a source file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Rows to learn from.
    Train,
    /// Rows that choose the epoch.
    Validation,
    /// Rows that are only scored.
    Test,
    /// The whole set, not divided yet.
    All,
}

/// Which columns hold what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnMap {
    /// Columns of the text, joined by a space; empty ones are passed over.
    pub text: Vec<String>,
    /// Column of the label, or of a list of labels.
    pub label: String,
    /// A column of which only the first row of each value is taken.
    pub key: Option<String>,
    /// For CSV and TSV: the columns by position. A first record that says just this is the header;
    /// otherwise the file has none.
    pub order: Option<Vec<String>>,
}

/// What the labels mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelMap {
    /// How a label is written in the files.
    pub form: LabelForm,
    /// The names of the classes, for numbers in the order of the numbers.
    pub names: Vec<String>,
    /// The number of the first name.
    #[serde(default)]
    pub first: i64,
    /// What happens to a row with several labels.
    #[serde(default)]
    pub several: Several,
    /// Classes whose rows are left out.
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// How a label is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelForm {
    /// By its name.
    Name,
    /// By its number.
    Number,
}

/// What happens to a row with several labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Several {
    /// There should be none: the file is refused.
    #[default]
    Refuse,
    /// The row is left out.
    Drop,
}

/// A change to the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cleaning {
    /// `_comma_` stands for a comma.
    DecodeCommas,
    /// A backslash and an `n` stand for a line end.
    DecodeLineEnds,
    /// Runs of white space become one space, none is left at the ends.
    CollapseSpaces,
}

/// How rows become train, validation and test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case", deny_unknown_fields)]
pub enum SplitRule {
    /// As the files are.
    Official,
    /// There is no validation part: so many rows of train, drawn at random, become it.
    HoldOut {
        /// Rows of the validation part.
        validation: usize,
        /// Seed of the draw.
        seed: u64,
    },
    /// There are no parts: rows are shuffled and cut.
    Fractions {
        /// Share of train.
        train: f64,
        /// Share of validation.
        validation: f64,
        /// Share of test.
        test: f64,
        /// Seed of the shuffle.
        seed: u64,
    },
}

/// Owners who must be asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestSource {
    /// Who has it.
    pub owner: String,
    /// The page that says how.
    pub url: String,
    /// What to do.
    pub how: String,
}

impl Manifest {
    /// Reads a manifest of this form; `name` is the set's.
    ///
    /// # Errors
    ///
    /// [`DataError::Manifest`] if it does not parse or contradicts itself.
    pub fn parse(name: &str, toml: &str) -> Result<Self, DataError> {
        let wrong = |reason| DataError::Manifest { name: name.into(), reason };
        let mut manifest: Self = toml::from_str(toml).map_err(|error| wrong(error.to_string()))?;
        manifest.name = name.into();
        manifest.sha256 = hash_of_bytes(toml.as_bytes());
        manifest.toml = toml.into();
        check::manifest(&manifest).map_err(wrong)?;
        Ok(manifest)
    }

    /// Reads a manifest from a file; its stem is the set's name.
    ///
    /// # Errors
    ///
    /// [`DataError::Read`], or as [`parse`](Self::parse).
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let toml = std::fs::read_to_string(path)
            .map_err(|source| DataError::Read { path: path.into(), source })?;
        Self::parse(&path.file_stem().unwrap_or_default().to_string_lossy(), &toml)
    }
}

/// The manifests of the paper's data sets, in the order of its tables.
///
/// # Errors
///
/// [`DataError::Manifest`], which the tests rule out.
pub fn all() -> Result<Vec<Manifest>, DataError> {
    BUILT_IN.iter().map(|(name, toml)| Manifest::parse(name, toml)).collect()
}

/// The manifest of that name.
///
/// # Errors
///
/// [`DataError::UnknownName`] if there is none.
pub fn find(name: &str) -> Result<Manifest, DataError> {
    match BUILT_IN.iter().find(|(known, _)| *known == name) {
        Some((name, toml)) => Manifest::parse(name, toml),
        None => Err(DataError::UnknownName {
            what: "data set",
            name: name.into(),
            expected: BUILT_IN.map(|(name, _)| name).join(", "),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_the_tables_has_a_manifest_under_its_name() {
        let all = all().unwrap();
        let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
        let tables = [
            "empathetic_dialogues",
            "goemotions",
            "isear",
            "cancer_emo",
            "rcv1",
            "scihtc",
            "sst5",
            "amazon_review",
            "yelp_review",
            "yahoo_answers",
            "ag_news",
        ];
        assert_eq!(names, tables);
        let asked: Vec<&str> = all
            .iter()
            .filter(|it| matches!(it.source, Source::Request(_)))
            .map(|it| it.name.as_str())
            .collect();
        assert_eq!(asked, ["cancer_emo", "rcv1", "scihtc"]);
    }

    #[test]
    fn parts_add_up_to_the_total() {
        for Manifest { name, sizes, .. } in all().unwrap() {
            let parts = [sizes.train, sizes.validation, sizes.test];
            let sum: usize = parts.iter().flatten().sum();
            assert!(sum == 0 || sum == sizes.total, "{name}: {sum}");
        }
    }

    #[test]
    fn a_manifest_survives_json() {
        for manifest in all().unwrap() {
            let mut json = serde_json::to_value(&manifest).unwrap();
            assert_eq!(json["name"], manifest.name);
            json.as_object_mut().unwrap().remove("name");
            let again: Manifest = serde_json::from_value(json).unwrap();
            let (Manifest { source, .. }, Manifest { source: expected, .. }) = (again, manifest);
            assert_eq!(source, expected);
        }
    }

    #[test]
    fn an_unknown_set_is_answered_with_those_there_are() {
        let error = find("sst6").unwrap_err().to_string();
        assert!(
            error.starts_with("unknown data set `sst6`, expected one of: empathetic_dialogues, ")
        );
    }
}
