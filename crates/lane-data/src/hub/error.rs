//! Why a file of the hub is not there.

use std::path::PathBuf;

/// A file that could not be had, from where, and why.
#[derive(Debug, thiserror::Error)]
#[error("{}: {}{}", .0.what(), .0.fault, .0.about_token())]
pub struct HubError(pub(super) Box<Failure>);

/// Boxed, so that an error is no burden where there is none.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) file: Option<String>,
    pub(super) repository: String,
    pub(super) revision: String,
    pub(super) endpoint: String,
    pub(super) has_token: bool,
    pub(super) fault: Fault,
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Offline, and not in the cache.
    #[error("not in the cache `{}`, and HF_HUB_OFFLINE is set", .cache.display())]
    Offline {
        /// The cache.
        cache: PathBuf,
    },
    /// The server has no such repository, revision or file.
    #[error("the server has no such file, revision or repository (404)")]
    NotFound,
    /// The server wants to know who asks, or lets this one not in.
    #[error("the server refuses access ({status})")]
    Refused {
        /// 401 or 403.
        status: u16,
    },
    /// Another answer than the file.
    #[error("the server answers with status {status}")]
    Status {
        /// Its number.
        status: u16,
    },
    /// The connection ended before the file did.
    #[error("the transfer broke off ({reason})")]
    BrokeOff {
        /// The client's words.
        reason: String,
    },
    /// The file is shorter or longer than announced.
    #[error("{found} bytes arrived, the server announced {expected}")]
    Size {
        /// What arrived.
        found: u64,
        /// What was announced.
        expected: u64,
    },
    /// The file is not the one that was announced.
    #[error("the file arrived with SHA-256 {found}, the server announced {expected}")]
    Hash {
        /// Of what arrived.
        found: String,
        /// What was announced.
        expected: String,
    },
    /// Nobody is there.
    #[error("the server cannot be reached ({reason})")]
    Unreachable {
        /// The client's words.
        reason: String,
    },
    /// No folder for a cache is known.
    #[error("no folder for the cache: neither HF_HOME nor a home folder is known")]
    NoCache,
    /// Anything else.
    #[error("{reason}")]
    Other {
        /// The client's words.
        reason: String,
    },
}

impl Fault {
    /// Whether another try may find it gone.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::BrokeOff { .. } | Self::Size { .. } | Self::Hash { .. } => true,
            Self::Status { status } => *status == 429 || 500 <= *status,
            _ => false,
        }
    }
}

impl HubError {
    /// What went wrong.
    pub fn fault(&self) -> &Fault {
        &self.0.fault
    }

    /// One remedy, where there is one.
    pub fn hint(&self) -> Option<&'static str> {
        match self.0.fault {
            Fault::Refused { .. } if self.0.has_token => Some(
                "accept the terms on the repository's page with the account that the token belongs to",
            ),
            Fault::Refused { .. } => Some(
                "make an access token on the hub and set HF_TOKEN to it; a repository that does not exist is refused alike",
            ),
            Fault::Offline { .. } => {
                Some("unset HF_HUB_OFFLINE, or copy a filled cache and set HF_HOME to it")
            }
            Fault::Unreachable { .. } => {
                Some("HF_ENDPOINT names a mirror, HF_HOME a cache filled elsewhere")
            }
            Fault::BrokeOff { .. } => {
                Some("run the command once more: what arrived is kept and taken up")
            }
            Fault::NoCache => Some("set HF_HOME to a folder"),
            _ => None,
        }
    }

    pub(super) fn general(fault: Fault) -> Self {
        Self(Box::new(Failure {
            file: None,
            repository: String::new(),
            revision: String::new(),
            endpoint: String::new(),
            has_token: false,
            fault,
        }))
    }
}

impl Failure {
    fn what(&self) -> String {
        match &self.file {
            None => "failed to open the hub".into(),
            Some(file) => format!(
                "failed to fetch `{file}` of `{}` at `{}` from {}",
                self.repository, self.revision, self.endpoint
            ),
        }
    }

    fn about_token(&self) -> &'static str {
        match self.fault {
            Fault::Refused { .. } if self.has_token => {
                "; a token was sent (HF_TOKEN or the file `token`)"
            }
            Fault::Refused { .. } => "; no token was sent, HF_TOKEN is not set",
            _ => "",
        }
    }
}
