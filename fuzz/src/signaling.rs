//! Fuzz targets of the signaling input: frames of either side, session descriptions, candidates, URLs.
//! Each target takes any bytes; a panic or a broken promise is a finding. Seeds are made from the
//! protocol's own examples.

use offhook_signaling::address::{AddressPolicy, Host, check_ice_url, check_target};
use offhook_signaling::sdp::{CandidateAddress, CandidateGate, Trickled, check_candidate, check_sdp};
use offhook_signaling::{
    Candidate, DecodeError, Frame, FromClient, FromServer, IceServer, Message, Offer, Reliability, Sdp,
    SessionSnapshot, decode, encode, examples, limits,
};

/// Any bytes as a frame that a server sent.
pub fn frame_from_server(data: &[u8]) {
    let Some(frame) = frame::<FromServer, FromClient>(data) else { return };
    match &frame.message {
        FromServer::Joined(joined) => {
            ice_servers(&joined.ice_servers);
            joined.answer.iter().for_each(|answer| sdp(&answer.sdp));
            snapshot(&joined.snapshot);
        }
        FromServer::Resumed(resumed) => {
            resumed.answer.iter().for_each(|answer| sdp(&answer.sdp));
            snapshot(&resumed.snapshot);
            let mut ours = Reliability::<FromClient>::new();
            assert_eq!(ours.replay(resumed.last_seen).is_ok(), resumed.last_seen == 0);
        }
        FromServer::Admitted(admitted) => ice_servers(&admitted.ice_servers),
        FromServer::Answer(answer) => sdp(&answer.sdp),
        FromServer::Candidate(candidate) => line(&candidate.candidate),
        FromServer::GoAway(go_away) => go_away.target.iter().for_each(|target| url(target)),
        FromServer::Present(present) => ice_servers(&present.ice_servers),
        FromServer::Accepted(accepted) => ice_servers(&accepted.ice_servers),
        _ => {}
    }
}

/// Any bytes as a frame that a client sent.
pub fn frame_from_client(data: &[u8]) {
    let Some(frame) = frame::<FromClient, FromServer>(data) else { return };
    let offer = |offer: &Option<Offer>| offer.iter().for_each(|offer| sdp(&offer.sdp));
    match &frame.message {
        FromClient::Join(join) => {
            offer(&join.offer);
            let common = offhook_signaling::Versions::OURS.negotiate(join.versions);
            assert_eq!(common.is_ok(), join.versions.contains(offhook_signaling::VERSION));
        }
        FromClient::Resume(resume) => offer(&resume.offer),
        FromClient::Migrate(migrate) => offer(&migrate.offer),
        FromClient::Offer(offer) => sdp(&offer.sdp),
        FromClient::Candidate(candidate) => line(&candidate.candidate),
        _ => {}
    }
}

/// Any text as a session description, and each of its lines as a candidate, an ICE server and a
/// go-away target.
pub fn sdp_and_candidates(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    sdp(&Sdp::new(text.clone()));
    let mut gate = CandidateGate::default();
    let (mut used, mut ufrag) = (0usize, None);
    for text in text.lines() {
        line(text);
        url(text);
        // The same lines drive the sorting of trickled candidates.
        match text.split_once(' ') {
            Some(("described", next)) => {
                used = if ufrag == Some(next) { used } else { 0 };
                ufrag = Some(next);
                used += gate.described(next, 0).len();
            }
            Some(("trickle", of)) => {
                let candidate =
                    Candidate { ufrag: of.to_owned(), mid: "0".to_owned(), candidate: text.to_owned() };
                match gate.take(candidate) {
                    Trickled::Use(_) => {
                        assert_eq!(Some(of), ufrag, "only the present ufrag is used");
                        used += 1;
                    }
                    Trickled::Held => assert_ne!(Some(of), ufrag, "the present ufrag waits for nothing"),
                    Trickled::Dropped => {}
                }
            }
            _ => {}
        }
        assert!(used <= limits::CANDIDATES_PER_UFRAG, "S20: too many candidates of one ufrag");
    }
}

