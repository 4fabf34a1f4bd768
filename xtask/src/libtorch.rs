//! `cargo xtask libtorch`: makes the folder of libtorch that `--features tch` is built with.
//!
//! PyTorch's wheel for x86-64 Linux is the CUDA build: 0.9 GB, with 4 GB of libraries for graphics
//! cards beside it. Its CPU part, however, needs four small files beyond itself. This command
//! downloads three wheels with pip, takes those files and the headers out, and makes `libtorch.so`,
//! which only has to be there, with the C compiler.
//!
//! ```text
//! OUT/build-version        2.9.0, which tch's build script checks
//! OUT/include/             headers
//! OUT/lib/                 libtorch_cpu.so libc10.so libgomp.so.1 libcudart.so.12 libcupti.so.12 libtorch.so
//! ```
//!
//! The two CUDA libraries are there to be loaded, not used; there is no GPU code in the folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::shell::{Invocation, quoted};

/// What `tch` 0.22 is made for.
const TORCH: &str = "2.9.0";
/// The CUDA libraries that `libtorch_cpu.so` names; their versions are in torch's own metadata.
const COMPANIONS: [&str; 2] = ["nvidia-cuda-runtime-cu12", "nvidia-cuda-cupti-cu12"];
/// Names of files in wheels, each with its place in the folder.
const LIBRARIES: [(&str, &str); 5] = [
    ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
    ("torch/lib/libc10.so", "lib/libc10.so"),
    ("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
    ("nvidia/cuda_runtime/lib/libcudart.so.12", "lib/libcudart.so.12"),
    ("nvidia/cuda_cupti/lib/libcupti.so.12", "lib/libcupti.so.12"),
];
const HEADERS: (&str, &str) = ("torch/include", "include");
const STUB: &str = "lib/libtorch.so";
/// Arguments: a wheel, a folder, then prefixes of the names to take out.
const UNPACK: &str = "import sys, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
for name in wheel.namelist():
    if name.startswith(tuple(sys.argv[3:])):
        wheel.extract(name, sys.argv[2])";

#[derive(Args)]
pub(crate) struct Options {
    /// The folder to make
    #[arg(long, default_value = "target/libtorch")]
    out: PathBuf,
    /// A Python with pip
    #[arg(long, default_value = "python3")]
    python: String,
}

pub(crate) fn run(root: &Path, options: &Options) -> Result<()> {
    ensure!(
        cfg!(all(target_os = "linux", target_arch = "x86_64")),
        "this recipe knows the wheels of x86-64 Linux only; elsewhere unpack PyTorch {TORCH} and \
         set LIBTORCH to it"
    );
    let out = root.join(&options.out);
    if !is_complete(&out) {
        ensure!(
            !out.exists(),
            "{} is there but not complete; move it away or name another with --out",
            out.display()
        );
        make(root, &out, &options.python)?;
    }
    println!("{}", instructions(&out));
    Ok(())
}

/// Works in a temporary folder beside `out`, so that `out` appears only when complete.
fn make(root: &Path, out: &Path, python: &str) -> Result<()> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    require(root, &Invocation::new(&*compiler, &["--version"]), "a C compiler (CC names another)")?;
    let pip = Invocation::new(python, &["-m", "pip", "--version"]);
    require(root, &pip, "Python with pip (--python names another)")?;
    let parent = out.parent().with_context(|| format!("{} has no parent", out.display()))?;
    fs::create_dir_all(parent).with_context(|| format!("failed to make {}", parent.display()))?;
    let work = tempfile::tempdir_in(parent)?;
    let (wheels, unpacked, made) =
        (work.path().join("wheels"), work.path().join("unpacked"), work.path().join("libtorch"));
    fetch(root, python, &wheels, &unpacked)?;
    assemble(&unpacked, &made)?;
    compile_stub(root, &compiler, work.path(), &made)?;
    fs::write(made.join("build-version"), TORCH)?;
    ensure!(is_complete(&made), "the wheels of torch {TORCH} are not laid out as expected");
    fs::rename(&made, out).with_context(|| format!("failed to move it to {}", out.display()))
}

fn require(root: &Path, probe: &Invocation, what: &str) -> Result<()> {
    match probe.stdout(root) {
        Ok(_) => Ok(()),
        Err(error) => bail!("libtorch needs {what}: {error:#}"),
    }
}

/// Downloads the wheels and takes out of them what is needed.
fn fetch(root: &Path, python: &str, wheels: &Path, unpacked: &Path) -> Result<()> {
    println!("libtorch: downloading torch {TORCH}, 0.9 GB");
    let torch = download(root, python, wheels, "torch", TORCH)?;
    let information = format!("torch-{TORCH}.dist-info/METADATA");
    unpack(root, python, &torch, unpacked, &["torch/lib/lib", "torch/include/", &information])?;
    let metadata = fs::read_to_string(unpacked.join(&information))
        .with_context(|| format!("{} has no {information}", torch.display()))?;
    for name in COMPANIONS {
        let version = pinned_version(&metadata, name)
            .with_context(|| format!("torch {TORCH} names no version of {name}"))?;
        println!("libtorch: downloading {name} {version}");
        let wheel = download(root, python, wheels, name, version)?;
        unpack(root, python, &wheel, unpacked, &["nvidia/"])?;
    }
    Ok(())
}

