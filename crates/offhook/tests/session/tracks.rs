//! Tracks of the other members, by a far side that is a hand: what is told of them, and how long a
//! handle lives (F41, F62).

use crate::common::*;
use futures_util::{FutureExt, StreamExt};
use offhook::mock::MockDial;
use offhook::transport::media::TrackId;
use offhook::transport::{
    Capability, FaultKind, GoAwayHint, GoAwayReason, MemberChange, MemberTrack, Plan, Plane, ResumeRefusal,
};
use offhook::{Event, Events, Join, Kind, Member, RemoteTrack, TrackError};
use std::time::Duration;

fn track(label: &str, kind: Kind, muted: bool) -> MemberTrack {
    MemberTrack { label: label.into(), kind, muted, waits: false }
}

fn member(id: &str, tracks: &[MemberTrack]) -> Member {
    Member { id: id.into(), name: id.into(), away: false, tracks: tracks.to_vec() }
}

/// Lets the dial into a room with these members, and itself.
fn let_in(dial: &MockDial, others: &[Member]) {
    let mut up = dial.a_welcome();
    up.capabilities = up.capabilities.with(Capability::Forwarding);
    up.roster = others.to_vec();
    let own = [track("video", Kind::Video, false)];
    up.roster.push(member(&dial.seen().instance.to_string(), &own));
    dial.answer();
    dial.up(up);
    dial.carried(Plane::Signaling);
    dial.ack(dial.seen().revision);
    dial.carried(Plane::Media);
}

/// What was told of tracks and members until now, in short words.
fn told(events: &mut Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        match event {
            Event::MemberJoined(member) if member.id.len() < 8 => told.push(format!("+{}", member.id)),
            Event::MemberLeft(member) => told.push(format!("-{}", member.id)),
            Event::TrackAdded(track) => told.push(format!("+{}/{}", track.id.member(), track.id.label())),
            Event::TrackRemoved(track) => told.push(format!("-{}/{}", track.id.member(), track.id.label())),
            Event::TrackMuted(id) => told.push(format!("muted {}", id.label())),
            Event::TrackUnmuted(id) => told.push(format!("unmuted {}", id.label())),
            Event::TrackWaits(id) => told.push(format!("waits {}", id.label())),
            Event::TrackComes(id) => told.push(format!("comes {}", id.label())),
            _ => {}
        }
    }
    told
}

/// In virtual time, until everything that was said has been heard.
const SETTLED: Duration = Duration::from_millis(200);

fn numbers(video: &mut RemoteTrack) -> Vec<u64> {
    std::iter::from_fn(|| video.next().now_or_never().flatten()).map(|frame| number(&frame)).collect()
}

/// F62: added with who brings them, later, changed, muted, and gone with who leaves; never one's own.
#[tokio::test(start_paused = true)]
async fn tracks_of_others_are_told_as_they_come_change_and_go() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    let camera = track("camera", Kind::Video, false);
    let_in(&dial, &[member("ada", std::slice::from_ref(&camera))]);
    let session = joining.await.expect("accepted");
    let mut events = session.events();
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), ["+ada", "+ada/camera"]);
    let screen = track("screen", Kind::Video, true);
    let changes = [
        MemberChange::Updated(member("ada", &[camera.clone(), screen.clone()])),
        MemberChange::Updated(member("ada", &[track("camera", Kind::Video, true), screen])),
        MemberChange::Joined(member("bob", &[track("voice", Kind::Audio, false)])),
        MemberChange::Updated(member("ada", std::slice::from_ref(&camera))),
        MemberChange::Updated(member("ada", &[track("camera", Kind::Audio, false)])),
        MemberChange::Left(member("ada", &[])),
    ];
    for change in changes {
        dial.member(change);
    }
    tokio::time::sleep(SETTLED).await;
    let expected = [
        "+ada/screen",
        "muted camera",
        "+bob",
        "+bob/voice",
        "unmuted camera",
        "-ada/screen",
        "-ada/camera",
        "+ada/camera",
        "-ada/camera",
        "-ada",
    ];
    assert_eq!(told(&mut events), expected, "of the other kind it is another track");
    let left: Vec<_> = session.remote_tracks().into_iter().map(|track| track.id).collect();
    assert_eq!(left, [TrackId::new("bob", "voice")]);
    let gone = TrackId::new("ada", "camera");
    assert_eq!(session.track(&gone).err(), Some(TrackError::NoSuchTrack(gone)));
    drop(session.leave());
}

