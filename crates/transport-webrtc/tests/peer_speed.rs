//! No step of a join waits for a timer. In a binary of its own, so that no other test shares the
//! machine; how long a join takes is the benchmarks' affair.

mod peer_common;

use offhook_transport_webrtc::peer::{PeerError, PeerEvent};
use peer_common::*;
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_secs(2);

/// The contract of the kicked runtime: new candidates, a selected pair and a finished DTLS
/// handshake each wake the engine at once. Here a check comes only every two seconds, so
/// one wake-up that is missed shows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_step_of_a_trickled_join_waits_for_a_check_interval() {
    let mut times = Vec::new();
    for _ in 0..5 {
        let (mut from, mut to) = (offerer(), answerer());
        from.ice.check = INTERVAL;
        to.ice.check = INTERVAL;
        let (mut a, mut b) = (End::open(from).await, End::open(to).await);
        let begin = Instant::now();
        // The two steps of an offer whose ICE servers come with the answer.
        let offer = a.peer.create_offer(false).await.expect("an offer");
        assert!(!offer.contains("a=candidate"), "nothing is gathered before it is applied");
        let answer = b.peer.answer(&offer).await.expect("an answer");
        assert!(answer.contains("a=candidate"), "host candidates are in the answer");
        assert_eq!(a.peer.accept_answer(&answer).await.map_err(|e| e.to_string()), {
            let error = PeerError::OutOfOrder("an answer needs an offer that was applied");
            Err(error.to_string())
        });
        a.peer.set_ice_servers(&[]).await.expect("an empty list is fine");
        a.peer.apply_offer().await.expect("there is an offer");
        a.peer.accept_answer(&answer).await.expect("it fits");
        let candidate = a.until("candidate", |event| matches!(event, PeerEvent::Candidate(_))).await;
        b.peer.add_remote_candidate(as_remote(&candidate).expect("one")).await.expect("well formed");
        a.data_open().await;
        b.data_open().await;
        times.push(begin.elapsed());
    }
    times.sort();
    println!("open data channel, trickled: {times:?}");
    assert!(times[2] < INTERVAL / 2, "{times:?}");
}
