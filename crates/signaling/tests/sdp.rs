//! The light checks on descriptions and candidates: what is refused, and what passes although odd
//! (S5, S6, S20; G5 pion/sdp#13, G10 webrtc-sdk/libwebrtc#92, G11 algesten/str0m#164).
#![allow(clippy::unwrap_used, clippy::panic)] // helpers of tests, too, stop at the first surprise

use offhook_signaling::address::{AddressClass, AddressPolicy, AddressRefused};
use offhook_signaling::sdp::{
    CandidateAddress, CandidateError, CandidateGate, CandidateKind, SdpError, Trickled, check_candidate,
    check_sdp,
};
use offhook_signaling::{Candidate, examples, limits};
use proptest::prelude::*;

#[test]
fn a_usual_description_passes_and_tells_its_ufrags_mids_and_sections() {
    let facts = check_sdp(examples::SDP).unwrap();
    assert_eq!((facts.ufrags, facts.sections, facts.candidates), (vec!["F7gI".to_owned()], 2, 0));
    assert_eq!(facts.mids, ["0", "1"]);
}

/// G11: what munged and foreign stacks write.
#[test]
fn odd_but_harmless_descriptions_pass() {
    let sdp = examples::SDP;
    let unix = sdp.replace("\r\n", "\n");
    let session_level = sdp.to_owned() + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n";
    let long_pwd = sdp.replace("x9cml/YzichV2+XlhiMu8g==", &"p".repeat(200));
    let rejected = sdp.to_owned() + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:2\r\n";
    let unknown = sdp.to_owned() + "a=x-made-up:\tvalue\r\nb=AS:2000\r\n";
    let lower = sdp.replace("19:E2:1C", "19:e2:1c");
    let per_section = {
        let (head, tail) = sdp.split_once("a=fingerprint").unwrap();
        let (keys, sections) = tail.split_once("a=ice-options:trickle\r\n").unwrap();
        let keys = format!("a=fingerprint{keys}");
        head.to_owned() + &sections.replace("a=setup", &format!("{keys}a=setup"))
    };
    for sdp in [unix, session_level, long_pwd, rejected, unknown, lower, per_section] {
        assert!(check_sdp(&sdp).is_ok(), "{:?}\n{sdp}", check_sdp(&sdp));
    }
}

/// G10: nothing, one byte, too much.
#[test]
fn descriptions_that_are_empty_oversize_or_not_sdp_are_typed_errors() {
    assert_eq!(check_sdp(""), Err(SdpError::Empty));
    assert_eq!(check_sdp("v"), Err(SdpError::NotSdp { line: 1 }));
    assert_eq!(check_sdp("v=1\r\n"), Err(SdpError::NoVersion));
    assert_eq!(check_sdp("v=0\r\n"), Err(SdpError::NoSection));
    assert_eq!(check_sdp("v=0\r\n\r\nm=x"), Err(SdpError::NotSdp { line: 2 }));
    assert_eq!(check_sdp("v=0\r\ns=a\rb\r\n"), Err(SdpError::NotSdp { line: 2 }));
    assert_eq!(check_sdp("v=0\r\ns=a\0b\r\n"), Err(SdpError::NotSdp { line: 2 }));
    let long = format!("v=0\r\ns={}\r\n", "x".repeat(limits::SDP_LINE_BYTES));
    assert_eq!(check_sdp(&long), Err(SdpError::Line { line: 2 }));
    assert_eq!(check_sdp(&"v=0\n".repeat(2001)), Err(SdpError::Line { line: 2001 }));
    let large = "v".repeat(limits::SDP_BYTES + 1);
    assert_eq!(
        check_sdp(&large),
        Err(SdpError::TooLarge { len: limits::SDP_BYTES + 1, limit: limits::SDP_BYTES })
    );
    let sections = "m=audio 9 X 0\r\n".repeat(65);
    let many = examples::SDP.to_owned() + &sections;
    assert_eq!(check_sdp(&many), Err(SdpError::TooManySections { limit: 64 }));
}

/// S5 (pion/webrtc#1708, elixir-webrtc/ex_webrtc#249): a description without a fingerprint never
/// reaches a stack that might take it.
#[test]
fn a_used_section_without_fingerprint_or_ice_credentials_is_refused() {
    let without = |prefix: &str| -> String {
        examples::SDP.split_inclusive("\r\n").filter(|line| !line.starts_with(prefix)).collect()
    };
    assert_eq!(check_sdp(&without("a=fingerprint")), Err(SdpError::NoFingerprint));
    assert_eq!(check_sdp(&without("a=ice-ufrag")), Err(SdpError::NoIce));
    assert_eq!(check_sdp(&without("a=ice-pwd")), Err(SdpError::NoIce));
    let changed = |from: &str, to: &str| check_sdp(&examples::SDP.replace(from, to));
    assert!(matches!(changed("19:E2", "19:G2"), Err(SdpError::Malformed { .. })));
    assert!(matches!(changed("sha-256 19", "19"), Err(SdpError::Malformed { .. })));
    assert!(matches!(changed("ufrag:F7gI", "ufrag:F 7I"), Err(SdpError::Malformed { .. })));
    assert!(matches!(changed("a=mid:0", "a=mid:"), Err(SdpError::Malformed { .. })));
}

#[test]
fn a_bundle_only_section_is_in_use_although_its_port_is_zero() {
    let base = examples::SDP.split_once("m=video").unwrap().0;
    let head: String = base.split_inclusive("\r\n").filter(|l| !l.starts_with("a=finger")).collect();
    assert!(check_sdp(&(head.clone() + "m=audio 0 X 0\r\n")).is_ok());
    let live = head + "m=audio 0 X 0\r\na=bundle-only\r\n";
    assert_eq!(check_sdp(&live), Err(SdpError::NoFingerprint));
}