/// F41, F62: whatever the plan, a track that is still published is not told of again, and its handle
/// goes on; one that went meanwhile ends it.
#[tokio::test(start_paused = true)]
async fn a_handle_goes_on_over_every_recovery_and_ends_with_its_track() {
    let camera = [track("camera", Kind::Video, false)];
    for way in ["resume", "rejoin", "migrate"] {
        let (client, remote) = by_hand();
        let joining = idle(&client).join(Join::new());
        let dial = remote.dial().await;
        let_in(&dial, &[member("ada", &camera), member("bob", &camera)]);
        let session = joining.await.expect("accepted");
        let mut events = session.events();
        let (ada, bob) = (TrackId::new("ada", "camera"), TrackId::new("bob", "camera"));
        let mut of_ada = session.track(&ada).expect("it is there");
        let mut of_bob = session.track(&bob).expect("it is there");
        assert!(dial.send_track_frame(&ada, &frame(1, true)));
        assert!(dial.send_track_frame(&bob, &frame(2, true)));
        tokio::time::sleep(SETTLED).await;
        told(&mut events);
        if way == "migrate" {
            let reason = GoAwayReason::Rebalance;
            dial.go_away(GoAwayHint { url: Some("elsewhere".into()), ticket: None, deadline: None, reason });
        } else {
            dial.lose(Plane::Signaling, FaultKind::Closed);
        }
        let mut next = remote.dial().await;
        if way == "rejoin" {
            next.refuse_resume(ResumeRefusal::Gone);
            next = remote.dial().await;
        }
        assert_eq!(matches!(next.plan(), Plan::Migrate { .. }), way == "migrate");
        let_in(&next, &[member("ada", &camera)]);
        tokio::time::sleep(SETTLED).await;
        if way == "migrate" {
            assert_eq!(told(&mut events), [] as [&str; 0], "he may be on his way");
            tokio::time::sleep(Duration::from_secs(25)).await;
        }
        assert!(next.send_track_frame(&ada, &frame(3, true)));
        assert!(!next.send_track_frame(&bob, &frame(4, true)));
        assert_eq!(told(&mut events), ["-bob/camera", "-bob"], "{way}");
        assert_eq!((numbers(&mut of_ada), numbers(&mut of_bob)), (vec![1, 3], vec![2]));
        assert_eq!(of_bob.next().now_or_never(), Some(None), "his has ended");
        assert_eq!(of_ada.next().now_or_never(), None, "hers goes on");
        drop(session.leave());
        tokio::time::sleep(SETTLED).await;
        assert_eq!(of_ada.next().now_or_never(), Some(None), "until the session is over");
    }
}

