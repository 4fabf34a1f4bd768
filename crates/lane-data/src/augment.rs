//! Other versions of a text, to be shown beside it.
//!
//! ```text
//! text ──back-translation──► synonyms ──► word pieces ──SwitchOut──► ids
//! ```
//!
//! A [view](ViewKind) is a subset of three alterations, applied in that order: a translator
//! needs clean text, and SwitchOut knows word pieces only. The eight subsets are what we take
//! the LANE paper's 32 → 256 texts to mean.
//!
//! | alteration | module | source |
//! |---|---|---|
//! | synonyms | [`synonyms`] over a [`thesaurus`], [`wordnet`] as a rule | Kolomiyets et al. 2011, as in the code of AUM-ST and LCL |
//! | SwitchOut | [`switchout`] | Wang et al. 2018 |
//! | back-translation | [`back_translation`], read from a file | Sennrich et al. 2016; en → de → en in the paper |
//! | deletion | [`deletion`] | what AUM-ST calls switchout |
//!
//! Each takes a seed of its own, so that a view of a row does not depend on any other.

pub mod back_translation;
pub mod deletion;
#[cfg(test)]
mod golden;
mod stop_words;
pub mod switchout;
pub mod synonyms;
pub mod thesaurus;
mod view;
pub mod wordnet;
mod words;

pub use deletion::delete_words;
pub use view::{Alterations, ViewKind};

/// How strong an alteration is, on the scale of AUM-ST (Sosea and Caragea 2022): 1 for each
/// synonym, 1 for each 0.05 of deletion, 3 for each language passed through. That paper calls 0
/// to 2 weak, 3 to 40 strong.
pub fn strength(n_synonyms: usize, deletion_probability: f64, n_languages: usize) -> f64 {
    n_synonyms as f64 + deletion_probability / 0.05 + 3.0 * n_languages as f64
}
