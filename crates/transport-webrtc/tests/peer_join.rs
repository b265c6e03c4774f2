//! Joining: in which order, with which sections, and what is refused.

mod peer_common;

use offhook_transport::media::{Codec, Kind};
use offhook_transport_webrtc::peer::{Direction, PeerError, PeerEvent, SectionSpec};
use peer_common::*;

#[tokio::test]
async fn facts_come_in_the_order_of_the_layers() {
    let (mut a, mut b) = (End::open(offerer()).await, End::open(answerer()).await);
    negotiate(&a.peer, &b.peer, false).await;
    for end in [&mut a, &mut b] {
        end.data_open().await;
        let place = |what: &PeerEvent| end.seen.iter().position(|seen| seen == what);
        let layers = [PeerEvent::IceConnected, PeerEvent::Connected, PeerEvent::DataOpen];
        let places: Vec<_> = layers.iter().map(place).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{:?}", end.seen);
        assert!(end.peer.is_connected());
    }
}

#[tokio::test]
async fn data_goes_both_ways_and_too_much_is_refused() {
    let (mut a, mut b) = pair(offerer(), answerer()).await;
    a.peer.send_data(b"hello", true).await.expect("it is open");
    b.peer.send_data(&[0, 159, 146, 150], false).await.expect("it is open");
    let got = b.until("text", |event| matches!(event, PeerEvent::Data { .. })).await;
    assert_eq!(got, PeerEvent::Data { payload: "hello".into(), text: true });
    let got = a.until("bytes", |event| matches!(event, PeerEvent::Data { .. })).await;
    assert_eq!(got, PeerEvent::Data { payload: vec![0, 159, 146, 150].into(), text: false });
    let long = vec![1; 64 * 1024 + 1];
    assert_eq!(a.peer.send_data(&long, false).await, Err(PeerError::DataTooMuch { limit: 64 * 1024 }));
}

#[tokio::test]
async fn a_viewer_with_sound_gets_sections_it_only_receives_on() {
    let mut config = offerer();
    config.sections = vec![
        SectionSpec { kind: Kind::Video, direction: Direction::RecvOnly },
        SectionSpec { kind: Kind::Audio, direction: Direction::SendRecv },
    ];
    let (a, b) = pair(config, answerer()).await;
    let mine: Vec<_> = a.peer.sections().await.iter().map(|s| (s.kind, s.sends, s.receives)).collect();
    assert_eq!(mine, [(Kind::Video, false, true), (Kind::Audio, true, true)]);
    let theirs: Vec<_> = b.peer.sections().await.iter().map(|s| (s.kind, s.sends, s.receives)).collect();
    assert_eq!(theirs, [(Kind::Video, true, false), (Kind::Audio, true, true)]);
    // One more section in a later offer (`need_sections`).
    a.peer
        .add_section(SectionSpec { kind: Kind::Video, direction: Direction::RecvOnly })
        .await
        .expect("open");
    negotiate(&a.peer, &b.peer, false).await;
    assert_eq!(b.peer.sections().await.iter().filter(|s| s.kind == Kind::Video && s.sends).count(), 2);
}

#[tokio::test]
async fn an_open_offer_can_be_taken_back_and_made_again() {
    let (mut a, mut b) = (End::open(offerer()).await, End::open(answerer()).await);
    a.peer.create_offer(false).await.expect("an offer");
    a.peer.rollback().await.expect("an offer that was not applied is forgotten");
    assert!(!a.peer.has_open_offer().await);
    assert!(matches!(a.peer.apply_offer().await, Err(PeerError::OutOfOrder(_))));
    a.peer.offer(false).await.expect("an offer");
    assert!(matches!(a.peer.create_offer(false).await, Err(PeerError::OutOfOrder(_))));
    a.peer.rollback().await.expect("an applied offer is rolled back");
    negotiate(&a.peer, &b.peer, false).await;
    a.data_open().await;
    b.data_open().await;
}

