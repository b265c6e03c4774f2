//! Tracks that the far side does not take (F41, F60): a join fails and names them; every other link
//! goes on with everything else, and one to a far side that takes them has them again. What a session
//! makes of it is tested with the facade.

mod native_common;

use native_common::steered::{Order, Steered, Takes};
use native_common::*;
use offhook_signaling::FromClient;
use offhook_transport::media::{Codec, EncodedFrame, Kind, LocalTrack, TrackSender, TrackSpec, local};
use offhook_transport::{
    Action, Content, DialRequest, Event, Plan, RefusedCode, Secret, Target, Untaken, UntakenTrack,
};
use offhook_transport_webrtc::native::WebRtc;
use std::time::Duration;
use tokio::time::{interval, timeout};

fn key() -> Option<Secret> {
    Some(Secret::new("a.b.c"))
}

fn track(codec: Codec, label: &str) -> (TrackSender, LocalTrack) {
    local(TrackSpec { codec, label: label.into() })
}

fn untaken(label: &str, codec: Codec, why: Untaken) -> UntakenTrack {
    UntakenTrack { label: label.into(), codec, why }
}

async fn h264_only() -> Steered {
    Steered::taking(Takes { codecs: Some(vec![Codec::H264, Codec::Opus]), refused: None }).await
}

/// With these beside what the ports publish.
fn with(mut request: DialRequest, tracks: &[LocalTrack]) -> DialRequest {
    request.media.publish.extend(tracks.iter().cloned());
    request
}

async fn told(line: &mut Line) -> Vec<UntakenTrack> {
    let event = line.until("what is not taken", |event| matches!(event, Event::Content(Content::Untaken(_))));
    match event.await {
        Event::Content(Content::Untaken(tracks)) => tracks,
        other => panic!("{other:?}"),
    }
}

fn lost(line: &Line) -> bool {
    line.said.iter().any(|event| matches!(event, Event::PlaneLost(..) | Event::DialFailed(_)))
}

/// Sends key frames of a codec until one of them arrived there, while the link is read.
async fn arrives(line: &mut Line, far: &Steered, sender: &TrackSender) {
    let codec = sender.spec().codec;
    let mut pace = interval(Duration::from_millis(20));
    let mut number = 0_u8;
    let arrived = timeout(PATIENCE, async {
        while !far.take_seen().iter().any(|frame| frame.codec == codec) {
            tokio::select! {
                _ = pace.tick() => {
                    number = number.wrapping_add(1);
                    sender.try_send(frame(codec, number));
                }
                Some(event) = line.connection.next() => line.said.push(event),
            }
        }
    });
    arrived.await.unwrap_or_else(|_| panic!("no {codec:?} came; the link said {:?}", line.said));
}

/// A frame that begins with a picture of its own: an IDR of H.264, a key frame of VP8, or sound.
fn frame(codec: Codec, number: u8) -> EncodedFrame {
    let data = match codec {
        Codec::H264 => vec![0, 0, 0, 1, 0x65, number, 1, 2, 3],
        _ => vec![0x10, number, 0, 0x9d, 0x01, 0x2a, 64, 0, 64, 0],
    };
    EncodedFrame { codec, data: data.into(), pts: Duration::from_millis(20) * u32::from(number), key: true }
}

/// F60: who publishes with the join hears of it with the join, and the place is given back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_join_with_a_codec_that_is_not_taken_is_refused_and_names_the_track() {
    let far = h264_only().await;
    let ports = ports();
    let (_sender, screen) = track(Codec::Vp8, "screen");
    let request = with(ports.on(join(key())), &[screen]);
    let mut line = Line::dial(&WebRtc::new(far.hostile.url()), request);
    assert_eq!(told(&mut line).await, [untaken("screen", Codec::Vp8, Untaken::Codec)]);
    line.until("the refusal", |event| {
        matches!(event, Event::Refused { code: RefusedCode::TrackNotTaken, text, .. } if text.is_empty())
    })
    .await;
    line.finish().await;
    assert!(!lost(&line), "{:?}", line.said);
    assert!(!line.said.iter().any(|event| matches!(event, Event::Up(_))), "{:?}", line.said);
    far.hears("that its place is not wanted", |said| matches!(said, FromClient::Goodbye(_))).await;
}

