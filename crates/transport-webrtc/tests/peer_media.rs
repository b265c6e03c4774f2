//! Media: bit-exact, gated, repaired by key frames, never shared.

mod peer_common;

use offhook_transport::media::{Codec, EncodedFrame, Gate};
use offhook_transport_webrtc::peer::{PeerError, PeerEvent, RtpPacket};
use peer_common::*;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// Real pictures, paced a little faster than life: what arrives is what was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h264_frames_arrive_bit_exact_with_their_times() {
    let mut config = answerer();
    let mut viewer = viewer(&mut config);
    let (mut a, mut b) = pair(offerer(), config).await;
    let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
    let frames = clip();
    assert!(frames.len() > 100 && frames[0].key, "{} frames", frames.len());
    let sent = frames.clone();
    let feed = tokio::spawn(async move {
        for frame in sent {
            sender.try_send(frame);
            sleep(Duration::from_millis(5)).await;
        }
        sender
    });
    for (number, expected) in frames.iter().enumerate() {
        let got = timeout(PATIENCE, viewer.video.next()).await.expect("in time").expect("not closed");
        assert_eq!(got.data, expected.data, "frame {number}");
        assert_eq!((got.pts, got.key), (expected.pts, expected.key), "frame {number}");
    }
    feed.await.expect("fed");
    let added = b.until("track", |event| matches!(event, PeerEvent::TrackAdded { .. })).await;
    assert!(matches!(added, PeerEvent::TrackAdded { codec: Codec::H264, .. }));
    let stats = b.peer.stats().await.expect("open");
    let inbound = stats.streams.iter().find(|stream| stream.inbound).expect("an inbound stream");
    assert_eq!(inbound.frames, frames.len() as u64);
    assert!(inbound.packets > 200 && inbound.bytes > 100_000, "{inbound:?}");
    let stats = a.peer.stats().await.expect("open");
    let outbound = stats.streams.iter().find(|stream| !stream.inbound).expect("an outbound stream");
    assert_eq!(outbound.frames, frames.len() as u64);
    assert!(stats.bytes_sent > 100_000 && stats.round_trip_time.is_some(), "{stats:?}");
    a.until("answered check", |event| *event == PeerEvent::PathAnswered).await;
}

/// The far side's wish for a key frame reaches the source (PLI, both halves).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_viewers_wish_for_a_key_frame_reaches_the_source() {
    let mut config = answerer();
    let mut viewer = viewer(&mut config);
    let (a, b) = pair(offerer(), config).await;
    let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
    sender.key_frame_wanted();
    sender.try_send(picture(0, true, 500));
    timeout(PATIENCE, viewer.video.next()).await.expect("in time").expect("a frame");
    while sender.key_frame_wanted() {}
    viewer.video.want_key_frame();
    until(|| sender.key_frame_wanted()).await;
    b.peer.request_key_frame("0");
    until(|| sender.key_frame_wanted()).await;
}

/// F-leave: once the gate is shut not one more packet leaves, whatever is queued.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shut_gate_lets_nothing_through_any_more() {
    let mut config = answerer();
    let (packets, mut arrived) = mpsc::channel::<RtpPacket>(4096);
    config.intake.packets = Some(Arc::new(move |_: &str, packet: &RtpPacket| {
        let _ = packets.try_send(packet.clone());
    }));
    let gate = open_gate();
    let mut from = offerer();
    from.gate = gate.clone();
    let (a, b) = pair(from, config).await;
    let (sender, _sending) = publish(&a.peer, Codec::H264, gate.clone()).await;
    for number in 0..20 {
        sender.try_send(picture(number, number == 0, 8_000));
        sleep(Duration::from_millis(3)).await;
    }
    arrived.recv().await.expect("media flows");
    gate.close();
    // Data goes the same way and behind it: with it, whatever was sent before has arrived.
    let mut b = b;
    told(&a, &mut b).await;
    while arrived.try_recv().is_ok() {}
    for number in 20..40 {
        sender.try_send(picture(number, true, 8_000));
        told(&a, &mut b).await;
    }
    assert!(arrived.try_recv().is_err(), "a packet came after the gate was shut");
    assert!(a.peer.is_connected());
}

async fn told(from: &End, to: &mut End) {
    from.peer.send_data(b"mark", true).await.expect("data is not media");
    to.until("mark", |event| matches!(event, PeerEvent::Data { .. })).await;
}

