//! What holds for every batch.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "labels and rows of these batches are few"
)]

mod batch;
mod contrastive;
mod dual;
mod magnitudes;
mod noise_layer;
mod peer;
mod per_row;
mod relations;
mod semi_supervised;
mod settings;
