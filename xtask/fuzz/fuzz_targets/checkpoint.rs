//! Fuzzes `interrupted::checkpoint`.
#![no_main]

use lane_fuzz::{interrupted, leave_caught_panics};

// The run that is stopped is made before the clock of a case runs.
libfuzzer_sys::fuzz_target!(
    init: {
        leave_caught_panics();
        interrupted::checkpoint(&[0]);
    },
    |bytes: &[u8]| interrupted::checkpoint(bytes)
);
