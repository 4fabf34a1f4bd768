//! What holds for every batch.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

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
