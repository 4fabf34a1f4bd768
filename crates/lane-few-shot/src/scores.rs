//! Scores and costs: of each run, and of all of them.
//!
//! An unparsed reply is wrong: it is a miss of the row's class and names no other, so that no class
//! gains a false positive by it. It is no class of its own either: macro-F1 is the mean over the
//! classes of the data that occur in truth or predictions.
//!
//! ```text
//! mean ± std over runs, std with n − 1        cost = (prompt tokens · price + reply tokens · price) / 10⁶
//! ```

use lane_metrics::ClassId;
use lane_metrics::classification::ConfusionCounts;
use lane_metrics::summary::{self, Summary};
use serde::{Deserialize, Serialize};

use crate::chat::Reply;
use crate::config::{Method, Price};
use crate::error::FewShotError;

/// Classification scores, each in 0..=1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores<T = f64> {
    /// Share of rows predicted right.
    pub accuracy: T,
    /// F1 over pooled counts; equals accuracy where every row has one label.
    pub micro_f1: T,
    /// Mean F1 over the classes present in truth or predictions.
    pub macro_f1: T,
    /// Mean F1 weighted by class size.
    pub weighted_f1: T,
    /// Mean recall over the classes present in the truth.
    pub balanced_accuracy: T,
}

impl Scores {
    /// Scores of predictions, `None` being an unparsed reply.
    ///
    /// # Errors
    ///
    /// [`FewShotError::Metrics`] if the two differ in length or name a class out of range.
    pub fn of(
        truth: &[ClassId],
        predicted: &[Option<ClassId>],
        n_classes: usize,
    ) -> Result<Self, FewShotError> {
        // Unparsed replies are counted in a column beyond the classes.
        let unparsed = ClassId(u16::try_from(n_classes).unwrap_or(u16::MAX));
        let predicted: Vec<_> = predicted.iter().map(|it| it.unwrap_or(unparsed)).collect();
        let counts = ConfusionCounts::new(truth, &predicted, n_classes + 1)?;
        let of_classes = &counts.per_class()[..n_classes];
        let occurs = |class: ClassId, support| {
            support > 0 || (0..n_classes as u16).any(|it| counts.count(ClassId(it), class) > 0)
        };
        let f1: Vec<f64> = (0..)
            .map(ClassId)
            .zip(of_classes)
            .filter(|(class, scores)| occurs(*class, scores.support))
            .map(|(_, scores)| scores.f1)
            .collect();
        let scores = counts.scores();
        Ok(Self {
            accuracy: scores.accuracy,
            micro_f1: scores.micro_f1,
            macro_f1: summary::mean(&f1).unwrap_or_default(),
            weighted_f1: scores.weighted_f1,
            balanced_accuracy: scores.balanced_accuracy,
        })
    }
}

impl<T> Scores<T> {
    fn map<U>(of: impl Fn(&dyn Fn(&Scores) -> f64) -> U) -> Scores<U> {
        Scores {
            accuracy: of(&|it| it.accuracy),
            micro_f1: of(&|it| it.micro_f1),
            macro_f1: of(&|it| it.macro_f1),
            weighted_f1: of(&|it| it.weighted_f1),
            balanced_accuracy: of(&|it| it.balanced_accuracy),
        }
    }
}

/// What was sent and paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Requests answered; rows with the same text share one.
    pub n_requests: u64,
    /// Attempts that failed before an answer came.
    pub n_retries: u64,
    /// Tokens of the prompts, as the server counts them.
    pub prompt_tokens: u64,
    /// Tokens of the replies, as the server counts them.
    pub completion_tokens: u64,
    /// Replies without a count of tokens, which are in neither sum.
    pub n_without_counts: u64,
    /// What the tokens cost, where prices are known.
    pub cost: Option<f64>,
}

impl Usage {
    /// Adds a reply; `cost` is left to [`with_cost`](Self::with_cost).
    pub(crate) fn add(&mut self, reply: &Reply) {
        self.n_requests += 1;
        self.n_retries += u64::from(reply.retries);
        self.prompt_tokens += reply.prompt_tokens.unwrap_or_default();
        self.completion_tokens += reply.completion_tokens.unwrap_or_default();
        let counted = reply.prompt_tokens.is_some() && reply.completion_tokens.is_some();
        self.n_without_counts += u64::from(!counted);
    }

    pub(crate) fn with_cost(self, price: Option<Price>) -> Self {
        let cost = price.map(|price| price.of(self.prompt_tokens, self.completion_tokens));
        Self { cost, ..self }
    }
}

