//! Hostile, early, late and rewritten candidates.

use super::*;

fn line(port: u16) -> String {
    format!("candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host")
}

fn of(ufrag: &str, port: u16) -> RemoteCandidate {
    RemoteCandidate { candidate: line(port), mid: None, ufrag: Some(ufrag.into()) }
}

#[test]
fn a_generation_takes_eight_candidates_and_counts_the_rest() {
    let mut candidates = RemoteCandidates::new(8, None);
    candidates.enter("a");
    for port in 1000..1050 {
        candidates.take(of("a", port)).expect("well formed");
    }
    assert_eq!(candidates.counts(), CandidateCounts { used: 8, over_limit: 42, ..Default::default() });
}

#[test]
fn a_coming_generation_is_held_and_a_past_one_dropped() {
    let mut candidates = RemoteCandidates::new(8, None);
    assert_eq!(candidates.take(of("b", 1)), Ok(Taken::Nothing), "nothing is known yet");
    assert_eq!(candidates.enter("a"), Vec::<String>::new());
    assert_eq!(candidates.enter("b"), [line(1)]);
    assert_eq!(candidates.take(of("a", 2)), Ok(Taken::Nothing));
    assert_eq!(candidates.counts().out_of_turn, 1);
    for port in 0..100 {
        candidates.take(of("c", 3000 + port)).expect("well formed");
    }
    assert_eq!(candidates.counts().out_of_turn, 1 + 36, "64 are held");
}

#[test]
fn tcp_names_and_useless_addresses_are_counted_not_used() {
    let mut candidates = RemoteCandidates::new(8, None);
    candidates.enter("a");
    for text in [
        "candidate:1 1 tcp 1 127.0.0.1 9 typ host tcptype active",
        "candidate:1 1 udp 1 b8f1c2.local 4000 typ host",
        "candidate:1 1 udp 1 0.0.0.0 4000 typ host",
        "candidate:1 1 udp 1 224.0.0.1 4000 typ host",
        "candidate:1 1 udp 1 127.0.0.1 0 typ host",
        "candidate:1 2 udp 1 127.0.0.1 4000 typ host",
    ] {
        assert_eq!(candidates.of_current(text), Ok(Taken::Nothing), "{text}");
    }
    assert_eq!(candidates.counts().unusable, 6);
}

#[test]
fn garbage_is_an_error_and_never_a_panic() {
    let mut candidates = RemoteCandidates::new(8, None);
    candidates.enter("a");
    let long = "x".repeat(10_000);
    for text in ["x", "candidate:", "candidate:1 1 udp x 1 2 typ host", "1 1 udp 1 h 99999 typ host", &long] {
        let candidate = RemoteCandidate { candidate: text.into(), mid: None, ufrag: None };
        assert!(matches!(candidates.take(candidate), Err(PeerError::BadCandidate(_))), "{text}");
    }
}

#[test]
fn the_map_decides_where_packets_go() {
    struct Relay;
    impl UdpMap for Relay {
        fn remote(&self, candidate: SocketAddr) -> Option<SocketAddr> {
            (candidate.port() == 4000).then(|| SocketAddr::from(([127, 0, 0, 1], 5000)))
        }
    }
    let mut candidates = RemoteCandidates::new(8, Some(Arc::new(Relay)));
    candidates.enter("a");
    assert_eq!(candidates.of_current(&line(4000)), Ok(Taken::Use(line(5000))));
    assert_eq!(candidates.of_current(&line(4001)), Ok(Taken::Nothing));
    assert_eq!(candidates.counts().unusable, 1);
}
