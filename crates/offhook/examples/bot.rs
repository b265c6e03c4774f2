//! A bot that survives anything: a busy server, a lost network, a restart, an ending by the far
//! side, its own slowness. It stops when it is told to, and when trying again makes no sense.
//!
//! `cargo run -p offhook --example bot` lives through a bad week over the scripted transport, on a
//! virtual clock. `… -- wss://media.example/session` goes there, with the credential in
//! `OFFHOOK_CREDENTIAL`, until Ctrl-C.

use futures_util::StreamExt;
use offhook::{Client, EndReason, Event, Join, JoinErrorKind, Joined, Policy, Session, Transport};
use std::error::Error;
use std::future::Future;
use std::io::{self, Write};
use std::pin::pin;
use std::time::Duration;
use tokio::time::sleep;

/// The longest pause between two joins.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Answers whatever is said in one room.
pub(crate) struct Bot {
    client: Client,
    room: String,
}

/// Why a bot stopped.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stopped {
    /// It was told to.
    Told,
    /// Joining again makes no sense: somebody must change something first.
    Refused(JoinErrorKind),
    /// It was ended for good.
    Ended(EndReason),
}

impl Bot {
    /// Nobody sits before a bot to press "try again": a recovery that gave up ends the session
    /// after a minute, and a network may stay away for ever.
    pub(crate) fn new(transport: impl Transport, room: &str) -> Self {
        let policy = Policy { failed: Some(Duration::from_secs(60)), offline: None, ..Policy::default() };
        Self { client: Client::new(transport).policy(policy), room: room.to_owned() }
    }

    #[must_use]
    pub(crate) fn credential(mut self, credential: String) -> Self {
        self.client = self.client.credential(credential);
        self
    }

    /// Lives until it is told to stop, or until nothing helps any more.
    pub(crate) async fn live(
        self,
        stop: impl Future<Output = ()>,
        out: &mut impl Write,
    ) -> io::Result<Stopped> {
        let mut stop = pin!(stop);
        let stopped = tokio::select! {
            stopped = self.go_on(out) => stopped?,
            // A join under way is given up with it, a session left.
            () = &mut stop => Stopped::Told,
        };
        // The goodbye reaches the far side, so that the bot's place is free at once.
        self.client.shutdown().await;
        Ok(stopped)
    }

    /// Session after session.
    async fn go_on(&self, out: &mut impl Write) -> io::Result<Stopped> {
        let mut failures = 0;
        loop {
            // Recovery is the session's own affair. What ends up here is what it cannot mend.
            let wait = match self.client.session("room", &self.room).join(Join::new()).await {
                Ok(session) => {
                    failures = 0;
                    let ended = self.attend(session, out).await?;
                    writeln!(out, "ended: {}", ended.reason().code())?;
                    if !ended.may_retry() {
                        return Ok(Stopped::Ended(ended.reason()));
                    }
                    pause(failures)
                }
                Err(error) => {
                    writeln!(out, "not joined: {}, in {} dials", error.code(), error.attempts().len())?;
                    if !error.is_retryable() {
                        return Ok(Stopped::Refused(error.kind()));
                    }
                    failures += 1;
                    match error.kind() {
                        JoinErrorKind::Busy { retry_after: Some(wanted), .. } => wanted,
                        _ => pause(failures),
                    }
                }
            };
            sleep(wait).await;
        }
    }

    /// One session, from its first event to its last.
    async fn attend(
        &self,
        session: Session<Joined>,
        out: &mut impl Write,
    ) -> io::Result<Session<offhook::Left>> {
        let mut events = session.events();
        while let Some(event) = events.next().await {
            match event {
                Event::StateChanged(state) => writeln!(out, "{state}")?,
                // It goes out now; what becomes of it is another event, so nothing here waits.
                Event::Message { topic, payload, .. } => drop(session.send(topic, payload)),
                // It may have arrived: saying it twice would be worse than not at all.
                Event::MessageUnanswered { .. } => writeln!(out, "an answer may be lost")?,
                // Too slow for what happens here. Nothing depends on having seen it all.
                Event::Missed { count, .. } => writeln!(out, "{count} events were missed")?,
                Event::Error(error) => writeln!(out, "error: {}", error.code())?,
                _ => {}
            }
        }
        // It is over; this only asks why.
        Ok(session.leave().await)
    }
}

/// Doubles with each failure, and is drawn from all of that: many bots do not come back as one.
fn pause(failures: u32) -> Duration {
    let ceiling = Duration::from_secs(1).saturating_mul(1 << failures.min(6)).min(LONGEST_PAUSE);
    let chance = getrandom::u32().unwrap_or(u32::MAX);
    ceiling.mul_f64(f64::from(chance) / f64::from(u32::MAX))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let (runtime, out) = (runtime.enable_all(), &mut io::stdout());
    let stopped = match std::env::args().nth(1) {
        None => runtime.start_paused(true).build()?.block_on(a_bad_week(out))?,
        #[cfg(feature = "webrtc")]
        Some(url) => {
            let credential = std::env::var("OFFHOOK_CREDENTIAL").map_err(
                |_| "set OFFHOOK_CREDENTIAL to a credential of that server; `offhook serve` prints one",
            )?;
            let bot = Bot::new(offhook::WebRtc::new(url), "7").credential(credential);
            // Without a way to hear of Ctrl-C the process ends at once; the far side notices.
            let told = async { _ = tokio::signal::ctrl_c().await };
            runtime.build()?.block_on(bot.live(told, out))?
        }
        #[cfg(not(feature = "webrtc"))]
        Some(_) => return Err("this needs the feature `webrtc`".into()),
    };
    println!("stopped: {stopped:?}");
    Ok(())
}

/// What may befall a bot.
pub(crate) async fn a_bad_week(out: &mut impl Write) -> Result<Stopped, Box<dyn Error>> {
    use offhook::mock::{Faults, MockTransport, What};
    use offhook::transport::{Action, EndCode, RefusedCode};

    let (transport, remote) = MockTransport::studio(7);
    let busy = RefusedCode::Busy;
    remote.faults(Faults::seeded(7).refuse(1, busy, Some(Duration::from_secs(90))));
    let bot = Bot::new(transport, "7").live(std::future::pending(), out);
    let week = async {
        // A busy server; then somebody says something.
        let answer = |seen: &offhook::mock::Seen| matches!(&seen.what, What::Action(action) if matches!(&**action, Action::Send(_)));
        let joined = |seen: &offhook::mock::Seen| matches!(&seen.what, What::Action(_));
        remote.saw(joined).await;
        remote.newest().ok_or("no link")?.message("ada", "chat", "hello?");
        remote.saw(answer).await;
        // The server is restarted, twice: once it takes its sessions along, once it ends them.
        remote.restart();
        sleep(Duration::from_secs(60)).await;
        remote.end(EndCode::ServerShutdown);
        sleep(Duration::from_secs(60)).await;
        // Ten minutes without a network, of which the system says nothing.
        remote.cut();
        sleep(Duration::from_secs(600)).await;
        remote.restore();
        sleep(Duration::from_secs(120)).await;
        // Somebody has had enough.
        remote.kick("enough");
        Ok::<_, Box<dyn Error>>(())
    };
    let (stopped, week) = tokio::join!(bot, week);
    week?;
    Ok(stopped?)
}