/// The wheel of one package, whatever the version of Python: what is inside does not depend on it.
fn download(
    root: &Path,
    python: &str,
    wheels: &Path,
    name: &str,
    version: &str,
) -> Result<PathBuf> {
    let folder = wheels.join(name);
    let pip = Invocation::new(
        python,
        &["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"],
    );
    let wanted = [
        "--python-version=3.12",
        "--platform=manylinux_2_28_x86_64",
        "--platform=manylinux2014_x86_64",
        "--dest",
    ];
    let place = [folder.display().to_string(), format!("{name}=={version}")];
    pip.with(wanted.map(str::to_owned)).with(place).run(root)?;
    let mut found = fs::read_dir(&folder)
        .with_context(|| format!("pip left nothing in {}", folder.display()))?;
    let wheel =
        found.next().with_context(|| format!("pip left nothing in {}", folder.display()))?;
    Ok(wheel?.path())
}

fn unpack(root: &Path, python: &str, wheel: &Path, into: &Path, prefixes: &[&str]) -> Result<()> {
    let places = [wheel, into].map(|path| path.display().to_string());
    let prefixes = prefixes.iter().map(|&prefix| prefix.to_owned());
    Invocation::new(python, &["-c", UNPACK]).with(places).with(prefixes).run(root)
}

fn assemble(unpacked: &Path, made: &Path) -> Result<()> {
    fs::create_dir_all(made.join("lib"))?;
    for (from, to) in LIBRARIES.into_iter().chain([HEADERS]) {
        fs::rename(unpacked.join(from), made.join(to))
            .with_context(|| format!("the wheels have no {from}"))?;
    }
    Ok(())
}

/// A library without content: in the wheel, `libtorch.so` would ask for the CUDA half.
fn compile_stub(root: &Path, compiler: &str, work: &Path, made: &Path) -> Result<()> {
    let source = work.join("stub.c");
    fs::write(&source, "void lane_libtorch_stub(void) {}\n")?;
    let flags = ["-shared", "-fPIC", "-Wl,-soname,libtorch.so", "-o"];
    let places = [made.join(STUB), source].map(|path| path.display().to_string());
    Invocation::new(compiler, &flags).with(places).run(root)
}

fn is_complete(folder: &Path) -> bool {
    let files = LIBRARIES.iter().chain([&HEADERS]).map(|(_, place)| *place);
    files.chain([STUB, "build-version"]).all(|place| folder.join(place).exists())
}

/// The version that the line `Requires-Dist: NAME==VERSION; …` asks for.
fn pinned_version<'a>(metadata: &'a str, name: &str) -> Option<&'a str> {
    let pinned = |line: &'a str| {
        let requirement = line.strip_prefix("Requires-Dist:")?.split(';').next()?;
        let (found, version) = requirement.split_once("==")?;
        (found.trim() == name).then_some(version.trim())
    };
    metadata.lines().find_map(pinned)
}

/// What to type next.
fn instructions(out: &Path) -> String {
    let [folder, lib] =
        [out.to_owned(), out.join("lib")].map(|it| quoted(&it.display().to_string()));
    format!(
        "export LIBTORCH={folder}\n\
         export LD_LIBRARY_PATH={lib}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}\n\
         cargo build -p lane --features tch"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = "Metadata-Version: 2.1
Name: torch
Requires-Dist: filelock
Requires-Dist: setuptools; python_version >= \"3.12\"
Requires-Dist: nvidia-cuda-runtime-cu12==12.8.90; platform_system == \"Linux\"
Requires-Dist: nvidia-cuda-cupti-cu12 == 12.8.91 ; platform_system == \"Linux\"
Requires-Dist: nvidia-cuda-runtime-cu12-extra==9.9
";

    #[test]
    fn versions_are_read_from_the_requirements_of_torch() {
        assert_eq!(pinned_version(METADATA, COMPANIONS[0]), Some("12.8.90"));
        assert_eq!(pinned_version(METADATA, COMPANIONS[1]), Some("12.8.91"));
        assert_eq!(pinned_version(METADATA, "filelock"), None);
        assert_eq!(pinned_version(METADATA, "setuptools"), None);
    }

    #[test]
    fn the_lines_to_type_survive_a_folder_with_blanks() {
        let lines = instructions(Path::new("/tmp/my files/libtorch"));
        assert!(lines.starts_with("export LIBTORCH='/tmp/my files/libtorch'\n"), "{lines}");
        assert!(lines.contains("export LD_LIBRARY_PATH='/tmp/my files/libtorch/lib'$"), "{lines}");
    }

    #[test]
    fn a_folder_is_complete_when_nothing_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("unpacked");
        for (from, _) in LIBRARIES {
            let file = unpacked.join(from);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        fs::create_dir_all(unpacked.join(HEADERS.0)).unwrap();
        let made = folder.path().join("made");
        assemble(&unpacked, &made).unwrap();
        assert!(!is_complete(&made));
        fs::write(made.join(STUB), "").unwrap();
        fs::write(made.join("build-version"), TORCH).unwrap();
        assert!(is_complete(&made));
    }

    #[test]
    fn a_wheel_without_the_files_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = assemble(folder.path(), &folder.path().join("made")).unwrap_err();
        assert_eq!(error.to_string(), "the wheels have no torch/lib/libtorch_cpu.so");
    }

    #[test]
    fn what_is_missing_is_said_before_anything_is_downloaded() {
        let probe = Invocation::new("no-such-python", &["-m", "pip", "--version"]);
        let error = require(Path::new("."), &probe, "Python with pip").unwrap_err().to_string();
        assert!(error.starts_with("libtorch needs Python with pip: "), "{error}");
        assert!(error.contains("no-such-python"), "{error}");
    }

    #[test]
    fn a_half_made_folder_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { out: folder.path().to_owned(), python: "no-such-python".into() };
        let error = run(Path::new("."), &options).unwrap_err().to_string();
        assert!(error.contains("is there but not complete"), "{error}");
    }
}