#[test]
fn candidates_are_read_in_every_form_that_stacks_write() {
    let public = AddressPolicy::STRICT;
    let line = "candidate:842163049 1 udp 1677729535 198.51.42.7 46154 typ srflx raddr 10.0.0.17 rport 46154 generation 0 ufrag EEtu network-cost 999";
    for line in [line.to_owned(), format!("a={line}"), line.replacen("candidate:", "", 1)] {
        let facts = check_candidate(&line, public).unwrap();
        assert_eq!(facts.address, CandidateAddress::Ip("198.51.42.7".parse().unwrap()));
        assert_eq!((facts.port, facts.tcp, facts.kind), (46154, false, CandidateKind::ServerReflexive));
    }
    let tcp = "candidate:1 1 TCP 1 2606:4700::1 9 typ host tcptype active";
    assert!(check_candidate(tcp, public).unwrap().tcp);
    let mdns = "candidate:1 1 udp 1 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 50000 typ host";
    assert!(matches!(check_candidate(mdns, public).unwrap().address, CandidateAddress::Mdns(_)));
}

#[test]
fn hostile_candidates_are_typed_errors() {
    let check = |line: &str| check_candidate(line, AddressPolicy::STRICT);
    let refused = |class| Err(CandidateError::Address(AddressRefused { class }));
    let to = |address: &str| check(&format!("candidate:1 1 udp 1 {address} 9 typ host"));
    assert_eq!(check(""), Err(CandidateError::Empty));
    assert_eq!(check("candidate:"), Err(CandidateError::Empty));
    assert_eq!(check("candidate: "), Err(CandidateError::Empty));
    assert_eq!(check("candidate:1 1 udp 1 1.1.1.1 9 typ"), Err(CandidateError::Malformed));
    assert_eq!(check("candidate:1 1 udp 1 1.1.1.1 9 typ host\r\na=x"), Err(CandidateError::Malformed));
    assert_eq!(check("candidate:1 1 udp 1 1.1.1.1 99999 typ host"), Err(CandidateError::Malformed));
    assert_eq!(check("candidate:1 1 sctp 1 1.1.1.1 9 typ host"), Err(CandidateError::Transport));
    assert_eq!(to("evil.example.org"), Err(CandidateError::Name));
    assert_eq!(to("localhost"), Err(CandidateError::Name));
    assert_eq!(to("2130706433"), Err(CandidateError::Name));
    assert_eq!(to("a.b.local"), Err(CandidateError::Name));
    assert_eq!(to("127.0.0.1"), refused(AddressClass::Loopback));
    assert_eq!(to("::ffff:127.0.0.1"), refused(AddressClass::Loopback));
    assert_eq!(to("169.254.169.254"), refused(AddressClass::Metadata));
    assert_eq!(to("224.0.0.1"), refused(AddressClass::Unusable));
    let long = format!("candidate:1 1 udp 1 1.1.1.1 9 typ host {}", "x".repeat(512));
    assert!(matches!(check(&long), Err(CandidateError::TooLong { .. })));
}

fn candidate(ufrag: &str) -> Candidate {
    Candidate { ufrag: ufrag.to_owned(), mid: "0".to_owned(), candidate: examples::CANDIDATE.to_owned() }
}

/// S20: an offer with fifty hostile candidates.
#[test]
fn of_fifty_candidates_of_one_ufrag_eight_are_used() {
    let mut gate = CandidateGate::default();
    gate.described("abcd", 3);
    let used = (0..50).filter(|_| matches!(gate.take(candidate("abcd")), Trickled::Use(_))).count();
    assert_eq!((used, gate.dropped()), (5, 45));
    gate.described("efgh", 0);
    assert!(matches!(gate.take(candidate("efgh")), Trickled::Use(_)), "a restart has its own eight");
}

/// G4 (pion/webrtc#1234): a candidate before its description is held, in any order.
#[test]
fn candidates_of_a_future_ufrag_are_held_and_those_of_a_past_one_dropped() {
    let mut gate = CandidateGate::default();
    assert_eq!(gate.take(candidate("next")), Trickled::Held);
    gate.described("past", 0);
    assert_eq!(gate.take(candidate("next")), Trickled::Held);
    assert_eq!(gate.described("next", 0).len(), 2);
    assert_eq!(gate.take(candidate("past")), Trickled::Dropped);
    for _ in 0..limits::CANDIDATES_HELD {
        assert_eq!(gate.take(candidate("later")), Trickled::Held);
    }
    assert_eq!(gate.take(candidate("later")), Trickled::Dropped, "what is held is bounded");
    assert_eq!(gate.described("later", 0).len(), limits::CANDIDATES_PER_UFRAG);
}

fn config() -> ProptestConfig {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../proptest-regressions/signaling-sdp.txt");
    let persistence = proptest::test_runner::FileFailurePersistence::Direct(path);
    ProptestConfig { failure_persistence: Some(Box::new(persistence)), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    /// G5: a description damaged anywhere is judged, not crashed on; what passes holds the promise.
    #[test]
    fn a_damaged_description_never_panics_and_never_passes_unprotected(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), ".{0,3}"), 1..8)
    ) {
        let mut sdp: Vec<char> = examples::SDP.chars().collect();
        for (index, with) in cuts {
            let at = index.index(sdp.len());
            sdp.splice(at..at + 1, with.chars());
            if sdp.is_empty() { break; }
        }
        let sdp: String = sdp.into_iter().collect();
        if let Ok(facts) = check_sdp(&sdp) {
            prop_assert!(sdp.contains("fingerprint:") || sdp.contains("m=video 0"));
            prop_assert!(facts.sections >= 1 && facts.sections <= limits::SDP_SECTIONS);
        }
    }
}
