//! The checkpoint of a stopped run, with one of its files changed.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lane_data::read::hash_of_file;
use lane_train::record::Program;
use lane_train::run::{Invocation, RunOptions, resume, train_with};
use lane_train::{Config, Every, Observer};
use serde_json::{Value, json};

use crate::doors::answered;
use crate::doors_on_burn::ROWS;
use crate::scratch;

/// The files of a checkpoint that a case may change.
const FILES: [&str; 4] =
    ["state.cbor", "networks.safetensors", "moments.safetensors", "checkpoint.json"];
const MANIFEST: &str = FILES[3];

/// A run that was stopped after its first step, file by file.
struct Stopped {
    config: Vec<u8>,
    name: String,
    files: Vec<(String, Vec<u8>)>,
}

static STOPPED: OnceLock<Stopped> = OnceLock::new();

/// Stops a run after so many steps.
struct After(Cell<u32>);

impl Observer for After {
    fn is_to_stop(&self) -> bool {
        self.0.set(self.0.get().saturating_sub(1));
        self.0.get() == 0
    }
}

/// The first byte names the file and says how the rest changes it: as it stands, or, from 128 on, as
/// a list of edits (place in two bytes, value in one). The hashes are made right again, except where
/// the manifest itself is the file.
pub fn checkpoint(bytes: &[u8]) {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let stopped = STOPPED.get_or_init(Stopped::make);
    let changed = FILES[usize::from(how) % FILES.len()];
    let run = scratch::empty("run");
    stopped.write(&run, changed, |file| if how < 128 { rest.to_vec() } else { edited(file, rest) });
    answered(resume(&run, None, &invocation(), &mut After(Cell::new(2))));
}

fn edited(file: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    for &[low, high, value] in edits.as_chunks().0 {
        let at = usize::from(u16::from_le_bytes([low, high])) % file.len().max(1);
        if let Some(byte) = file.get_mut(at) {
            *byte = value;
        }
    }
    file
}

/// Nobody in particular.
pub(crate) fn invocation() -> Invocation {
    Invocation { program: Program::default(), command: Vec::new() }
}

impl Stopped {
    fn make() -> Self {
        let folder = scratch::folder();
        let (rows, run) = (scratch::file("stopped.csv", ROWS.as_bytes()), folder.join("stopped"));
        let text = format!(
            "save_model = false\ndevice = \"flex\"\n[data]\ntrain = '{}'\n[model]\nmax_length = 8\n\
             [training]\nepochs = 2\nbatch_size = 1\n",
            rows.display()
        );
        let config = Config::resolve(Some(&scratch::file("stopped.toml", text.as_bytes())), &[]);
        let config = config.expect("the settings are right");
        let options = RunOptions { force: true, every: Some(Every::Never) };
        let ended = train_with(config, &run, options, &invocation(), &mut After(Cell::new(2)));
        assert!(ended.is_err(), "the run was to be stopped");
        let read = |path: PathBuf| fs::read(path).expect("the run left its files");
        let list = |path: &Path| fs::read_dir(path).expect("the run left a folder").flatten();
        let within = run.join("checkpoint");
        let found = list(&within).find(|it| it.path().join(MANIFEST).exists());
        let found = found.expect("the run left a checkpoint");
        let name = found.file_name().into_string().expect("a number");
        let mut files: Vec<_> = list(&found.path())
            .map(|it| (it.file_name().into_string().expect("a name of ours"), read(it.path())))
            .collect();
        files.sort();
        Self { config: read(run.join("config.toml")), name, files }
    }

    fn write(&self, run: &Path, changed: &str, change: impl Fn(&[u8]) -> Vec<u8>) {
        scratch::put(run, "config.toml", &self.config);
        let folder = run.join("checkpoint").join(&self.name);
        fs::create_dir_all(&folder).expect("a folder can be made");
        for (name, bytes) in &self.files {
            let bytes = if name == changed { change(bytes) } else { bytes.clone() };
            scratch::put(&folder, name, &bytes);
        }
        if changed != MANIFEST {
            make_hashes_right(&folder);
        }
    }
}

fn make_hashes_right(folder: &Path) {
    let path = folder.join(MANIFEST);
    let text = fs::read(&path).expect("the manifest was written");
    let mut manifest: Value = serde_json::from_slice(&text).expect("the manifest is JSON");
    for name in &FILES[..3] {
        let file = folder.join(name);
        let n_bytes = fs::metadata(&file).expect("the file was written").len();
        manifest["files"][name] = json!({ "bytes": n_bytes, "sha256": hash(&file) });
    }
    let fields = manifest.as_object_mut().expect("the manifest has fields");
    fields.shift_remove("sha256");
    let mut sorted = Value::Object(fields.clone());
    sorted.sort_all_objects();
    let own = hash(&scratch::file("manifest", sorted.to_string().as_bytes()));
    manifest["sha256"] = own.into();
    scratch::put(folder, MANIFEST, manifest.to_string().as_bytes());
}

fn hash(file: &Path) -> String {
    hash_of_file(file).expect("the file was written")
}
