//! Everything that can be wrong with data, said so that it can be mended.
//!
//! A message says where (file, line or row, column), what was found and what was expected; it
//! is a fragment fit for "failed to …: {message}". Where there is one obvious remedy,
//! [`DataError::hint`] names it.

use std::io;
use std::path::PathBuf;

use crate::open;
use crate::place::Place;
use crate::shown::{list, shown};
use crate::suggest;

/// Why data were refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "field names and the message beside them say it all")]
pub enum DataError {
    // ---- files
    /// The operating system would not let us read.
    #[error("cannot read {}", .path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The reader is chosen by the extension.
    #[error("{}: {}, expected .csv, .tsv, .jsonl, .ndjson or .parquet", .path.display(), extension_of(.extension))]
    UnknownFormat { path: PathBuf, extension: String },
    /// Without rows there is nothing to learn or to measure.
    #[error("{}: the file has no rows", .path.display())]
    NoRows { path: PathBuf },
    /// Row ids are 32-bit numbers.
    #[error("{}, {place}: more than {limit} rows", .path.display())]
    TooManyRows { path: PathBuf, place: Place, limit: u64 },

    /// A file of this kind has no more than some pages.
    #[error("{}: the file has {n_bytes} bytes, expected at most {limit}", .path.display())]
    TooLarge { path: PathBuf, n_bytes: u64, limit: u64 },

    // ---- columns
    /// A column that was asked for is not there.
    #[error("{}, {place}: no column `{}`; the columns are {}", .path.display(), shown(.column), list(.found))]
    MissingColumn { path: PathBuf, place: Place, column: String, found: Vec<String> },
    /// Two columns of one name: which is meant cannot be told.
    #[error("{}, {place}: column `{}` stands there more than once", .path.display(), shown(.column))]
    RepeatedColumn { path: PathBuf, place: Place, column: String },
    /// In a file without a header, rows must agree on the optional columns.
    #[error("{}, {place}: column `{column}` is present, but {first} has none; all rows must have it, or none", .path.display())]
    UnevenColumn { path: PathBuf, place: Place, column: String, first: Place },
    /// A row of another width would shift labels into texts.
    #[error("{}, {place}: the number of fields is {n_found}, expected {n_expected} as in the header", .path.display())]
    Ragged { path: PathBuf, place: Place, n_found: usize, n_expected: usize },

