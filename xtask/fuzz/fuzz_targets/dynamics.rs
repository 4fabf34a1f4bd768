//! Fuzzes `doors_on_burn::dynamics`.
#![no_main]

libfuzzer_sys::fuzz_target!(init: lane_fuzz::leave_caught_panics(), |bytes: &[u8]| lane_fuzz::doors_on_burn::dynamics(bytes));
