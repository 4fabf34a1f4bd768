//! Where synonyms come from: what a thesaurus answers, and a small one that is built in.

mod built_in;

pub use built_in::BuiltIn;

/// A part of speech that thesauri tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartOfSpeech {
    /// Things.
    Noun,
    /// Doings.
    Verb,
    /// Qualities of things.
    Adjective,
    /// Qualities of doings.
    Adverb,
}

impl PartOfSpeech {
    /// All four, in the order of the WordNet manual.
    pub const ALL: [Self; 4] = [Self::Noun, Self::Verb, Self::Adjective, Self::Adverb];
}

/// A thesaurus; its answers are functions of the word alone.
pub trait Thesaurus: std::fmt::Debug + Send + Sync {
    /// Tells this thesaurus from every other, its edition included; part of cache keys.
    fn identity(&self) -> &str;

    /// The parts of speech in which `word` (lower case) is known, likeliest first.
    fn parts(&self, word: &str) -> Vec<PartOfSpeech>;

    /// Words and phrases that can mean the same as `word` in some sense of that part of speech:
    /// lower-case letters and single spaces. `word` itself may be among them, a word may be
    /// there twice.
    fn synonyms(&self, word: &str, part: PartOfSpeech) -> Vec<String>;
}
