//! Descriptions are read without panic, and rewritten line by line.

use super::*;

const LOCAL: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\na=group:BUNDLE 0 1 2\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 125 96\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=fingerprint:sha-256 \
AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA\r\n\
a=rtpmap:125 H264/90000\r\na=rtpmap:96 VP8/90000\r\na=sendrecv\r\n\
a=candidate:1 1 udp 2130706431 127.0.0.1 4000 typ host\r\n\
m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:1\r\na=inactive\r\n\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:2\r\n";

#[test]
fn sections_tell_direction_and_codecs_and_leave_refused_ones_out() {
    let sections = sections(LOCAL);
    assert_eq!(
        sections,
        [Section {
            mid: "0".into(),
            kind: Kind::Video,
            sends: true,
            receives: true,
            codecs: vec![Codec::H264, Codec::Vp8]
        }]
    );
}

#[test]
fn candidates_can_be_changed_and_dropped_without_touching_the_rest() {
    let without = filter_candidates(LOCAL, |_| None);
    assert!(!without.contains("candidate"));
    assert_eq!(lines(&without).count() + 1, lines(LOCAL).count());
    let same = filter_candidates(LOCAL, |line| Some(line.to_owned()));
    assert_eq!(same, LOCAL);
}

#[test]
fn what_is_no_description_is_refused_with_a_reason() {
    for bad in ["", "x", "v=0", "v=0\r\na=ice-ufrag:\r\n", "v=0\r\na=ice-ufrag:abcd\r\n"] {
        assert!(matches!(check(bad, false), Err(PeerError::BadDescription(_))), "{bad:?}");
    }
    let long = format!("v=0\r\n{}", "a=x\r\n".repeat(MAX_SDP));
    assert!(check(&long, false).is_err());
    let many = format!("{LOCAL}{}", "m=video 9 x 1\r\n".repeat(MAX_SECTIONS));
    assert!(check(&many, false).is_err());
    assert_eq!(check(LOCAL, true), Ok(()));
    for weak in ["sha-1 ", "sha-512 ", "md5 ", ""] {
        assert!(check(&LOCAL.replace("sha-256 ", weak), false).is_err(), "{weak}");
    }
    let offer = format!("{LOCAL}a=setup:actpass\r\n");
    assert_eq!((check(&offer, false).is_ok(), check(&offer, true).is_ok()), (true, false));
}
