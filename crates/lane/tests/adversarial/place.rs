//! Runs `lane` on rubbish within limits, and writes down what it says.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Address space of a command in KiB. Where the shell can limit it, nothing can take more memory.
const MOST_KIB: u64 = 1 << 20;
/// What a case may take, and when it is taken to hang.
const MOST_TIME: Duration = Duration::from_secs(5);
const HANGS: Duration = Duration::from_secs(30);
/// Bytes of an answer that a reader still reads.
const MOST_SAID: usize = 3000;

/// Rows that are well.
pub(crate) const GOOD: &str =
    "text,label\na fine day,good\na bad day,bad\nso good,good\nso bad,bad\n";

/// What is on disk: a file by the hash of its bytes, a link by where it leads, else nothing.
type Listing = BTreeMap<PathBuf, Option<u64>>;

/// A folder to run in.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// An empty folder but for `good.csv`.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write("good.csv", GOOD);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }

    /// Copies a folder of fixtures; returns the names of what stands in it, sorted.
    pub(crate) fn copy(&self, fixtures: &str) -> Vec<String> {
        let from = root().join("fixtures").join(fixtures);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&from).unwrap_or_else(|it| panic!("{fixtures}: {it}")) {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let path = from.join(&name);
            if path.is_dir() {
                for inner in std::fs::read_dir(&path).unwrap() {
                    let inner = inner.unwrap().path();
                    let to = format!("{name}/{}", inner.file_name().unwrap().to_str().unwrap());
                    self.write(&to, std::fs::read(inner).unwrap());
                }
            } else {
                self.write(&name, std::fs::read(path).unwrap());
            }
            names.push(name);
        }
        names.sort();
        assert!(!names.is_empty());
        names
    }

    /// Runs every line, the name of its case before it, and returns what was said.
    ///
    /// Each must end with exit code 2 within 5 seconds and 1 GiB, without a panic, name what it is
    /// about, print nothing that acts on a terminal, nothing long and nothing on stdout, and leave
    /// every file and folder as it was.
    pub(crate) fn report<'a>(&self, cases: impl IntoIterator<Item = (&'a str, String)>) -> String {
        let mut report = String::new();
        let mut faults = Vec::new();
        for (name, line) in cases {
            let (said, found) = self.case(name, &line);
            writeln!(report, "## {name}\n{said}").unwrap();
            faults.extend(found.into_iter().map(|fault| format!("{name}: {fault} ({line})")));
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
        report
    }

    fn case(&self, name: &str, line: &str) -> (String, Vec<String>) {
        let before = self.listing();
        let start = Instant::now();
        let Some(output) = finish(self.spawn(line)) else {
            return (String::new(), vec!["still runs".into()]);
        };
        let took = start.elapsed();
        let code = output.status.code();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut faults = Vec::new();
        let mut hold = |is_well: bool, fault: String| {
            if !is_well {
                faults.push(fault);
            }
        };
        hold(code == Some(2), format!("ended with {code:?}: {}", head(&said)));
        hold(took < MOST_TIME, format!("took {took:?}"));
        hold(output.stdout.is_empty(), "printed on stdout".into());
        let panicked = ["panicked", "overflowed its stack", "memory allocation", "backtrace"];
        hold(!panicked.iter().any(|it| said.contains(it)), format!("panicked: {}", head(&said)));
        hold(said.len() < MOST_SAID, format!("said {} bytes", said.len()));
        let acts = |it: char| it.is_control() && it != '\n';
        hold(!said.contains(acts), "printed a control character".into());
        // Of several files of one case, one is at fault.
        let subject = name.split_whitespace().next().unwrap_or(name);
        hold(said.contains(subject), format!("does not name it: {}", head(&said)));
        hold(before == self.listing(), "left something behind, or changed something".into());
        let folder = self.folder.path().canonicalize().unwrap().display().to_string();
        (said.replace(&folder, "HERE"), faults)
    }

    fn spawn(&self, line: &str) -> Child {
        // Where the shell cannot limit, the case runs all the same.
        let script = format!("ulimit -v {MOST_KIB} 2>&-; exec \"$0\" \"$@\"");
        Command::new("sh")
            .args(["-c", &script, env!("CARGO_BIN_EXE_lane")])
            .args(line.split_whitespace())
            .current_dir(self.folder.path())
            .env("RAYON_NUM_THREADS", "2")
            .env("LANE_CACHE", self.path("cache"))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    fn listing(&self) -> Listing {
        let mut listing = Listing::new();
        list(self.folder.path(), &mut listing);
        listing
    }
}

/// Waits for a command that may hang; none if it does.
fn finish(mut child: Child) -> Option<Output> {
    let start = Instant::now();
    // What is said fits into a pipe, or the case has failed: MOST_SAID is far below 64 KiB.
    while child.try_wait().unwrap().is_none() {
        if HANGS < start.elapsed() {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Some(child.wait_with_output().unwrap())
}

fn list(folder: &Path, listing: &mut Listing) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let found = std::fs::symlink_metadata(&path).unwrap();
        let held = if found.is_symlink() {
            Some(hash(&std::fs::read_link(&path).unwrap()))
        } else if found.is_file() {
            Some(hash(&std::fs::read(&path).unwrap()))
        } else {
            None
        };
        if found.is_dir() {
            list(&path, listing);
        }
        listing.insert(path, held);
    }
}

fn hash(held: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    held.hash(&mut hasher);
    hasher.finish()
}

fn head(text: &str) -> String {
    text.chars().take(300).collect()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}
