//! Sends what has no reply yet, several requests at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;

use crate::chat::{ChatModel, Reply};
use crate::error::FewShotError;
use crate::experiment::Experiment;

/// Asks for the cells of `pending` and hands each reply to `keep`, on this thread.
///
/// After the first error nothing new is sent, but requests that are on their way are waited for,
/// and their replies kept: they have been paid for.
pub(crate) fn all(
    experiment: &Experiment,
    pending: &[usize],
    model: &dyn ChatModel,
    concurrency: usize,
    keep: &mut dyn FnMut(usize, Reply) -> Result<(), FewShotError>,
) -> Result<(), FewShotError> {
    let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let n_requests = experiment.requests.len();
    let mut n_answered = n_requests - pending.len();
    let ask = |cell: usize| -> Result<Result<Reply, _>, FewShotError> {
        Ok(model.reply(&experiment.request(cell)?))
    };
    let (send, receive) = mpsc::channel();
    let mut failure = None;
    std::thread::scope(|scope| {
        for _ in 0..concurrency.clamp(1, pending.len().max(1)) {
            let (send, next, stop) = (send.clone(), &next, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let Some(&cell) = pending.get(next.fetch_add(1, Ordering::Relaxed)) else {
                        break;
                    };
                    let answer = ask(cell);
                    if !matches!(answer, Ok(Ok(_))) {
                        // Said here already, so that this thread does not ask once more meanwhile.
                        stop.store(true, Ordering::Relaxed);
                    }
                    // The receiver outlives every sender.
                    let _ = send.send((cell, answer));
                }
            });
        }
        drop(send);
        for (cell, answer) in receive {
            let kept = match answer {
                Ok(Ok(reply)) => keep(cell, reply).map(|()| n_answered += 1),
                Ok(Err(source)) => Err(FewShotError::Stopped { n_answered, n_requests, source }),
                Err(error) => Err(error),
            };
            if let Err(error) = kept {
                stop.store(true, Ordering::Relaxed);
                failure.get_or_insert(error);
            }
        }
    });
    match failure {
        None => Ok(()),
        // By now the replies that were on their way have come.
        Some(FewShotError::Stopped { n_requests, source, .. }) => {
            Err(FewShotError::Stopped { n_answered, n_requests, source })
        }
        Some(error) => Err(error),
    }
}
