//! One source, three instruction sets, chosen at run time.
//!
//! A function declared with the macro `kernel!` is compiled for AVX-512, for AVX2 with FMA, and for the
//! target's baseline, and calls the best that this CPU has. `LANE_SIMD=avx2` or
//! `LANE_SIMD=portable` lowers the choice, to measure or to test; it never raises it.

use std::sync::OnceLock;

/// An instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every CPU of the target has.
    Portable,
    /// 256-bit vectors with fused multiply-add (x86-64-v3).
    Avx2,
    /// 512-bit vectors (x86-64-v4).
    Avx512,
}

impl Level {
    /// Its name, as in `LANE_SIMD`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }
}

/// The best level of this CPU, or the lower one that `LANE_SIMD` asks for.
pub fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        let asked = std::env::var("LANE_SIMD").unwrap_or_default();
        let all = [Level::Portable, Level::Avx2, Level::Avx512];
        let limit = all.into_iter().find(|level| level.as_str() == asked);
        limit.unwrap_or(Level::Avx512).min(detected())
    })
}

#[cfg(target_arch = "x86_64")]
fn detected() -> Level {
    let wide = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl");
    match (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma"), wide) {
        (true, true) => Level::Avx512,
        (true, false) => Level::Avx2,
        _ => Level::Portable,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Level {
    Level::Portable
}

/// Whether the baseline fuses multiply and add in one instruction; where it does not, asking for a
/// fused one would call a slow library function.
pub(crate) const PORTABLE_FMA: bool = cfg!(any(target_feature = "fma", target_arch = "aarch64"));

/// Declares `fn name<T: Real>(...)`, compiled once for each [`Level`].
///
/// The second name in angle brackets is a `const bool`: whether multiply-adds are fused, to be
/// handed on to [`Real::mul_add`](crate::Real::mul_add).
macro_rules! kernel {
    ($(#[$meta:meta])* $vis:vis fn $name:ident<$real:ident, $fused:ident>($($arg:ident: $type:ty),* $(,)?) $body:block) => {
        $(#[$meta])*
        #[allow(unsafe_code, reason = "code for an instruction set may only run where it is there")]
        $vis fn $name<$real: $crate::Real>($($arg: $type),*) {
            #[inline(always)]
            #[allow(clippy::inline_always, clippy::too_many_arguments, reason = "vectorized only where it is inlined")]
            fn body<$real: $crate::Real, const $fused: bool>($($arg: $type),*) $body
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "those of the kernel")]
                fn avx512<$real: $crate::Real>($($arg: $type),*) { body::<$real, true>($($arg),*) }
                #[target_feature(enable = "avx2,fma")]
                #[allow(clippy::too_many_arguments, reason = "those of the kernel")]
                fn avx2<$real: $crate::Real>($($arg: $type),*) { body::<$real, true>($($arg),*) }
                match $crate::simd::level() {
                    // SAFETY: `level` is never above what the CPU was found to have.
                    $crate::simd::Level::Avx512 => return unsafe { avx512($($arg),*) },
                    // SAFETY: as above.
                    $crate::simd::Level::Avx2 => return unsafe { avx2($($arg),*) },
                    $crate::simd::Level::Portable => {}
                }
            }
            body::<$real, { $crate::simd::PORTABLE_FMA }>($($arg),*)
        }
    };
}
pub(crate) use kernel;
