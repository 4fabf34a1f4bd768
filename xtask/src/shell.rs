//! A command to run, which can also be shown so that a reader can repeat it.

use std::fmt;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

/// A program, its arguments and what is added to its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Invocation {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Invocation {
    pub(crate) fn new(program: impl Into<String>, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Self { program: program.into(), arguments, environment: Vec::new() }
    }

    /// The cargo that runs xtask, so that both use one toolchain.
    pub(crate) fn cargo(arguments: &[&str]) -> Self {
        Self::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()), arguments)
    }

    pub(crate) fn with(mut self, arguments: impl IntoIterator<Item = String>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    pub(crate) fn with_variable(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// The same, started by another program that takes it as its last arguments.
    pub(crate) fn under(self, program: &str, arguments: &[&str]) -> Self {
        let outer = Self::new(program, arguments).with([self.program]).with(self.arguments);
        Self { environment: self.environment, ..outer }
    }

    pub(crate) fn command(&self, folder: &Path) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(folder);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs it with our own stdout and stderr; an error where it fails.
    pub(crate) fn run(&self, folder: &Path) -> Result<()> {
        let status =
            self.command(folder).status().with_context(|| format!("failed to start `{self}`"))?;
        ensure!(status.success(), "`{self}` failed ({status})");
        Ok(())
    }

    /// Runs it and gives its stdout; an error with its stderr where it fails.
    pub(crate) fn stdout(&self, folder: &Path) -> Result<String> {
        let Output { status, stdout, stderr } =
            self.command(folder).output().with_context(|| format!("failed to start `{self}`"))?;
        let complaint = String::from_utf8_lossy(&stderr);
        ensure!(status.success(), "`{self}` failed ({status})\n{}", complaint.trim_end());
        String::from_utf8(stdout).with_context(|| format!("`{self}` printed no UTF-8"))
    }
}

/// As typed into a shell.
impl fmt::Display for Invocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.environment {
            write!(f, "{name}={} ", quoted(value))?;
        }
        let is_cargo = Path::new(&self.program).file_name().is_some_and(|name| name == "cargo");
        f.write_str(&if is_cargo { "cargo".to_owned() } else { quoted(&self.program) })?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", quoted(argument)))
    }
}

/// `word` so that a shell reads it as one word.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |symbol: char| symbol.is_ascii_alphanumeric() || "-_./=:,+@%".contains(symbol);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let invocation = Invocation::new("/usr/bin/cargo", &["doc", "two words", "it's", ""])
            .with_variable("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(
            invocation.to_string(),
            r"RUSTDOCFLAGS='-D warnings' cargo doc 'two words' 'it'\''s' ''"
        );
    }

    #[test]
    fn a_command_under_another_keeps_its_environment_in_front() {
        let inner = Invocation::new("lane", &["bench"]).with_variable("RAYON_NUM_THREADS", "2");
        let shown = inner.under("taskset", &["-c", "0-1"]).to_string();
        assert_eq!(shown, "RAYON_NUM_THREADS=2 taskset -c 0-1 lane bench");
    }

    #[test]
    fn a_command_that_fails_is_named_with_what_it_said() {
        let invocation = Invocation::new("sh", &["-c", "echo no good >&2; exit 3"]);
        let message = invocation.stdout(Path::new(".")).unwrap_err().to_string();
        assert!(message.contains("failed (exit status: 3)\nno good"), "{message}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let message = Invocation::new("no-such-program", &[]).run(Path::new(".")).unwrap_err();
        assert_eq!(message.to_string(), "failed to start `no-such-program`");
    }
}
