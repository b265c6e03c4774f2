//! What of the user's media is silent here always follows what is desired (F60, R14): a mute is in effect
//! at once, an unmute when it is confirmed, and what is refused, taken back or never entered leaves what
//! was.

use crate::common::*;
use offhook::mock::{MockDial, Remote, Studio, pair};
use offhook::transport::media::{Codec, Kind, LocalTrack, TrackSender, TrackSpec, local};
use offhook::transport::{Action, Capability, FaultKind, Plan, Plane, RefusalItem, ResumeRefusal, Revision};
use offhook::{Change, Client, Event, Join, Joined, Session, SetError, Transport};
use std::time::Duration;

/// A camera that sends a picture when it is told to.
struct Camera {
    sender: TrackSender,
    track: LocalTrack,
    number: u64,
}

impl Camera {
    fn new() -> Self {
        let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
        Self { sender, track, number: 0 }
    }

    /// Does what it shows from here on come over there?
    async fn is_seen(&mut self, remote: &Remote) -> bool {
        remote.frames();
        for _ in 0..10 {
            self.sender.try_send(frame(self.number, true));
            self.number += 1;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        !remote.frames().is_empty()
    }
}

async fn published(client: &Client, remote: &Remote, join: Join) -> (Session<Joined>, MockDial, Camera) {
    let camera = Camera::new();
    let joining = idle(client).join(join.publish(&camera.track));
    let dial = remote.dial().await;
    dial.accept();
    (joining.await.expect("the hand accepts"), dial, camera)
}

/// The revision of the next state that has this video mute.
async fn applied(dial: &MockDial, muted: bool) -> Revision {
    loop {
        let action = dial.action().await.expect("the link is open");
        if let Action::Apply { revision, desired } = &*action
            && desired.muted.video == muted
        {
            return *revision;
        }
    }
}

async fn is_refused(setting: offhook::Setting) {
    assert!(matches!(setting.await, Err(SetError::Refused { .. })));
}

/// F60, R14: not before the far side said so, and not when it says no; nor after a rejoin.
#[tokio::test(start_paused = true)]
async fn an_unmute_that_is_refused_sends_nothing_now_or_after_a_rejoin() {
    let (client, remote) = by_hand();
    let (session, dial, mut camera) = published(&client, &remote, Join::new().muted(Kind::Video)).await;
    let unmuting = session.unmute(Kind::Video);
    let revision = applied(&dial, false).await;
    assert!(!camera.is_seen(&remote).await, "nobody answered yet");
    dial.refuse_revision(revision, RefusalItem::Muted, "a moderator muted you");
    is_refused(unmuting).await;
    assert!(!camera.is_seen(&remote).await, "it was refused");
    let mut events = session.events();
    dial.lose(Plane::Signaling, FaultKind::Closed);
    dial.lose(Plane::Media, FaultKind::Closed);
    let next = loop {
        let next = remote.dial().await;
        match &next.seen().plan {
            Plan::Resume { .. } => next.refuse_resume(ResumeRefusal::Gone),
            _ => break next,
        }
    };
    assert!(next.seen().desired.muted.video);
    next.accept();
    event(&mut events, |event| matches!(event, Event::Recovered { .. }).then_some(())).await;
    assert!(!camera.is_seen(&remote).await, "the ledger says muted");
    let unmuting = session.unmute(Kind::Video);
    let revision = applied(&next, false).await;
    next.ack(revision);
    unmuting.await.expect("confirmed");
    assert!(camera.is_seen(&remote).await, "now it may");
}

/// F60, R14, R15: what is taken back was never in effect.
#[tokio::test(start_paused = true)]
async fn an_unmute_that_is_withdrawn_or_unconfirmed_sends_nothing() {
    let (client, remote) = by_hand();
    let (session, dial, mut camera) = published(&client, &remote, Join::new().muted(Kind::Video)).await;
    let Err(SetError::Unconfirmed { revision }) = session.unmute(Kind::Video).await else {
        panic!("nobody answers")
    };
    assert!(!camera.is_seen(&remote).await, "unconfirmed");
    session.withdraw(revision).expect("joined");
    applied(&dial, true).await;
    assert!(!camera.is_seen(&remote).await, "withdrawn");
}

/// F60, R14: nothing of the change is in effect, the mute in it neither.
#[tokio::test(start_paused = true)]
async fn a_mute_that_is_refused_or_withdrawn_leaves_what_was() {
    let (client, remote) = by_hand();
    let (session, dial, mut camera) = published(&client, &remote, Join::new()).await;
    assert!(camera.is_seen(&remote).await);
    let setting = session.set(Change::new().muted(Kind::Video, true).prompt("bad"));
    let revision = applied(&dial, true).await;
    assert!(!camera.is_seen(&remote).await, "at once");
    dial.refuse_revision(revision, RefusalItem::Prompt, "unknown filter");
    is_refused(setting).await;
    assert!(camera.is_seen(&remote).await, "none of it is in effect");
    let Err(SetError::Unconfirmed { revision }) = session.mute(Kind::Video).await else {
        panic!("nobody answers")
    };
    assert!(!camera.is_seen(&remote).await);
    session.withdraw(revision).expect("joined");
    applied(&dial, false).await;
    assert!(camera.is_seen(&remote).await, "taken back");
}

/// F60: what this session cannot have, or has no room for, changes nothing on this side.
#[tokio::test(start_paused = true)]
async fn a_mute_in_a_change_that_is_not_made_is_not_in_effect() {
    let (transport, remote) = pair();
    let can = transport.capabilities().without(Capability::Prompt);
    remote.auto(Studio::seeded(7).capable_of(can));
    let mut camera = Camera::new();
    let client = Client::new(transport).seed(7);
    let session = joined_studio(&client, Join::new().publish(&camera.track)).await;
    let setting = session.set(Change::new().muted(Kind::Video, true).prompt("sepia"));
    assert!(matches!(setting.await, Err(SetError::NotSupported { .. })));
    assert!(camera.is_seen(&remote).await, "it was not made");
    // No turn of the host comes between these: its queue is full in the end.
    let mut settings = Vec::new();
    let full = loop {
        let setting = session.set(Change::new().muted(Kind::Audio, settings.len() % 2 == 0));
        settings.push(setting);
        if settings.len() > 64 {
            break session.mute(Kind::Video);
        }
    };
    assert_eq!(full.await, Err(SetError::Full));
    assert!(camera.is_seen(&remote).await, "there was no room for it");
}

/// F60, R14: the confirmation of an older unmute opens nothing that was muted since.
#[tokio::test(start_paused = true)]
async fn a_late_confirmation_does_not_undo_a_newer_mute() {
    let (client, remote) = by_hand();
    let (session, dial, mut camera) = published(&client, &remote, Join::new().muted(Kind::Video)).await;
    drop(session.unmute(Kind::Video));
    let older = applied(&dial, false).await;
    dial.ack(older);
    // Its confirmation and this mute wait for the host together.
    let muting = session.mute(Kind::Video);
    assert!(!camera.is_seen(&remote).await);
    let newer = applied(&dial, true).await;
    dial.ack(newer);
    muting.await.expect("confirmed");
    assert!(!camera.is_seen(&remote).await);
}

/// F60: a track of a muted kind is as muted as its kind, also one that comes while the unmute is asked for.
#[tokio::test(start_paused = true)]
async fn a_track_that_is_published_while_its_kind_is_muted_sends_nothing() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let muting = session.mute(Kind::Video);
    let revision = applied(&dial, true).await;
    dial.ack(revision);
    muting.await.expect("confirmed");
    let unmuting = session.unmute(Kind::Video);
    let revision = applied(&dial, false).await;
    let mut camera = Camera::new();
    session.publish(&camera.track).expect("it can be published");
    assert!(!camera.is_seen(&remote).await, "not confirmed yet");
    dial.ack(revision);
    unmuting.await.expect("confirmed");
    assert!(camera.is_seen(&remote).await);
}