/// One run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Its number, from 1.
    pub run: usize,
    /// Its scores.
    #[serde(flatten)]
    pub scores: Scores,
    /// Replies that name no label.
    pub n_unparsed: usize,
    /// Those of them that the server withheld.
    pub n_filtered: usize,
    /// Examples shown with a wrong label, of all that were drawn.
    pub n_wrong_examples: usize,
    /// The fewest and the most examples that fitted into a prompt.
    pub n_examples: (usize, usize),
    /// What it took.
    pub usage: Usage,
}

/// All runs: the contents of `result.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FewShotResult {
    /// Always `llm-few-shot`.
    pub method: Method,
    /// The model asked for.
    pub model: String,
    /// The seed.
    pub seed: u64,
    /// Rows of the training file.
    pub n_train: usize,
    /// Test rows asked about in each run.
    pub n_test: usize,
    /// Examples drawn for each run.
    pub shots: usize,
    /// Means over runs.
    #[serde(flatten)]
    pub mean: Scores,
    /// Means with sample deviation; none for a single run.
    pub summary: Scores<Option<Summary>>,
    /// Replies that name no label, in all runs.
    pub n_unparsed: usize,
    /// What it took altogether.
    pub usage: Usage,
    /// Run by run.
    pub runs: Vec<RunResult>,
}

/// Means, and means with deviations.
pub(crate) fn over_runs(runs: &[RunResult]) -> (Scores, Scores<Option<Summary>>) {
    let values = |score: &dyn Fn(&Scores) -> f64| -> Vec<f64> {
        runs.iter().map(|run| score(&run.scores)).collect()
    };
    let mean = Scores::<f64>::map(|score| summary::mean(&values(score)).unwrap_or_default());
    (mean, Scores::<f64>::map(|score| summary::of_values(&values(score))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(truth: &[u16], predicted: &[Option<u16>]) -> Scores {
        let truth: Vec<_> = truth.iter().copied().map(ClassId).collect();
        let predicted: Vec<_> = predicted.iter().map(|it| it.map(ClassId)).collect();
        Scores::of(&truth, &predicted, 3).unwrap()
    }

    #[test]
    fn without_unparsed_replies_the_scores_are_the_usual_ones() {
        let truth = [0, 0, 1, 1, 1].map(ClassId);
        let predicted = [0, 1, 1, 1, 2].map(ClassId);
        let usual = ConfusionCounts::new(&truth, &predicted, 4).unwrap().scores();
        let ours = Scores::of(&truth, &predicted.map(Some), 4).unwrap();
        let pairs = [
            (ours.accuracy, usual.accuracy),
            (ours.micro_f1, usual.micro_f1),
            (ours.macro_f1, usual.macro_f1),
            (ours.weighted_f1, usual.weighted_f1),
            (ours.balanced_accuracy, usual.balanced_accuracy),
        ];
        assert!(pairs.iter().all(|(ours, usual)| (ours - usual).abs() < 1e-15), "{pairs:?}");
    }

    #[test]
    fn an_unparsed_reply_is_a_miss_and_no_class() {
        let scores = scores(&[0, 0, 1], &[Some(0), None, Some(1)]);
        // Class 0: precision 1, recall 1/2; class 1: both 1; class 2 does not occur.
        let f1 = 2.0 / 3.0;
        assert!((scores.accuracy - 2.0 / 3.0).abs() < 1e-12);
        assert!((scores.macro_f1 - f64::midpoint(f1, 1.0)).abs() < 1e-12);
        assert!((scores.weighted_f1 - (2.0 * f1 + 1.0) / 3.0).abs() < 1e-12);
        assert!((scores.balanced_accuracy - 0.75).abs() < 1e-12);
    }

    #[test]
    fn nothing_parsed_scores_nothing() {
        assert_eq!(scores(&[0, 1], &[None, None]), Scores::default());
    }

    #[test]
    fn tokens_are_priced_by_the_million() {
        let reply = |prompt_tokens, completion_tokens| Reply {
            prompt_tokens,
            completion_tokens,
            retries: 2,
            ..Reply::default()
        };
        let mut usage = Usage::default();
        usage.add(&reply(Some(1_500_000), Some(20)));
        usage.add(&reply(None, None));
        let usage = usage.with_cost(Some(Price { prompt: 2.0, completion: 100_000.0 }));
        assert_eq!((usage.n_requests, usage.n_retries, usage.n_without_counts), (2, 4, 1));
        assert_eq!(usage.cost, Some(5.0));
        assert_eq!(Usage::default().with_cost(None).cost, None);
    }
}
