//! What a manifest must agree with itself about.

use super::{HubSource, LabelForm, Manifest, Part, Source, SplitRule};

pub(super) fn manifest(manifest: &Manifest) -> Result<(), String> {
    let name = &manifest.name;
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\']) {
        return Err(format!("`{name}` cannot be the name of a folder"));
    }
    match &manifest.source {
        Source::Hub(source) => {
            files(source)?;
            labels(source, manifest.classes)?;
            split(source.split)
        }
        Source::Request(_) => Ok(()),
    }
}

fn files(source: &HubSource) -> Result<(), String> {
    let needed: &[Part] = match source.split {
        SplitRule::Official => &[Part::Train, Part::Validation, Part::Test],
        SplitRule::HoldOut { .. } => &[Part::Train, Part::Test],
        SplitRule::Fractions { .. } => &[Part::All],
    };
    if let Some(part) = needed.iter().find(|part| source.files.iter().all(|it| it.part != **part)) {
        return Err(format!("no file of part `{part:?}`, which this split rule needs"));
    }
    if let Some(file) = source.files.iter().find(|file| !needed.contains(&file.part)) {
        return Err(format!("`{}`: this split rule has no part `{:?}`", file.path, file.part));
    }
    for file in &source.files {
        if file.path.starts_with('/') || file.path.split('/').any(|step| step == "..") {
            return Err(format!("`{}` is no path within a repository", file.path));
        }
        if file.sha256.as_deref().is_some_and(|hash| !is_sha256(hash)) {
            return Err(format!("`{}`: expected 64 hexadecimal digits as sha256", file.path));
        }
    }
    Ok(())
}

fn labels(source: &HubSource, classes: usize) -> Result<(), String> {
    let labels = &source.labels;
    if source.columns.text.is_empty() {
        return Err("expected at least one column of text".into());
    }
    if let Some(name) = labels.left_out.iter().find(|name| !labels.names.contains(name)) {
        return Err(format!("`{name}` is left out, but not among the names"));
    }
    if labels.form == LabelForm::Name && labels.first != 0 {
        return Err("labels by name have no first number".into());
    }
    match labels.names.iter().filter(|name| !labels.left_out.contains(name)).count() {
        found if found == classes => Ok(()),
        found => Err(format!("{found} names less those left out, expected {classes} classes")),
    }
}

fn split(rule: SplitRule) -> Result<(), String> {
    let SplitRule::Fractions { train, validation, test, .. } = rule else { return Ok(()) };
    let sound = [train, validation, test].iter().all(|part| 0.0 < *part)
        && (train + validation + test - 1.0).abs() < 1e-9;
    if sound { Ok(()) } else { Err("expected three positive fractions that sum to 1".into()) }
}

fn is_sha256(hash: &str) -> bool {
    hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use crate::manifest::{self, Manifest};

    #[track_caller]
    fn refused(from: &str, to: &str) -> String {
        let toml = manifest::find("sst5").unwrap().toml;
        let changed = toml.replacen(from, to, 1);
        assert_ne!(changed, toml, "`{from}` is not there");
        Manifest::parse("mine", &changed).unwrap_err().to_string()
    }

    #[test]
    fn a_manifest_that_contradicts_itself_is_refused_with_the_place() {
        assert!(refused("classes = 5", "classes = 6").contains("expected 6 classes"));
        assert!(refused("sha256 = \"4", "sha256 = \"x").contains("64 hexadecimal digits"));
        assert!(refused("part = \"validation\"", "part = \"all\"").contains("no file of part"));
        assert!(refused("\"train.jsonl\"", "\"../train.jsonl\"").contains("within a repository"));
        assert!(refused("rule = \"official\"", "rule = \"hold-out\"").contains("validation"));
        assert!(refused("title = ", "titel = ").contains("titel"));
        let toml = manifest::find("sst5").unwrap().toml;
        assert!(Manifest::parse("a/b", &toml).unwrap_err().to_string().contains("folder"));
    }

    #[test]
    fn fractions_sum_to_one() {
        let toml = manifest::find("isear").unwrap().toml.replacen("train = 0.6", "train = 0.7", 1);
        assert!(Manifest::parse("isear", &toml).unwrap_err().to_string().contains("sum to 1"));
    }
}
