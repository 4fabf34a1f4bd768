//! Fuzzes `doors::delimited`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: lane_fuzz::leave_caught_panics(), |bytes: &[u8]| lane_fuzz::doors::delimited(bytes));
