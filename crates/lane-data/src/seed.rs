//! Named streams of random numbers from one seed.
//!
//! ```text
//! stream(seed, name, i₁ … i_n) = first 8 bytes, little-endian, of
//!     SHA-256( seed as 8 bytes LE ‖ length of name as 8 bytes LE ‖ name ‖ i₁ … i_n as 8 bytes LE each )
//! ```
//!
//! A stream is a function of its arguments alone, so a new use of randomness never shifts an
//! old one, and the batches of epoch 7 can be made without making those of epochs 1 to 6.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

/// The seed of the stream called `name` at `indices` (epoch, row, …).
pub fn stream(seed: u64, name: &str, indices: &[u64]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update((name.len() as u64).to_le_bytes());
    hasher.update(name.as_bytes());
    for index in indices {
        hasher.update(index.to_le_bytes());
    }
    let digest = hasher.finalize();
    digest.iter().take(8).rev().fold(0, |value, byte| (value << 8) | u64::from(*byte))
}

/// A generator for the stream called `name` at `indices`.
pub fn generator(seed: u64, name: &str, indices: &[u64]) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(stream(seed, name, indices))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stream_is_the_head_of_the_documented_hash() {
        // Computed with Python: hashlib.sha256(pack("<QQ", 7, 5) + b"order" + pack("<Q", 3)).
        assert_eq!(stream(7, "order", &[3]), 0xe722_82e5_1d5c_8209);
    }

    #[test]
    fn every_argument_makes_another_stream() {
        let base = stream(1, "order", &[2]);
        assert_ne!(base, stream(2, "order", &[2]));
        assert_ne!(base, stream(1, "noise", &[2]));
        assert_ne!(base, stream(1, "order", &[3]));
        assert_ne!(base, stream(1, "order", &[]));
        assert_ne!(base, stream(1, "order", &[2, 0]));
        assert_eq!(base, stream(1, "order", &[2]));
    }
}