/// F41, F63: a server that was restarted has the session of whoever comes first; the others are on their way.
/// They are away until they come, and gone when they do not; what is held of them goes on.
#[tokio::test(start_paused = true)]
async fn of_a_session_that_is_made_anew_nobody_has_left_who_may_yet_come() {
    let camera = [track("camera", Kind::Video, false)];
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    let_in(&dial, &[member("ada", &camera), member("bob", &camera)]);
    let session = joining.await.expect("accepted");
    let mut events = session.events();
    let (ada, bob) = (TrackId::new("ada", "camera"), TrackId::new("bob", "camera"));
    let mut of_ada = session.track(&ada).expect("it is there");
    let mut of_bob = session.track(&bob).expect("it is there");
    tokio::time::sleep(SETTLED).await;
    told(&mut events);
    dial.lose(Plane::Signaling, FaultKind::Closed);
    remote.dial().await.refuse_resume(ResumeRefusal::Gone);
    let next = remote.dial().await;
    let mut up = next.a_welcome();
    up.resumed = false;
    up.capabilities = up.capabilities.with(Capability::Forwarding);
    next.answer();
    next.up(up);
    next.carried(Plane::Signaling);
    next.ack(next.seen().revision);
    next.carried(Plane::Media);
    let away = |event: &Event| match event {
        Event::MemberUpdated(member) if member.id.len() < 8 => Some((member.id.clone(), member.away)),
        _ => None,
    };
    assert_eq!(event(&mut events, away).await, ("ada".to_owned(), true));
    assert_eq!(event(&mut events, away).await, ("bob".to_owned(), true));
    tokio::time::sleep(Duration::from_secs(10)).await;
    next.member(MemberChange::Joined(member("ada", &camera)));
    assert_eq!(event(&mut events, away).await, ("ada".to_owned(), false));
    assert!(next.send_track_frame(&ada, &frame(1, true)));
    assert_eq!(numbers(&mut of_ada), [1], "on the handle of before");
    tokio::time::sleep(Duration::from_secs(14)).await;
    assert_eq!(told(&mut events), [] as [&str; 0]);
    assert_eq!(of_bob.next().now_or_never(), None, "he may still come");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(told(&mut events), ["-bob/camera", "-bob"]);
    assert_eq!(of_bob.next().now_or_never(), Some(None));
    drop(session.leave());
}

/// F63: told once, whatever crosses on the way; and nobody goes who never came.
#[tokio::test(start_paused = true)]
async fn a_member_comes_once_and_nobody_goes_who_was_not_there() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    let_in(&dial, &[member("ada", &[])]);
    let session = joining.await.expect("accepted");
    let own = dial.seen().instance.to_string();
    assert_eq!(session.member_id().as_deref(), Some(&*own), "by which others name it");
    assert_eq!(session.view().member_id(), Some(&*own));
    let mut events = session.events();
    let renamed = Member { name: "grace".into(), ..member("ada", &[]) };
    for change in [
        MemberChange::Joined(member("ada", &[])),
        MemberChange::Updated(member("ada", &[])),
        MemberChange::Left(member("bob", &[])),
        MemberChange::Joined(renamed.clone()),
        MemberChange::Updated(member("eve", &[])),
        MemberChange::Left(member("ada", &[])),
        MemberChange::Left(member("ada", &[])),
    ] {
        dial.member(change);
    }
    tokio::time::sleep(SETTLED).await;
    let mut heard = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        match event {
            Event::MemberJoined(member) if member.id != own => heard.push(("joined", member.name)),
            Event::MemberUpdated(member) => heard.push(("updated", member.name)),
            Event::MemberLeft(member) => heard.push(("left", member.name)),
            _ => {}
        }
    }
    let due = [("joined", "ada"), ("updated", "grace"), ("joined", "eve"), ("left", "grace")];
    assert_eq!(heard, due.map(|(what, name)| (what, name.to_owned())));
    drop(session.leave());
}

/// F62: where nothing is forwarded nobody's tracks are told of, however they are published.
#[tokio::test(start_paused = true)]
async fn a_far_side_that_forwards_nothing_has_no_tracks_of_others() {
    let (client, remote) = by_hand();
    let (session, dial) = joined(&client, &remote).await;
    let mut events = session.events();
    dial.member(MemberChange::Joined(member("ada", &[track("camera", Kind::Video, false)])));
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), ["+ada"]);
    assert_eq!(session.remote_tracks(), []);
    drop(session.leave());
}

/// R16: a reader that is slow loses whole groups of pictures and asks for a fresh one; however many
/// tracks a far side names, a bounded number is known.
#[tokio::test(start_paused = true)]
async fn slow_readers_and_endless_tracks_are_bounded() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    let many: Vec<_> = (0..40).map(|n| track(&format!("camera-{n}"), Kind::Video, false)).collect();
    let crowd: Vec<_> = (0..40).map(|n| member(&format!("m{n}"), &many)).collect();
    let_in(&dial, &crowd);
    let session = joining.await.expect("accepted");
    tokio::time::sleep(SETTLED).await;
    assert_eq!(session.remote_tracks().len(), 1024);
    let id = TrackId::new("m0", "camera-0");
    let mut video = session.track(&id).expect("it is there");
    for n in 0..200 {
        dial.send_track_frame(&id, &frame(n, n == 0));
    }
    assert_eq!(video.dropped(), 200, "the picture it began with was too old");
    assert!(dial.send_track_frame(&id, &frame(200, true)));
    assert_eq!(numbers(&mut video), [200]);
    drop(session.leave());
}

