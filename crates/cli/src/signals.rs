//! What the system's signals ask of a command: to stop, to stop at once, to pause, to go on. What
//! a command does when it is to stop is its own affair, and what a pause means to a session is
//! its policy's.

use futures_util::StreamExt;
use offhook::{CallingState, Client, Controls};
use rustix::process::{Signal as Raw, getpid, kill_process};
use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a pause waits for the session to have taken it, where no state shows that it has.
const TAKEN: Duration = Duration::from_millis(250);

/// Which signal stopped a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Ctrl-C.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

impl Stop {
    /// The exit status that says so: 128 and the signal's number, as a shell has it.
    pub(crate) const fn status(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// Ctrl-C, and being told to stop. From the moment it is made neither kills the process, and
/// none is missed; the second of them ends the process at once.
pub(crate) struct Interrupt(watch::Receiver<Option<Stop>>);

impl Interrupt {
    /// Begins to listen, on a thread of its own: a second Ctrl-C is heard whatever the others do.
    pub(crate) fn listen() -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _inside = runtime.enter();
            Signals {
                interrupt: signal(SignalKind::interrupt())?,
                terminate: signal(SignalKind::terminate())?,
            }
        };
        let (tell, told) = watch::channel(None);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                tell.send_replace(Some(signals.next().await));
                let second = signals.next().await;
                std::process::exit(second.status().into());
            });
        })?;
        Ok(Self(told))
    }

    /// Waits for the first.
    pub(crate) async fn seen(&mut self) -> Stop {
        match self.0.wait_for(Option::is_some).await.map(|seen| *seen) {
            Ok(Some(stop)) => stop,
            // The thread ends with the process.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    async fn next(&mut self) -> Stop {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Stop::Terminate,
            _ = self.interrupt.recv() => Stop::Interrupt,
        }
    }
}

/// Ctrl-Z, and being told to go on. From the moment it is made the first no longer stops the
/// process by itself: the sessions are told before.
pub(crate) struct JobControl {
    pause: Signal,
    go_on: Signal,
}

impl JobControl {
    /// Begins to listen.
    pub(crate) fn listen() -> io::Result<Self> {
        let listen = |raw: Raw| signal(SignalKind::from_raw(raw.as_raw()));
        Ok(Self { pause: listen(Raw::TSTP)?, go_on: listen(Raw::CONT)? })
    }

    /// Tells the sessions of this client of every pause before the process stops, and of every
    /// return. Ends when the session that is looked at is over: then nothing is left to be paused.
    pub(crate) async fn keep(mut self, client: Client, controls: Controls) {
        loop {
            tokio::select! {
                _ = self.go_on.recv() => client.woken(),
                _ = self.pause.recv() => {
                    client.suspended();
                    let state = tokio::select! {
                        biased;
                        // It was told to go on again meanwhile.
                        _ = self.go_on.recv() => {
                            client.woken();
                            continue;
                        }
                        state = taken(&controls) => state,
                    };
                    if state == CallingState::Left {
                        return;
                    }
                    eprintln!("offhook: paused, the session is {state}; `fg` or SIGCONT goes on");
                    match kill_process(getpid(), Raw::STOP) {
                        Ok(()) => {
                            self.go_on.recv().await;
                        }
                        Err(error) => eprintln!("offhook: the process could not be stopped ({error})"),
                    }
                    client.woken();
                }
            }
        }
    }
}

/// Waits until the session has taken a pause: it is offline, or over. A join under way, and a
/// session that had failed, take it without a state of its own.
async fn taken(controls: &Controls) -> CallingState {
    let Some(mut states) = controls.states() else { return CallingState::Left };
    let shown = async {
        while let Some(seen) = states.next().await {
            if matches!(seen.state(), CallingState::Offline | CallingState::Left) {
                return;
            }
        }
    };
    let _ = timeout(TAKEN, shown).await;
    controls.state()
}
