//! Which panics are findings.

/// The fuzzer ends the process at the first panic. Those of decoders of others, Parquet and
/// tokenizers, are caught by the reader and made an error, so they must be left to it.
///
/// Called once, after the fuzzer has put its own hook in place.
pub fn leave_caught_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !lane_data::decoder::is_decoding() {
            usual(panic);
        }
    }));
}
