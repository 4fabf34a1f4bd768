//! Searches over tables of probabilities written by hand.

use super::*;
use crate::generation::EarlyStopping;

/// The probabilities of the next token after each sentence; elsewhere the end is certain.
///
/// Token 0 is the end, 3 is the padding and the start.
struct Table {
    rows: Vec<Vec<u32>>,
    rules: Vec<(Vec<u32>, [f32; 4])>,
    steps: Vec<usize>,
}

impl Table {
    fn new(n_texts: usize, rules: &[(&[u32], [f32; 4])]) -> Self {
        let rules = rules.iter().map(|(sentence, next)| (sentence.to_vec(), *next)).collect();
        Self { rows: vec![Vec::new(); n_texts], rules, steps: Vec::new() }
    }
}

impl Decoder for Table {
    fn step(&mut self, parents: &[u32], tokens: &[u32]) -> Result<Vec<f32>, TranslateError> {
        let first = self.steps.is_empty();
        self.steps.push(parents.len());
        let extended = |(parent, token): (&u32, &u32)| {
            let token = Some(*token).filter(|_| !first);
            self.rows[*parent as usize].iter().copied().chain(token).collect::<Vec<u32>>()
        };
        self.rows = parents.iter().zip(tokens).map(extended).collect();
        let next = |row: &Vec<u32>| {
            let rule = self.rules.iter().find(|(sentence, _)| sentence == row);
            rule.map_or([1.0, 0.0, 0.0, 0.0], |(_, next)| *next)
        };
        Ok(self.rows.iter().flat_map(|row| next(row).map(f32::ln)).collect())
    }
}

fn decoding(beams: usize) -> Decoding {
    Decoding {
        beams,
        max_tokens: 6,
        length_penalty: 0.0,
        early_stopping: EarlyStopping::Never,
        barred: vec![3],
        end: 0,
        start: 3,
        forced_end: true,
        renormalize: false,
    }
}

/// Greedily 1 2 2 then the end, 0.6 · 0.4 · 0.5; better is 2 1 then the end, 0.4 · 0.9 · 0.9.
const TRAP: &[(&[u32], [f32; 4])] = &[
    (&[], [0.0, 0.6, 0.4, 0.0]),
    (&[1], [0.3, 0.3, 0.4, 0.0]),
    (&[1, 2], [0.25, 0.25, 0.5, 0.0]),
    (&[2], [0.05, 0.9, 0.05, 0.0]),
    (&[2, 1], [0.9, 0.05, 0.05, 0.0]),
];

fn ids(rules: &[(&[u32], [f32; 4])], decoding: &Decoding) -> Vec<u32> {
    search(&mut Table::new(1, rules), 1, decoding).unwrap().remove(0).ids
}

#[test]
fn greedy_takes_the_likeliest_token_at_each_step() {
    assert_eq!(ids(TRAP, &decoding(1)), [1, 2, 2, 0]);
}

#[test]
fn two_beams_find_the_likelier_sentence_and_its_probability() {
    let output = search(&mut Table::new(1, TRAP), 1, &decoding(2)).unwrap().remove(0);
    assert_eq!(output.ids, [2, 1, 0]);
    assert!((output.score.exp() - 0.4 * 0.9 * 0.9).abs() < 1e-6);
}

#[test]
fn length_penalty_decides_between_short_and_long() {
    // The end at once has 0.5; 1 1 1 and the end has 0.5 · 0.8 · 0.8 · 0.8 = 0.256.
    let rules: &[(&[u32], [f32; 4])] = &[
        (&[], [0.5, 0.5, 0.0, 0.0]),
        (&[1], [0.1, 0.8, 0.1, 0.0]),
        (&[1, 1], [0.1, 0.8, 0.1, 0.0]),
        (&[1, 1, 1], [0.8, 0.1, 0.1, 0.0]),
    ];
    let with = |length_penalty| ids(rules, &Decoding { length_penalty, ..decoding(2) });
    assert_eq!(with(0.0), [0]);
    assert_eq!(with(1.0), [1, 1, 1, 0]);
}

#[test]
fn early_stopping_takes_the_first_finished_sentences() {
    let rules: &[(&[u32], [f32; 4])] = &[
        (&[], [0.4, 0.6, 0.0, 0.0]),
        (&[1], [0.3, 0.7, 0.0, 0.0]),
        (&[1, 1], [0.02, 0.98, 0.0, 0.0]),
        (&[1, 1, 1], [0.98, 0.02, 0.0, 0.0]),
    ];
    let with = |early_stopping| ids(rules, &Decoding { early_stopping, ..decoding(2) });
    assert_eq!(with(EarlyStopping::Yes), [0]);
    // 0.6 · 0.7 · 0.98 · 0.98 = 0.403 > 0.4.
    assert_eq!(with(EarlyStopping::Never), [1, 1, 1, 0]);
}

#[test]
fn sentence_at_the_limit_ends_there_by_force_or_without_end() {
    let endless: &[(&[u32], [f32; 4])] = &[
        (&[], [0.0, 1.0, 0.0, 0.0]),
        (&[1], [0.0, 1.0, 0.0, 0.0]),
        (&[1, 1], [0.0, 1.0, 0.0, 0.0]),
    ];
    for beams in [1, 2] {
        let with = |forced_end, max_tokens| {
            ids(endless, &Decoding { max_tokens, forced_end, ..decoding(beams) })
        };
        assert_eq!(with(true, 3), [1, 1, 0]);
        assert_eq!(with(false, 3), [1, 1, 1]);
        assert_eq!(with(true, 1), [0]);
    }
}

#[test]
fn barred_tokens_never_come_however_likely() {
    let rules: &[(&[u32], [f32; 4])] =
        &[(&[], [0.05, 0.1, 0.05, 0.8]), (&[1], [0.1, 0.0, 0.0, 0.9])];
    assert_eq!(ids(rules, &decoding(1)), [1, 0]);
    assert_eq!(ids(rules, &decoding(2)), [0]);
    // With probabilities that sum to one again, 1 and the end is 0.5 and the end at once 0.25.
    assert_eq!(ids(rules, &Decoding { renormalize: true, ..decoding(2) }), [1, 0]);
}

#[test]
fn texts_that_are_finished_leave_the_batch() {
    let mut table = Table::new(2, TRAP);
    table.rows[1] = vec![9];
    let outputs = search(&mut table, 2, &decoding(1)).unwrap();
    assert_eq!(outputs[0].ids, [1, 2, 2, 0]);
    assert_eq!(outputs[1].ids, [0]);
    assert_eq!(table.steps, [2, 1, 1, 1]);
}

#[test]
fn scores_that_are_no_numbers_are_an_error() {
    for beams in [1, 2] {
        let mut table = Table::new(1, &[(&[], [f32::NAN; 4])]);
        let answer = search(&mut table, 1, &decoding(beams));
        assert!(matches!(answer, Err(TranslateError::NotFinite)), "{answer:?}");
    }
}

#[test]
fn no_texts_need_no_step() {
    let mut table = Table::new(0, TRAP);
    assert_eq!(search(&mut table, 0, &decoding(2)).unwrap(), []);
    assert_eq!(table.steps, Vec::<usize>::new());
}

#[test]
fn highest_are_sorted_and_the_first_of_equals_stays_first() {
    let scores = [1.0, 3.0, f32::NAN, 3.0, f32::NEG_INFINITY, 2.0];
    let best = scores::highest(scores.into_iter(), 3);
    assert_eq!(best.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [1, 3, 5]);
    assert_eq!(scores::highest(scores.into_iter(), 9).len(), 4);
    assert_eq!(scores::likeliest(&scores), Some(1));
}
