//! A server that is killed in the middle of its work.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lane_review::{Review, Server, ServerOptions, Store};

use crate::client::Client;
use crate::folder::{Folder, KINDS};

const FOLDER: &str = "LANE_REVIEW_TEST_FOLDER";

/// Serves in a process of its own where the variable says so; otherwise there is nothing to test here.
#[test]
fn a_server_can_run_in_a_process_of_its_own() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let review = Review::open(folder.as_ref(), &KINDS).unwrap();
    let options = ServerOptions { annotator: "ann".into(), port: 0 };
    let server = Server::bind(folder.as_ref(), review, &options).unwrap();
    println!("\n{}", server.url());
    server.run().unwrap();
}

fn start(folder: &Folder) -> (Child, Client) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::a_server_can_run_in_a_process_of_its_own", "--nocapture"])
        .env(FOLDER, folder.audit())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.find_map(|line| line.ok().filter(|it| it.starts_with("http://"))).unwrap();
    (child, Client::new(&url))
}

#[test]
fn what_was_answered_is_kept_through_a_kill_and_the_next_server_goes_on() {
    let folder = Folder::new();
    let answered = [(0, "suggestion"), (1, "keep"), (2, "other person"), (3, "skip")];
    for (n_before, (row, what)) in answered.into_iter().enumerate() {
        let (mut child, client) = start(&folder);
        let session = client.get("/api/session").json();
        assert_eq!(session["next"], n_before);
        client.decide(row, what).json();
        // SIGKILL: nothing is flushed, closed or tidied up.
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let audit = lane_audit::read(&folder.audit()).unwrap();
    let store = Store::open_existing(&folder.audit(), &audit.summary.data).unwrap().unwrap();
    let kept = store.standing().unwrap();
    let kept: Vec<_> = kept.iter().map(|it| (it.row, it.new_label.as_deref())).collect();
    assert_eq!(kept, [(0, Some("person")), (1, Some("person")), (2, Some("person")), (3, None)]);
}

#[test]
fn a_kill_under_load_loses_nothing_that_was_answered() {
    let folder = Folder::new();
    let (mut child, client) = start(&folder);
    let n_answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let decide = || std::panic::catch_unwind(|| client.decide(0, "keep").status == 200);
            while decide().unwrap_or(false) {
                n_answered.fetch_add(1, Ordering::SeqCst);
            }
        });
        while n_answered.load(Ordering::SeqCst) < 20 {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
    let n_answered = n_answered.into_inner();
    let audit = lane_audit::read(&folder.audit()).unwrap();
    let store = Store::open_existing(&folder.audit(), &audit.summary.data).unwrap().unwrap();
    let newest = store.standing().unwrap().first().map_or(0, |it| it.number);
    // The one under way may be kept although its answer never came.
    let n_kept = usize::try_from(newest).unwrap();
    assert!((n_answered..=n_answered + 1).contains(&n_kept), "{n_answered} {n_kept}");
}