/// Every connection has a track of its own, so a second does not silence the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_published_track_feeds_two_connections_and_outlives_the_first() {
    let (mut first_in, mut second_in) = (answerer(), answerer());
    let (mut first_view, mut second_view) = (viewer(&mut first_in), viewer(&mut second_in));
    let (a1, b1) = pair(offerer(), first_in).await;
    let (a2, _b2) = pair(offerer(), second_in).await;
    let (sender, track) = offhook_transport::media::local(offhook_transport::media::TrackSpec {
        codec: Codec::H264,
        label: "camera".into(),
    });
    let _first = a1.peer.send_track("0", track.tap(), open_gate()).await.expect("a section");
    let _second = a2.peer.send_track("0", track.tap(), open_gate()).await.expect("a section");
    let again = a1.peer.send_track("0", track.tap(), open_gate()).await.map(drop);
    assert_eq!(again, Err(PeerError::NoSuchSection("0".into())), "one source per section");
    for number in 0..5 {
        sender.try_send(picture(number, true, 3_000));
        for view in [&mut first_view, &mut second_view] {
            let got = timeout(PATIENCE, view.video.next()).await.expect("in time").expect("a frame");
            assert_eq!(got.data, picture(number, true, 3_000).data);
        }
    }
    a1.peer.close().await;
    b1.peer.close().await;
    sender.try_send(picture(9, true, 3_000));
    let got = timeout(PATIENCE, second_view.video.next()).await.expect("in time").expect("a frame");
    assert_eq!(got.data, picture(9, true, 3_000).data);
}

/// VP8 and Opus pass through; a source that is replaced goes on with the same clock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn vp8_and_opus_pass_through_and_a_source_can_be_replaced() {
    use offhook_transport::media::{Kind, Remote};
    use offhook_transport_webrtc::peer::{Direction, SectionSpec};
    let mut from = offerer();
    from.sections.push(SectionSpec { kind: Kind::Audio, direction: Direction::SendRecv });
    let mut config = answerer();
    let remote = Remote::new();
    remote.switch_to(offhook_transport::Epoch(1));
    config.intake.sink = Some(remote.sink(offhook_transport::Epoch(1)));
    let (mut video, mut audio) = (remote.receiver(Kind::Video), remote.receiver(Kind::Audio));
    let (a, _b) = pair(from, config).await;
    let frame = |codec, size: usize, number: u32, key: bool| EncodedFrame {
        codec,
        // A VP8 key frame has an even first byte.
        data: (0..size).map(|at| if at == 0 { u8::from(!key) } else { (at % 251) as u8 }).collect(),
        pts: Duration::from_millis(20) * number,
        key,
    };
    let (sound, _sound_out) = publish(&a.peer, Codec::Opus, open_gate()).await;
    for round in 0..2 {
        let (sender, sending) = publish(&a.peer, Codec::Vp8, open_gate()).await;
        for number in 0..3 {
            let picture = frame(Codec::Vp8, 4_000, number, number == 0);
            sender.try_send(picture.clone());
            sound.try_send(frame(Codec::Opus, 80, round * 3 + number, true));
            let got = timeout(PATIENCE, video.next()).await.expect("in time").expect("a frame");
            assert_eq!((got.data, got.key, got.codec), (picture.data, picture.key, Codec::Vp8));
            let got = timeout(PATIENCE, audio.next()).await.expect("in time").expect("a packet");
            assert_eq!(got.data.len(), 80);
        }
        drop(sending);
        until(|| !sender.is_tapped()).await;
    }
}

/// Forwarding: packets of one peer go out on another, with that leg's numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forwarded_packets_make_the_same_frames_at_the_next_hop() {
    let (packets, mut arrived) = mpsc::channel::<RtpPacket>(4096);
    let mut middle_in = answerer();
    middle_in.intake.packets = Some(Arc::new(move |_: &str, packet: &RtpPacket| {
        let _ = packets.try_send(packet.clone());
    }));
    let (a, _middle_a) = pair(offerer(), middle_in).await;
    let mut viewer_config = offerer();
    let mut view = viewer(&mut viewer_config);
    let (_c, middle_c) = pair(viewer_config, answerer()).await;
    let mut out = middle_c.peer.rtp_out("0").await.expect("a section");
    let forward = tokio::spawn(async move {
        while let Some(packet) = arrived.recv().await {
            assert!(out.forward(&packet).await, "it is connected and there is room");
        }
    });
    let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
    for number in 0..10 {
        let frame = picture(number, number == 0, 5_000);
        sender.try_send(frame.clone());
        let got = timeout(PATIENCE, view.video.next()).await.expect("in time").expect("a frame");
        assert_eq!(got.data, frame.data, "frame {number}");
    }
    forward.abort();
}

/// Muted from the start: nothing, then from the first key frame after it was opened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opened_gate_begins_with_a_key_frame_it_asks_for() {
    let mut config = answerer();
    let mut viewer = viewer(&mut config);
    let (a, _b) = pair(offerer(), config).await;
    let gate = Gate::new();
    let (sender, _sending) = publish(&a.peer, Codec::H264, gate.clone()).await;
    for number in 0..5 {
        sender.try_send(picture(number, number == 0, 500));
        sleep(Duration::from_millis(2)).await;
    }
    gate.open();
    while sender.key_frame_wanted() {}
    let mut number = 5;
    until(|| {
        number += 1;
        sender.try_send(picture(number, false, 500));
        sender.key_frame_wanted()
    })
    .await;
    sender.try_send(picture(99, true, 700));
    let got = timeout(PATIENCE, viewer.video.next()).await.expect("in time").expect("a frame");
    assert_eq!(got.data, picture(99, true, 700).data);
}

async fn until(mut fact: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !fact() {
        assert!(begin.elapsed() < PATIENCE, "it never came true");
        sleep(Duration::from_millis(2)).await;
    }
}