/// F62: one that waits for a place is in the list, told of as such, and comes by itself; a recovery tells
/// of it once.
#[tokio::test(start_paused = true)]
async fn a_track_that_waits_for_a_place_is_told_of_until_it_comes() {
    let (client, remote) = by_hand();
    let joining = idle(&client).join(Join::new());
    let dial = remote.dial().await;
    let waits = |waits| [MemberTrack { waits, ..track("screen", Kind::Video, false) }];
    let_in(&dial, &[member("ada", &waits(true))]);
    let session = joining.await.expect("accepted");
    let mut events = session.events();
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), ["+ada", "+ada/screen"]);
    let [screen] = &session.remote_tracks()[..] else { panic!("{:?}", session.remote_tracks()) };
    assert!(screen.waits, "it says so from the beginning");
    let mut video = session.track(&screen.id).expect("it can be taken all the same");

    dial.lose(Plane::Signaling, FaultKind::Closed);
    remote.dial().await.refuse_resume(ResumeRefusal::Gone);
    let rejoin = remote.dial().await;
    let_in(&rejoin, &[member("ada", &waits(true))]);
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), [] as [&str; 0]);

    rejoin.member(MemberChange::Updated(member("ada", &waits(false))));
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), ["comes screen"]);
    rejoin.send_track_frame(&screen.id, &frame(1, true));
    assert_eq!(numbers(&mut video), [1], "on the handle of before");
    rejoin.member(MemberChange::Updated(member("ada", &waits(true))));
    tokio::time::sleep(SETTLED).await;
    assert_eq!(told(&mut events), ["waits screen"]);
}

/// F62, F32: who leaves the old server has only moved; and where the move comes to nothing, the old one is
/// heard again.
#[tokio::test(start_paused = true)]
async fn who_leaves_the_old_server_during_a_move_stays_and_its_word_counts_if_the_move_fails() {
    for fails in [false, true] {
        let (client, remote) = by_hand();
        let joining = idle(&client).join(Join::new());
        let dial = remote.dial().await;
        let camera = track("camera", Kind::Video, false);
        let ada = || member("ada", std::slice::from_ref(&camera));
        let_in(&dial, &[ada(), member("bob", &[])]);
        let session = joining.await.expect("accepted");
        let mut events = session.events();
        let deadline = Some(Duration::from_secs(30));
        let hint = GoAwayHint { url: None, ticket: None, deadline, reason: GoAwayReason::Rebalance };
        dial.go_away(hint);
        let next = remote.dial().await;
        let mut up = next.a_welcome();
        up.capabilities = up.capabilities.with(Capability::Forwarding);
        let own = [track("video", Kind::Video, false)];
        up.roster = vec![ada(), member(&next.seen().instance.to_string(), &own)];
        next.answer();
        next.up(up);
        tokio::time::sleep(SETTLED).await;
        dial.member(MemberChange::Left(ada()));
        tokio::time::sleep(SETTLED).await;
        assert_eq!(told(&mut events), ["+ada", "+ada/camera", "+bob"], "she is over there, he may come");
        assert_eq!(session.remote_tracks().len(), 1);
        if fails {
            next.fail(FaultKind::Unreachable);
            tokio::time::sleep(Duration::from_secs(26)).await;
            assert_eq!(told(&mut events), [] as [&str; 0], "he never left");
            dial.member(MemberChange::Left(ada()));
            tokio::time::sleep(SETTLED).await;
            assert_eq!(told(&mut events), ["-ada/camera", "-ada"], "the old one counts again");
        }
        drop(session);
    }
}
