// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! The thread that lets subscribers join and leave while the program does something else.

use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process;
use std::thread::{self, JoinHandle};

/// What the thread sleeps on, and what it does then.
pub(crate) trait Serve: Send + 'static {
    fn fd(&self) -> BorrowedFd<'_>;
    /// Returns false when nothing is left to be served.
    fn serve(&self) -> bool;
}

pub(crate) struct Service {
    /// The other end becomes readable when this one is shut down.
    stop: UnixStream,
    thread: Option<JoinHandle<()>>,
    /// The process that the thread is in.
    pid: u32,
}

/// A turn at least this long apart from the next, in milliseconds: a descriptor that stays readable
/// (the process has no descriptors left for who wants to join) must not take a whole core.
const PACE_MS: i32 = 1;

impl Service {
    pub(crate) fn start(server: impl Serve) -> io::Result<Self> {
        let (stop, stopped) = UnixStream::pair()?;
        let thread = thread::Builder::new()
            .name("tachyon-service".into())
            .spawn(move || run(&server, &stopped))?;

        Ok(Self {
            stop,
            thread: Some(thread),
            pid: process::id(),
        })
    }

    /// Tells the thread to end, and does not wait for it.
    pub(crate) fn stop(&self) {
        // It fails only where it was done before.
        let _ = self.stop.shutdown(Shutdown::Both);
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // A forked child has no such thread, and shutting the socket down would end the parent's.
        if self.pid != process::id() {
            return;
        }
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(server: &impl Serve, stopped: &UnixStream) {
    while wait(&[stopped.as_fd(), server.fd()], -1).is_none_or(|first| first != 0) {
        if !server.serve() || wait(&[stopped.as_fd()], PACE_MS).is_some() {
            return;
        }
    }
}

/// The first of the descriptors that is readable. None: the time ran out, or a signal came.
fn wait(fds: &[BorrowedFd<'_>], timeout_ms: i32) -> Option<usize> {
    let mut polled: Vec<libc::pollfd> = fds
        .iter()
        .map(|fd| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();

    // SAFETY: `polled` has as many entries as are given, and is ours alone during the call.
    let count = unsafe {
        libc::poll(
            polled.as_mut_ptr(),
            polled.len() as libc::nfds_t,
            timeout_ms,
        )
    };
    if count <= 0 {
        return None;
    }
    polled.iter().position(|fd| fd.revents != 0)
}
