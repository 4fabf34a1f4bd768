//! How far a run is, for whoever wants to show it; this crate prints nothing.

/// Told of what happens, from several threads.
pub trait Progress: Sync {
    /// So many requests are about to be sent.
    fn begin(&self, _n_requests: usize) {}
    /// One of them was answered.
    fn answered(&self) {}
    /// No more will be sent.
    fn end(&self) {}
    /// How things stand.
    fn status(&self, _text: &str) {}
    /// Something a person should know, although it stops nothing.
    fn note(&self, _text: &str) {}
}

/// Shows nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {}
