//! Ctrl-C and termination (C-24, F-81): the run ends with exit code 2, cleanly where it can.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use crate::status::Status;

/// Whether someone asked to end.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
/// Whether the command looks at [`is_interrupted`] and ends by itself.
static IS_GRACEFUL: AtomicBool = AtomicBool::new(false);

/// Listens for signals from now on. Where that is not possible, a signal ends the process as the
/// system does it.
pub(crate) fn listen() {
    let _ = ctrlc::set_handler(|| {
        let again = INTERRUPTED.swap(true, Ordering::SeqCst);
        if again || !IS_GRACEFUL.load(Ordering::SeqCst) {
            std::process::exit(i32::from(Status::NoAnswer.code()));
        }
    });
}

/// From now on the command ends by itself when it is interrupted; a second signal ends it all the
/// same.
pub(crate) fn end_gracefully() {
    IS_GRACEFUL.store(true, Ordering::SeqCst);
}

/// Whether someone asked to end.
pub(crate) fn is_interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// How much of standard input is read at once.
const READ_BYTES: usize = 64 << 10;
/// How many reads may wait.
const MAX_WAITING: usize = 16;
/// How often a waiting reader looks for an interruption.
const PATIENCE: Duration = Duration::from_millis(50);

/// Standard input that ends when someone asks to end, even while nothing comes in.
pub(crate) struct InterruptibleStdin {
    incoming: Receiver<io::Result<Vec<u8>>>,
    current: Vec<u8>,
    at: usize,
}

impl InterruptibleStdin {
    /// Starts reading.
    pub(crate) fn start() -> Self {
        let (send, incoming) = sync_channel(MAX_WAITING);
        std::thread::spawn(move || {
            let mut stdin = io::stdin().lock();
            loop {
                let mut buffer = vec![0; READ_BYTES];
                let read = stdin.read(&mut buffer).map(|n| {
                    buffer.truncate(n);
                    buffer
                });
                let is_last = read.as_ref().map_or(true, Vec::is_empty);
                if send.send(read).is_err() || is_last {
                    return;
                }
            }
        });
        Self { incoming, current: Vec::new(), at: 0 }
    }
}

impl Read for InterruptibleStdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.current.len() {
            if is_interrupted() {
                return Ok(0);
            }
            match self.incoming.recv_timeout(PATIENCE) {
                Ok(read) => {
                    self.current = read?;
                    self.at = 0;
                    if self.current.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
            }
        }
        let n = buffer.len().min(self.current.len() - self.at);
        buffer[..n].copy_from_slice(&self.current[self.at..self.at + n]);
        self.at += n;
        Ok(n)
    }
}