/// The promises of the codec, for either direction.
fn frame<M: Message + PartialEq, Back: Message>(data: &[u8]) -> Option<Frame<M>> {
    let frame = match decode::<M>(data) {
        Ok(frame) => frame,
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 4_096 && !text.contains(char::is_control), "{text:?}");
            assert!(!error.code().is_empty() && (1002..=1009).contains(&error.close_code()));
            assert_eq!(matches!(error, DecodeError::TooLarge { .. }), data.len() > limits::FRAME_BYTES);
            return None;
        }
    };
    assert!(frame.ack <= limits::NUMBER && frame.seq.is_none_or(|seq| (1..=limits::NUMBER).contains(&seq)));
    assert!(frame.unknown.fields.len() <= limits::LIST);
    let _ = format!("{frame:?}");

    // What was read can be said again, and is then understood wholly. Members that were left out
    // are written, so a frame near the limit may not fit any more.
    match encode(frame.seq, frame.ack, &frame.message) {
        Ok(text) => {
            let again = decode::<M>(text.as_bytes()).expect("what we write, we read");
            assert_eq!((again.seq, again.ack), (frame.seq, frame.ack));
            assert_eq!(again.unknown.field_count, 0, "nothing of our own is unknown to us");
            assert_eq!(again.unknown.words, frame.unknown.words);
            // Floats may lose their last bit in a reader; everything else comes back as it went.
            if !has_float(&text) {
                assert!(again.message == frame.message, "the same message comes back");
            }
        }
        Err(error) => assert!(data.len() + 4_096 > limits::FRAME_BYTES, "{error}"),
    }

    // The numbers of a stranger, against a fresh stream.
    let mut stream = Reliability::<Back>::new();
    let before = stream.last_seen();
    let judged = stream.receive(&frame);
    assert_eq!(judged.is_ok(), frame.ack == 0 && frame.seq.is_none_or(|seq| seq == 1));
    assert!(stream.last_seen() >= before && stream.unacked() == 0);
    Some(frame)
}

fn has_float(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.windows(2).any(|pair| matches!(pair, [b'0'..=b'9', b'.' | b'e' | b'E']))
}

