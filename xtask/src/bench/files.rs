//! The real texts and the encoder that some cases need.

use std::path::{Path, PathBuf};

use super::options::Plan;

/// The encoder and the data sets, each where it is there.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) encoder: Option<String>,
    ag_news: Option<PathBuf>,
    trec6: Option<PathBuf>,
}

impl Files {
    /// Says what is missing, once.
    pub(super) fn of(plan: &Plan) -> Self {
        let set = |name: &str| {
            let folder = plan.data.as_ref()?.join(name);
            let whole =
                ["train", "validation", "test"].iter().all(|it| file(&folder, it).is_file());
            whole.then_some(folder)
        };
        let files = Self {
            encoder: plan.encoder.as_ref().map(|folder| folder.display().to_string()),
            ag_news: set("ag_news"),
            trec6: set("trec6"),
        };
        let missing = [
            (files.encoder.is_none(), "an encoder (--encoder or LANE_ENCODER)"),
            (files.ag_news.is_none(), "ag_news (--data or LANE_DATA)"),
            (files.trec6.is_none(), "trec6 (--data or LANE_DATA)"),
        ];
        for (_, what) in missing.iter().filter(|(is_missing, _)| *is_missing) {
            eprintln!("cases are left out for want of {what}");
        }
        files
    }

    /// Encoder and AG News: the training file, and the one that fills it up to 10,000 texts.
    pub(super) fn news(&self) -> Option<(&str, [String; 2])> {
        let folder = self.ag_news.as_deref()?;
        let paths = ["train", "validation"].map(|split| file(folder, split).display().to_string());
        Some((self.encoder.as_deref()?, paths))
    }

    /// Encoder and the options that name the three files of trec6, alike for both sides.
    pub(super) fn questions(&self) -> Option<(&str, Vec<String>)> {
        let folder = self.trec6.as_deref()?;
        let named = ["train", "validation", "test"]
            .map(|split| [format!("--{split}"), file(folder, split).display().to_string()]);
        Some((self.encoder.as_deref()?, named.concat()))
    }
}

fn file(folder: &Path, split: &str) -> PathBuf {
    folder.join(format!("{split}.csv"))
}
