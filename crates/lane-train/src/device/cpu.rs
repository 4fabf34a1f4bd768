//! The processor, as it is found when the program runs.

use serde::Serialize;

/// The widest vector instructions that the CPU kernels can use here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Simd {
    /// 512 bits: AVX-512 with its byte, double-word, conflict and short-vector parts.
    Avx512,
    /// 256 bits with fused multiply and add.
    Avx2,
    /// 128 bits of an Arm processor.
    Neon,
    /// What every processor of the architecture has.
    Baseline,
}

impl Simd {
    /// As found on this machine, whatever the program was compiled for.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512cd")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl");
            if avx512 {
                return Self::Avx512;
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                return Self::Avx2;
            }
        }
        if cfg!(target_arch = "aarch64") { Self::Neon } else { Self::Baseline }
    }

    /// The name used in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Avx512 => "avx512",
            Self::Avx2 => "avx2",
            Self::Neon => "neon",
            Self::Baseline => "baseline",
        }
    }
}

/// The processor and how much of it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cpu {
    /// As it names itself; the architecture where it does not.
    pub model: String,
    /// Worker threads, as `RAYON_NUM_THREADS` and the machine allow.
    pub threads: usize,
    /// Vector instructions.
    pub simd: Simd,
}

impl Cpu {
    /// This machine's.
    pub fn detect() -> Self {
        let table = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            model: model_name(&table).unwrap_or(std::env::consts::ARCH).into(),
            threads: rayon::current_num_threads(),
            simd: Simd::detect(),
        }
    }
}

impl std::fmt::Display for Cpu {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { model, threads, simd } = self;
        let plural = if *threads == 1 { "" } else { "s" };
        write!(formatter, "{model}, {threads} thread{plural}, {}", simd.as_str())
    }
}

/// The first processor's name in Linux's table.
fn model_name(table: &str) -> Option<&str> {
    let line = table.lines().find(|line| line.starts_with("model name"))?;
    let (_, name) = line.split_once(':')?;
    Some(name.trim()).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_read_from_the_table_of_processors() {
        let table =
            "processor\t: 0\nmodel\t\t: 85\nmodel name\t: A Processor @ 2.00GHz\nflags\t: x";
        assert_eq!(model_name(table), Some("A Processor @ 2.00GHz"));
        assert_eq!(model_name("processor\t: 0\nmodel name\t:\n"), None);
        assert_eq!(model_name(""), None);
    }

    #[test]
    fn there_is_always_a_model_and_a_thread() {
        let cpu = Cpu::detect();
        assert!(!cpu.model.is_empty() && 0 < cpu.threads);
    }
}
