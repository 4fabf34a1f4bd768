//! Where a result came from: the program, the machine, the files.

use std::fs;

use serde::{Deserialize, Serialize};

/// The program that made a result, and what it was built from and with.
///
/// A field is absent where it is not known: a build outside a checkout has no revision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Such as `lane 0.1.0`.
    pub version: String,
    /// Revision of the source.
    pub revision: Option<String>,
    /// Whether the source had changes that the revision does not have.
    #[serde(default)]
    pub dirty: Option<bool>,
    /// The compiler, such as `rustc 1.95.0 (59807616e 2026-04-14)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compiler: Option<String>,
    /// Version of the tensor library.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub burn: Option<String>,
}

/// The machine that made a result.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Operating system and architecture, such as `linux x86_64`.
    pub system: String,
    /// Name of the processor, where the system tells.
    pub processor: Option<String>,
    /// Logical cores that the process may use.
    pub cores: Option<usize>,
}

impl Machine {
    /// The one we are on.
    #[must_use]
    pub fn here() -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        Self {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            processor: processor(&cpuinfo).map(ToOwned::to_owned),
            cores: std::thread::available_parallelism().ok().map(usize::from),
        }
    }
}

fn processor(cpuinfo: &str) -> Option<&str> {
    let (_, name) = cpuinfo.lines().find(|line| line.starts_with("model name"))?.split_once(':')?;
    Some(name.trim()).filter(|name| !name.is_empty())
}

/// One data file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataRecord {
    /// `train`, `validation` or `test`; `back-translation` for the translations of the training rows.
    pub split: String,
    /// Its path, as given.
    pub path: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Rows read.
    pub n_rows: usize,
}

/// Largest resident memory of this process so far, in bytes, where the system tells.
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_of_an_older_program_can_still_be_read() {
        let program: Program =
            serde_json::from_str(r#"{"version": "lane 0.1.0", "revision": "1b7eb19ae0fc"}"#)
                .unwrap();
        assert_eq!((program.dirty, program.burn), (None, None));
    }

    #[test]
    fn the_processor_is_named_as_the_system_names_it() {
        let cpuinfo = "processor\t: 0\nmodel name\t: A CPU @ 2.70GHz\nflags\t: fpu\n";
        assert_eq!(processor(cpuinfo), Some("A CPU @ 2.70GHz"));
        assert_eq!(processor("Hardware\t: something else\n"), None);
    }
}
