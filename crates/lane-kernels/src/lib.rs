//! Fused transformer operations with their own backward for burn's CPU device.
