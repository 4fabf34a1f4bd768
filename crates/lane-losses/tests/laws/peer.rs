//! Peer loss.

use lane_losses::peer::{self, PeerConfig};
use proptest::prelude::*;

use crate::batch::{Batch, all_finite, data, extreme_batches};

proptest! {
    #[test]
    fn a_row_stays_within_its_bounds_and_its_gradient_is_finite(batch in extreme_batches()) {
        let z = batch.logits();
        let per_row = peer::per_row(z.clone(), batch.labels(), &PeerConfig::default());
        let gradients = per_row.clone().sum().backward();
        prop_assert!(all_finite(z.grad(&gradients)));
        for loss in data(per_row) {
            prop_assert!((-1.1e-5..=11.513).contains(&loss), "{loss}");
        }
    }

    #[test]
    fn the_loss_is_bounded_from_below_however_sure_the_network(batch in extreme_batches(), alpha in 0.0_f64..5.0) {
        let reversed = batch.reversed();
        let config = PeerConfig { alpha, ..PeerConfig::default() };
        let (z, peers) = (batch.logits(), reversed.logits());
        let loss = peer::loss(z.clone(), batch.labels(), peers.clone(), batch.labels(), &config);
        let gradients = loss.backward();
        prop_assert!(all_finite(z.grad(&gradients)) && all_finite(peers.grad(&gradients)));
        prop_assert!(f64::from(loss.into_scalar::<f32>()) >= -11.513 * alpha - 1.1e-5);
    }

    #[test]
    fn without_an_offset_a_row_costs_cross_entropy(batch in extreme_batches()) {
        let config = PeerConfig { alpha: 1.0, offset: 0.0 };
        let ours = data(peer::per_row(batch.logits(), batch.labels(), &config));
        let plain = data(lane_losses::cross_entropy::per_row(batch.logits(), batch.labels()));
        for (our, plain) in ours.iter().zip(plain) {
            prop_assert!((our - plain).abs() <= 1e-6 * plain.max(1.0), "{our} for {plain}");
        }
    }
}

#[test]
fn a_batch_without_rows_or_peers_costs_nothing() {
    let batch = Batch { embeddings: vec![], logits: vec![], labels: vec![] };
    let (z, y) = (|| batch.logits(), || batch.labels());
    let loss = peer::loss(z(), y(), z(), y(), &PeerConfig::default());
    assert!(loss.into_scalar::<f32>().abs() <= 0.0);
}
