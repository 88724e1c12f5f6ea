//! Signals by which a person or a supervisor ends a command.

use tokio::signal;

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ctrl-C: finish what has begun.
    Gently,
    /// A termination, a lost terminal: stop at once.
    Now,
}

/// The signals of this process.
#[cfg(unix)]
#[derive(Debug)]
pub struct Signals {
    interrupt: signal::unix::Signal,
    terminate: signal::unix::Signal,
    hang_up: signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Listens from now on.
    pub fn listen() -> std::io::Result<Self> {
        use signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.interrupt.recv() => Stop::Gently,
            _ = self.terminate.recv() => Stop::Now,
            _ = self.hang_up.recv() => Stop::Now,
        }
    }
}

/// The signals of this process.
#[cfg(not(unix))]
#[derive(Debug)]
pub struct Signals;

#[cfg(not(unix))]
impl Signals {
    /// Listens from now on.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    /// Waits for the next signal.
    pub async fn next(&mut self) -> Stop {
        // Without a handler, the system ends the process.
        match signal::ctrl_c().await {
            Ok(()) => Stop::Gently,
            Err(_) => std::future::pending().await,
        }
    }
}