fn sdp(text: &Sdp) {
    let text = text.as_str();
    match check_sdp(text) {
        Ok(facts) => {
            assert!((1..=limits::SDP_SECTIONS).contains(&facts.sections));
            assert!(text.len() <= limits::SDP_BYTES && text.starts_with("v=0"));
            assert!(facts.ufrags.iter().all(|ufrag| (4..=256).contains(&ufrag.len()) && ufrag.is_ascii()));
            assert!(!text.contains('\0') && facts.mids.iter().all(|mid| !mid.is_empty()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn line(text: &str) {
    let (strict, local) =
        (check_candidate(text, AddressPolicy::STRICT), check_candidate(text, AddressPolicy::LOCAL));
    if let Ok(facts) = &strict {
        assert_eq!(local.as_ref(), Ok(facts), "what is allowed to strangers is allowed at home");
        match &facts.address {
            CandidateAddress::Ip(ip) => {
                assert!(!ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast());
            }
            CandidateAddress::Mdns(name) => assert!(name.ends_with(".local") && name.is_ascii()),
        }
    }
    if let Err(error) = local {
        assert!(!error.to_string().contains(char::is_control));
    }
}

fn url(text: &str) {
    let mut hosts = Vec::new();
    match check_ice_url(text, AddressPolicy::STRICT) {
        Ok(url) => {
            assert!(url.port != 0 && check_ice_url(text, AddressPolicy::LOCAL).is_ok());
            hosts.push(url.host);
        }
        Err(error) => assert!(!error.to_string().contains(char::is_control)),
    }
    for secure in [true, false] {
        if let Ok(target) = check_target(text, secure, AddressPolicy::STRICT) {
            assert!(target.secure || !secure, "never weaker than the link");
            assert!(target.path.starts_with('/') && !target.path.contains('#'));
            hosts.push(target.host);
        }
    }
    for host in hosts {
        assert_eq!(AddressPolicy::STRICT.check_host(&host), Ok(()));
        if let Host::Ip(ip) = &host {
            assert!(!ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast(), "S14: {ip}");
        }
        assert_eq!(Host::parse(&host.to_string()).as_ref(), Some(&host), "a host reads as it is written");
    }
}

fn ice_servers(servers: &[IceServer]) {
    servers.iter().flat_map(|server| &server.urls).for_each(|text| url(text));
}

fn snapshot(snapshot: &SessionSnapshot) {
    assert!(snapshot.roster.len() <= limits::ROSTER && snapshot.sending.len() <= limits::LIST);
}

/// A seed: the target it belongs to, its file name, its bytes.
pub type Seed = (&'static str, String, Vec<u8>);

/// The seed corpora, the same ones every time: every example of the protocol, and the odd lines that
/// the checks on descriptions, candidates and URLs know of.
pub fn seeds() -> Vec<Seed> {
    let mut seeds = Vec::new();
    frames("frame_from_server", &examples::from_server(), &mut seeds);
    frames("frame_from_client", &examples::from_client(), &mut seeds);
    for (name, text) in [
        ("future_type", r#"{"type":"hologram","seq":1,"ack":0,"id":9,"depth":3}"#),
        ("future_word", r#"{"type":"ended","ack":0,"reason":"asteroid","by":"moon","text":"","x":[{}]}"#),
        ("large_number", r#"{"type":"ping","id":9007199254740992}"#),
        ("deep", r#"{"type":"ping","id":1,"x":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}"#),
        ("escape", r#"{"type":"ping","id":1,"\u001b[31m":"\ud83d\ude00\\\""}"#),
        ("cut", r#"{"type":"ping","id":"#),
    ] {
        for target in ["frame_from_server", "frame_from_client"] {
            seeds.push((target, format!("{name}.json"), text.as_bytes().to_vec()));
        }
    }
    let candidates = [
        examples::CANDIDATE,
        "a=candidate:842163049 1 udp 1677729535 8.8.4.4 46154 typ srflx raddr 10.0.0.17 rport 46154 generation 0 ufrag EEtu",
        "candidate:1 1 TCP 1 2606:4700::1 9 typ host tcptype active",
        "candidate:1 1 udp 1 9b36eaac-bb2e-49bb-bb78-21c41c499900.local 50000 typ host",
        "candidate:1 1 udp 1 ::ffff:169.254.169.254 9 typ relay",
    ];
    let urls = [
        "stun:stun.example.org",
        "turn:[2606:4700::1111]:3479?transport=tcp",
        "turns:0x7f.1:443",
        "stun:2130706433",
        "wss://b.example.org:8443/session?x=1",
        "ws://[::ffff:7f00:1]/",
    ];
    let trickle = "described abcd\ntrickle next\ntrickle abcd\ndescribed next\ntrickle abcd\ntrickle next";
    let rejected = examples::SDP.to_owned() + "m=audio 0 X 0\r\na=bundle-only\r\na=mid:2\r\n";
    for (name, text) in [
        ("offer", examples::SDP.to_owned()),
        ("answer", examples::SDP.replace("actpass", "passive").replace("\r\n", "\n")),
        ("bundle_only", rejected),
        ("candidates", candidates.join("\n")),
        ("urls", urls.join("\n")),
        ("trickle", trickle.to_owned()),
    ] {
        seeds.push(("sdp_and_candidates", format!("{name}.txt"), text.into_bytes()));
    }
    seeds
}

fn frames<M: Message>(target: &'static str, messages: &[M], seeds: &mut Vec<Seed>) {
    for (index, message) in messages.iter().enumerate() {
        let seq = message.is_reliable().then_some(1);
        let text = encode(seq, 0, message).expect("an example keeps the limits");
        seeds.push((target, format!("{index:02}_{}.json", message.kind()), text.into_bytes()));
    }
}
