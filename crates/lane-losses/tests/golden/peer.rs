//! `peer_loss.json`: the loss at four weights with and without ε, its gradients, and the form in
//! expectation. The schedule of α in the file belongs to whoever trains.

use lane_losses::cross_entropy;
use lane_losses::peer::{self, PeerConfig};

use crate::file::{agree, labels, read, rows, vector};

#[test]
fn values_and_gradients_are_golden_at_every_weight() {
    let golden = read("peer_loss");
    let inputs = &golden["inputs"];
    for alpha in ["0.0", "0.5", "1.0", "2.0"] {
        let expected = &golden["expected"][format!("alpha={alpha}")];
        let alpha: f64 = alpha.parse().unwrap();
        let (z, peers) = (rows(&inputs["logits"]), rows(&inputs["peer_logits"]));
        let of = |offset| {
            let config = PeerConfig { alpha, offset };
            let (y, peer_y) = (labels(&inputs["y"]), labels(&inputs["peer_y"]));
            peer::loss(z.clone(), y, peers.clone(), peer_y, &config)
        };
        let what = format!("alpha {alpha}");
        agree(&what, of(0.0), &expected["plain_ce"]);
        let loss = of(1e-5);
        agree(&what, loss.clone(), &expected["stable_ce_1e-5"]);
        let gradients = loss.backward();
        agree(&what, z.grad(&gradients).unwrap(), &expected["grad_logits"]);
        agree(&what, peers.grad(&gradients).unwrap(), &expected["grad_peer_logits"]);
    }
}

#[test]
fn the_form_in_expectation_is_golden() {
    let golden = read("peer_loss");
    let (inputs, expected) = (&golden["inputs"], &golden["expected"]);
    let plain = PeerConfig { alpha: 1.0, offset: 0.0 };
    let prior = || vector(&inputs["noisy_prior"]);
    let term = peer::expected(rows(&inputs["logits"]), prior(), &plain).mean();
    agree("term", term, &expected["expected_peer_term"]);
    let (z, y) = (rows(&inputs["logits"]), labels(&inputs["y"]));
    let loss = peer::expected_loss(z, y, prior(), &plain);
    agree("loss", loss, &expected["expectation_form_alpha1"]);
}

#[test]
fn the_expected_cost_of_a_stranger_is_cross_entropy_with_the_frequencies_for_soft_labels() {
    let golden = read("peer_loss");
    let inputs = &golden["inputs"];
    let targets = vector(&inputs["noisy_prior"]).reshape([1, 3]).repeat_dim(0, 4);
    let soft = cross_entropy::soft(rows(&inputs["logits"]), targets).mean();
    agree("soft", soft, &golden["expected"]["expected_peer_term"]);
}
