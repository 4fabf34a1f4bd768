//! The page on this machine, and the few questions it asks.
//!
//! The server listens on 127.0.0.1 and nowhere else, which does not make its callers friends: every page
//! open in the same browser can reach it, and so can every user of the machine. [`guard`] says what a
//! request needs.

mod guard;
mod pages;
mod routes;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

use crate::error::ReviewError;
use crate::review::Review;
use crate::store::Store;

/// A decision takes some hundred bytes.
const MAX_BODY: usize = 16 * 1024;

/// Who reviews, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerOptions {
    /// Whose decisions these are.
    pub annotator: String,
    /// The port; 0 takes any free one.
    pub port: u16,
}

/// A server that listens and does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    site: Arc<Site>,
}

/// What every answer is made from.
#[derive(Debug)]
struct Site {
    review: Review,
    store: Mutex<Store>,
    annotator: String,
    port: u16,
    token: String,
}

impl Site {
    fn store(&self) -> MutexGuard<'_, Store> {
        // Entries are written whole or not at all, so a panic elsewhere leaves nothing half-done.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Server {
    /// Opens the decisions of the audit in `folder`, and a port.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Setting`] for an annotator without a name, [`ReviewError::Listen`], and what
    /// [`Store::open`] says.
    pub fn bind(
        folder: &Path,
        review: Review,
        options: &ServerOptions,
    ) -> Result<Self, ReviewError> {
        let annotator = options.annotator.trim().to_owned();
        if annotator.is_empty() || annotator.contains(char::is_control) {
            return Err(ReviewError::Setting {
                setting: "the name of the annotator",
                found: format!("{:?}", options.annotator),
                expected: "some letters",
            });
        }
        let store = Store::open(folder, &review.audit().summary.data)?;
        let listen = |source| ReviewError::Listen { port: options.port, source };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
        let listener = TcpListener::bind(address).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let port = listener.local_addr().map_err(listen)?.port();
        let token = guard::random_token()?;
        let site = Site { review, store: Mutex::new(store), annotator, port, token };
        Ok(Self { listener, site: Arc::new(site) })
    }

    /// The address of the page, with the token that lets its reader in.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.site.port, self.site.token)
    }

    /// Answers until the process is ended.
    ///
    /// # Errors
    ///
    /// [`ReviewError::Serve`].
    pub fn run(self) -> Result<(), ReviewError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let router = router(self.site);
        let serve = async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            axum::serve(listener, router).await
        };
        runtime.and_then(|runtime| runtime.block_on(serve)).map_err(ReviewError::Serve)
    }
}

fn router(site: Arc<Site>) -> Router {
    Router::new()
        .route("/", get(pages::index))
        .route("/review.js", get(pages::script))
        .route("/review.css", get(pages::style))
        .route("/icon.svg", get(pages::icon))
        .route("/api/session", get(routes::session))
        .route("/api/items/{place}", get(routes::item))
        .route("/api/open/{after}", get(routes::open))
        .route("/api/skipped/{after}", get(routes::skipped))
        .route("/api/disagreements", get(routes::disagreements))
        .route("/api/decide", post(routes::decide))
        .route("/api/undo", post(routes::undo))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(middleware::from_fn_with_state(site.clone(), guard::check))
        .with_state(site)
}
