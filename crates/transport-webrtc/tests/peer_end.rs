//! Hang-ups, forged fingerprints, restarts.

mod peer_common;

use offhook_transport::media::Codec;
use offhook_transport_webrtc::peer::{PeerError, PeerEvent};
use peer_common::*;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// F-hang-up: the far side's close shows on the data channel, long before any state does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_remote_hang_up_is_seen_within_a_second() {
    let (a, mut b) = pair(offerer(), answerer()).await;
    let begin = Instant::now();
    a.peer.close().await;
    let within = Duration::from_secs(1);
    b.until_within(within, "hang-up", |event| *event == PeerEvent::DataClosed).await;
    println!("hang-up seen after {:?}", begin.elapsed());
}

/// S5: the certificate is the one in the description, or there is no connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_flipped_byte_of_the_fingerprint_breaks_the_peer() {
    for flip_answer in [true, false] {
        let mut config = answerer();
        let view = viewer(&mut config);
        config.dtls_within = Duration::from_secs(2);
        let mut from = offerer();
        from.dtls_within = Duration::from_secs(2);
        let (mut a, mut b) = (End::open(from).await, End::open(config).await);
        let offer = a.peer.offer(false).await.expect("an offer");
        let offer = if flip_answer { offer } else { flip(&offer) };
        let answer = b.peer.answer(&offer).await.expect("an answer");
        let answer = if flip_answer { flip(&answer) } else { answer };
        a.peer.accept_answer(&answer).await.expect("it reads well");
        let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
        sender.try_send(picture(0, true, 500));
        let judge = if flip_answer { &mut a } else { &mut b };
        let broken = judge.until("failure", |event| matches!(event, PeerEvent::Broken(_))).await;
        assert_eq!(broken, PeerEvent::Broken(PeerError::Dtls));
        assert!(!judge.seen.contains(&PeerEvent::Connected) && !judge.seen.contains(&PeerEvent::DataOpen));
        assert!(judge.peer.is_closed() && !judge.peer.is_connected());
        judge.peer.close().await;
        assert_eq!(judge.peer.send_data(b"x", true).await, Err(PeerError::Closed));
        assert_eq!(view.remote.forwarded() + view.remote.dropped(), 0, "no media over an unproven path");
    }
}

fn flip(sdp: &str) -> String {
    let at = sdp.find("a=fingerprint:sha-256 ").expect("a fingerprint") + "a=fingerprint:sha-256 ".len();
    let old = sdp.as_bytes()[at];
    let new = if old == b'0' { '1' } else { '0' };
    // Every section may repeat it.
    let value: String = sdp[at..].chars().take_while(|c| !c.is_whitespace()).collect();
    let flipped = format!("{new}{}", &value[1..]);
    sdp.replace(&value, &flipped)
}

/// An ICE restart keeps DTLS, and media goes on; the pause is measured.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ice_restart_keeps_dtls_and_media_goes_on() {
    for rebind in [true, false] {
        let mut config = answerer();
        let mut view = viewer(&mut config);
        let mut from = offerer();
        from.rebind_on_restart = rebind;
        let (a, b) = pair(from, config).await;
        let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
        sender.try_send(picture(0, true, 500));
        timeout(PATIENCE, view.video.next()).await.expect("in time").expect("a frame");
        let (mut a, mut b) = (a, b);
        a.seen.clear();
        b.seen.clear();
        let before = a.peer.offer(false).await.expect("an offer");
        let answer = b.peer.answer(&before).await.expect("an answer");
        a.peer.accept_answer(&answer).await.expect("fits");
        let begin = Instant::now();
        let restart = a.peer.offer(true).await.expect("an offer");
        assert_ne!(ufrag(&before), ufrag(&restart), "a new generation");
        let answer = b.peer.answer(&restart).await.expect("an answer");
        a.peer.accept_answer(&answer).await.expect("fits");
        let mut number = 0;
        loop {
            number += 1;
            sender.try_send(picture(number, true, 500));
            if timeout(Duration::from_millis(5), view.video.next()).await.is_ok() {
                break;
            }
            assert!(begin.elapsed() < PATIENCE, "media never came back");
        }
        println!("media again after {:?}, rebind {rebind}", begin.elapsed());
        a.peer.send_data(b"still", true).await.expect("the data channel lives on");
        b.until("data", |event| matches!(event, PeerEvent::Data { .. })).await;
        assert!(!a.seen.contains(&PeerEvent::Connected), "DTLS was not made anew");
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    }
}

fn ufrag(sdp: &str) -> &str {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).expect("a generation")
}

/// The restart that rides in a resume: until it is applied nothing of the present path is
/// touched, and one that is not needed after all is taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_is_not_applied_touches_nothing() {
    let mut config = answerer();
    let mut view = viewer(&mut config);
    let (a, b) = pair(offerer(), config).await;
    let (sender, _sending) = publish(&a.peer, Codec::H264, open_gate()).await;
    a.peer.create_offer(true).await.expect("an offer");
    for number in 0..10 {
        sender.try_send(picture(number, number == 0, 2_000));
        let got = timeout(PATIENCE, view.video.next()).await.expect("in time").expect("a frame");
        assert_eq!(got.data, picture(number, number == 0, 2_000).data);
    }
    a.peer.rollback().await.expect("forgotten");
    assert!(a.peer.is_connected() && b.peer.is_connected());
    // Two steps, as with ICE servers that come in the answer.
    let offer = a.peer.create_offer(true).await.expect("an offer");
    let answer = b.peer.answer(&offer).await.expect("an answer");
    a.peer.set_ice_servers(&[]).await.expect("none");
    a.peer.apply_offer().await.expect("there is one");
    a.peer.accept_answer(&answer).await.expect("fits");
    let begin = Instant::now();
    let mut number = 10;
    while timeout(Duration::from_millis(5), view.video.next()).await.is_err() {
        number += 1;
        sender.try_send(picture(number, true, 500));
        assert!(begin.elapsed() < PATIENCE, "media never came back");
    }
}

/// G7 (algesten/str0m#883): data channels that are written to while either side closes, and opened
/// again at once. Whatever the timing, the answer is an error and never a panic of the engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quick_close_and_reopen_under_a_writer_panics_nothing() {
    for round in 0..24_u32 {
        let (mut a, mut b) = pair(offerer(), answerer()).await;
        let (one, two) = (Arc::new(a.peer), Arc::new(b.peer));
        let writers: Vec<_> = [one.clone(), two.clone()]
            .into_iter()
            .map(|peer| {
                tokio::spawn(async move {
                    // Until it is told that there is nothing to write to any more.
                    while peer.send_data(&[7; 1_000], false).await != Err(PeerError::Closed) {
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for _ in 0..round {
            tokio::task::yield_now().await;
        }
        if round % 2 == 0 {
            tokio::join!(one.close(), two.close());
        } else {
            one.close().await;
            two.close().await;
        }
        for writer in writers {
            timeout(PATIENCE, writer).await.expect("it ends").expect("it does not panic");
        }
        for events in [&mut a.events, &mut b.events] {
            while let Some(event) = timeout(PATIENCE, events.next()).await.expect("they end") {
                let stopped = PeerEvent::Broken(PeerError::EngineStopped);
                assert_ne!(event, stopped, "round {round}: the engine panicked");
            }
        }
    }
}
