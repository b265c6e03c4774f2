//! What only the server can know: that our media does not arrive (R5, R9).

use crate::far_side::*;
use crate::line::*;
use futures_util::StreamExt;
use offhook::transport::media::{Codec, Kind};
use offhook::{Client, Clip, Event, Fault, Join, Plane, Source};
use offhook_media::{Next, SourceError};
use offhook_netrig::Direction;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// R9, E3: every check is answered both ways and signaling lives; our pictures alone are
/// swallowed on the way. The server tells, and it is mended once they pass again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn media_that_is_swallowed_on_its_way_to_the_server_is_told_by_it_and_recovered() {
    let line = Line::clear().await;
    let mut session = line.joined().await;
    line.udp.each(|relay| relay.swallow_media(Direction::Up));
    let (_, fault) = session.loses(Plane::Media).await;
    assert_eq!(fault, Fault::MediaFault, "nobody else can know");
    line.net.restore().expect("the relays are there");
    session.recovers().await;
    session.lost_only(Plane::Media);
    session.recovered_once(&line).await;
    line.end().await;
}

/// A clip that can be stopped and goes on.
struct Pausing {
    clip: Clip,
    paused: Arc<AtomicBool>,
}

impl Source for Pausing {
    fn codec(&self) -> Codec {
        self.clip.codec()
    }

    fn next_due(&self) -> Duration {
        self.clip.next_due()
    }

    fn next_frame(&mut self, key: bool) -> Result<Next, SourceError> {
        let next = self.clip.next_frame(key)?;
        Ok(if self.paused.load(Ordering::SeqCst) { Next::Nothing } else { next })
    }
}

/// Waits for so many seconds, as the session counts them in statistics, in which nothing is lost.
async fn nothing_is_lost_for(session: &Observed, seconds: usize) {
    let mut events = session.session.events();
    let mut counted = 0;
    while counted < seconds {
        match soon("a second's statistics", events.next()).await.expect("it goes on") {
            Event::Stats(_) => counted += 1,
            Event::LinkLost { plane, fault } => panic!("{plane:?} was lost: {fault:?}"),
            _ => {}
        }
    }
}

/// Longer than a server waits for what it was promised (5 s), and than what is left of the second
/// before.
const PATIENT_SECONDS: usize = 9;

/// The counter-check: what is muted or paused is promised by nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_muted_track_and_a_source_that_pauses_are_no_fault() {
    let line = Line::clear().await;
    let paused = Arc::new(AtomicBool::new(false));
    let source = Pausing { clip: Clip::sample(), paused: paused.clone() };
    let mut session = Observed::joined(&line.client, Join::new().prompt("sepia").publish(source)).await;
    soon("the ack", session.session.mute(Kind::Video)).await.expect("it is joined");
    nothing_is_lost_for(&session, PATIENT_SECONDS).await;
    soon("the ack", session.session.unmute(Kind::Video)).await.expect("it is joined");
    session.pictures(5).await;
    paused.store(true, Ordering::SeqCst);
    nothing_is_lost_for(&session, PATIENT_SECONDS).await;
    paused.store(false, Ordering::SeqCst);
    session.pictures(5).await;
    // And it is noticed still, if that is lost in earnest.
    line.udp.each(|relay| relay.swallow_media(Direction::Up));
    let (_, fault) = session.loses(Plane::Media).await;
    assert_eq!(fault, Fault::MediaFault);
    line.net.restore().expect("the relays are there");
    session.recovered_once(&line).await;
    line.end().await;
}

/// R9, R14: what was promised on the old link is promised on the new one: the server's word comes
/// after a rejoin as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_rejoin_the_server_still_tells() {
    let server = offhook_server::Server::builder();
    let line = Line::to(server.resume_window(Duration::from_secs(1)).start().await.expect("loopback")).await;
    let mut session = line.joined().await;
    line.net.cut();
    session.loses(Plane::Signaling).await;
    assert!(holds(|| line.server.census().members == 0).await, "the place is gone");
    line.net.restore().expect("the relays are there");
    session.recovers().await;
    session.pictures(5).await;
    let past = session.told().len();
    line.udp.each(|relay| relay.swallow_media(Direction::Up));
    let lost = session.tells("the loss", past, |event| match event {
        Event::LinkLost { plane: Plane::Media, fault } => Some(*fault),
        _ => None,
    });
    assert_eq!(lost.await.1, Fault::MediaFault);
    line.net.restore().expect("the relays are there");
    let back = |event: &Event| matches!(event, Event::Recovered { .. }).then_some(());
    session.tells("the recovery", past, back).await;
    session.pictures(5).await;
    line.end().await;
}

/// Somebody who only looks promises nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_is_never_told_that_its_media_is_missing() {
    let server = server().await;
    let client: Client = client(&server, "ada");
    let session = soon("the join", client.session("studio", "7").join(Join::new().viewer())).await;
    let session = session.expect("viewers are let in");
    let mut events = session.events();
    let mut counted = 0;
    while counted < PATIENT_SECONDS {
        match soon("a second's statistics", events.next()).await.expect("it goes on") {
            Event::Stats(_) => counted += 1,
            Event::LinkLost { plane, fault } => panic!("{plane:?} was lost: {fault:?}"),
            _ => {}
        }
    }
    drop(soon("the leave", session.leave()).await);
    client.shutdown().await;
    server.shutdown().await;
}