#[tokio::test]
async fn garbage_in_descriptions_is_an_error_and_the_peer_lives_on() {
    let (mut a, mut b) = (End::open(offerer()).await, End::open(answerer()).await);
    let offer = a.peer.offer(false).await.expect("an offer");
    let huge = format!("{offer}{}", "a=x:y\r\n".repeat(10_000));
    let mangled = offer.replace("a=mid:", "a=dim:");
    let cut = &offer[..offer.len() / 2];
    let no_codec = offer.replace("H264", "H26X").replace("VP8", "VPX");
    for bad in ["", "v", "v=0", &huge, &mangled, "v=0\r\na=ice-ufrag:x\r\na=fingerprint:y\r\nm=\r\n"] {
        let refused = b.peer.answer(bad).await;
        assert!(matches!(refused, Err(PeerError::BadDescription(_))), "{:.40}: {refused:?}", bad);
    }
    // These may be taken or refused, by what the engine makes of them; they must not panic.
    for odd in [cut, &no_codec] {
        let mut other = End::open(answerer()).await;
        let _ = other.peer.answer(odd).await;
        other.peer.close().await;
        assert_eq!(drain(&mut other).await, 0, "nothing broke");
    }
    for bad in ["", "v=0", &offer.replace("sha-256", "sha-999")] {
        let refused = a.peer.accept_answer(bad).await;
        assert!(refused.is_err(), "{:.40}", bad);
    }
    let answer = b.peer.answer(&offer).await.expect("still usable");
    a.peer.accept_answer(&answer).await.expect("still usable");
    a.data_open().await;
    b.data_open().await;
}

async fn drain(end: &mut End) -> usize {
    let mut broken = 0;
    while let Some(event) = end.events.next().await {
        broken += usize::from(matches!(event, PeerEvent::Broken(_)));
    }
    broken
}

/// An offer shaped as a browser makes it: numbers of its own, codecs we do not speak,
/// retransmission formats, a name instead of an address.
#[tokio::test]
async fn a_browsers_offer_is_answered_with_its_own_numbers() {
    let fingerprint = ["5A"; 32].join(":");
    let offer = [
        "v=0",
        "o=- 4611731400430051336 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=extmap-allow-mixed",
        "a=msid-semantic: WMS cam",
        "m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104 109 114 39",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        "a=ice-ufrag:Zx9k",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=ice-options:trickle",
        &format!("a=fingerprint:sha-256 {fingerprint}"),
        "a=setup:actpass",
        "a=mid:0",
        "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
        "a=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid",
        "a=sendrecv",
        "a=msid:cam track",
        "a=rtcp-mux",
        "a=rtcp-rsize",
        "a=rtpmap:96 VP8/90000",
        "a=rtcp-fb:96 nack",
        "a=rtcp-fb:96 nack pli",
        "a=rtpmap:97 rtx/90000",
        "a=fmtp:97 apt=96",
        "a=rtpmap:103 H264/90000",
        "a=rtcp-fb:103 nack pli",
        "a=fmtp:103 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
        "a=rtpmap:104 rtx/90000",
        "a=fmtp:104 apt=103",
        "a=rtpmap:109 H264/90000",
        "a=rtcp-fb:109 nack",
        "a=rtcp-fb:109 nack pli",
        "a=rtcp-fb:109 transport-cc",
        "a=fmtp:109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
        "a=rtpmap:114 rtx/90000",
        "a=fmtp:114 apt=109",
        "a=rtpmap:39 AV1/90000",
        "a=ssrc:1234567 cname:abc",
        "a=ssrc:1234567 msid:cam track",
        "a=candidate:1 1 udp 2113937151 1b2c-33.local 50000 typ host generation 0 ufrag Zx9k",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=ice-ufrag:Zx9k",
        "a=ice-pwd:abcdefghijklmnopqrstuvwx",
        "a=ice-options:trickle",
        &format!("a=fingerprint:sha-256 {fingerprint}"),
        "a=setup:actpass",
        "a=mid:1",
        "a=sctp-port:5000",
        "a=max-message-size:262144",
        "",
    ]
    .join("\r\n");
    let mut config = answerer();
    config.codecs = vec![Codec::H264, Codec::Opus];
    let server = End::open(config).await;
    let answer = server.peer.answer(&offer).await.expect("a browser can join");
    assert!(answer.contains("a=rtpmap:109 H264/90000"), "{answer}");
    assert!(answer.contains("a=extmap:3 ") && answer.contains("a=extmap:9 "), "{answer}");
    for never in ["VP8", "AV1", ":125 ", "actpass"] {
        assert!(!answer.contains(never), "{never} in {answer}");
    }
    assert_eq!(server.peer.candidate_counts().unusable, 1, "the name");
    let section = server.peer.sections().await.remove(0);
    assert!(section.sends && section.receives && section.codecs == [Codec::H264], "{section:?}");
    publish(&server.peer, Codec::H264, open_gate()).await;
    let refused = server.peer.rtp_out("1").await.map(drop);
    assert_eq!(refused, Err(PeerError::NoSuchSection("1".into())), "data is no media section");
}
