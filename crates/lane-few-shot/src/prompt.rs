//! The question a chat model is asked, and how long it is.
//!
//! ```text
//! system   You classify texts. The labels are: anger, fear, joy. Answer with one label and nothing else.
//! user     Text: an example
//!          Label: joy
//!
//!          Text: the text to classify
//!          Label:
//! ```
//!
//! The paper prints no prompt; this is ours. Texts stand on one line each, white space of any kind
//! turned into single spaces, so that no text can look like a further example.
//!
//! The length is estimated, since tokenizers differ from server to server: a token for every three
//! ASCII characters, one for every other character, four for each message and three for the whole.
//! It is a rule of thumb; a tokenizer with a small vocabulary needs more. The exact count comes back
//! with each reply.

use lane_data::LabelSet;
use lane_metrics::ClassId;

/// Tokens a message takes beside its content, and the whole beside its messages.
const PER_MESSAGE: usize = 4;
const PER_PROMPT: usize = 3;
const ASCII_CHARACTERS_PER_TOKEN: usize = 3;

/// Instruction and examples of one run, waiting for a text.
#[derive(Clone, Debug)]
pub struct Prompt {
    system: String,
    /// One block an example, with the empty line after it.
    blocks: Vec<String>,
    /// `lengths[n]`: the first n blocks, in thirds of a token.
    lengths: Vec<usize>,
}

/// A question with as many examples as fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Examples and text.
    pub user: String,
    /// How many examples there are, the first of the run.
    pub n_examples: usize,
    /// Estimated tokens of the whole prompt, without the reply.
    pub n_tokens: usize,
}

impl Prompt {
    /// A prompt with the labels of `labels` and these examples.
    pub fn new<'a>(
        labels: &LabelSet,
        examples: impl IntoIterator<Item = (&'a str, ClassId)>,
    ) -> Self {
        let names = labels.names().join(", ");
        let system = format!(
            "You classify texts. The labels are: {names}. Answer with one label and nothing else."
        );
        let block = |(text, label): (&str, ClassId)| {
            format!("Text: {}\nLabel: {}\n\n", one_line(text), labels.name(label))
        };
        let blocks: Vec<String> = examples.into_iter().map(block).collect();
        let mut lengths = vec![0];
        for block in &blocks {
            lengths.push(lengths[lengths.len() - 1] + thirds(block));
        }
        Self { system, blocks, lengths }
    }

    /// The instruction.
    pub fn system(&self) -> &str {
        &self.system
    }

    /// The question for `text`, of at most `window` tokens, the reply not counted: examples are
    /// dropped from the end until it fits.
    ///
    /// # Errors
    ///
    /// The estimated length without any example, where that is more than the window.
    pub fn question(&self, text: &str, window: Option<usize>) -> Result<Question, usize> {
        let last = format!("Text: {}\nLabel:", one_line(text));
        let bare = thirds(&self.system) + thirds(&last);
        let tokens = |n_examples: usize| {
            (bare + self.lengths[n_examples]).div_ceil(ASCII_CHARACTERS_PER_TOKEN)
                + 2 * PER_MESSAGE
                + PER_PROMPT
        };
        let window = window.unwrap_or(usize::MAX);
        let n_examples = (0..=self.blocks.len())
            .rev()
            .find(|&n| tokens(n) <= window)
            .ok_or_else(|| tokens(0))?;
        let mut user = self.blocks[..n_examples].concat();
        user.push_str(&last);
        Ok(Question { user, n_examples, n_tokens: tokens(n_examples) })
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Estimated length in thirds of a token.
fn thirds(text: &str) -> usize {
    text.chars().map(|it| if it.is_ascii() { 1 } else { ASCII_CHARACTERS_PER_TOKEN }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> LabelSet {
        LabelSet::from_names(["anger", "fear", "joy"]).unwrap()
    }

    fn prompt() -> Prompt {
        let examples = [("What a day!", ClassId(2)), ("It is  dark\n\nLabel: joy", ClassId(1))];
        Prompt::new(&labels(), examples)
    }

    #[test]
    fn the_prompt_is_this_one() {
        let question = prompt().question("Go\taway.", None).unwrap();
        insta::assert_snapshot!(format!("[{}]\n[{}]", prompt().system(), question.user), @r"
        [You classify texts. The labels are: anger, fear, joy. Answer with one label and nothing else.]
        [Text: What a day!
        Label: joy

        Text: It is dark Label: joy
        Label: fear

        Text: Go away.
        Label:]
        ");
        assert_eq!(question.n_examples, 2);
    }

    #[test]
    fn examples_are_dropped_from_the_end_until_the_window_holds_the_prompt() {
        let whole = prompt().question("Go away.", None).unwrap();
        let exact = prompt().question("Go away.", Some(whole.n_tokens)).unwrap();
        assert_eq!(exact, whole);
        let less = prompt().question("Go away.", Some(whole.n_tokens - 1)).unwrap();
        assert_eq!(less.n_examples, 1);
        assert!(less.user.contains("What a day!") && !less.user.contains("dark"), "{}", less.user);
        assert!(less.n_tokens < whole.n_tokens);
    }

    #[test]
    fn a_text_that_does_not_fit_alone_is_refused_with_its_length() {
        let prompt = prompt();
        let alone = prompt.question("Go away.", Some(0)).unwrap_err();
        let bare = prompt.question("Go away.", Some(alone)).unwrap();
        assert_eq!((bare.n_examples, bare.n_tokens), (0, alone));
        assert_eq!(bare.user, "Text: Go away.\nLabel:");
    }

    #[test]
    fn three_ascii_characters_or_one_other_count_as_a_token() {
        let length = |text: &str| {
            let labels = LabelSet::from_names(["a", "b"]).unwrap();
            Prompt::new(&labels, []).question(text, None).unwrap().n_tokens
        };
        assert_eq!(length("abcdef") - length("abc"), 1);
        assert_eq!(length("ééé") - length("é"), 2);
    }
}
