//! The hand: what a test does is what the client is told, when it was done.

use offhook_transport::media::{
    Codec, EncodedFrame, Gate, Kind, MediaPorts, Remote as Inbound, TrackSpec, local,
};
use offhook_transport::{
    Action, Capabilities, Capability, Desired, DialRequest, EndCode, Epoch, Event, FaultKind, NetworkFact,
    Plan, Plane, Prompt, RefusedCode, ResumeKey, Revision, Secret, Transport,
};
use offhook_transport_mock::{Census, MockTransport, What, a_join, pair};
use std::time::Duration;

fn frame(n: u8, key: bool) -> EncodedFrame {
    EncodedFrame { codec: Codec::H264, data: vec![n].into(), pts: Duration::from_millis(n.into()), key }
}

fn a_resume(epoch: u32, from: u32, media: MediaPorts) -> DialRequest {
    let key = ResumeKey { session: "s".into(), secret: Secret::new("k") };
    DialRequest {
        plan: Plan::Resume { key, restart_ice: false },
        epoch: Epoch(epoch),
        inherit: Some(Epoch(from)),
        media,
        ..a_join()
    }
}

async fn until_carried(link: &mut Box<dyn offhook_transport::Connection>) {
    let mut planes = 0;
    while planes < 2 {
        match link.next().await {
            Some(Event::Carried(_)) => planes += 1,
            Some(_) => {}
            None => panic!("the link closed before it carried"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_hand_sees_all_that_a_dial_brings() {
    let (transport, remote) = pair();
    let desired =
        Desired { prompt: Some(Prompt { text: "sepia".into(), enhance: true }), ..Desired::default() };
    let request = DialRequest {
        desired: desired.clone(),
        revision: Revision(3),
        credential: Some(Secret::new("token")),
        ..a_join()
    };
    let mut link = transport.dial(request);
    assert!(remote.try_dial().is_none(), "nothing happens before the first poll");
    let (dial, _) = tokio::join!(remote.dial(), async {
        let _ = tokio::time::timeout(Duration::ZERO, link.next()).await;
    });
    assert_eq!(dial.seen().desired, desired);
    assert_eq!(dial.seen().revision, Revision(3));
    assert_eq!(dial.seen().credential.as_ref().map(Secret::expose), Some("token"));
    assert_eq!(dial.epoch(), Epoch(1));
    assert_eq!(remote.open_connections(), 1);
    drop(link);
    assert!(dial.is_closed());
    assert_eq!(remote.census(), Census::default());
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_late_by_the_delay_and_by_no_more() {
    let (transport, remote) = pair();
    let mut link = transport.dial(a_join());
    let far = async {
        let dial = remote.dial().await;
        dial.delay(Duration::from_secs(3));
        dial.accept();
    };
    let (first, ()) = tokio::join!(link.next(), far);
    assert_eq!(first, Some(Event::Answered));
    assert_eq!(remote.now(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn every_action_is_in_the_log_with_its_time() {
    let (transport, remote) = MockTransport::studio(1);
    let mut link = transport.dial(a_join());
    until_carried(&mut link).await;
    tokio::time::advance(Duration::from_secs(5)).await;
    let at = remote.now();
    link.act(Action::Ping).expect("there is room");
    assert_eq!(link.next().await, Some(Event::Alive(Plane::Signaling)));
    assert_eq!(link.next().await, Some(Event::Alive(Plane::Media)));
    let seen =
        remote.saw(|seen| matches!(&seen.what, What::Action(action) if **action == Action::Ping)).await;
    assert_eq!(seen.at, at);
    assert_eq!(seen.epoch, Epoch(1));
}

#[tokio::test(start_paused = true)]
async fn a_far_side_that_does_not_read_fills_the_queue_and_gives_the_action_back() {
    let (transport, remote) = MockTransport::studio(1);
    let mut link = transport.dial(a_join());
    until_carried(&mut link).await;
    remote.newest().expect("it is open").stall();
    let mut taken = 0;
    let full = loop {
        match link.act(Action::Ping) {
            Ok(()) => taken += 1,
            Err(full) => break full,
        }
        assert!(taken < 1000, "the queue has no bound");
    };
    assert_eq!(full.0, Action::Ping);
    remote.newest().expect("it is open").unstall();
    assert_eq!(link.next().await, Some(Event::Alive(Plane::Signaling)));
    link.act(Action::Ping).expect("there is room again");
}

#[tokio::test(start_paused = true)]
async fn a_silent_far_side_does_not_keep_a_goodbye_longer_than_a_second() {
    let (transport, remote) = MockTransport::studio(1);
    let mut link = transport.dial(a_join());
    until_carried(&mut link).await;
    remote.newest().expect("it is open").silence(Plane::Signaling);
    let before = remote.now();
    link.act(Action::Goodbye).expect("there is room");
    while link.next().await.is_some() {}
    assert_eq!(remote.now(), before + Duration::from_secs(1));
    assert_eq!(remote.census(), Census::default());
}

// F30: a new socket, the media goes on.
#[tokio::test(start_paused = true)]
async fn a_resume_goes_on_with_the_media_plane_and_the_old_link_may_go() {
    let (transport, remote) = pair();
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let gate = Gate::new();
    gate.open();
    let inbound = Inbound::new();
    let mut receiver = inbound.receiver(Kind::Video);
    let ports = |epoch| MediaPorts {
        publish: vec![track.clone()],
        sink: Some(inbound.sink(Epoch(epoch))),
        gate: gate.clone(),
    };
    let mut old = transport.dial(DialRequest { media: ports(1), ..a_join() });
    tokio::join!(until_carried(&mut old), async { remote.dial().await.accept() });
    inbound.switch_to(Epoch(1));
    assert!(sender.try_send(frame(1, true)));

    remote.newest().expect("it is open").lose(Plane::Signaling, FaultKind::Closed);
    let mut new = transport.dial(a_resume(2, 1, ports(2)));
    tokio::join!(until_carried(&mut new), async { remote.dial().await.accept() });
    assert_eq!(
        remote.census(),
        Census { connections: 2, media_planes: 1, taps: 1, presences: 0, watches: 0 }
    );
    inbound.switch_to(Epoch(2));
    old.close();
    assert_eq!(
        remote.census(),
        Census { connections: 1, media_planes: 1, taps: 1, presences: 0, watches: 0 }
    );
    assert!(sender.try_send(frame(2, false)), "the same tap: no key frame is needed");
    assert_eq!(remote.send_frame(&frame(9, true)), 1);
    assert_eq!(receiver.next().await, Some(frame(9, true)), "once, though two links held the plane");
    let _ = tokio::time::timeout(Duration::from_millis(1), new.next()).await;
    let sent: Vec<_> = remote.frames().into_iter().map(|out| (out.epoch, out.frame.data[0])).collect();
    assert_eq!(sent.last(), Some(&(Epoch(2), 2)));
    drop(new);
    assert_eq!(remote.census(), Census::default());
    assert!(!sender.is_tapped());
}

#[tokio::test(start_paused = true)]
async fn a_resume_that_fails_takes_nothing_of_the_old_link() {
    let (transport, remote) = pair();
    let mut old = transport.dial(a_join());
    tokio::join!(until_carried(&mut old), async { remote.dial().await.accept() });
    let old_hand = remote.newest().expect("it is open");
    let mut new = transport.dial(a_resume(2, 1, MediaPorts::default()));
    let (_, ()) = tokio::join!(async { while new.next().await.is_some() {} }, async {
        remote.dial().await.refuse(RefusedCode::Busy);
    });
    assert_eq!(
        remote.census(),
        Census { connections: 1, media_planes: 1, taps: 0, presences: 0, watches: 0 }
    );
    old_hand.generation(offhook_transport::Generation::Started);
    assert!(matches!(old.next().await, Some(Event::Content(_))));
}

// R4, R14
#[tokio::test(start_paused = true)]
async fn no_frame_passes_a_gate_that_is_not_open() {
    let (transport, remote) = pair();
    let (sender, track) = local(TrackSpec { codec: Codec::H264, label: "camera".into() });
    let gate = Gate::new();
    let media = MediaPorts { publish: vec![track], sink: None, gate: gate.clone() };
    let mut link = transport.dial(DialRequest { media, ..a_join() });
    tokio::join!(until_carried(&mut link), async { remote.dial().await.accept() });
    let poll = async |link: &mut Box<dyn offhook_transport::Connection>| {
        let _ = tokio::time::timeout(Duration::ZERO, link.next()).await;
    };
    sender.try_send(frame(1, true));
    poll(&mut link).await;
    gate.open();
    sender.key_frame_wanted();
    sender.try_send(frame(2, false));
    poll(&mut link).await;
    assert!(sender.key_frame_wanted(), "what was held back cannot be decoded on");
    sender.try_send(frame(3, true));
    poll(&mut link).await;
    gate.close();
    sender.try_send(frame(4, true));
    poll(&mut link).await;
    let sent: Vec<_> = remote.frames().iter().map(|out| out.frame.data[0]).collect();
    assert_eq!(sent, [3]);
}

#[tokio::test(start_paused = true)]
async fn held_reports_come_in_the_order_the_hand_gives_them() {
    let (transport, remote) = pair();
    let mut link = transport.dial(a_join());
    let far = async {
        let dial = remote.dial().await;
        dial.accept();
        dial.hold();
        dial.ack(Revision(1));
        dial.ack(Revision(2));
        dial.release(|events| events.reverse());
    };
    tokio::join!(until_carried(&mut link), far);
    let mut acks = Vec::new();
    while acks.len() < 2 {
        if let Some(Event::Acked { revision, .. }) = link.next().await {
            acks.push(revision);
        }
    }
    assert_eq!(acks, [Revision(2), Revision(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_garbling_far_side_fails_a_dial_and_costs_a_link_its_signaling() {
    let (transport, remote) = pair();
    let mut link = transport.dial(a_join());
    let (event, ()) = tokio::join!(link.next(), async { remote.dial().await.garble() });
    assert!(matches!(event, Some(Event::DialFailed(fault)) if fault.kind == FaultKind::Protocol));
    assert_eq!(link.next().await, Some(Event::Closed));

    let mut link = transport.dial(DialRequest { epoch: Epoch(2), ..a_join() });
    tokio::join!(until_carried(&mut link), async { remote.dial().await.accept() });
    remote.newest().expect("it is open").garble();
    assert!(matches!(link.next().await,
        Some(Event::PlaneLost(Plane::Signaling, fault)) if fault.kind == FaultKind::Protocol));
}

#[tokio::test(start_paused = true)]
async fn an_ending_is_reported_and_then_the_link_is_closed() {
    let (transport, remote) = MockTransport::studio(1);
    let mut link = transport.dial(a_join());
    until_carried(&mut link).await;
    remote.kick("enough");
    assert_eq!(
        link.next().await,
        Some(Event::Ended { code: EndCode::Kicked, text: "enough".into(), may_retry: false })
    );
    assert_eq!(link.next().await, Some(Event::Closed));
    assert_eq!(link.next().await, None);
    assert_eq!(link.next().await, None);
}

#[test]
fn a_transport_says_what_it_was_told_to_be_capable_of() {
    let (transport, _remote) = pair();
    let viewer = Capabilities::NONE.with(Capability::MediaPlane);
    assert_eq!(transport.capable_of(viewer).capabilities(), viewer);
}

// F33
#[tokio::test(start_paused = true)]
async fn what_the_hand_says_of_the_network_is_heard_in_order_by_all_who_listen() {
    let (transport, remote) = pair();
    let watch = || transport.watch_network(a_join().instance).expect("the mock has one");
    let (mut first, mut second, mut later) = (watch(), watch(), watch());
    let quiet = async |watch: &mut Box<dyn offhook_transport::NetworkWatch>| {
        tokio::time::timeout(Duration::from_secs(1), watch.next()).await.is_err()
    };
    remote.network(NetworkFact::Down);
    assert!(quiet(&mut first).await && quiet(&mut second).await, "what was said before anybody listened");
    assert_eq!(remote.census().watches, 2, "the third was not polled");
    let facts = [NetworkFact::Down, NetworkFact::Up, NetworkFact::Changed];
    facts.into_iter().for_each(|fact| remote.network(fact));
    for watch in [&mut first, &mut second] {
        for fact in facts {
            assert_eq!(watch.next().await, Some(fact));
        }
    }
    assert!(quiet(&mut later).await, "it began to listen after that");
    // R16: of a flood that nobody hears the newest stay.
    (0..200).for_each(|_| remote.network(NetworkFact::Up));
    remote.network(NetworkFact::Changed);
    let mut heard = 0;
    while first.next().await != Some(NetworkFact::Changed) {
        heard += 1;
    }
    assert_eq!(heard, 63);
    drop((first, second, later));
    assert_eq!(remote.census(), Census::default());
}