    // ---- characters
    /// The quoted field would swallow the rest of the file.
    #[error("{}, {place}, column {column}: a quote is opened and never closed", .path.display())]
    UnclosedQuote { path: PathBuf, place: Place, column: String },
    /// Usually a stray quote on an earlier line that closes on this one.
    #[error("{}, {place}, column {column}: the quote opened here is closed on line {closed}, but text follows before the next separator", .path.display())]
    TextAfterQuote { path: PathBuf, place: Place, column: String, closed: u64 },
    /// Guessing another encoding would silently spoil texts.
    #[error("{}, {place}, column {column}: byte 0x{byte:02x} is not valid UTF-8", .path.display())]
    NotUtf8 { path: PathBuf, place: Place, column: String, byte: u8 },
    /// Spreadsheet programs write this encoding as "Unicode text".
    #[error("{}, line 1: the file starts with the byte-order mark of UTF-16, expected UTF-8", .path.display())]
    Utf16 { path: PathBuf },
    /// The same encoding without the mark that would tell.
    #[error("{}, line 1: every other byte is NUL, as in UTF-16, expected UTF-8", .path.display())]
    Utf16WithoutMark { path: PathBuf },
    /// No text has this character; a file that does is another kind of file.
    #[error("{}, {place}, column {column}: found a NUL character, expected text", .path.display())]
    Nul { path: PathBuf, place: Place, column: String },
    /// A line that is not JSON.
    #[error("{}, {place}, character {at}: broken JSON: {reason}", .path.display())]
    BrokenJson { path: PathBuf, place: Place, at: usize, reason: String },
    /// Each line holds one row by column name.
    #[error("{}, {place}: found {found}, expected one JSON object", .path.display())]
    NotAnObject { path: PathBuf, place: Place, found: &'static str },
    /// A Parquet file that cannot be decoded.
    #[error("{}: cannot decode the Parquet file: {reason}", .path.display())]
    Parquet { path: PathBuf, reason: String },

    // ---- values
    /// A value of another type than text, or than a label has.
    #[error("{}, {place}, column `{column}`: found {found}, expected {expected}", .path.display())]
    WrongType { path: PathBuf, place: Place, column: String, found: String, expected: &'static str },
    /// A row without a label cannot be trained on or measured.
    #[error("{}, {place}, column `{column}`: the label is empty", .path.display())]
    EmptyLabel { path: PathBuf, place: Place, column: String },
    /// White space alone carries nothing to classify.
    #[error("{}, {place}, column `{column}`: the text is empty", .path.display())]
    EmptyText { path: PathBuf, place: Place, column: String },
    /// An id column must name every row.
    #[error("{}, {place}, column `{column}`: the id is empty", .path.display())]
    EmptyId { path: PathBuf, place: Place, column: String },
    /// Two rows of one name could not be told apart in the results.
    #[error("{}, {place}, column `{column}`: id `{}` already stands on {first}", .path.display(), shown(.id))]
    DuplicateId { path: PathBuf, place: Place, column: String, id: String, first: Place },
    /// The model has no output for this class.
    #[error("{}, {place}, column `{column}`: label `{}` does not occur in the training data", .path.display(), shown(.label))]
    UnseenLabel {
        path: PathBuf,
        place: Place,
        column: String,
        label: Box<str>,
        closest: Option<Box<str>>,
    },
    /// With one class there is nothing to tell apart.
    #[error("{}: every row has the label `{}`, expected at least 2 classes", .path.display(), shown(.label))]
    OneClass { path: PathBuf, label: String },
    /// Class ids are 16-bit numbers; so many classes are usually a wrong column.
    #[error("{}, {place}, column `{column}`: more than {limit} distinct labels", .path.display())]
    TooManyClasses { path: PathBuf, place: Place, column: String, limit: usize },

    // ---- matrices of numbers
    /// The reader of a matrix is chosen by the extension.
    #[error("{}: {}, expected .npy, .parquet, .csv or .tsv", .path.display(), extension_of(.extension))]
    UnknownMatrix { path: PathBuf, extension: String },
    /// A `NumPy` array that is no matrix of floats.
    #[error("{}: found {found}, expected {expected}", .path.display())]
    Npy { path: PathBuf, found: String, expected: &'static str },
    /// Nothing tells which columns hold the numbers.
    #[error("{}, {place}: found {found}, expected {expected}", .path.display())]
    MatrixColumns { path: PathBuf, place: Place, found: String, expected: &'static str },
    /// A row of another width would shift numbers into other classes.
    #[error("{}, {place}: found {n_found} values, expected {n_expected} as in the first row", .path.display())]
    Uneven { path: PathBuf, place: Place, n_found: usize, n_expected: usize },
    /// A matrix has a column a class.
    #[error("{}: {n_found} columns of numbers, expected {n_expected}, one a class", .path.display())]
    ColumnCount { path: PathBuf, n_found: usize, n_expected: usize },
    /// Rows of a matrix and of the data go by pairs.
    #[error("{}: {n_found} rows, expected {n_expected} as in the data", .path.display())]
    RowCount { path: PathBuf, n_found: u64, n_expected: u64 },
    /// A row of a matrix that names another row of the data than the one in its place.
    #[error("{}, {place}, column `{column}`: found `{}`, expected `{}` as in the data", .path.display(), shown(.found), shown(.expected))]
    OtherRow { path: PathBuf, place: Place, column: String, found: String, expected: String },
    /// Logits, or one probability a label, and no distribution over the classes.
    #[error("{}, {place}: the probabilities sum to {sum}, expected 1 to within 0.01", .path.display())]
    ProbabilitySum { path: PathBuf, place: Place, sum: f64 },

    // ---- label sets and rows
    /// A name must lead to one class.
    #[error("label `{}` is listed twice", shown(.label))]
    RepeatedLabel { label: String },
    /// Class ids are 16-bit numbers.
    #[error("{n_labels} classes, expected at most {limit}")]
    TooManyLabels { n_labels: usize, limit: usize },
    /// A row id from another data set.
    #[error("row {row} does not exist: there are {n_rows} rows, the first is 0")]
    RowOutOfRange { row: usize, n_rows: usize },
    /// A name in a config or on the command line that means nothing.
    #[error("unknown {what} `{}`, expected one of: {expected}", shown(.name))]
    UnknownName { what: &'static str, name: String, expected: String },

    // ---- manifests
    /// A manifest that does not parse or contradicts itself.
    #[error("manifest `{name}`: {reason}")]
    Manifest { name: String, reason: String },
    /// A label that the manifest of the set does not list.
    #[error("{}, {place}, column `{column}`: found label `{}`, expected {expected}", .path.display(), shown(.label))]
    UnlistedLabel {
        path: PathBuf,
        place: Place,
        column: String,
        label: Box<str>,
        expected: Box<str>,
    },
    /// A split rule that leaves a part without rows.
    #[error("{n_rows} rows are too few for the split rule: a part would be empty")]
    EmptyPart { n_rows: usize },

    // ---- augmentation
    /// A line of translations is an id and a text.
    #[error("{}, {place}: found no tab, expected `id<TAB>text`", .path.display())]
    NoTab { path: PathBuf, place: Place },
    /// A thesaurus that lacks a file would miss words without a sign.
    #[error("{}: no {missing} in this folder, expected the files of WordNet", .path.display())]
    NoWordNet { path: PathBuf, missing: String },
    /// A line that is not in the format of the database.
    #[error("{}, {place}: not a line of WordNet, expected {expected}", .path.display())]
    WordNetLine { path: PathBuf, place: Place, expected: &'static str },

    // ---- noise
    /// A rate is a part of the rows.
    #[error("noise rate is {rate}, expected a fraction in 0.0..=1.0")]
    Rate { rate: f64 },
    /// Noise needs another class to flip to.
    #[error("noise needs at least 2 classes, got {n_classes}")]
    TooFewClasses { n_classes: usize },
    /// A label that names no class of the set.
    #[error("label {label} of row {row} is out of range: there are {n_classes} classes")]
    LabelOutOfRange { row: usize, label: u16, n_classes: usize },
    /// A standard deviation is a number from 0 up.
    #[error("spread of the instance noise is {spread}, expected a number from 0 up")]
    Spread { spread: f64 },
    /// The kind needs something that labels alone do not give.
    #[error("noise kind `{kind}` needs {needs}, but none was given")]
    MissingInput { kind: &'static str, needs: &'static str },
    /// A matrix or feature table of the wrong size.
    #[error("{what} has {n_found} values, expected {n_expected}")]
    WrongSize { what: &'static str, n_found: usize, n_expected: usize },
    /// A probability, similarity or feature that is no usable number.
    #[error("{what} at row {row}, column {column} is {value}, expected {expected}")]
    BadEntry { what: &'static str, row: usize, column: usize, value: f64, expected: &'static str },
    /// The rows of a transition matrix are distributions.
    #[error("row {row} of the transition matrix sums to {sum}, expected 1")]
    RowSum { row: usize, sum: f64 },
    /// A class unlike every other has nowhere to send its mass.
    #[error("class {class} has no similarity to any other class, so its noise has nowhere to go")]
    NoSimilarity { class: usize },

    // ---- writing
    /// Results are never overwritten by accident.
    #[error("{} exists already", .path.display())]
    Exists { path: PathBuf },
    /// The operating system would not let us write.
    #[error("cannot write {}", .path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },

    // ---- tokenizers
    /// A tokenizer folder holds one of two files.
    #[error("{}: no tokenizer.json and no vocab.txt in this folder", .path.display())]
    NoTokenizer { path: PathBuf },
    /// A tokenizer file that cannot be used.
    #[error("{}: cannot use this tokenizer: {reason}", .path.display())]
    Tokenizer { path: PathBuf, reason: String },
    /// Sequences begin, end and are padded with these.
    #[error("{}: the vocabulary has no token `{}`", .path.display(), shown(.token))]
    MissingToken { path: PathBuf, token: String },
    /// The tokenizer failed on a text.
    #[error("text {index} cannot be tokenized: {reason}")]
    Encode { index: usize, reason: String },
    /// Room for the first and the last special token and something between.
    #[error("maximum length is {max_length}, expected at least 3 tokens")]
    MaxLength { max_length: usize },
    /// Room for the special tokens and one character.
    #[error("vocabulary size is {size}, expected at least {least}")]
    VocabularySize { size: usize, least: usize },
}

impl DataError {
    /// Whether it lies in what was given, and not in what the system has room or leave for.
    pub fn is_usage(&self) -> bool {
        match self {
            Self::Write { source, .. } => open::is_wrong_place(source),
            _ => true,
        }
    }

    /// What would most likely mend it, where that can be told.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::MissingColumn { column, found, .. } => {
                let closest = suggest::closest(column, found.iter().map(String::as_str));
                closest.map(|name| format!("did you mean column `{name}`?"))
            }
            Self::UnseenLabel { closest: Some(name), .. } => {
                Some(format!("the nearest label of the training data is `{name}`"))
            }
            Self::Ragged { .. } => {
                Some("a field that contains the separator must stand in double quotes".into())
            }
            Self::UnclosedQuote { .. } | Self::TextAfterQuote { .. } => Some(
                "inside a quoted field a quote is written twice; a field that starts with a quote must be quoted as a whole".into(),
            ),
            Self::NotUtf8 { .. } | Self::Utf16 { .. } | Self::Utf16WithoutMark { .. } => Some("save the file as UTF-8".into()),
            Self::NotAnObject { found: "an array", .. } => {
                Some("write one object per line instead of one array".into())
            }
            Self::TooManyClasses { .. } => Some("is this the label column?".into()),
            Self::NoWordNet { .. } => Some(
                "Debian's package `wordnet-base` has them, in /usr/share/wordnet; `--wordnet built-in` takes the small thesaurus of our own".into(),
            ),
            Self::Nul { .. } => Some("is this a text file? if so, save it as UTF-8".into()),
            Self::Exists { .. } => Some("choose another name, or give --force".into()),
            _ => None,
        }
    }
}

fn extension_of(extension: &str) -> String {
    if extension.is_empty() {
        return "the name has no extension".into();
    }
    format!("unknown extension `{}`", shown(extension))
}
