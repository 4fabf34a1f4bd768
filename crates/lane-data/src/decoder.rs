//! Decoders of others, which damaged input can make panic: caught here, and answered as an error.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread decodes something whose damage is caught, so that a panic needs no report.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// Says of this thread that whatever it does is caught: one of an engine that makes an error of every
/// panic of its tasks.
pub fn catches_all() {
    DECODING.set(true);
}

/// Runs a decoder; none where it panicked.
///
/// What the decoder was at is to be dropped then: it may be half done.
pub fn catch<T>(decode: impl FnOnce() -> T) -> Option<T> {
    let before = DECODING.replace(true);
    let decoded = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(before);
    decoded.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_nothing_and_ends_the_decoding() {
        assert_eq!(catch(is_decoding), Some(true));
        assert_eq!(catch(|| -> u32 { panic!("meant to be") }), None);
        assert!(!is_decoding());
    }

    #[test]
    fn one_decoder_within_another_does_not_end_it() {
        assert_eq!(catch(|| (catch(|| 1), is_decoding())), Some((Some(1), true)));
    }
}
