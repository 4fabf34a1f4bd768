//! The built command on files that are damaged, hostile or something else than they say.
//!
//! What every case is held to stands in [`place::Place::report`]; `fixtures/adversarial/README.md`
//! tells how to add one. Small files are kept there, large and binary ones are made here.
#![expect(clippy::unwrap_used, reason = "a helper that fails is a test that fails")]

mod encoder;
mod folders;
mod large;
mod outputs;
mod parquet;
mod place;
mod safetensors;
