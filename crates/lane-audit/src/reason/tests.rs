//! Sentences, side by side.

use super::*;

const BASE: Evidence<'_> = Evidence {
    kind: RowKind::Wrong,
    label: "card-lost",
    rival: "refund",
    p_label: Some(0.01),
    p_rival: Some(0.97),
    label_distance: None,
    votes: None,
    passes: None,
    twin: None,
};
const TWIN: Twin<'_> = Twin { label: "refund", row: 17, n_rows: 1, similarity: 1.0 };

fn all(evidence: &[Evidence<'_>]) -> String {
    evidence.iter().map(sentence).collect::<Vec<_>>().join("\n")
}

#[test]
fn wrong_labels_are_told_by_models_that_did_not_see_the_row() {
    let votes = |n_models, n_for_rival| Some(Votes { n_models, n_for_rival });
    insta::assert_snapshot!(all(&[
        Evidence { votes: votes(5, 5), label_distance: Some(0.99), ..BASE },
        Evidence { votes: votes(5, 1), label_distance: Some(0.6), ..BASE },
        Evidence { votes: votes(1, 1), label_distance: Some(0.8), ..BASE },
        Evidence { p_label: Some(1e-9), p_rival: Some(1.0), ..BASE },
        Evidence { p_label: Some(0.4), p_rival: Some(0.35), votes: votes(5, 2), label_distance: Some(1.0), ..BASE },
        Evidence { votes: votes(5, 0), ..BASE },
        Evidence { p_label: None, p_rival: None, votes: votes(5, 4), ..BASE },
        Evidence { votes: votes(5, 5), twin: Some(TWIN), ..BASE },
        Evidence { votes: votes(5, 5), twin: Some(Twin { label: "other", ..TWIN }), ..BASE },
    ]), @"
    5 of 5 models that did not see this row say `refund` (0.97) rather than `card-lost` (0.01), which are rarely confused.
    1 of 5 models that did not see this row says `refund` (0.97) rather than `card-lost` (0.01), which are often confused.
    A model that did not see this row says `refund` (0.97) rather than `card-lost` (0.01).
    A model that did not see this row says `refund` (over 0.99) rather than `card-lost` (under 0.01).
    5 models that did not see this row give `card-lost` 0.40 and `refund` 0.35 on average.
    5 models that did not see this row give `card-lost` 0.01 and `refund` 0.97 on average.
    4 of 5 models that did not see this row say `refund` rather than `card-lost`.
    5 of 5 models that did not see this row say `refund` (0.97) rather than `card-lost` (0.01), and the same text stands under `refund` in row 17.
    5 of 5 models that did not see this row say `refund` (0.97) rather than `card-lost` (0.01).
    ");
}

#[test]
fn without_such_models_training_or_the_score_must_do() {
    let base = Evidence { p_label: None, p_rival: None, ..BASE };
    let passes = Some(Passes { n_passes: 10, n_agreeing: 1 });
    insta::assert_snapshot!(all(&[
        Evidence { passes, ..base },
        base,
        Evidence { rival: "card-lost", ..base },
        Evidence { twin: Some(TWIN), passes, ..base },
    ]), @"
    Although trained with `card-lost`, the model said so after 1 of 10 passes, and leans to `refund`.
    By its score, `card-lost` is among the labels that fit worst; `refund` fits better.
    By its score, `card-lost` is among the labels that fit worst.
    The same text stands under `refund` in row 17.
    ");
}

#[test]
fn conflicts_name_the_other_row() {
    let base = Evidence { kind: RowKind::Conflict, ..BASE };
    insta::assert_snapshot!(all(&[
        Evidence { twin: Some(TWIN), ..base },
        Evidence { twin: Some(Twin { n_rows: 2, ..TWIN }), ..base },
        Evidence { twin: Some(Twin { n_rows: 4, similarity: 0.86, ..TWIN }), ..base },
        Evidence { twin: Some(Twin { similarity: 0.999, ..TWIN }), ..base },
        base,
    ]), @"
    The same text stands under `refund` in row 17.
    The same text stands under `refund` in row 17 and 1 more row.
    Nearly the same text (likeness 0.86) stands under `refund` in row 17 and 3 more rows.
    Nearly the same text (likeness over 0.99) stands under `refund` in row 17.
    The same text, or nearly, stands under another label too.
    ");
}

#[test]
fn hard_rows_are_not_called_wrong() {
    let base = Evidence { kind: RowKind::Hard, p_label: None, p_rival: None, ..BASE };
    let some =
        |p_label, p_rival| Evidence { p_label: Some(p_label), p_rival: Some(p_rival), ..base };
    let passes = |n_agreeing| Some(Passes { n_passes: 10, n_agreeing });
    insta::assert_snapshot!(all(&[
        some(0.4, 0.45),
        some(0.5, 0.3),
        some(0.1, 0.6),
        Evidence { rival: "card-lost", ..some(0.4, 0.4) },
        Evidence { passes: passes(6), ..base },
        Evidence { passes: passes(10), ..base },
    ]), @"
    Hard: the model wavers between `refund` (0.45) and `card-lost` (0.40), and the label is one of them.
    Hard: the model wavers between `card-lost` (0.50) and `refund` (0.30), and the label is one of them.
    Hard: the model says `refund` (0.60) rather than `card-lost` (0.10), but not clearly enough to call the label wrong.
    Hard: the model gives the label `card-lost` only 0.40.
    Hard: while it learned, the model said `card-lost` after 6 of 10 passes.
    Hard for the model, but nothing says that `card-lost` is wrong.
    ");
}

#[test]
fn fine_rows_say_what_agrees() {
    let base = Evidence { kind: RowKind::Fine, rival: "card-lost", ..BASE };
    let passes = |n_agreeing| Some(Passes { n_passes: 10, n_agreeing });
    insta::assert_snapshot!(all(&[
        Evidence { p_label: Some(0.98), ..base },
        Evidence { p_label: Some(0.998), votes: Some(Votes { n_models: 5, n_for_rival: 5 }), ..base },
        Evidence { p_label: Some(0.3), ..base },
        Evidence { rival: "refund", p_label: Some(0.4), p_rival: Some(0.5), ..base },
        Evidence { p_label: None, p_rival: None, passes: passes(9), ..base },
        Evidence { p_label: None, p_rival: None, passes: passes(2), ..base },
    ]), @"
    A model that did not see this row says `card-lost` too (0.98).
    Models that did not see this row say `card-lost` too (over 0.99 on average).
    Nothing speaks clearly against `card-lost`.
    A model that did not see this row says `refund` (0.50) rather than `card-lost` (0.40), but not clearly enough to flag it.
    While it learned, the model said `card-lost` after 9 of 10 passes.
    Nothing speaks clearly against `card-lost`.
    ");
}

#[test]
fn names_cannot_break_out_of_their_quotes_or_lines() {
    let long = "x".repeat(70);
    let evidence = Evidence { label: "a`b\nc", rival: &long, ..BASE };
    insta::assert_snapshot!(sentence(&evidence), @"A model that did not see this row says `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…` (0.97) rather than `a'b c` (0.01).");
}