/// F41, F60: published later it costs nothing else, on this link and on every one that follows; a far
/// side that takes it has it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_codec_that_is_not_taken_costs_nothing_else_on_any_link_until_one_takes_it() {
    let (far, second) = (h264_only().await, Steered::start().await);
    let transport = WebRtc::new(far.hostile.url());
    let ports = ports();
    let first = join(key());
    let request = DialRequest { instance: first.instance, ..ports.on(join(key())) };
    let mut line = Line::joined(&transport, request).await;
    let (screen, shared) = track(Codec::Vp8, "screen");
    let (later, added) = track(Codec::H264, "later");
    let all = [ports.track.clone(), shared.clone(), added.clone()];
    line.connection.act(Action::Publish(all.to_vec())).expect("room");
    let not_taken = [untaken("screen", Codec::Vp8, Untaken::Codec)];
    assert_eq!(told(&mut line).await, not_taken);
    arrives(&mut line, &far, &ports.sender).await;
    assert!(!lost(&line), "{:?}", line.said);
    // What came with it in one offer is there, and what is not taken is in no later one.
    far.take_seen();
    drop(ports.sender);
    arrives(&mut line, &far, &later).await;
    far.hears("an offer without it", |said| match said {
        FromClient::Offer(offer) => offer.tracks.iter().map(|track| &*track.track).eq(["camera", "later"]),
        _ => false,
    })
    .await;

    far.order(Order::Close);
    line.until("the loss", |event| matches!(event, Event::PlaneLost(..))).await;
    let published = [shared, added];
    let resume = Plan::Resume { key: line.key(), restart_ice: true };
    let request = with(again(resume, 2, &first, key()), &published);
    request.media.gate.open();
    let mut resumed = Line::joined(&transport, request).await;
    line.connection.close();
    assert_eq!(told_or_before(&mut resumed).await, not_taken);
    arrives(&mut resumed, &far, &later).await;
    assert!(!lost(&resumed), "{:?}", resumed.said);

    let request = with(again(Plan::Rejoin { key: Some(resumed.key()) }, 3, &first, key()), &published);
    request.media.gate.open();
    let mut rejoined = Line::joined(&transport, request).await;
    resumed.connection.close();
    assert_eq!(told_or_before(&mut rejoined).await, not_taken);
    arrives(&mut rejoined, &far, &later).await;
    assert!(!lost(&rejoined), "{:?}", rejoined.said);

    let mut request = with(again(Plan::Migrate { key: Some(rejoined.key()) }, 4, &first, key()), &published);
    request.target = Some(Target { url: Some(second.hostile.url()), ticket: Some(Secret::new("t")) });
    request.media.gate.open();
    let mut moved = Line::joined(&transport, request).await;
    rejoined.connection.close();
    assert_eq!(told_or_before(&mut moved).await, []);
    arrives(&mut moved, &second, &screen).await;
    arrives(&mut moved, &second, &later).await;
    assert!(!lost(&moved), "{:?}", moved.said);
    moved.connection.close();
    moved.finish().await;
}

/// As [`told`], also where it was said before it was waited for.
async fn told_or_before(line: &mut Line) -> Vec<UntakenTrack> {
    let before = line.said.iter().rev().find_map(|event| match event {
        Event::Content(Content::Untaken(tracks)) => Some(tracks.clone()),
        _ => None,
    });
    match before {
        Some(tracks) => tracks,
        None => told(line).await,
    }
}

/// F41, F60: as a codec that is not taken, a section that the answer refuses (RFC 3264 section 6).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_section_that_is_refused_costs_its_track_and_nothing_else() {
    let far = Steered::taking(Takes { codecs: None, refused: Some(Kind::Audio) }).await;
    let transport = WebRtc::new(far.hostile.url());
    let ports = ports();
    let (_sound, voice) = track(Codec::Opus, "voice");
    let refused = [untaken("voice", Codec::Opus, Untaken::Section)];

    let mut line = Line::dial(&transport, with(ports.on(join(key())), std::slice::from_ref(&voice)));
    assert_eq!(told(&mut line).await, refused);
    line.until("the refusal", |event| {
        matches!(event, Event::Refused { code: RefusedCode::TrackNotTaken, .. })
    })
    .await;
    line.finish().await;

    let first = join(key());
    let request = DialRequest { instance: first.instance, ..ports.on(join(key())) };
    let mut line = Line::joined(&transport, request).await;
    let both = vec![voice, ports.track.clone()];
    line.connection.act(Action::Publish(both.clone())).expect("room");
    assert_eq!(told(&mut line).await, refused);
    arrives(&mut line, &far, &ports.sender).await;

    let mut request = again(Plan::Rejoin { key: Some(line.key()) }, 2, &first, key());
    request.media.publish = both;
    request.media.gate.open();
    let mut rejoined = Line::joined(&transport, request).await;
    line.connection.close();
    assert_eq!(told_or_before(&mut rejoined).await, refused);
    arrives(&mut rejoined, &far, &ports.sender).await;
    assert!(!lost(&line) && !lost(&rejoined), "{:?} {:?}", line.said, rejoined.said);
    rejoined.connection.close();
    rejoined.finish().await;
}

/// F60: taken back and published in another codec under the same name, it is another track; what was not
/// taken is said to be no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_taken_can_be_published_in_another_codec() {
    let far = h264_only().await;
    let ports = ports();
    let mut line = Line::joined(&WebRtc::new(far.hostile.url()), ports.on(join(key()))).await;
    let (_vp8, shared) = track(Codec::Vp8, "screen");
    line.connection.act(Action::Publish(vec![ports.track.clone(), shared])).expect("room");
    assert_eq!(told(&mut line).await, [untaken("screen", Codec::Vp8, Untaken::Codec)]);
    let (h264, shared) = track(Codec::H264, "screen");
    line.connection.act(Action::Publish(vec![ports.track.clone(), shared])).expect("room");
    assert_eq!(told(&mut line).await, []);
    drop(ports.sender);
    arrives(&mut line, &far, &h264).await;
    assert!(!lost(&line), "{:?}", line.said);
    line.connection.close();
    line.finish().await;
}

/// F60: what is published after the offer of a dial was made has no section in it, which is no refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_while_a_dial_is_under_way_is_offered_after_it() {
    let far = h264_only().await;
    let ports = ports();
    let mut line = Line::dial(&WebRtc::new(far.hostile.url()), ports.on(join(key())));
    let (later, added) = track(Codec::H264, "later");
    line.connection.act(Action::Publish(vec![ports.track.clone(), added])).expect("room");
    line.carried().await;
    drop(ports.sender);
    arrives(&mut line, &far, &later).await;
    let untaken =
        |event: &Event| matches!(event, Event::Content(Content::Untaken(_)) | Event::Refused { .. });
    assert!(!line.said.iter().any(untaken) && !lost(&line), "{:?}", line.said);
    line.connection.close();
    line.finish().await;
}
